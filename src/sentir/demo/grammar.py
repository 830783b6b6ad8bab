"""Sentences and emotions of the demo corpora, generated from the grammar in this package's ``*.toml``.

How informative the words are is designed:

- The emotion of an utterance is drawn first. With probability `UNAMBIGUOUS_PROBABILITY` the sentence comes from
  that emotion's own words (feelings, reactions, events); otherwise from an ambiguous group, whose sentences three
  to five emotions share word for word: only the voice distinguishes them.
- Some words of an emotion, starred in the file, appear in dev and test only. A bag of words has never seen them;
  a pretrained encoder knows what they mean. All other words, templates and topics are the same in all splits.
- Emotions of a dialogue depend on the turn before (`EMOTION_TRANSITIONS`) and persist within a speaker, so that
  context helps.
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
GRAMMAR_FILES = ("topics", "emotions", "ambiguous")
Rules = Mapping[str, Sequence[str]]
T = TypeVar("T")

# Probabilities of emotions on their own, and after a turn with an emotion.
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
    """Random numbers that are the same on every machine and with every Python.

    They use only ``random.Random(seed).random()``, whose sequence Python guarantees.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def bernoulli(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self._random() < probability

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options, with equal probabilities."""
        return options[int(self._random() * len(options))]

    def randint(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def weighted_choice(self, weights: Mapping[str, float]) -> str:
        """Return a key with a probability proportional to its weight."""
        remaining = self._random() * sum(weights.values())
        for key, weight in weights.items():
            remaining -= weight
            if remaining < 0:
                return key
        return key


@dataclass(frozen=True, slots=True)
class Affect:
    """An emotion and its sentiment: negative, neutral or positive."""

    emotion: str
    sentiment: str


def draw_affect(emotion: str, rng: StableRandom) -> Affect:
    """Add the sentiment that an emotion has in MELD; that of surprise is random."""
    sentiment = SENTIMENT_BY_EMOTION.get(emotion) or rng.choice(("negative", "positive"))
    return Affect(emotion, sentiment)


def draw_next_emotion(speaker_previous: str | None, dialogue_previous: str | None, rng: StableRandom) -> str:
    """Draw the emotion of a turn, given the speaker's own previous one and that of the turn before."""
    source = rng.weighted_choice({"own": 0.2, "other": 0.5, "new": 0.3})
    if source == "own" and speaker_previous:
        return speaker_previous
    if source == "other" and dialogue_previous:
        return rng.weighted_choice(EMOTION_TRANSITIONS[dialogue_previous])
    return rng.weighted_choice(EMOTION_PRIOR)


class Grammar:
    """The grammar of one split.

    Args:
        rng: draws the words.
        held_out_words: whether to include the starred words, which train never has.
    """

    def __init__(self, rng: StableRandom, *, held_out_words: bool) -> None:
        grammar = _filter_held_out(_load_grammar(), held_out_words)
        self.topics = tuple(grammar["topic"])
        self._rng = rng
        self._topic_rules: Mapping[str, Rules] = grammar["topic"]
        self._common_rules: Rules = grammar["common"]
        self._emotion_rules: Mapping[str, Rules] = grammar["emotion"]
        self._ambiguous_groups: Sequence[Mapping[str, Sequence[str]]] = grammar["ambiguous"]

    def generate_turn(self, affect: Affect, topic: str) -> tuple[str, bool]:
        """Return a sentence of a conversation, and whether its words are unambiguous."""
        text, is_unambiguous = self._generate("turn", affect, topic, set())
        return _capitalize(text), is_unambiguous

    def generate_segment(self, affects: Sequence[Affect], topic: str) -> tuple[str, int]:
        """Return a segment of a monologue with a clause per emotion, and how many clauses are unambiguous."""
        used: set[str] = set()
        text, num_unambiguous = self._rng.choice(self._common_rules["opener"]), 0
        for n, affect in enumerate(affects):
            clause, is_unambiguous = self._generate("segment", affect, topic, used)
            text += (self._rng.choice(self._common_rules["joiner"]) if n else " ") + clause
            num_unambiguous += is_unambiguous
        return _capitalize(text.strip() + "."), num_unambiguous

    def _generate(self, kind: str, affect: Affect, topic: str, used: set[str]) -> tuple[str, bool]:
        rules: dict[str, Sequence[str]] = {
            **self._common_rules,
            **self._topic_rules[topic],
            **self._emotion_rules[affect.emotion],
        }
        rules |= self._emotion_rules.get(f"{affect.emotion}-{affect.sentiment}", {})
        is_unambiguous = self._rng.bernoulli(UNAMBIGUOUS_PROBABILITY)
        ambiguous_groups = [group for group in self._ambiguous_groups if affect.emotion in group["emotions"]]
        template = self._rng.choice(self._rng.choice([rules] if is_unambiguous else ambiguous_groups)[kind])
        return self._fill_slots(template, rules, used), is_unambiguous

    def _fill_slots(self, text: str, rules: Rules, used: set[str]) -> str:
        """Fill the slots of a text, recursively; fillers are not repeated while there are others."""

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
    """Read the tables ``common``, ``topic``, ``emotion`` and ``ambiguous``."""
    folder = files(__package__)
    texts = [folder.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in GRAMMAR_FILES]
    return {table: rules for text in texts for table, rules in tomllib.loads(text).items()}


def _filter_held_out(tables: Any, held_out_words: bool) -> Any:
    """Return the tables without the starred alternatives, or with them but without the stars."""
    if isinstance(tables, dict):
        return {key: _filter_held_out(value, held_out_words) for key, value in tables.items()}
    if isinstance(tables, list):
        return [
            _filter_held_out(word, held_out_words)
            for word in tables
            if held_out_words or not str(word).startswith("*")
        ]
    return tables.removeprefix("*")
