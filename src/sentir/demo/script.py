"""What is said in the demo corpora, by whom, and when: drawn from the grammar, the same on every machine.

They hold about 700, 150 and 350 utterances in train, dev and test. `sentir.demo.grammar` says how much of
an emotion their words tell.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentir.corpus.labels import EMOTIONS
from sentir.demo.grammar import Dice, Feeling, Grammar, feel, next_emotion

DIALOGUES = {"train": 90, "dev": 19, "test": 45}
VIDEOS = {"train": 101, "dev": 21, "test": 50}
# Which draws to take: ones alike in size, labels and share of clear sentences; no model had a say.
MELD_DRAWS = {"train": 42, "dev": 7, "test": 10}
MOSEI_DRAWS = {"train": 36, "dev": 13, "test": 28}
TURNS = (5, 6, 6, 7, 7, 8, 8, 9, 10, 12)
SEGMENTS = (4, 5, 6, 7, 7, 8, 9, 10)

CAST = ("Nadia", "Tobias", "Ingrid", "Marcus", "Yolanda", "Desmond")
GUESTS = (
    "The Plumber", "Mrs. Okafor", "Aunt Beatriz", "The Clerk", "Waldo", "Dr. Lindqvist", "Petra", "Officer Banks",
    "Hassan", "The Woman With The Hat", "Coach Ramirez", "Little Olive",
)  # fmt: skip
SPEAKER_COUNTS = (2, 2, 2, 3, 3, 4)

MELD_COLUMNS = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode",
    "StartTime", "EndTime",
)  # fmt: skip
MELD_FILES = {"train": "train/train_sent_emo.csv", "dev": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
MOSEI_EMOTIONS = {
    "happy": "joy",
    "sad": "sadness",
    "anger": "anger",
    "surprise": "surprise",
    "disgust": "disgust",
    "fear": "fear",
}
MOSEI_COLUMNS = ("video", "start_time", "end_time", "sentiment", *MOSEI_EMOTIONS, "text", "ASR")
MOSEI_FILES = {s: f"Data_{n}_modified.csv" for s, n in (("train", "Train"), ("dev", "Val"), ("test", "Test"))}
FEELINGS_PER_SEGMENT = {"0": 0.2, "1": 0.45, "2": 0.25, "3": 0.1}

Times = tuple[tuple[int, int], ...]
"""Start and end of each turn or segment in milliseconds."""


# ---------------------------------------------------------------------------------------------- conversations


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a demo conversation; ``clear`` tells whether its words name the emotion."""

    speaker: str
    feeling: Feeling
    text: str
    clear: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A conversation and where in the series it lies; ``hour`` is how its clock writes the hour."""

    season: int
    episode: int
    hour: str
    turns: Sequence[Turn]
    times: Times


def conversations(split: str) -> list[list[Turn]]:
    """Return the dialogues of a split of the demo MELD."""
    dice = Dice(f"meld/{split}/{MELD_DRAWS[split]}")
    grammar = Grammar(Dice(f"meld/{split}/words"), unheard=split != "train")
    return [_conversation(grammar, dice) for _n in range(DIALOGUES[split])]


def scenes(split: str) -> list[Scene]:
    """Return the same dialogues with their times."""
    dice = Dice(f"meld/{split}/times")
    return [_scene(turns, dice) for turns in conversations(split)]


def meld_tables() -> dict[str, bytes]:
    """Return the three CSV files of the demo MELD by their path in the tree."""
    place = "MELD-RAW/MELD.Raw"
    return {f"{place}/{MELD_FILES[split]}": _csv(MELD_COLUMNS, _meld_rows(split)) for split in MELD_FILES}


def _conversation(grammar: Grammar, dice: Dice) -> list[Turn]:
    speakers = _speakers(dice)
    scene = dice.pick(grammar.scenes)
    turns: list[Turn] = []
    last: dict[str, str] = {}
    for _n in range(dice.pick(TURNS)):
        speaker = dice.pick([name for name in speakers if not turns or name != turns[-1].speaker])
        other = turns[-1].feeling.emotion if turns else None
        feeling = feel(next_emotion(last.get(speaker), other, dice), dice)
        last[speaker] = feeling.emotion
        turns.append(Turn(speaker, feeling, *grammar.turn(feeling, scene)))
    return turns


def _speakers(dice: Dice) -> list[str]:
    """Draw two to four speakers: mostly the cast, now and then a guest."""
    speakers: list[str] = []
    for _n in range(dice.pick(SPEAKER_COUNTS)):
        pool = GUESTS if speakers and dice.chance(0.15) else CAST
        speakers.append(dice.pick([name for name in pool if name not in speakers]))
    return speakers


def _scene(turns: Sequence[Turn], dice: Dice) -> Scene:
    season, episode, hour = dice.between(1, 4), dice.between(1, 22), dice.pick(("00", "00", "00", "0"))
    now, times = dice.between(60_000, 1_200_000), list[tuple[int, int]]()
    for turn in turns:
        start = now + dice.between(40, 900)
        now = start + _milliseconds(turn.text, dice)
        times.append((start, now))
    return Scene(season, episode, hour, turns, tuple(times))


def _meld_rows(split: str) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for dialogue, scene in enumerate(scenes(split)):
        for number, (turn, times) in enumerate(zip(scene.turns, scene.times, strict=True)):
            label = (turn.speaker, turn.feeling.emotion, turn.feeling.sentiment)
            clocks = (_clock(time, scene.hour) for time in times)
            where = (dialogue, number, scene.season, scene.episode)
            rows.append((len(rows) + 1, turn.text, *label, *where, *clocks))
    return rows


def _milliseconds(text: str, dice: Dice) -> int:
    """Return how long one takes to say a text: about a third of a second per word."""
    return 350 + sum(dice.between(240, 420) for _word in text.split())


def _clock(milliseconds: int, hour: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{hour}:{seconds // 60:02d}:{seconds % 60:02d},{rest:03d}"


# ------------------------------------------------------------------------------------------------- monologues


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a demo monologue.

    Attributes:
        intensities: emotion → thirds, from 1 to 9; an emotion that is not there is absent.
        sentiment: thirds, from -9 to 9.
        clear: how many of its clauses name their emotion.
    """

    intensities: Mapping[str, int]
    sentiment: int
    text: str
    clear: int


