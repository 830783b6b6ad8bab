"""Scoring and comparing entrants on one split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Labels
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis, analyze_errors
from sentir.evaluation.clusters import assign_clusters, resolve_cluster_unit
from sentir.evaluation.comparison import UncorrectedComparison, apply_holm_correction, compare
from sentir.evaluation.locked.test_contamination import contamination_notes
from sentir.evaluation.metrics.ranking import RankingCurves, compute_ranking_curves
from sentir.evaluation.results import CONFIDENCE_LEVEL, Comparison, ModelScores
from sentir.evaluation.scoring import align_by_id, score_model
from sentir.i18n import _, gettext_noop
from sentir.progress import progress_bar
from sentir.recipe import EvaluationSettings
from sentir.study.candidates import TrainedModel

_MIN_PERMUTATIONS_PER_COMPARISON = (
    40  # for each comparison of a table; with fewer even the smallest p-value could prove nothing
)
_FOLD_NOTE = gettext_noop("a fold, as its recipe declares, of")


@dataclass(frozen=True)
class Scorer:
    """Scores and compares entrants on one split of one corpus, always on the same labeled utterances."""

    corpus: Corpus
    split: str
    labels: Mapping[str, Labels]
    settings: EvaluationSettings

    def score(self, model: TrainedModel, role: str) -> ModelScores:
        """Return an entrant's row of ``results.json``."""
        space = self._space(model)
        with progress_bar(_("Scoring"), 1):
            return score_model(
                space=space,
                labels=self._task_labels(space),
                predictions=self._predictions(model),
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

    def label_curves(self, model: TrainedModel) -> tuple[RankingCurves, ...]:
        """Return an entrant's curve of every label; none of a number."""
        space = self._space(model)
        _ids, truth, runs, _dialogues = align_by_id(
            space, self._task_labels(space), self._predictions(model), model.thresholds, self._clusters()
        )
        return compute_ranking_curves(
            space, truth, runs, model=model.name, corpus=self.corpus.name, split=self.split
        )

    def analyze(self, model: TrainedModel, metric: str, how: str) -> ErrorAnalysis:
        """Return how far an entrant can be trusted, where it is good, and where it is wrong.

        Args:
            model: with its predictions.
            metric: one of `sentir.evaluation.metrics.counted`.
            how: as `sentir.evaluation.calibration.reliability.Reliability` keeps it.
        """
        space = self._space(model)
        return analyze_errors(
            self.corpus, space, self._task_labels(space), self._predictions(model),
            model.thresholds, model.calibrations, self._clusters(),
            model=model.name, split=self.split, metric=metric, protocol=how,
            resamples=self.settings.resamples, confidence_level=CONFIDENCE_LEVEL,
        )  # fmt: skip

    def compare(self, pairs: Iterable[tuple[TrainedModel, TrainedModel]], metric: str) -> tuple[Comparison, ...]:
        """Compare the entrants of each pair, corrected over all of them."""
        table = list(pairs)
        permutations = max(self.settings.permutations, _MIN_PERMUTATIONS_PER_COMPARISON * len(table))
        return apply_holm_correction([self._compare_pair(a, b, metric, permutations) for a, b in table])

    def _compare_pair(
        self, a: TrainedModel, b: TrainedModel, metric: str, permutations: int
    ) -> UncorrectedComparison:
        space = self._space(a)
        sides = []
        for side in (a, b):
            _ids, truth, runs, dialogues = align_by_id(
                space, self._task_labels(space), self._predictions(side), side.thresholds, self._clusters()
            )
            sides.append(runs)
        return compare(
            space, truth, sides[0], sides[1], dialogues,
            metric=metric, names=(a.name, b.name), corpus=self.corpus.name, task=space.task, split=self.split,
            permutations=permutations,
        )  # fmt: skip

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        synthetic = (gettext_noop("synthetic corpus"),) if self.corpus.synthetic else ()
        folds = (f"{_FOLD_NOTE}: {self.corpus.folds_of}",) if self.corpus.folds_of else ()
        return (*synthetic, *folds, *contamination_notes(self.corpus, self.split))

    def _space(self, model: TrainedModel) -> LabelSpace:
        return self.corpus.label_space(model.recipe.data.task)

    def _predictions(self, model: TrainedModel) -> tuple[Predictions, ...]:
        return model.test_predictions if self.split == "test" else model.dev_predictions

    def _task_labels(self, space: LabelSpace) -> dict[str, tuple[Label, ...]]:
        return {key: tasks[space.task] for key, tasks in self.labels.items() if space.task in tasks}

    def _clusters(self) -> dict[str, str]:
        return assign_clusters(self.corpus, self.split, self.settings.cluster)
