"""The three kinds of label space: single-label, multi-label and regression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import DecodedPrediction, Floats, Label, LabelSpace, Thresholds
from sentir.errors import CorpusError
from sentir.i18n import _

_MAX_SUM_ERROR = 1e-5  # of the probabilities of a row
_MIN_PROBABILITY = 1e-12  # in a logarithm


@dataclass(frozen=True, slots=True)
class _ClassSpace(LabelSpace):
    """What single-label and multi-label tasks share: K names of labels."""

    names: tuple[str, ...] = field()

    def __post_init__(self) -> None:
        _check_names(self.task, self.names)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.names

    @property
    def categories(self) -> tuple[str, ...]:
        return self.names

    @property
    def scale(self) -> tuple[float, float]:
        return 0.0, 1.0

    def labels_from_scores(self, scores: Mapping[str, float]) -> None:
        return None

    def is_valid(self, probabilities: Floats) -> bool:
        p = probabilities
        return bool(np.isfinite(p).all() and (p >= 0).all() and (p <= 1 + 1e-9).all())

    def decode_rows(self, probabilities: Floats, thresholds: Thresholds = None) -> list[DecodedPrediction]:
        rows = zip(self.decode(probabilities, thresholds), probabilities.tolist(), strict=True)
        return [(tuple(map(str, labels)), dict(zip(self.names, row, strict=True)), {}) for labels, row in rows]

    def categorize(self, labels: Sequence[Label]) -> tuple[str, ...]:
        return tuple(map(str, labels))

    def _index_rows(self, labels: Iterable[Sequence[Label]]) -> list[list[int]]:
        """Return the indices of N label tuples."""
        index: dict[Label, int] = {name: k for k, name in enumerate(self.names)}
        rows = [tuple(row) for row in labels]
        for row in rows:
            if not set(row) <= set(index) or not (self.allows_no_label or len(row) == 1):
                raise CorpusError(
                    _("{row} is not a label of '{task}': {names}.", row=row, task=self.task, names=self.names)
                )
        return [[index[name] for name in row] for row in rows]


@dataclass(frozen=True, slots=True)
class SingleLabelSpace(_ClassSpace):
    """The labels of a task in which every utterance has exactly one.

    Attributes:
        names: the K labels, in the order of all arrays.
    """

    kind: Literal["single"] = field(default="single", kw_only=True, repr=False)

    def encode(self, labels: Iterable[Sequence[Label]]) -> NDArray[np.int64]:
        return np.array([row[0] for row in self._index_rows(labels)], dtype=np.int64)

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        z = np.asarray(logits, dtype=np.float64)
        z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
        return z / z.sum(axis=1, keepdims=True)

    def soft_labels(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        votes = [scores.get(name, 0.0) for name in self.names]
        if not all(name in scores for name in self.names) or sum(votes) <= 0:
            return None
        return tuple(vote / sum(votes) for vote in votes)

    def logits(self, probabilities: Floats) -> NDArray[np.float64]:
        return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _MIN_PROBABILITY))

    def is_valid(self, probabilities: Floats) -> bool:
        in_range = _ClassSpace.is_valid(self, probabilities)
        return in_range and bool((np.abs(probabilities.sum(axis=1) - 1) <= _MAX_SUM_ERROR).all())

    def decide(self, probabilities: Floats, thresholds: Thresholds = None) -> NDArray[np.int64]:
        return np.asarray(probabilities).argmax(axis=1).astype(np.int64)

    def decode(self, probabilities: Floats, thresholds: Thresholds = None) -> list[tuple[Label, ...]]:
        return [(self.names[k],) for k in self.decide(probabilities)]


@dataclass(frozen=True, slots=True)
class MultiLabelSpace(_ClassSpace):
    """The labels of a task in which an utterance may have several, or none.

    Attributes:
        names: the K labels, in the order of all arrays.
        max_intensity: the highest intensity with which a label can be annotated.
    """

    max_intensity: float = field(default=1.0, kw_only=True, repr=False, compare=False)
    kind: Literal["multi"] = field(default="multi", kw_only=True, repr=False)
    cell_type: ClassVar[type] = list
    allows_no_label: ClassVar[bool] = True

    def encode(self, labels: Iterable[Sequence[Label]]) -> NDArray[np.float32]:
        rows = self._index_rows(labels)
        encoded = np.zeros((len(rows), len(self.names)), dtype=np.float32)
        for n, row in enumerate(rows):
            encoded[n, row] = 1.0
        return encoded

    def soft_labels(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        if not all(name in scores for name in self.names):
            return None
        return tuple(min(max(scores[name] / self.max_intensity, 0.0), 1.0) for name in self.names)

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        return np.exp(-np.logaddexp(0.0, -np.asarray(logits, dtype=np.float64)))

    def logits(self, probabilities: Floats) -> NDArray[np.float64]:
        p = np.clip(np.asarray(probabilities, dtype=np.float64), _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
        return np.log(p) - np.log1p(-p)

    def decide(self, probabilities: Floats, thresholds: Thresholds = None) -> NDArray[np.float32]:
        cut = np.full(len(self.names), 0.5) if thresholds is None else np.asarray(thresholds)
        return (np.asarray(probabilities) >= cut).astype(np.float32)

    def decode(self, probabilities: Floats, thresholds: Thresholds = None) -> list[tuple[Label, ...]]:
        rows = self.decide(probabilities, thresholds)
        return [tuple(name for name, on in zip(self.names, row, strict=True) if on) for row in rows]

    def to_cell(self, labels: Sequence[Label]) -> list[Label]:
        return list(labels)


@dataclass(frozen=True, slots=True)
class RegressionSpace(LabelSpace):
    """The scale of a task in which every utterance has a number.

    Attributes:
        name: of the number, the key of its annotations in `sentir.corpus.utterances.Utterance.scores`.
        bounds: lowest and highest number of the scale.
    """

    name: str
    bounds: tuple[float, float]
    kind: Literal["regression"] = field(default="regression", kw_only=True, repr=False)
    cell_type: ClassVar[type] = float

    def __post_init__(self) -> None:
        _check_names(self.task, (self.name,))
        low, high = self.bounds
        if not (np.isfinite([low, high]).all() and low < high):
            raise CorpusError(
                _(
                    "The number of '{task}' must have one name and a scale from a lower to a higher number.",
                    task=self.task,
                )
            )

    @property
    def names(self) -> tuple[str]:
        return (self.name,)

    @property
    def classes(self) -> tuple[()]:
        return ()

    @property
    def categories(self) -> tuple[str, ...]:
        """The integers of the scale if its bounds are integers at most 10 apart, else 7 equidistant numbers."""
        return tuple(_scale_steps(self.bounds))

    @property
    def scale(self) -> tuple[float, float]:
        return self.bounds

    def accepts(self, other: LabelSpace) -> bool:
        return self == other

    def labels_from_scores(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        return (scores[self.name],) if scores.get(self.name) is not None else None

    def encode(self, labels: Iterable[Sequence[Label]]) -> NDArray[np.float64]:
        return np.array([self._encode_number(tuple(row)) for row in labels], dtype=np.float64)

    def _encode_number(self, row: tuple[Label, ...]) -> float:
        low, high = self.bounds
        if len(row) != 1 or isinstance(row[0], str) or not low <= row[0] <= high:
            raise CorpusError(
                _("{row} is not a number of '{task}', from {low:g} to {high:g}.",
                  row=row, task=self.task, low=low, high=high)
            )  # fmt: skip
        return float(row[0])

    def encode_targets(self, labels: Iterable[Sequence[Label]]) -> NDArray[np.float32]:
        center, half_range = self.center_and_half_range
        return ((self.encode(labels) - center) / half_range).astype(np.float32)

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        center, half_range = self.center_and_half_range
        return center + half_range * np.asarray(logits, dtype=np.float64)

    def logits(self, probabilities: Floats) -> NDArray[np.float64]:
        center, half_range = self.center_and_half_range
        return (np.asarray(probabilities, dtype=np.float64) - center) / half_range

    def decide(self, probabilities: Floats, thresholds: Thresholds = None) -> NDArray[np.float64]:
        return np.clip(np.asarray(probabilities)[:, 0], *self.bounds).astype(np.float64)

    def decode(self, probabilities: Floats, thresholds: Thresholds = None) -> list[tuple[Label, ...]]:
        return [(number,) for number in self.decide(probabilities).tolist()]

    def decode_rows(self, probabilities: Floats, thresholds: Thresholds = None) -> list[DecodedPrediction]:
        return [((), {}, {self.name: number}) for number in self.decide(probabilities).tolist()]

    def categorize(self, labels: Sequence[Label]) -> tuple[str, ...]:
        steps = _scale_steps(self.bounds)
        return tuple(min(steps, key=lambda name: abs(steps[name] - float(number))) for number in labels)

    @property
    def center_and_half_range(self) -> tuple[float, float]:
        """The middle of the scale and half of its length, which scale numbers to [-1, 1]."""
        low, high = self.bounds
        return (low + high) / 2, (high - low) / 2


_SPACE_TYPES: Mapping[str, type[Any]] = {
    "single": SingleLabelSpace,
    "multi": MultiLabelSpace,
    "regression": RegressionSpace,
}


def label_space_from_dict(data: Mapping[str, Any]) -> LabelSpace:
    """Return the label space of a dictionary that `dataclasses.asdict` made; other keys are ignored.

    Raises:
        KeyError, TypeError: if a key is missing or a value has another type.
        CorpusError: if the values are no valid label space.
    """
    space_type = _SPACE_TYPES[data["kind"]]
    optional = {"max_intensity"} - data.keys()
    values = {one.name: data[one.name] for one in fields(space_type) if one.name not in optional}
    space: LabelSpace = space_type(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    return space


def _check_names(task: str, names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names) or not names or "id" in names:
        raise CorpusError(
            _("The labels of '{task}' must be one or more different names, none of them 'id'.", task=task)
        )


@cache
def _scale_steps(bounds: tuple[float, float]) -> dict[str, float]:
    """Return the steps of a scale by name."""
    low, high = bounds
    is_integer = float(low).is_integer() and float(high).is_integer() and high - low <= 10
    n = int(high - low) + 1 if is_integer else 7
    return {f"{step:g}": step for step in np.linspace(low, high, n).tolist()}
