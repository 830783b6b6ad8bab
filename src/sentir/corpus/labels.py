"""Label spaces and the names of emotions and sentiments.

A `LabelSpace` is a value: it alone knows one label from several and from a number. Everything else asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.label_synonyms import EMOTION_BY_SYNONYM, SENTIMENT_BY_SYNONYM, fold_word
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.repr_mixin import abbreviate_list

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
SENTIMENTS = ("negative", "neutral", "positive")
Label = str | float
"""The name of a label, or a number where a number is recognized."""


def normalize_emotion(name: str) -> str:
    """Return our name of an emotion: ``"Happiness"``, ``"alegría"`` and ``"joy"`` are all ``"joy"``.

    `sentir.corpus.label_synonyms` lists the words; ``"excited"`` and ``"shame"`` are emotions of their own.

    Raises:
        CorpusError: if the word is not known; it is never guessed.
    """
    return _look_up_synonym(name, EMOTION_BY_SYNONYM, _("emotion"))


def normalize_sentiment(value: str | float) -> str:
    """Return negative, neutral or positive for a word, or for an intensity by its sign.

    An intensity below 0 is negative, 0 is neutral, above 0 positive (the convention of CMU-MOSEI).

    Raises:
        CorpusError: if the word is not known or the number is not a number.
    """
    if isinstance(value, str):
        return _look_up_synonym(value, SENTIMENT_BY_SYNONYM, _("sentiment"))
    if np.isnan(value):
        raise CorpusError(_("A sentiment intensity is missing (not a number)."))
    return SENTIMENTS[int(np.sign(value)) + 1]


def _look_up_synonym(name: str, known: Mapping[str, str], kind: str) -> str:
    key = fold_word(str(name))
    if key not in known:
        raise CorpusError(
            _(
                "'{name}' is not a known {kind}; known: {known}.",
                name=name,
                kind=kind,
                known=", ".join(sorted(set(known.values()))),
            )
        )
    return known[key]


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """What is recognized in one task: one label at a time, several at once, or a number on a scale.

    Attributes:
        task: what is recognized, such as ``"emotion"`` or ``"sentiment"``.
        names: the K labels in the order of every array, stored with every model. A number has one name, that of
            its annotation in `sentir.corpus.utterances.Utterance.scores`.
        multilabel: whether an utterance may carry several labels, or none.
        bounds: lowest and highest number of the scale; ``None`` where labels are recognized.
    """

    task: str
    names: tuple[str, ...]
    multilabel: bool = False
    bounds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names) or not self.names or "id" in self.names:
            raise CorpusError(
                _(
                    "The labels of '{task}' must be one or more different names, none of them 'id'.",
                    task=self.task,
                )
            )
        if self.bounds is None:
            return
        low, high = self.bounds
        if self.multilabel or len(self.names) > 1 or not (np.isfinite([low, high]).all() and low < high):
            raise CorpusError(
                _(
                    "The number of '{task}' must have one name and a scale from a lower to a higher number.",
                    task=self.task,
                )
            )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSpace:
        """Return the space that `dataclasses.asdict` made plain; spaces saved before there were bounds have none.

        Raises:
            KeyError, TypeError: if something is missing or of another kind.
            CorpusError: if it is no label space.
        """
        bounds = data.get("bounds")
        scale = None if bounds is None else (float(bounds[0]), float(bounds[1]))
        return cls(data["task"], tuple(data["names"]), data["multilabel"], scale)

    def __len__(self) -> int:
        return len(self.names)

    def repr_fields(self) -> dict[str, object]:
        """Return the task and its labels, as values that hold a space show them."""
        return {
            "task": self.task,
            "number" if self.kind == "regression" else "labels": abbreviate_list(self.names),
        }

    @property
    def kind(self) -> str:
        """``"single"``, ``"multi"`` or ``"regression"``: by this losses, metrics and thresholds are looked up."""
        if self.bounds is not None:
            return "regression"
        return "multi" if self.multilabel else "single"

    @property
    def scale(self) -> tuple[float, float]:
        """The bounds of a number; from 0 to 1, as probabilities lie, where labels are recognized."""
        return self.bounds or (0.0, 1.0)

    def labels_from_scores(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        """Return the label that annotated intensities are by themselves: the number, where one is recognized."""
        number = scores.get(self.names[0]) if self.bounds is not None else None
        return None if number is None else (number,)

    def encode(self, labels: Iterable[Sequence[Label]]) -> NDArray[Any]:
        """Turn N label tuples into an array.

        Returns:
            ``(N,)`` int64 of indices for one label, ``(N, K)`` float32 of zeros and ones for several, ``(N,)``
            float64 for a number.

        Raises:
            CorpusError: if a label is not in the space or a number is off its scale, or a row of one label or
                number has not exactly one.
        """
        rows = [tuple(row) for row in labels]
        if self.bounds is not None:
            return np.array([self._encode_number(row) for row in rows], dtype=np.float64)
        index: dict[Label, int] = {name: k for k, name in enumerate(self.names)}
        for row in rows:
            if not set(row) <= set(index) or (not self.multilabel and len(row) != 1):
                raise CorpusError(
                    _("{row} is not a label of '{task}': {names}.", row=row, task=self.task, names=self.names)
                )
        if not self.multilabel:
            return np.array([index[row[0]] for row in rows], dtype=np.int64)
        encoded = np.zeros((len(rows), len(self.names)), dtype=np.float32)
        for n, row in enumerate(rows):
            encoded[n, [index[name] for name in row]] = 1.0
        return encoded

    def _encode_number(self, row: tuple[Label, ...]) -> float:
        low, high = self.scale
        if len(row) != 1 or isinstance(row[0], str) or not low <= row[0] <= high:
            raise CorpusError(
                _("{row} is not a number of '{task}', from {low:g} to {high:g}.",
                  row=row, task=self.task, low=low, high=high)
            )  # fmt: skip
        return float(row[0])

    def encode_targets(self, labels: Iterable[Sequence[Label]]) -> NDArray[Any]:
        """Turn N label tuples into what a loss compares logits with: `encode`, numbers brought to [-1, 1]."""
        encoded = self.encode(labels)
        if self.bounds is None:
            return encoded
        middle, half = _center_and_half_range(self.bounds)
        return ((encoded - middle) / half).astype(np.float32)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn ``(N, K)`` logits into probabilities: softmax over labels, or a sigmoid for each.

        Where a number is recognized, ``(N, 1)`` numbers: -1 and 1 become the ends of the scale, and a number may
        lie beyond them.
        """
        z = np.asarray(logits, dtype=np.float64)
        if self.bounds is not None:
            middle, half = _center_and_half_range(self.bounds)
            return middle + half * z
        if self.multilabel:
            return np.exp(-np.logaddexp(0.0, -z))
        z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
        return z / z.sum(axis=1, keepdims=True)

    def is_valid(self, probabilities: NDArray[np.floating]) -> bool:
        """Say whether ``(N, K)`` can be probabilities of this space; any finite number can be a number of it."""
        p = probabilities
        if self.bounds is not None or not np.isfinite(p).all():
            return bool(np.isfinite(p).all())
        in_range = bool((p >= 0).all() and (p <= 1 + 1e-9).all())
        return in_range and (self.multilabel or np.allclose(p.sum(axis=1), 1, atol=1e-6))

    def decide(
        self, probabilities: NDArray[np.floating], thresholds: NDArray[np.floating] | None = None
    ) -> NDArray[Any]:
        """Turn ``(N, K)`` probabilities into the arrays that `encode` makes.

        One label is the most probable one; several are those at or above their threshold (0.5 by default); a
        number beyond its scale is the end of the scale.
        """
        p = np.asarray(probabilities)
        if self.bounds is not None:
            return np.clip(p[:, 0], *self.bounds).astype(np.float64)
        if not self.multilabel:
            return p.argmax(axis=1).astype(np.int64)
        cut = np.full(len(self.names), 0.5) if thresholds is None else np.asarray(thresholds)
        return (p >= cut).astype(np.float32)

    def decode(
        self, probabilities: NDArray[np.floating], thresholds: NDArray[np.floating] | None = None
    ) -> list[tuple[Label, ...]]:
        """Turn ``(N, K)`` probabilities into N tuples of names, empty for "none of them", or of a number."""
        decided = self.decide(probabilities, thresholds)
        if self.bounds is not None:
            return [(float(number),) for number in decided]
        if not self.multilabel:
            return [(self.names[k],) for k in decided]
        return [tuple(name for name, on in zip(self.names, row, strict=True) if on) for row in decided]

    @property
    def categories(self) -> tuple[str, ...]:
        """The names that utterances are counted under: the labels, or steps of the scale.

        The steps are its whole numbers, where it begins and ends on one and there are at most 11, else 7 even
        ones.
        """
        return self.names if self.bounds is None else tuple(_scale_steps(self.bounds))

    def categorize(self, labels: Sequence[Label]) -> tuple[str, ...]:
        """Return the `groups` of one label tuple: its labels, or the step nearest to its number."""
        if self.bounds is None:
            return tuple(map(str, labels))
        steps = _scale_steps(self.bounds)
        return tuple(min(steps, key=lambda name: abs(steps[name] - float(number))) for number in labels)


def _center_and_half_range(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the middle of a scale and half its length."""
    low, high = bounds
    return (low + high) / 2, (high - low) / 2


@lru_cache
def _scale_steps(bounds: tuple[float, float]) -> dict[str, float]:
    """Return the steps of a scale by name."""
    low, high = bounds
    whole = float(low).is_integer() and float(high).is_integer() and high - low <= 10
    return {f"{step:g}": step for step in np.linspace(low, high, int(high - low) + 1 if whole else 7).tolist()}
