"""Scoring and comparing models on one split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Labels
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis, analyze_errors
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.clusters import assign_clusters, resolve_cluster_unit
from sentir.evaluation.comparison import UncorrectedComparison, apply_holm_correction, compare
from sentir.evaluation.locked.test_contamination import contamination_notes
from sentir.evaluation.metrics.ranking import RankingCurves, compute_ranking_curves
from sentir.evaluation.results import CONFIDENCE_LEVEL, Comparison, ModelScores, Run
from sentir.evaluation.scoring import align_by_id, score_model
from sentir.i18n import _, gettext_noop
from sentir.progress import progress_bar
from sentir.recipe import EvaluationSettings

# With fewer, the smallest p-value possible would not be significant after the correction.
_MIN_PERMUTATIONS_PER_COMPARISON = 40
_FOLD_NOTE = gettext_noop("a fold, as its recipe declares, of")


@dataclass(frozen=True)
class ModelPredictions:
    """A model's predictions for one split of a corpus, in one task.

    Attributes:
        predictions: one per seed.
        thresholds: one array per seed; ``None`` unless the task is multi-label.
        calibrations: one per seed, ``None`` where a model has none; only `Scorer.analyze` needs them.
        notes: remarks that are shown with its scores, to translate.
        family: the modalities that it uses, as in `sentir.evaluation.results.ModelScores`.
    """

    name: str
    predictions: tuple[Predictions, ...]
    thresholds: tuple[NDArray[np.float64] | None, ...]
    calibrations: tuple[Calibration | None, ...] = ()
    notes: tuple[str, ...] = ()
    family: str = ""

    @property
    def task(self) -> str:
        """The task that is predicted."""
        return self.predictions[0].label_space.task


@dataclass(frozen=True)
class Scorer:
    """Scores and compares models on one split of one corpus, always on the same labeled utterances."""

    corpus: Corpus
    split: str
    labels: Mapping[str, Labels]
    settings: EvaluationSettings

    def score(self, model: ModelPredictions, role: str) -> ModelScores:
        """Return a model's row of ``results.json``."""
        space = self.corpus.label_space(model.task)
        with progress_bar(_("Scoring"), 1):
            return score_model(
                space=space,
                labels=self._task_labels(space),
                predictions=model.predictions,
                thresholds=model.thresholds,
                groups=self._clusters(),
                model=model.name,
                role=role,
                corpus=self.corpus.name,
                split=self.split,
                confidence_level=CONFIDENCE_LEVEL,
                notes=(*self._notes, *model.notes),
                family=model.family,
                cluster_unit=resolve_cluster_unit(self.corpus, self.settings.cluster),
            )

    def label_curves(self, model: ModelPredictions) -> tuple[RankingCurves, ...]:
        """Return the ROC and precision-recall curves of every label; none for regression."""
        space = self.corpus.label_space(model.task)
        _ids, truth, runs, _clusters = self._align(space, model)
        return compute_ranking_curves(
            space, truth, runs, model=model.name, corpus=self.corpus.name, split=self.split
        )

    def analyze(self, model: ModelPredictions, metric: str, protocol: str) -> ErrorAnalysis:
        """Return a model's calibration, its scores on slices of the split, and its errors.

        Args:
            model: with its calibrations.
            metric: one of `sentir.evaluation.metrics.count_metrics`.
            protocol: how the calibration is evaluated, as in
                `sentir.evaluation.calibration.reliability.Reliability`.
        """
        space = self.corpus.label_space(model.task)
        return analyze_errors(
            self.corpus, space, self._task_labels(space), model.predictions,
            model.thresholds, model.calibrations, self._clusters(),
            model=model.name, split=self.split, metric=metric, protocol=protocol,
            resamples=self.settings.resamples, confidence_level=CONFIDENCE_LEVEL,
        )  # fmt: skip

    def compare(
        self, pairs: Iterable[tuple[ModelPredictions, ModelPredictions]], metric: str
    ) -> tuple[Comparison, ...]:
        """Compare the models of each pair; p-values are corrected over all pairs."""
        table = list(pairs)
        permutations = max(self.settings.permutations, _MIN_PERMUTATIONS_PER_COMPARISON * len(table))
        return apply_holm_correction([self._compare_pair(a, b, metric, permutations) for a, b in table])

    def _compare_pair(
        self, a: ModelPredictions, b: ModelPredictions, metric: str, permutations: int
    ) -> UncorrectedComparison:
        space = self.corpus.label_space(a.task)
        _ids, truth, runs_a, clusters = self._align(space, a)
        _ids, truth, runs_b, clusters = self._align(space, b)
        return compare(
            space, truth, runs_a, runs_b, clusters,
            metric=metric, names=(a.name, b.name), corpus=self.corpus.name, task=space.task, split=self.split,
            permutations=permutations,
        )  # fmt: skip

    def _align(
        self, space: LabelSpace, model: ModelPredictions
    ) -> tuple[tuple[str, ...], NDArray, list[Run], list[str]]:
        return align_by_id(space, self._task_labels(space), model.predictions, model.thresholds, self._clusters())

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        synthetic = (gettext_noop("synthetic corpus"),) if self.corpus.synthetic else ()
        folds = (f"{_FOLD_NOTE}: {self.corpus.folds_of}",) if self.corpus.folds_of else ()
        return (*synthetic, *folds, *contamination_notes(self.corpus, self.split))

    def _task_labels(self, space: LabelSpace) -> dict[str, tuple[Label, ...]]:
        return {key: tasks[space.task] for key, tasks in self.labels.items() if space.task in tasks}

    def _clusters(self) -> dict[str, str]:
        return assign_clusters(self.corpus, self.split, self.settings.cluster)
