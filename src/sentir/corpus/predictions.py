"""Predictions, matched by utterance id and never by position."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.label_spaces import label_space_from_dict
from sentir.corpus.labels import DecodedPrediction, Label, LabelSpace
from sentir.errors import PredictionsError
from sentir.i18n import _
from sentir.repr_mixin import ReprMixin, abbreviate_list

_METADATA_KEY = b"sentir.predictions"


@dataclass(frozen=True, eq=False, repr=False)
class Predictions(ReprMixin):
    """Probabilities of N utterances for the K labels of a label space, or N numbers in a regression task.

    Attributes:
        ids: N unique utterance ids.
        probabilities: ``(N, K)`` float64 in [0, 1]; rows sum to 1 in a single-label task. In a regression task
            ``(N, 1)`` numbers, not clipped to the scale.
        label_space: the label space of the columns.
        source: where the predictions come from, such as model, seed and fold.
        notes: id → sentences about how its text or audio was processed; only utterances with notes.
    """

    ids: tuple[str, ...]
    probabilities: NDArray[np.float64]
    label_space: LabelSpace
    source: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        p = self.probabilities
        if p.shape != (len(self.ids), len(self.label_space)):
            raise PredictionsError(
                _(
                    "{n} ids and {k} labels do not match probabilities of shape {shape}.",
                    n=len(self.ids),
                    k=len(self.label_space),
                    shape=p.shape,
                )
            )
        if len(set(self.ids)) != len(self.ids):
            raise PredictionsError(_("Predictions contain an utterance id twice."))
        if not self.label_space.is_valid(p):
            raise PredictionsError(_("Predictions must be probabilities, not raw scores."))

    def __len__(self) -> int:
        return len(self.ids)

    def _repr_fields(self) -> dict[str, object]:
        return {"n": len(self), **self.label_space.repr_fields(), **self.source}

    def __getitem__(self, utterance_id: str) -> NDArray[np.float64]:
        return self.select([utterance_id]).probabilities[0]

    def select(self, ids: Iterable[str]) -> Predictions:
        """Return the predictions for ``ids``, in that order.

        Raises:
            PredictionsError: if one of them is missing.
        """
        selected = tuple(ids)
        row = {key: n for n, key in enumerate(self.ids)}
        missing = [key for key in selected if key not in row]
        if missing:
            raise PredictionsError(
                _("{n} utterances have no prediction, the first is '{id}'.", n=len(missing), id=missing[0])
            )
        notes = {key: self.notes[key] for key in selected if key in self.notes}
        probabilities = self.probabilities[[row[key] for key in selected]]
        return Predictions(selected, probabilities, self.label_space, self.source, notes)

    def labels(self, thresholds: NDArray[np.floating] | None = None) -> dict[str, tuple[Label, ...]]:
        """Return id → predicted labels, or number (`LabelSpace.decode`)."""
        return dict(zip(self.ids, self.label_space.decode(self.probabilities, thresholds), strict=True))

    def decode(self, thresholds: NDArray[np.floating] | None = None) -> dict[str, DecodedPrediction]:
        """Return id → decoded prediction, with numbers clipped to the scale."""
        return dict(zip(self.ids, self.label_space.decode_rows(self.probabilities, thresholds), strict=True))

    @classmethod
    def mean(cls, predictions: Sequence[Predictions], source: Mapping[str, str] | None = None) -> Predictions:
        """Return the mean probabilities of predictions of the same utterances, matched by id.

        Raises:
            PredictionsError: if their utterances or label spaces differ.
        """
        first, stacked = predictions[0], _stack_probabilities(predictions)
        return cls(first.ids, stacked.mean(axis=0), first.label_space, source or first.source)

    @classmethod
    def average_logits(
        cls, predictions: Sequence[Predictions], weights: Sequence[float], source: Mapping[str, str] | None = None
    ) -> Predictions:
        """Return the predictions of weighted mean logits, matched by id (a logarithmic opinion pool).

        The logits are log probabilities in a single-label task, log-odds in a multi-label task, and the numbers
        themselves in regression.

        Args:
            predictions: M of the same utterances.
            weights: M, of sum 1.
            source: of the result.

        Raises:
            PredictionsError: if their utterances or label spaces differ.
        """
        first, stacked = predictions[0], _stack_probabilities(predictions)
        space = first.label_space
        logits = sum(weight * space.logits(p) for weight, p in zip(weights, stacked, strict=True))
        notes: dict[str, tuple[str, ...]] = {}
        for one in predictions:
            notes |= {key: tuple(dict.fromkeys((*notes.get(key, ()), *own))) for key, own in one.notes.items()}
        return cls(first.ids, space.probabilities(np.asarray(logits)), space, source or first.source, notes)

    def save(self, path: Path) -> None:
        """Write a Parquet file with a column of ids, a column per label, and the label space as metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {name: self.probabilities[:, k] for k, name in enumerate(self.label_space.names)}
        table = pa.table({"id": list(self.ids), **columns})
        meta = asdict(self.label_space) | {"source": dict(self.source)}
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({_METADATA_KEY: json.dumps(meta).encode()}), path)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read a file written by `save`.

        Raises:
            PredictionsError: if it is not such a file.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
            meta = json.loads((table.schema.metadata or {})[_METADATA_KEY])
            space = label_space_from_dict(meta)
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise PredictionsError(
                _("{path} does not contain predictions saved by Sentir.", path=path)
            ) from error
        columns = [table[name].to_numpy() for name in space.names]
        return cls(tuple(table["id"].to_pylist()), np.stack(columns, axis=1), space, meta["source"])


