"""Label spaces, and the names of emotions and sentiments.

`LabelSpace` is the only place that distinguishes single-label, multi-label and regression tasks.
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
"""The name of a label, or a number in a regression task."""


def normalize_emotion(name: str) -> str:
    """Return the canonical name of an emotion: ``"Happiness"``, ``"alegría"`` and ``"joy"`` are all ``"joy"``.

    The synonyms are listed in `sentir.corpus.label_synonyms`.

    Raises:
        CorpusError: if the word is unknown; nothing is guessed.
    """
    return _look_up_synonym(name, EMOTION_BY_SYNONYM, _("emotion"))


def normalize_sentiment(value: str | float) -> str:
    """Return negative, neutral or positive for a word, or for an intensity by its sign.

    An intensity below 0 is negative, 0 neutral, above 0 positive (the convention of CMU-MOSEI).

    Raises:
        CorpusError: if the word is unknown or the intensity is NaN.
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
    """The labels of a single-label or multi-label task, or the scale of a regression task.

    Attributes:
        task: its name, such as ``"emotion"`` or ``"sentiment"``.
        names: the K labels, in the order of all arrays. A regression task has one name, the key of its
            annotations in `sentir.corpus.utterances.Utterance.scores`.
        multilabel: whether an utterance may have several labels, or none.
        bounds: lowest and highest number of the scale in a regression task; ``None`` otherwise.
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
        """Return the label space of a dictionary that `dataclasses.asdict` made; ``bounds`` may be missing.

        Raises:
            KeyError, TypeError: if a key is missing or a value has another type.
            CorpusError: if the values are no valid label space.
        """
        bounds = data.get("bounds")
        scale = None if bounds is None else (float(bounds[0]), float(bounds[1]))
        return cls(data["task"], tuple(data["names"]), data["multilabel"], scale)

    def __len__(self) -> int:
        return len(self.names)

    def repr_fields(self) -> dict[str, object]:
        """Return the fields that the representations of other objects show."""
        return {
            "task": self.task,
            "value" if self.kind == "regression" else "labels": abbreviate_list(self.names),
        }

    @property
    def kind(self) -> str:
        """``"single"``, ``"multi"`` or ``"regression"``, the key of losses, metrics and thresholds."""
        if self.bounds is not None:
            return "regression"
        return "multi" if self.multilabel else "single"

    @property
    def scale(self) -> tuple[float, float]:
        """The bounds of a regression task; ``(0, 1)``, the range of probabilities, otherwise."""
        return self.bounds or (0.0, 1.0)

    def labels_from_scores(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        """Return the label that annotated intensities give in a regression task; ``None`` otherwise."""
        number = scores.get(self.names[0]) if self.bounds is not None else None
        return None if number is None else (number,)

    def encode(self, labels: Iterable[Sequence[Label]]) -> NDArray[Any]:
        """Encode N label tuples as an array.

        Returns:
            single-label: ``(N,)`` int64 indices; multi-label: ``(N, K)`` float32 of 0 and 1; regression: ``(N,)``
            float64.

        Raises:
            CorpusError: if a label is not in the space, a number is off the scale, or a tuple does not have
                exactly one element in a single-label or regression task.
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
        """Return `encode` as targets of a loss, with numbers scaled to [-1, 1]."""
        encoded = self.encode(labels)
        if self.bounds is None:
            return encoded
        center, half_range = _center_and_half_range(self.bounds)
        return ((encoded - center) / half_range).astype(np.float32)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the ``(N, K)`` probabilities of logits: a softmax over labels, or a sigmoid of each.

        In a regression task, ``(N, 1)`` outputs are scaled from [-1, 1] to the bounds, without clipping.
        """
        z = np.asarray(logits, dtype=np.float64)
        if self.bounds is not None:
            center, half_range = _center_and_half_range(self.bounds)
            return center + half_range * z
        if self.multilabel:
            return np.exp(-np.logaddexp(0.0, -z))
        z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
        return z / z.sum(axis=1, keepdims=True)

    def is_valid(self, probabilities: NDArray[np.floating]) -> bool:
        """Return whether ``(N, K)`` numbers are valid probabilities, or in a regression task finite."""
        p = probabilities
        if self.bounds is not None or not np.isfinite(p).all():
            return bool(np.isfinite(p).all())
        in_range = bool((p >= 0).all() and (p <= 1 + 1e-9).all())
        return in_range and (self.multilabel or np.allclose(p.sum(axis=1), 1, atol=1e-6))

    def decide(
        self, probabilities: NDArray[np.floating], thresholds: NDArray[np.floating] | None = None
    ) -> NDArray[Any]:
        """Return predicted labels for ``(N, K)`` probabilities, as arrays like those of `encode`.

        In a single-label task, the most probable label; in a multi-label task, those at or above their threshold
        (0.5 by default); in a regression task, the number clipped to the scale.
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
        """Return the labels predicted by `decide` as N tuples of names, or of one number each."""
        encoded = self.decide(probabilities, thresholds)
        if self.bounds is not None:
            return [(float(number),) for number in encoded]
        if not self.multilabel:
            return [(self.names[k],) for k in encoded]
        return [tuple(name for name, on in zip(self.names, row, strict=True) if on) for row in encoded]

    @property
    def categories(self) -> tuple[str, ...]:
        """The names by which utterances are counted: the labels, or steps of the scale.

        The steps are the integers of the scale if its bounds are integers at most 10 apart, else 7 equidistant
        numbers.
        """
        return self.names if self.bounds is None else tuple(_scale_steps(self.bounds))

    def categorize(self, labels: Sequence[Label]) -> tuple[str, ...]:
        """Return the `categories` of a label tuple: its labels, or the step nearest to its number."""
        if self.bounds is None:
            return tuple(map(str, labels))
        steps = _scale_steps(self.bounds)
        return tuple(min(steps, key=lambda name: abs(steps[name] - float(number))) for number in labels)


def _center_and_half_range(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    return (low + high) / 2, (high - low) / 2


@lru_cache
def _scale_steps(bounds: tuple[float, float]) -> dict[str, float]:
    """Return the steps of a scale by name."""
    low, high = bounds
    is_integer = float(low).is_integer() and float(high).is_integer() and high - low <= 10
    n = int(high - low) + 1 if is_integer else 7
    return {f"{step:g}": step for step in np.linspace(low, high, n).tolist()}
