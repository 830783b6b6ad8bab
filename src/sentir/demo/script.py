"""The script of the demo corpora, generated from the grammar, the same on every machine: texts, speakers, times.

They have about 700, 150 and 350 utterances in train, dev and test.
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
# Seeds of splits alike in size, labels and share of unambiguous sentences, chosen without any model.
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
"""Start and end of each turn or segment, in milliseconds."""


# ---------------------------------------------------------------------------------------------- conversations


@dataclass(frozen=True, slots=True)
class DemoTurn:
    """A turn of a demo conversation; ``is_unambiguous``: only one emotion has its words."""

    speaker: str
    affect: Affect
    text: str
    is_unambiguous: bool


@dataclass(frozen=True, slots=True)
class TimedConversation:
    """A conversation and its times in the series; ``hour_format`` is its spelling of hour zero."""

    season: int
    episode: int
    hour_format: str
    turns: Sequence[DemoTurn]
    times: IntervalsMs


def generate_conversations(split: str) -> list[list[DemoTurn]]:
    """Return the dialogues of a split of the demo MELD."""
    rng = StableRandom(f"meld/{split}/{MELD_SEEDS[split]}")
    grammar = Grammar(StableRandom(f"meld/{split}/words"), held_out_words=split != "train")
    return [_generate_conversation(grammar, rng) for _n in range(DIALOGUE_COUNTS[split])]


def generate_timed_conversations(split: str) -> list[TimedConversation]:
    """Return the same dialogues with their times."""
    rng = StableRandom(f"meld/{split}/times")
    return [_add_times(turns, rng) for turns in generate_conversations(split)]


def make_meld_tables() -> dict[str, bytes]:
    """Return the three CSV files of the demo MELD by their path in the tree."""
    folder = "MELD-RAW/MELD.Raw"
    return {
        f"{folder}/{path}": _encode_csv(MELD_COLUMNS, _make_meld_rows(split))
        for split, path in MELD_FILES.items()
    }


def _generate_conversation(grammar: Grammar, rng: StableRandom) -> list[DemoTurn]:
    speakers = _draw_speakers(rng)
    topic = rng.choice(grammar.topics)
    turns: list[DemoTurn] = []
    last_emotions: dict[str, str] = {}
    for _n in range(rng.choice(TURN_COUNTS)):
        speaker = rng.choice([name for name in speakers if not turns or name != turns[-1].speaker])
        previous = turns[-1].affect.emotion if turns else None
        affect = draw_affect(draw_next_emotion(last_emotions.get(speaker), previous, rng), rng)
        last_emotions[speaker] = affect.emotion
        turns.append(DemoTurn(speaker, affect, *grammar.generate_turn(affect, topic)))
    return turns


def _draw_speakers(rng: StableRandom) -> list[str]:
    """Draw two to four speakers: mostly the cast, sometimes a guest."""
    speakers: list[str] = []
    for _n in range(rng.choice(SPEAKER_COUNTS)):
        pool = GUESTS if speakers and rng.bernoulli(0.15) else CAST
        speakers.append(rng.choice([name for name in pool if name not in speakers]))
    return speakers


def _add_times(turns: Sequence[DemoTurn], rng: StableRandom) -> TimedConversation:
    season, episode, hour_format = rng.randint(1, 4), rng.randint(1, 22), rng.choice(("00", "00", "00", "0"))
    end, times = rng.randint(60_000, 1_200_000), list[tuple[int, int]]()
    for turn in turns:
        start = end + rng.randint(40, 900)
        end = start + _draw_duration(turn.text, rng)
        times.append((start, end))
    return TimedConversation(season, episode, hour_format, turns, tuple(times))


def _make_meld_rows(split: str) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for dialogue, conversation in enumerate(generate_timed_conversations(split)):
        for number, (turn, times) in enumerate(zip(conversation.turns, conversation.times, strict=True)):
            labels = (turn.speaker, turn.affect.emotion, turn.affect.sentiment)
            ids = (dialogue, number, conversation.season, conversation.episode)
            timestamps = (_format_timestamp(time, conversation.hour_format) for time in times)
            rows.append((len(rows) + 1, turn.text, *labels, *ids, *timestamps))
    return rows


def _draw_duration(text: str, rng: StableRandom) -> int:
    """Return the duration of a spoken text in milliseconds: about a third of a second per word."""
    return 350 + sum(rng.randint(240, 420) for _word in text.split())


def _format_timestamp(milliseconds: int, hour_format: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{hour_format}:{seconds // 60:02d}:{seconds % 60:02d},{rest:03d}"


# ------------------------------------------------------------------------------------------------- monologues


@dataclass(frozen=True, slots=True)
class DemoSegment:
    """A segment of a demo monologue.

    Attributes:
        intensities: emotion → thirds, from 1 to 9; emotions that are not present are left out.
        sentiment: thirds, from -9 to 9.
        num_unambiguous: how many of its clauses are unambiguous.
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
    rng = StableRandom(f"mosei/{split}/{MOSEI_SEEDS[split]}")
    grammar = Grammar(StableRandom(f"mosei/{split}/words"), held_out_words=split != "train")
    return [_generate_monologue(grammar, rng) for _n in range(VIDEO_COUNTS[split])]


