"""Sentences and feelings of the demo corpora, drawn from the grammar in ``demo_*.toml``.

How much the words tell is designed, not left to chance:

- Every utterance gets its emotion first. With probability `CLEAR` the sentence comes from that emotion's own
  words (how one feels, what one does, what happened); otherwise from an ambiguous group, whose sentences three
  to five emotions share word for word: there nothing but a voice could tell them apart.
- Some of an emotion's words, starred in the file, are heard in dev and test only. A bag of words has never seen
  them; a pretrained encoder knows what they mean. All other words, frames and scenes are the same in all splits.
- Emotions of a dialogue answer one another (`ANSWERS`) and last within a speaker, so that context helps.
- Sentiment follows emotion as in MELD: surprise may be positive or negative, and its words differ accordingly.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

UNAMBIGUOUS_PROBABILITY = 0.58
GRAMMAR_FILES = ("scenes", "moods", "ambiguous")
Rules = Mapping[str, Sequence[str]]
T = TypeVar("T")

# How often each emotion comes up by itself, and what an emotion tends to be answered with.
EMOTION_PRIOR = {
    "neutral": 0.36, "joy": 0.09, "surprise": 0.12, "anger": 0.11, "sadness": 0.10, "disgust": 0.12, "fear": 0.10,
}  # fmt: skip
EMOTION_TRANSITIONS = {
    "anger": {"anger": 0.65, "fear": 0.1, "sadness": 0.15, "disgust": 0.1},
    "disgust": {"disgust": 0.7, "anger": 0.15, "surprise": 0.15},
    "fear": {"fear": 0.6, "sadness": 0.25, "surprise": 0.15},
    "joy": {"joy": 0.75, "surprise": 0.25},
    "neutral": {"neutral": 0.9, "joy": 0.1},
    "sadness": {"sadness": 0.75, "joy": 0.1, "fear": 0.15},
    "surprise": {"joy": 0.4, "fear": 0.15, "surprise": 0.45},
}
SENTIMENT_BY_EMOTION = {
    "anger": "negative", "disgust": "negative", "fear": "negative", "joy": "positive", "neutral": "neutral",
    "sadness": "negative",
}  # fmt: skip


class StableRandom:
    """Draws that are the same on every machine and every Python.

    They rest on ``random.Random(seed).random()`` alone, the one sequence Python promises to keep.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def bernoulli(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self._random() < probability

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[int(self._random() * len(options))]

    def randint(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def weighted_choice(self, weights: Mapping[str, float]) -> str:
        """Return a key, as likely as its weight."""
        left = self._random() * sum(weights.values())
        for key, weight in weights.items():
            left -= weight
            if left < 0:
                return key
        return key


@dataclass(frozen=True, slots=True)
class Affect:
    """An emotion and its sentiment: negative, neutral or positive."""

    emotion: str
    sentiment: str


def draw_affect(emotion: str, rng: StableRandom) -> Affect:
    """Give an emotion the sentiment it has in MELD; that of surprise is drawn."""
    sentiment = SENTIMENT_BY_EMOTION.get(emotion) or rng.choice(("negative", "positive"))
    return Affect(emotion, sentiment)


def draw_next_emotion(speaker_previous: str | None, dialogue_previous: str | None, rng: StableRandom) -> str:
    """Draw the emotion of a turn from the speaker's own previous one and that of the turn before."""
    way = rng.weighted_choice({"own": 0.2, "other": 0.5, "new": 0.3})
    if way == "own" and speaker_previous:
        return speaker_previous
    if way == "other" and dialogue_previous:
        return rng.weighted_choice(EMOTION_TRANSITIONS[dialogue_previous])
    return rng.weighted_choice(EMOTION_PRIOR)


class Grammar:
    """The grammar as one split hears it.

    Args:
        rng: draws the words.
        held_out_words: whether the starred words, which train never has, are in it.
    """

    def __init__(self, rng: StableRandom, *, held_out_words: bool) -> None:
        words = _filter_held_out(_load_grammar(), held_out_words)
        self.topics = tuple(words["scene"])
        self._rng = rng
        self._topic_rules: Mapping[str, Rules] = words["scene"]
        self._common_rules: Rules = words["common"]
        self._emotion_rules: Mapping[str, Rules] = words["mood"]
        self._ambiguous_groups: Sequence[Mapping[str, Sequence[str]]] = words["ambiguous"]

    def generate_turn(self, affect: Affect, topic: str) -> tuple[str, bool]:
        """Return a sentence of a conversation, and whether its words tell the emotion."""
        text, clear = self._generate("turn", affect, topic, set())
        return _capitalize(text), clear

    def generate_segment(self, affects: Sequence[Affect], topic: str) -> tuple[str, int]:
        """Return a piece of a monologue with a clause per feeling, and how many of its clauses are clear."""
        used: set[str] = set()
        text, clears = self._rng.choice(self._common_rules["opener"]), 0
        for n, feeling in enumerate(affects):
            clause, clear = self._generate("segment", feeling, topic, used)
            text += (self._rng.choice(self._common_rules["joiner"]) if n else " ") + clause
            clears += clear
        return _capitalize(text.strip() + "."), clears

    def _generate(self, kind: str, affect: Affect, topic: str, used: set[str]) -> tuple[str, bool]:
        rules: dict[str, Sequence[str]] = {
            **self._common_rules,
            **self._topic_rules[topic],
            **self._emotion_rules[affect.emotion],
        }
        rules |= self._emotion_rules.get(f"{affect.emotion}-{affect.sentiment}", {})
        clear = self._rng.bernoulli(UNAMBIGUOUS_PROBABILITY)
        groups = (
            [rules] if clear else [group for group in self._ambiguous_groups if affect.emotion in group["moods"]]
        )
        frame = self._rng.choice(self._rng.choice(groups)[kind])
        return self._fill_slots(frame, rules, used), clear

    def _fill_slots(self, text: str, rules: Rules, used: set[str]) -> str:
        """Fill the slots of a text, and those of their fillers; nothing is said twice while there is a choice."""

        def filler(slot: re.Match[str]) -> str:
            options = rules[slot[1]]
            choice = self._rng.choice([option for option in options if option not in used] or options)
            used.add(choice)
            return self._fill_slots(choice, rules, used)

        return _SLOT.sub(filler, text)


_SLOT = re.compile(r"{([a-z]+)}")


def _capitalize(text: str) -> str:
    return re.sub(r"(^|[.!?] )([a-z])", lambda start: start[1] + start[2].upper(), text)


@cache
def _load_grammar() -> dict[str, Any]:
    """Read the tables ``common``, ``scene``, ``mood`` and ``ambiguous``."""
    folder = files(__package__)
    texts = [folder.joinpath(f"{part}.toml").read_text(encoding="utf-8") for part in GRAMMAR_FILES]
    return {table: rules for text in texts for table, rules in tomllib.loads(text).items()}


def _filter_held_out(tables: Any, held_out_words: bool) -> Any:
    """Return the same tables without the starred alternatives, or with them but without the stars."""
    if isinstance(tables, dict):
        return {key: _filter_held_out(value, held_out_words) for key, value in tables.items()}
    if isinstance(tables, list):
        return [
            _filter_held_out(word, held_out_words)
            for word in tables
            if held_out_words or not str(word).startswith("*")
        ]
    return tables.removeprefix("*")