def _stack_probabilities(predictions: Sequence[Predictions]) -> NDArray[np.float64]:
    """Return the ``(M, N, K)`` probabilities of M predictions of the same utterances, in the order of the first.

    Raises:
        PredictionsError: if their utterances or label spaces differ.
    """
    first = predictions[0]
    if any(p.label_space != first.label_space or set(p.ids) != set(first.ids) for p in predictions):
        raise PredictionsError(_("Predictions of different utterances or labels cannot be averaged."))
    return np.stack([p.select(first.ids).probabilities for p in predictions])


class _PredictedLabels:
    """The prediction of one task for one utterance."""

    __slots__ = ()
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    values: dict[str, float]

    @property
    def label(self) -> str | None:
        """The predicted label, of several the most probable; ``None`` if none is predicted, and in regression."""
        return max(self.labels, key=lambda name: self.probabilities.get(name, 0.0), default=None)

    @property
    def value(self) -> float | None:
        """The predicted number of a regression task; ``None`` otherwise."""
        return next(iter(self.values.values()), None)


@dataclass(frozen=True, slots=True)
class TaskPrediction(_PredictedLabels):
    """Prediction of an auxiliary task for one utterance; fields as in `Prediction`."""

    labels: tuple[str, ...]
    probabilities: dict[str, float]
    values: dict[str, float]


@dataclass(frozen=True, slots=True, repr=False)
class Prediction(_PredictedLabels, ReprMixin):
    """A recognizer's prediction for one utterance.

    Attributes:
        id: the id that was given, in a table or with a dictionary or utterance; else ``text1``, ``audio1`` or
            ``item1`` by position, the file name, or a table and the number of its row.
        labels: predicted labels; in a multi-label task there may be none.
        probabilities: label → probability; empty in a regression task.
        synthetic: whether the model was trained on a synthetic corpus.
        problem: why there is no prediction; ``""`` if there is one.
        values: name → number, in a regression task.
        abstain: whether the prediction should not be used: its confidence is below the threshold, or its text is
            in a language that the model does not know; ``None`` if neither the first was requested nor the
            second is the case, or there is no prediction.
        other_tasks: task → prediction, for a model with auxiliary tasks.
        confidence: estimated probability that the labels are correct; ``None`` in a regression task or without a
            prediction.
        notes: sentences about what makes it less reliable: text or audio that was missing, truncated, damaged,
            silent or very short, a language that the encoder was not trained on, a low confidence.
        table: the table it comes from; ``""`` if none.
        cells: column → cell of its row in that table; for other inputs, of an equivalent row.
        modalities: those that it was made from, ``text``, ``audio`` or both; none without a prediction.
    """

    id: str
    text: str | None
    speaker: str | None
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    synthetic: bool = False
    problem: str = ""
    values: dict[str, float] = field(default_factory=dict)
    abstain: bool | None = None
    other_tasks: dict[str, TaskPrediction] = field(default_factory=dict)
    confidence: float | None = None
    notes: tuple[str, ...] = ()
    table: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    modalities: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return its fields, and ``label``, as plain JSON values."""
        return {"id": self.id, "label": self.label} | {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    def _repr_fields(self) -> dict[str, object]:
        result: Mapping[str, object] = {"problem": self.problem} if self.problem else self.values
        result = result or {"labels" if len(self.labels) != 1 else "label": abbreviate_list(self.labels)}
        details = {"confidence": self.confidence, "abstain": self.abstain or None, "text": self.text}
        return {"id": self.id, **result, **details, "notes": " ".join(self.notes) or None}