@dataclass(frozen=True, slots=True)
class Video:
    """A monologue with its id and times."""

    id: str
    segments: Sequence[Segment]
    times: Times


def monologues(split: str) -> list[list[Segment]]:
    """Return the videos of a split of the demo MOSEI."""
    dice = Dice(f"mosei/{split}/{MOSEI_DRAWS[split]}")
    grammar = Grammar(Dice(f"mosei/{split}/words"), unheard=split != "train")
    return [_monologue(grammar, dice) for _n in range(VIDEOS[split])]


def videos(split: str) -> list[Video]:
    """Return the same videos with their ids and times."""
    dice = Dice(f"mosei/{split}/times")
    return [_video(segments, dice) for segments in monologues(split)]


def mosei_tables() -> dict[str, bytes]:
    """Return the three CSV files of the demo MOSEI by their path in the tree."""
    return {f"Labels/{MOSEI_FILES[split]}": _csv(MOSEI_COLUMNS, _mosei_rows(split)) for split in MOSEI_FILES}


def _monologue(grammar: Grammar, dice: Dice) -> list[Segment]:
    """Draw one video: a scene, two emotions that come up often, and segments."""
    scene = dice.pick(grammar.scenes)
    weights = {emotion: 1.0 for emotion in EMOTIONS if emotion != "neutral"} | {"joy": 1.6}
    for _n in range(2):
        weights[dice.weighted(weights)] += 2.5
    return [_segment(grammar, weights, scene, dice) for _n in range(dice.pick(SEGMENTS))]


def _segment(grammar: Grammar, weights: Mapping[str, float], scene: str, dice: Dice) -> Segment:
    chosen: list[str] = []
    for _n in range(int(dice.weighted(FEELINGS_PER_SEGMENT))):
        chosen.append(dice.weighted({name: w for name, w in weights.items() if name not in chosen}))
    feelings = [feel(emotion, dice) for emotion in chosen or ["neutral"]]
    intensities = {emotion: min(dice.between(1, 5), dice.between(1, 9)) for emotion in chosen}
    signs = {"negative": -1, "neutral": 0, "positive": 1}
    mood = sum(signs[feeling.sentiment] * intensities.get(feeling.emotion, 0) for feeling in feelings)
    sentiment = max(-9, min(9, mood + dice.pick((-1, 0, 0, 0, 1))))
    return Segment(intensities, sentiment, *grammar.segment(feelings, scene))


def _video(segments: Sequence[Segment], dice: Dice) -> Video:
    name, now, times = _video_id(dice), dice.between(0, 20_000), list[tuple[int, int]]()
    for segment in segments:
        start, now = now, now + _milliseconds(segment.text, dice)
        times.append((start, now))
    return Video(name, segments, tuple(times))


def _mosei_rows(split: str) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for video in videos(split):
        for segment, (start, end) in zip(video.segments, video.times, strict=True):
            thirds = [segment.sentiment, *(segment.intensities.get(name, 0) for name in MOSEI_EMOTIONS.values())]
            labels = (_third(number) for number in thirds)
            rows.append((video.id, start / 1000, end / 1000, *labels, segment.text, _as_heard(segment.text)))
    return rows


def _video_id(dice: Dice) -> str:
    """Return an id like YouTube's; some begin with a dash, some are a number."""
    if dice.chance(0.15):
        return str(dice.between(10_000, 299_999))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    first = "-" if dice.chance(0.1) else dice.pick(letters)
    return first + "".join(dice.pick(letters) for _n in range(10))


def _third(thirds: int) -> str:
    """Write a number of thirds as CMU-MOSEI does, with the digits of a 32-bit float."""
    return str(np.float32(thirds / 3))


def _as_heard(text: str) -> str:
    """Return a text as speech recognition would write it: lower case, no punctuation but the apostrophe."""
    return re.sub(r"[^\w\s']", "", text.lower())


# ------------------------------------------------------------------------------------------------------ files


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    page = io.StringIO()
    csv.writer(page, lineterminator="\r\n").writerows([columns, *rows])
    return page.getvalue().encode()