def generate_videos(split: str) -> list[DemoVideo]:
    """Return the same videos with their ids and times."""
    rng = StableRandom(f"mosei/{split}/times")
    return [_generate_video(segments, rng) for segments in generate_monologues(split)]


def make_mosei_tables() -> dict[str, bytes]:
    """Return the three CSV files of the demo MOSEI by their path in the tree."""
    return {
        f"Labels/{name}": _encode_csv(MOSEI_COLUMNS, _make_mosei_rows(split))
        for split, name in MOSEI_FILES.items()
    }


def _generate_monologue(grammar: Grammar, rng: StableRandom) -> list[DemoSegment]:
    """Draw one video: a topic, two frequent emotions, and segments."""
    topic = rng.choice(grammar.topics)
    weights = {emotion: 1.0 for emotion in EMOTIONS if emotion != "neutral"} | {"joy": 1.6}
    for _n in range(2):
        weights[rng.weighted_choice(weights)] += 2.5
    return [_generate_segment(grammar, weights, topic, rng) for _n in range(rng.choice(SEGMENT_COUNTS))]


def _generate_segment(
    grammar: Grammar, weights: Mapping[str, float], topic: str, rng: StableRandom
) -> DemoSegment:
    chosen: list[str] = []
    for _n in range(int(rng.weighted_choice(EMOTIONS_PER_SEGMENT))):
        chosen.append(rng.weighted_choice({name: w for name, w in weights.items() if name not in chosen}))
    affects = [draw_affect(emotion, rng) for emotion in chosen or ["neutral"]]
    intensities = {emotion: min(rng.randint(1, 5), rng.randint(1, 9)) for emotion in chosen}
    signs = {"negative": -1, "neutral": 0, "positive": 1}
    balance = sum(signs[affect.sentiment] * intensities.get(affect.emotion, 0) for affect in affects)
    sentiment = max(-9, min(9, balance + rng.choice((-1, 0, 0, 0, 1))))
    return DemoSegment(intensities, sentiment, *grammar.generate_segment(affects, topic))


def _generate_video(segments: Sequence[DemoSegment], rng: StableRandom) -> DemoVideo:
    video_id, end, times = _draw_video_id(rng), rng.randint(0, 20_000), list[tuple[int, int]]()
    for segment in segments:
        start, end = end, end + _draw_duration(segment.text, rng)
        times.append((start, end))
    return DemoVideo(video_id, segments, tuple(times))


def _make_mosei_rows(split: str) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for video in generate_videos(split):
        for segment, (start, end) in zip(video.segments, video.times, strict=True):
            thirds = [segment.sentiment, *(segment.intensities.get(name, 0) for name in MOSEI_EMOTIONS.values())]
            labels = (_format_thirds(number) for number in thirds)
            rows.append((video.id, start / 1000, end / 1000, *labels, segment.text, _to_asr_text(segment.text)))
    return rows


def _draw_video_id(rng: StableRandom) -> str:
    """Return an id like YouTube's; some start with a dash, some are numbers."""
    if rng.bernoulli(0.15):
        return str(rng.randint(10_000, 299_999))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    first = "-" if rng.bernoulli(0.1) else rng.choice(letters)
    return first + "".join(rng.choice(letters) for _n in range(10))


def _format_thirds(thirds: int) -> str:
    """Format a number of thirds as in CMU-MOSEI, with the digits of a 32-bit float."""
    return str(np.float32(thirds / 3))


def _to_asr_text(text: str) -> str:
    """Return a text as if from speech recognition: lower case, no punctuation but apostrophes."""
    return re.sub(r"[^\w\s']", "", text.lower())


# ------------------------------------------------------------------------------------------------------ files


def _encode_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([columns, *rows])
    return buffer.getvalue().encode()
