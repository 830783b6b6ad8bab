"""Predictions keyed by utterance id; nothing is ever joined by position. And what is said of one utterance."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Label, LabelSpace
from sentir.errors import PredictionsError
from sentir.i18n import _
from sentir.repr_mixin import ReprMixin, abbreviate_list

_METADATA_KEY = b"sentir.predictions"
DecodedPrediction = tuple[tuple[str, ...], dict[str, float], dict[str, float]]
"""Label names, label → probability, and name → number: the first two of labels, the last of a number."""


@dataclass(frozen=True, eq=False, repr=False)
class Predictions(ReprMixin):
    """Probabilities for N utterances over the K labels of a space, or N numbers where it holds numbers.

    Attributes:
        ids: N unique utterance ids.
        probabilities: ``(N, K)`` float64 in [0, 1]; rows sum to 1 where one label is chosen. Where a number is
            recognized, ``(N, 1)`` numbers, as they come, also beyond the scale.
        label_space: the label space that names the columns.
        source: where they came from, such as model, seed and fold.
        notes: id → what to know of how an utterance was read or heard, a sentence each; not those without any.
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
                    "{n} ids and {k} labels do not fit probabilities of shape {shape}.",
                    n=len(self.ids),
                    k=len(self.label_space),
                    shape=p.shape,
                )
            )
        if len(set(self.ids)) != len(self.ids):
            raise PredictionsError(_("Predictions hold an utterance id twice."))
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
        wanted = tuple(ids)
        row = {key: n for n, key in enumerate(self.ids)}
        missing = [key for key in wanted if key not in row]
        if missing:
            raise PredictionsError(
                _("{n} utterances have no prediction, the first is '{id}'.", n=len(missing), id=missing[0])
            )
        notes = {key: self.notes[key] for key in wanted if key in self.notes}
        return Predictions(
            wanted, self.probabilities[[row[key] for key in wanted]], self.label_space, self.source, notes
        )

    def labels(self, thresholds: NDArray[np.floating] | None = None) -> dict[str, tuple[Label, ...]]:
        """Return id → label names or number (`LabelSpace.decode`)."""
        return dict(zip(self.ids, self.label_space.decode(self.probabilities, thresholds), strict=True))

    def decode(self, thresholds: NDArray[np.floating] | None = None) -> dict[str, DecodedPrediction]:
        """Return id → what is said of it; a number beyond its scale is the end of the scale."""
        decoded, names = self.label_space.decode(self.probabilities, thresholds), self.label_space.names
        if self.label_space.kind == "regression":
            return {key: ((), {}, {names[0]: float(row[0])}) for key, row in zip(self.ids, decoded, strict=True)}
        shares = (dict(zip(names, row, strict=True)) for row in self.probabilities.tolist())
        rows = zip(self.ids, decoded, shares, strict=True)
        return {key: (tuple(map(str, labels)), share, {}) for key, labels, share in rows}

    @classmethod
    def mean(cls, predictions: Sequence[Predictions], source: Mapping[str, str] | None = None) -> Predictions:
        """Return the mean probabilities of several predictions of the same utterances, joined by id.

        Raises:
            PredictionsError: if they differ in their utterances or label spaces.
        """
        first = predictions[0]
        if any(p.label_space != first.label_space or set(p.ids) != set(first.ids) for p in predictions):
            raise PredictionsError(_("Predictions of different utterances or labels cannot be averaged."))
        stacked = np.mean([p.select(first.ids).probabilities for p in predictions], axis=0)
        return cls(first.ids, stacked, first.label_space, source or first.source)

    def save(self, path: Path) -> None:
        """Write one Parquet file: a column of ids, a column per label, the space in its metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {name: self.probabilities[:, k] for k, name in enumerate(self.label_space.names)}
        table = pa.table({"id": list(self.ids), **columns})
        meta = asdict(self.label_space) | {"source": dict(self.source)}
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({_METADATA_KEY: json.dumps(meta).encode()}), path)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote.

        Raises:
            PredictionsError: if the file is not one of ours.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
            meta = json.loads((table.schema.metadata or {})[_METADATA_KEY])
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise PredictionsError(_("{path} does not hold predictions of Sentir.", path=path)) from error
        space = LabelSpace.from_dict(meta)
        columns = [table[name].to_numpy() for name in space.names]
        return cls(tuple(table["id"].to_pylist()), np.stack(columns, axis=1), space, meta["source"])


@dataclass(frozen=True, slots=True)
class TaskPrediction:
    """What a recognizer says of one utterance in a task beside its own, as in a `Prediction`."""

    labels: tuple[str, ...]
    probabilities: dict[str, float]
    values: dict[str, float]


@dataclass(frozen=True, slots=True, repr=False)
class Prediction(ReprMixin):
    """What a recognizer says of one utterance.

    Attributes:
        id: your own where a table has one, else ``text1``, the file, or a table and the number of its row.
        labels: recognized names; empty is "none of them".
        probabilities: label → probability; empty where a number is recognized.
        synthetic: whether the model was trained on a synthetic corpus.
        problem: why there are neither labels nor probabilities; ``""`` if there are.
        values: name → number, where a number is recognized.
        abstain: whether the model is not sure of it; ``None`` where it was not asked or there is no answer.
        other_tasks: task → what is said in it, where a model recognizes other tasks beside its own.
        confidence: what share of such answers is right by the model's own probabilities; ``None`` where a number
            is recognized or there is no answer.
        notes: what to know of it, a sentence each: audio or text that was missing, cut, damaged or silent.
        table: the table it comes from; ``""`` if from none.
        cells: its row of that table, column → cell; of a text or a file, what would be its row.
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

    def _repr_fields(self) -> dict[str, object]:
        said: Mapping[str, object] = {"problem": self.problem} if self.problem else self.values
        said = said or {"labels": abbreviate_list(self.labels)}
        beside = {"text": self.text, "confidence": self.confidence, "notes": len(self.notes) or None}
        return {"id": self.id, **said, **beside}
