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
from sentir.demo.grammar import Affect, Grammar, StableRandom, draw_affect, draw_next_emotion

DIALOGUE_COUNTS = {"train": 90, "dev": 19, "test": 45}
VIDEO_COUNTS = {"train": 101, "dev": 21, "test": 50}
# Which draws to take: ones alike in size, labels and share of clear sentences; no model had a say.
MELD_SEEDS = {"train": 42, "dev": 7, "test": 10}
MOSEI_SEEDS = {"train": 36, "dev": 13, "test": 28}
TURN_COUNTS = (5, 6, 6, 7, 7, 8, 8, 9, 10, 12)
SEGMENT_COUNTS = (4, 5, 6, 7, 7, 8, 9, 10)

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
EMOTIONS_PER_SEGMENT = {"0": 0.2, "1": 0.45, "2": 0.25, "3": 0.1}

IntervalsMs = tuple[tuple[int, int], ...]
"""Start and end of each turn or segment in milliseconds."""


# ---------------------------------------------------------------------------------------------- conversations


@dataclass(frozen=True, slots=True)
class DemoTurn:
    """A turn of a demo conversation; ``clear`` tells whether its words name the emotion."""

    speaker: str
    affect: Affect
    text: str
    is_unambiguous: bool


@dataclass(frozen=True, slots=True)
class TimedConversation:
    """A conversation and where in the series it lies; ``hour`` is how its clock writes the hour."""

    season: int
    episode: int
    hour_format: str
    turns: Sequence[DemoTurn]
    times: IntervalsMs


def generate_conversations(split: str) -> list[list[DemoTurn]]:
    """Return the dialogues of a split of the demo MELD."""
    dice = StableRandom(f"meld/{split}/{MELD_SEEDS[split]}")
    grammar = Grammar(StableRandom(f"meld/{split}/words"), held_out_words=split != "train")
    return [_generate_conversation(grammar, dice) for _n in range(DIALOGUE_COUNTS[split])]


def generate_timed_conversations(split: str) -> list[TimedConversation]:
    """Return the same dialogues with their times."""
    dice = StableRandom(f"meld/{split}/times")
    return [_add_times(turns, dice) for turns in generate_conversations(split)]


def make_meld_tables() -> dict[str, bytes]:
    """Return the three CSV files of the demo MELD by their path in the tree."""
    place = "MELD-RAW/MELD.Raw"
    return {
        f"{place}/{MELD_FILES[split]}": _encode_csv(MELD_COLUMNS, _make_meld_rows(split)) for split in MELD_FILES
    }


def _generate_conversation(grammar: Grammar, rng: StableRandom) -> list[DemoTurn]:
    speakers = _draw_speakers(rng)
    scene = rng.choice(grammar.topics)
    turns: list[DemoTurn] = []
    last: dict[str, str] = {}
    for _n in range(rng.choice(TURN_COUNTS)):
        speaker = rng.choice([name for name in speakers if not turns or name != turns[-1].speaker])
        other = turns[-1].affect.emotion if turns else None
        feeling = draw_affect(draw_next_emotion(last.get(speaker), other, rng), rng)
        last[speaker] = feeling.emotion
        turns.append(DemoTurn(speaker, feeling, *grammar.generate_turn(feeling, scene)))
    return turns


def _draw_speakers(rng: StableRandom) -> list[str]:
    """Draw two to four speakers: mostly the cast, now and then a guest."""
    speakers: list[str] = []
    for _n in range(rng.choice(SPEAKER_COUNTS)):
        pool = GUESTS if speakers and rng.bernoulli(0.15) else CAST
        speakers.append(rng.choice([name for name in pool if name not in speakers]))
    return speakers


def _add_times(turns: Sequence[DemoTurn], rng: StableRandom) -> TimedConversation:
    season, episode, hour = rng.randint(1, 4), rng.randint(1, 22), rng.choice(("00", "00", "00", "0"))
    now, times = rng.randint(60_000, 1_200_000), list[tuple[int, int]]()
    for turn in turns:
        start = now + rng.randint(40, 900)
        now = start + _draw_speaking_time(turn.text, rng)
        times.append((start, now))
    return TimedConversation(season, episode, hour, turns, tuple(times))


def _make_meld_rows(split: str) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for dialogue, scene in enumerate(generate_timed_conversations(split)):
        for number, (turn, times) in enumerate(zip(scene.turns, scene.times, strict=True)):
            label = (turn.speaker, turn.affect.emotion, turn.affect.sentiment)
            clocks = (_format_timestamp(time, scene.hour_format) for time in times)
            where = (dialogue, number, scene.season, scene.episode)
            rows.append((len(rows) + 1, turn.text, *label, *where, *clocks))
    return rows


def _draw_speaking_time(text: str, rng: StableRandom) -> int:
    """Return how long one takes to say a text: about a third of a second per word."""
    return 350 + sum(rng.randint(240, 420) for _word in text.split())


