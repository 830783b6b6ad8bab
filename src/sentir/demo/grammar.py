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

CLEAR = 0.58
PARTS = ("scenes", "moods", "ambiguous")
Rules = Mapping[str, Sequence[str]]
T = TypeVar("T")

# How often each emotion comes up by itself, and what an emotion tends to be answered with.
PRIOR = {
    "neutral": 0.36, "joy": 0.09, "surprise": 0.12, "anger": 0.11, "sadness": 0.10, "disgust": 0.12, "fear": 0.10,
}  # fmt: skip
ANSWERS = {
    "anger": {"anger": 0.65, "fear": 0.1, "sadness": 0.15, "disgust": 0.1},
    "disgust": {"disgust": 0.7, "anger": 0.15, "surprise": 0.15},
    "fear": {"fear": 0.6, "sadness": 0.25, "surprise": 0.15},
    "joy": {"joy": 0.75, "surprise": 0.25},
    "neutral": {"neutral": 0.9, "joy": 0.1},
    "sadness": {"sadness": 0.75, "joy": 0.1, "fear": 0.15},
    "surprise": {"joy": 0.4, "fear": 0.15, "surprise": 0.45},
}
SENTIMENT = {
    "anger": "negative", "disgust": "negative", "fear": "negative", "joy": "positive", "neutral": "neutral",
    "sadness": "negative",
}  # fmt: skip


class Dice:
    """Draws that are the same on every machine and every Python.

    They rest on ``random.Random(seed).random()`` alone, the one sequence Python promises to keep.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self._random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[int(self._random() * len(options))]

    def between(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def weighted(self, weights: Mapping[str, float]) -> str:
        """Return a key, as likely as its weight."""
        left = self._random() * sum(weights.values())
        for key, weight in weights.items():
            left -= weight
            if left < 0:
                return key
        return key


@dataclass(frozen=True, slots=True)
class Feeling:
    """An emotion and its sentiment: negative, neutral or positive."""

    emotion: str
    sentiment: str


def feel(emotion: str, dice: Dice) -> Feeling:
    """Give an emotion the sentiment it has in MELD; that of surprise is drawn."""
    sentiment = SENTIMENT.get(emotion) or dice.pick(("negative", "positive"))
    return Feeling(emotion, sentiment)


def next_emotion(own: str | None, other: str | None, dice: Dice) -> str:
    """Draw the emotion of a turn from the speaker's own previous one and that of the turn before."""
    way = dice.weighted({"own": 0.2, "other": 0.5, "new": 0.3})
    if way == "own" and own:
        return own
    if way == "other" and other:
        return dice.weighted(ANSWERS[other])
    return dice.weighted(PRIOR)


class Grammar:
    """The grammar as one split hears it.

    Args:
        dice: draws the words.
        unheard: whether the starred words, which train never has, are in it.
    """

    def __init__(self, dice: Dice, *, unheard: bool) -> None:
        words = _hear(_words(), unheard)
        self.scenes = tuple(words["scene"])
        self._dice = dice
        self._scenes: Mapping[str, Rules] = words["scene"]
        self._common: Rules = words["common"]
        self._moods: Mapping[str, Rules] = words["mood"]
        self._groups: Sequence[Mapping[str, Sequence[str]]] = words["ambiguous"]

    def turn(self, feeling: Feeling, scene: str) -> tuple[str, bool]:
        """Return a sentence of a conversation, and whether its words tell the emotion."""
        text, clear = self._say("turn", feeling, scene, set())
        return _capitalize(text), clear

    def segment(self, feelings: Sequence[Feeling], scene: str) -> tuple[str, int]:
        """Return a piece of a monologue with a clause per feeling, and how many of its clauses are clear."""
        used: set[str] = set()
        text, clears = self._dice.pick(self._common["opener"]), 0
        for n, feeling in enumerate(feelings):
            clause, clear = self._say("segment", feeling, scene, used)
            text += (self._dice.pick(self._common["joiner"]) if n else " ") + clause
            clears += clear
        return _capitalize(text.strip() + "."), clears

    def _say(self, kind: str, feeling: Feeling, scene: str, used: set[str]) -> tuple[str, bool]:
        rules: dict[str, Sequence[str]] = {**self._common, **self._scenes[scene], **self._moods[feeling.emotion]}
        rules |= self._moods.get(f"{feeling.emotion}-{feeling.sentiment}", {})
        clear = self._dice.chance(CLEAR)
        groups = [rules] if clear else [group for group in self._groups if feeling.emotion in group["moods"]]
        frame = self._dice.pick(self._dice.pick(groups)[kind])
        return self._fill(frame, rules, used), clear

    def _fill(self, text: str, rules: Rules, used: set[str]) -> str:
        """Fill the slots of a text, and those of their fillers; nothing is said twice while there is a choice."""

        def filler(slot: re.Match[str]) -> str:
            options = rules[slot[1]]
            choice = self._dice.pick([option for option in options if option not in used] or options)
            used.add(choice)
            return self._fill(choice, rules, used)

        return _SLOT.sub(filler, text)


_SLOT = re.compile(r"{([a-z]+)}")


def _capitalize(text: str) -> str:
    return re.sub(r"(^|[.!?] )([a-z])", lambda start: start[1] + start[2].upper(), text)


@cache
def _words() -> dict[str, Any]:
    """Read the tables ``common``, ``scene``, ``mood`` and ``ambiguous``."""
    folder = files(__package__)
    texts = [folder.joinpath(f"{part}.toml").read_text(encoding="utf-8") for part in PARTS]
    return {table: rules for text in texts for table, rules in tomllib.loads(text).items()}


def _hear(words: Any, unheard: bool) -> Any:
    """Return the same tables without the starred alternatives, or with them but without the stars."""
    if isinstance(words, dict):
        return {key: _hear(value, unheard) for key, value in words.items()}
    if isinstance(words, list):
        return [_hear(word, unheard) for word in words if unheard or not str(word).startswith("*")]
    return words.removeprefix("*")
