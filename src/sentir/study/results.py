"""What the study of a corpus comes to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores
from sentir.recipe import Recipe, diff_settings, flatten_settings
from sentir.study.candidates import TrainedModel, load_training_facts


@dataclass(frozen=True)
class TaskResult:
    """One task of one corpus, everything chosen on dev.

    Attributes:
        selected: what has the best mean dev score, be it a candidate or a baseline.
        best_per_family: the best candidate of each family by mean dev score, the best of all first.
        reported: what is scored on test: the finalist, the winners, candidates the recipe always reports, baselines.
        label_curves: the finalist's curves on dev, one for each label.
        analyses: a closer look at the best candidate on dev.
    """

    task: str
    metric: str
    models: tuple[TrainedModel, ...]
    selected: TrainedModel
    best_per_family: tuple[TrainedModel, ...]
    reported: tuple[TrainedModel, ...]
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]
    label_curves: tuple[RankingCurves, ...] = ()
    analyses: tuple[ErrorAnalysis, ...] = ()

    def test_pairs(self) -> list[tuple[TrainedModel, TrainedModel]]:
        """Return what is compared on test: the finalist with all that is shown, and the families' best."""
        others = [e for e in self.best_per_family if e.name != self.selected.name]
        return [(self.selected, other) for other in self.reported[1:]] + list(combinations(others, 2))


@dataclass(frozen=True)
class CorpusStudy:
    """The study of one recipe's corpus, all its tasks, and what the opened test split said, if it was opened.

    Attributes:
        grade: of the corpus' audit.
    """

    recipe: Recipe
    corpus: Corpus
    tasks: tuple[TaskResult, ...]
    test_scores: tuple[ModelScores, ...] = ()
    test_comparisons: tuple[Comparison, ...] = ()
    test_label_curves: tuple[RankingCurves, ...] = ()
    test_analyses: tuple[ErrorAnalysis, ...] = ()
    grade: str = ""

    @property
    def analyses(self) -> tuple[ErrorAnalysis, ...]:
        """The closer looks at the best candidates, on dev and on the opened test split."""
        return (*(one for result in self.tasks for one in result.analyses), *self.test_analyses)

    def best_training(self, result: TaskResult) -> tuple[Path, dict[str, Any]]:
        """Return the best candidate's best training by dev score: its stage, and facts with its scores."""
        winner = result.best_per_family[0]
        facts = {folder: load_training_facts(folder) for folder in winner.stage_folders}
        best = max(facts, key=lambda folder: facts[folder]["dev_score"])
        rows = [row.to_row() for row in (*result.scores, *self.test_scores)
                if (row.model, row.task) == (winner.name, result.task)]  # fmt: skip
        slices = [{"split": one.split, **asdict(part)} for one in self.analyses for part in one.slices
                  if (one.model, one.task) == (winner.name, result.task)]  # fmt: skip
        return best, json.loads(json.dumps(facts[best] | {"scores": rows, "slices": slices}))


def dev_comparison_pairs(
    ranked: Sequence[TrainedModel], ablations: Sequence[str]
) -> list[tuple[TrainedModel, TrainedModel]]:
    """Return the candidates that are compared on dev, each pair once.

    These are: a recipe with what is left of it without each of its parts; the best with all others; the best of
    each family with one another; and any two that differ in one setting alone.

    Args:
        ranked: best first.
        ablations: names from `sentir.study.ablation.ablations`, the whole recipe first.
    """
    by_name, known = {e.name: e for e in ranked}, {e.name: flatten_settings(e.recipe.to_dict()) for e in ranked}
    best = {e.family: e.name for e in reversed(ranked)}.values()
    pairs = [(whole, other) for whole in ablations[:1] for other in ablations[1:]]
    pairs += [(ranked[0].name, other.name) for other in ranked[1:]]
    pairs += [
        (a, b)
        for a, b in combinations(known, 2)
        if {a, b} <= set(best) or len(diff_settings(known[a], known[b])) == 1
    ]
    once = {frozenset(pair): pair for pair in reversed(pairs)}
    return [(by_name[a], by_name[b]) for a, b in dict.fromkeys(once[frozenset(pair)] for pair in pairs)]
