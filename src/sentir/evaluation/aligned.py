"""Labels and predictions of the same utterances, matched by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import PredictionsError
from sentir.evaluation.results import Run
from sentir.i18n import _


@dataclass(frozen=True, slots=True, eq=False)
class AlignedRuns:
    """The labels of N utterances and their predictions by one model, trained with one or more seeds.

    Attributes:
        space: of the task.
        truth: encoded labels (`LabelSpace.encode`), N rows.
        runs: one per seed.
        groups: N keys of dialogues or speakers, the units that intervals are over.
        ids: of the utterances; may be empty if they are not needed.
        soft_labels: ``(N, K)`` raters' votes or intensities (`LabelSpace.soft_labels`), NaN for an utterance
            without; ``None`` if no utterance has them.
    """

    space: LabelSpace
    truth: NDArray
    runs: Sequence[Run]
    groups: Sequence[str]
    ids: tuple[str, ...] = ()
    soft_labels: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def cluster_index(self) -> NDArray[np.intp]:
        """The dialogue of each utterance, from 0 on, ``(N,)``."""
        return np.unique(np.asarray(self.groups), return_inverse=True)[1]

    def select(self, rows: NDArray[np.intp]) -> AlignedRuns:
        """Return some of the utterances."""
        return replace(
            self,
            truth=self.truth[rows],
            runs=[(p[rows], _select_thresholds(thresholds, rows)) for p, thresholds in self.runs],
            groups=[self.groups[n] for n in rows],
            ids=tuple(self.ids[n] for n in rows) if self.ids else (),
            soft_labels=None if self.soft_labels is None else self.soft_labels[rows],
        )


def align_by_id(
    space: LabelSpace,
    labels: Mapping[str, tuple[Label, ...]],
    predictions: Sequence[Predictions],
    thresholds: Sequence[NDArray[np.floating] | None],
    groups: Mapping[str, str],
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> AlignedRuns:
    """Match labels, predictions and groups by id, in the order of sorted ids.

    Args:
        space: of the task.
        labels: id → labels, or number, of the task.
        predictions: one per seed; they may include other utterances, in any order.
        thresholds: one per seed, ``(K,)`` or none; ``(N, K)`` in the order of its predictions.
        groups: id → dialogue or speaker; an utterance with an empty one is a group of its own.
        scores: id → annotated votes or intensities by label.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    if len(thresholds) != len(predictions):
        raise PredictionsError(
            _(
                "{thresholds} sets of thresholds do not fit the predictions of {seeds} seeds.",
                thresholds=len(thresholds),
                seeds=len(predictions),
            )
        )
    for one in predictions:
        if one.label_space != space:
            raise PredictionsError(
                _(
                    "The predictions are for the labels {theirs} of '{task}', the utterances have {ours}.",
                    theirs=", ".join(one.label_space.names),
                    task=one.label_space.task,
                    ours=", ".join(space.names),
                )
            )
    ids = tuple(sorted(labels))
    if lost := [key for key in ids if key not in groups]:
        raise PredictionsError(
            _("{n} utterances have no dialogue, the first is '{id}'.", n=len(lost), id=lost[0])
        )
    runs = [_align_run(one, own, ids) for one, own in zip(predictions, thresholds, strict=True)]
    truth: NDArray = space.encode(labels[key] for key in ids)
    soft_labels = _encode_soft_labels(space, [(scores or {}).get(key, {}) for key in ids])
    return AlignedRuns(space, truth, runs, [groups[key] or key for key in ids], ids, soft_labels)


def _encode_soft_labels(space: LabelSpace, scores: Sequence[Mapping[str, float]]) -> NDArray[np.float64] | None:
    rows = [space.soft_labels(own) for own in scores]
    if all(row is None for row in rows):
        return None
    return np.array([[np.nan] * len(space) if row is None else row for row in rows], dtype=np.float64)


def _align_run(predictions: Predictions, thresholds: NDArray[np.floating] | None, ids: Sequence[str]) -> Run:
    row = {key: n for n, key in enumerate(predictions.ids)}
    probabilities = predictions.select(ids).probabilities  # raises an error if one is missing
    return probabilities, _select_thresholds(thresholds, np.array([row[key] for key in ids], dtype=np.intp))


def _select_thresholds(
    thresholds: NDArray[np.floating] | None, rows: NDArray[np.intp]
) -> NDArray[np.floating] | None:
    """Return the thresholds of some utterances: the same for all, or their own."""
    return thresholds[rows] if thresholds is not None and thresholds.ndim == 2 else thresholds
