"""Scoring and comparing models on one split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Labels
from sentir.evaluation.aligned import AlignedRuns, align_by_id
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis, analyze_errors
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.clusters import assign_clusters, resolve_cluster_unit
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.folds import score_folds
from sentir.evaluation.locked.test_contamination import contamination_notes
from sentir.evaluation.metrics.ranking import RankingCurves, compute_ranking_curves
from sentir.evaluation.results import Comparison, GoldLabels, ModelScores
from sentir.evaluation.scoring import score_model
from sentir.i18n import _, gettext_noop
from sentir.progress import progress_bar
from sentir.recipe import EvaluationSettings

# With fewer, the smallest p-value possible would not be significant after the correction.
_MIN_PERMUTATIONS_PER_COMPARISON = 40
_FOLD_NOTE = gettext_noop("a fold, as its recipe declares, of")
_CROSS_VALIDATION_NOTE = gettext_noop("cross-validation, pooled predictions of folds")


@dataclass(frozen=True)
class ModelPredictions:
    """A model's predictions for one split of a corpus, in one task.

    Attributes:
        predictions: one per seed.
        thresholds: one array per seed; ``None`` unless the task is multi-label.
        calibrations: one per seed, ``None`` where a model has none; only `Scorer.analyze` needs them.
        notes: remarks that are shown with its scores, to translate.
        family: the modalities that it uses, as in `sentir.evaluation.results.ModelScores`.
        fold_models: name of the model of each fold of a cross-validation; empty without one.
    """

    name: str
    predictions: tuple[Predictions, ...]
    thresholds: tuple[NDArray[np.float64] | None, ...]
    calibrations: tuple[Calibration | None, ...] = ()
    notes: tuple[str, ...] = ()
    family: str = ""
    fold_models: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """The task that is predicted."""
        return self.predictions[0].label_space.task


@dataclass(frozen=True)
class Scorer:
    """Scores and compares models on one split of one corpus, always on the same labeled utterances.

    Attributes:
        labels: id → labels by task.
        scores: id → raters' votes or intensities by label, if there are any.
    """

    corpus: Corpus
    split: str
    labels: Mapping[str, Labels]
    settings: EvaluationSettings
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def score(self, model: ModelPredictions, role: str) -> ModelScores:
        """Return a model's row of ``results.json``."""
        with progress_bar(_("Scoring"), 1):
            aligned = self._align(model)
            scores = score_model(
                aligned,
                model=model.name,
                role=role,
                corpus=self.corpus.name,
                split=self.split,
                notes=(*self._notes, *model.notes),
                family=model.family,
                cluster_unit=resolve_cluster_unit(self.corpus, self.settings.cluster),
            )
            return replace(scores, folds=score_folds(aligned, self.corpus.folds, model.fold_models))

    def label_curves(self, model: ModelPredictions) -> tuple[RankingCurves, ...]:
        """Return the ROC and precision-recall curves of every label; none for regression."""
        return compute_ranking_curves(
            self._align(model), model=model.name, corpus=self.corpus.name, split=self.split
        )

    def analyze(self, model: ModelPredictions, metric: str, protocol: str) -> ErrorAnalysis:
        """Return a model's calibration, its scores on slices of the split, and its errors.

        Args:
            model: with its calibrations.
            metric: one of `sentir.evaluation.metrics.count_metrics`.
            protocol: how the calibration is evaluated, as in
                `sentir.evaluation.calibration.reliability.Reliability`.
        """
        return analyze_errors(
            self.corpus, self._align(model), self._gold(model.task), model.calibrations,
            model=model.name, split=self.split, metric=metric, protocol=protocol,
            resamples=self.settings.resamples,
        )  # fmt: skip

    def compare(
        self, pairs: Iterable[tuple[ModelPredictions, ModelPredictions]], metric: str
    ) -> tuple[Comparison, ...]:
        """Compare the models of each pair; p-values are corrected over all pairs."""
        table = list(pairs)
        permutations = max(self.settings.permutations, _MIN_PERMUTATIONS_PER_COMPARISON * len(table))
        return apply_holm_correction(
            [
                compare(
                    self._align(a), self._align(b), metric=metric, names=(a.name, b.name),
                    corpus=self.corpus.name, split=self.split, permutations=permutations,
                )
                for a, b in table
            ]
        )  # fmt: skip

    def _align(self, model: ModelPredictions) -> AlignedRuns:
        space = self.corpus.label_space(model.task)
        clusters = assign_clusters(self.corpus, self.split, self.settings.cluster)
        gold = self._gold(model.task)
        return align_by_id(space, gold, model.predictions, model.thresholds, clusters, self.scores)

    def _gold(self, task: str) -> GoldLabels:
        return {key: labels[task] for key, labels in self.labels.items() if task in labels}

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        synthetic = (gettext_noop("synthetic corpus"),) if self.corpus.synthetic else ()
        return (*synthetic, *self._fold_notes, *contamination_notes(self.corpus, self.split))

    @property
    def _fold_notes(self) -> tuple[str, ...]:
        if self.corpus.folds:
            return (f"{_CROSS_VALIDATION_NOTE}: {len(set(self.corpus.folds.values()))}",)
        return (f"{_FOLD_NOTE}: {self.corpus.folds_of}",) if self.corpus.folds_of else ()
