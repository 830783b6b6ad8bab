"""Scoring and comparing entrants on one split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Labels
from sentir.evaluation.analysis.error_analysis import Details, look_closer
from sentir.evaluation.clusters import cluster_unit, clusters
from sentir.evaluation.comparison import Paired, compare, holm
from sentir.evaluation.locked.test_contamination import known_notes
from sentir.evaluation.metrics.ranking import Ranking, rank_labels
from sentir.evaluation.results import CONFIDENCE, Comparison, ModelScores
from sentir.evaluation.scoring import joined, score_model
from sentir.i18n import _, mark
from sentir.progress import task
from sentir.recipe import Evaluation
from sentir.study.candidates import Entrant

_SWAPS = 40  # for each comparison of a table; with fewer even the smallest p-value could prove nothing
_FOLD = mark("a fold, as its recipe declares, of")


@dataclass(frozen=True)
class Judge:
    """Scores and compares entrants on one split of one corpus, always on the same labeled utterances."""

    corpus: Corpus
    split: str
    labels: Mapping[str, Labels]
    settings: Evaluation

    def score(self, entrant: Entrant, role: str) -> ModelScores:
        """Return an entrant's row of ``results.json``."""
        space = self._space(entrant)
        with task(_("Scoring"), 1):
            return score_model(
                space=space,
                labels=self._task_labels(space),
                predictions=self._predictions(entrant),
                thresholds=entrant.thresholds,
                groups=self._groups(),
                model=entrant.name,
                role=role,
                corpus=self.corpus.name,
                split=self.split,
                confidence=CONFIDENCE,
                notes=(*self._notes, *entrant.notes),
                family=entrant.family,
                unit=cluster_unit(self.corpus, self.settings.cluster),
            )

    def rank(self, entrant: Entrant) -> tuple[Ranking, ...]:
        """Return an entrant's curve of every label; none of a number."""
        space = self._space(entrant)
        _ids, truth, runs, _dialogues = joined(
            space, self._task_labels(space), self._predictions(entrant), entrant.thresholds, self._groups()
        )
        return rank_labels(space, truth, runs, model=entrant.name, corpus=self.corpus.name, split=self.split)

    def look_closer(self, entrant: Entrant, metric: str, how: str) -> Details:
        """Return how far an entrant can be trusted, where it is good, and where it is wrong.

        Args:
            entrant: with its predictions.
            metric: one of `sentir.evaluation.metrics.counted`.
            how: as `sentir.evaluation.calibration.reliability.Reliability` keeps it.
        """
        space = self._space(entrant)
        return look_closer(
            self.corpus, space, self._task_labels(space), self._predictions(entrant),
            entrant.thresholds, entrant.calibrations, self._groups(),
            model=entrant.name, split=self.split, metric=metric, how=how,
            resamples=self.settings.resamples, confidence=CONFIDENCE,
        )  # fmt: skip

    def compare(self, pairs: Iterable[tuple[Entrant, Entrant]], metric: str) -> tuple[Comparison, ...]:
        """Compare the entrants of each pair, corrected over all of them."""
        table = list(pairs)
        permutations = max(self.settings.permutations, _SWAPS * len(table))
        return holm([self._compare(a, b, metric, permutations) for a, b in table])

    def _compare(self, a: Entrant, b: Entrant, metric: str, permutations: int) -> Paired:
        space = self._space(a)
        sides = []
        for side in (a, b):
            _ids, truth, runs, dialogues = joined(
                space, self._task_labels(space), self._predictions(side), side.thresholds, self._groups()
            )
            sides.append(runs)
        return compare(
            space, truth, sides[0], sides[1], dialogues,
            metric=metric, names=(a.name, b.name), corpus=self.corpus.name, task=space.task, split=self.split,
            permutations=permutations,
        )  # fmt: skip

    @cached_property
    def _notes(self) -> tuple[str, ...]:
        synthetic = (mark("synthetic corpus"),) if self.corpus.synthetic else ()
        folds = (f"{_FOLD}: {self.corpus.folds_of}",) if self.corpus.folds_of else ()
        return (*synthetic, *folds, *known_notes(self.corpus, self.split))

    def _space(self, entrant: Entrant) -> LabelSpace:
        return self.corpus.space(entrant.recipe.data.task)

    def _predictions(self, entrant: Entrant) -> tuple[Predictions, ...]:
        return entrant.test if self.split == "test" else entrant.dev

    def _task_labels(self, space: LabelSpace) -> dict[str, tuple[Label, ...]]:
        return {key: tasks[space.task] for key, tasks in self.labels.items() if space.task in tasks}

    def _groups(self) -> dict[str, str]:
        return clusters(self.corpus, self.split, self.settings.cluster)
