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
    """

    space: LabelSpace
    truth: NDArray
    runs: Sequence[Run]
    groups: Sequence[str]
    ids: tuple[str, ...] = ()

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
            runs=[(p[rows], thresholds) for p, thresholds in self.runs],
            groups=[self.groups[n] for n in rows],
            ids=tuple(self.ids[n] for n in rows) if self.ids else (),
        )


def align_by_id(
    space: LabelSpace,
    labels: Mapping[str, tuple[Label, ...]],
    predictions: Sequence[Predictions],
    thresholds: Sequence[NDArray[np.floating] | None],
    groups: Mapping[str, str],
) -> AlignedRuns:
    """Match labels, predictions and groups by id, in the order of sorted ids.

    Args:
        space: of the task.
        labels: id → labels, or number, of the task.
        predictions: one per seed; they may include other utterances, in any order.
        thresholds: one per seed, ``(K,)`` or none.
        groups: id → dialogue or speaker; an utterance with an empty one is a group of its own.

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
    runs = [(one.select(ids).probabilities, own) for one, own in zip(predictions, thresholds, strict=True)]
    truth: NDArray = space.encode(labels[key] for key in ids)
    return AlignedRuns(space, truth, runs, [groups[key] or key for key in ids], ids)