def _format_timestamp(milliseconds: int, hour_format: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{hour_format}:{seconds // 60:02d}:{seconds % 60:02d},{rest:03d}"


# ------------------------------------------------------------------------------------------------- monologues


@dataclass(frozen=True, slots=True)
class DemoSegment:
    """A piece of a demo monologue.

    Attributes:
        intensities: emotion → thirds, from 1 to 9; an emotion that is not there is absent.
        sentiment: thirds, from -9 to 9.
        num_unambiguous: how many of its clauses name their emotion.
    """

    intensities: Mapping[str, int]
    sentiment: int
    text: str
    num_unambiguous: int


@dataclass(frozen=True, slots=True)
class DemoVideo:
    """A monologue with its id and times."""

    id: str
    segments: Sequence[DemoSegment]
    times: IntervalsMs


def generate_monologues(split: str) -> list[list[DemoSegment]]:
    """Return the videos of a split of the demo MOSEI."""
    dice = StableRandom(f"mosei/{split}/{MOSEI_SEEDS[split]}")
    grammar = Grammar(StableRandom(f"mosei/{split}/words"), held_out_words=split != "train")
    return [_generate_monologue(grammar, dice) for _n in range(VIDEO_COUNTS[split])]


def generate_videos(split: str) -> list[DemoVideo]:
    """Return the same videos with their ids and times."""
    dice = StableRandom(f"mosei/{split}/times")
    return [_generate_video(segments, dice) for segments in generate_monologues(split)]


def make_mosei_tables() -> dict[str, bytes]:
    """Return the three CSV files of the demo MOSEI by their path in the tree."""
    return {
        f"Labels/{MOSEI_FILES[split]}": _encode_csv(MOSEI_COLUMNS, _make_mosei_rows(split))
        for split in MOSEI_FILES
    }


def _generate_monologue(grammar: Grammar, rng: StableRandom) -> list[DemoSegment]:
    """Draw one video: a scene, two emotions that come up often, and segments."""
    scene = rng.choice(grammar.topics)
    weights = {emotion: 1.0 for emotion in EMOTIONS if emotion != "neutral"} | {"joy": 1.6}
    for _n in range(2):
        weights[rng.weighted_choice(weights)] += 2.5
    return [_generate_segment(grammar, weights, scene, rng) for _n in range(rng.choice(SEGMENT_COUNTS))]


def _generate_segment(
    grammar: Grammar, weights: Mapping[str, float], topic: str, rng: StableRandom
) -> DemoSegment:
    chosen: list[str] = []
    for _n in range(int(rng.weighted_choice(EMOTIONS_PER_SEGMENT))):
        chosen.append(rng.weighted_choice({name: w for name, w in weights.items() if name not in chosen}))
    feelings = [draw_affect(emotion, rng) for emotion in chosen or ["neutral"]]
    intensities = {emotion: min(rng.randint(1, 5), rng.randint(1, 9)) for emotion in chosen}
    signs = {"negative": -1, "neutral": 0, "positive": 1}
    mood = sum(signs[feeling.sentiment] * intensities.get(feeling.emotion, 0) for feeling in feelings)
    sentiment = max(-9, min(9, mood + rng.choice((-1, 0, 0, 0, 1))))
    return DemoSegment(intensities, sentiment, *grammar.generate_segment(feelings, topic))


def _generate_video(segments: Sequence[DemoSegment], rng: StableRandom) -> DemoVideo:
    name, now, times = _draw_video_id(rng), rng.randint(0, 20_000), list[tuple[int, int]]()
    for segment in segments:
        start, now = now, now + _draw_speaking_time(segment.text, rng)
        times.append((start, now))
    return DemoVideo(name, segments, tuple(times))


def _make_mosei_rows(split: str) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for video in generate_videos(split):
        for segment, (start, end) in zip(video.segments, video.times, strict=True):
            thirds = [segment.sentiment, *(segment.intensities.get(name, 0) for name in MOSEI_EMOTIONS.values())]
            labels = (_format_thirds(number) for number in thirds)
            rows.append((video.id, start / 1000, end / 1000, *labels, segment.text, _to_asr_text(segment.text)))
    return rows


def _draw_video_id(rng: StableRandom) -> str:
    """Return an id like YouTube's; some begin with a dash, some are a number."""
    if rng.bernoulli(0.15):
        return str(rng.randint(10_000, 299_999))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    first = "-" if rng.bernoulli(0.1) else rng.choice(letters)
    return first + "".join(rng.choice(letters) for _n in range(10))


def _format_thirds(thirds: int) -> str:
    """Write a number of thirds as CMU-MOSEI does, with the digits of a 32-bit float."""
    return str(np.float32(thirds / 3))


def _to_asr_text(text: str) -> str:
    """Return a text as speech recognition would write it: lower case, no punctuation but the apostrophe."""
    return re.sub(r"[^\w\s']", "", text.lower())


# ------------------------------------------------------------------------------------------------------ files


def _encode_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    page = io.StringIO()
    csv.writer(page, lineterminator="\r\n").writerows([columns, *rows])
    return page.getvalue().encode()
