"""The results of the study of a corpus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.locked.ledger import list_openings
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores
from sentir.recipe import Recipe, diff_settings
from sentir.study.candidates import TrainedModel, load_training_facts


@dataclass(frozen=True)
class TaskResult:
    """The results of one task of one corpus; everything is selected on dev.

    Attributes:
        selected: the model with the best mean dev score, a candidate or a baseline.
        best_per_family: the best candidate of each family by mean dev score, the best of all first.
        reported: the models that are scored on test: the selected one, the best of each family, the candidates of
            ``study.always_report``, and the baselines.
        label_curves: ROC and precision–recall curves per label of the selected model on dev.
        analyses: the error analysis of the best candidate on dev.
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
        """Return the pairs compared on test: the selected model with all others, and the families' best."""
        others = [model for model in self.best_per_family if model.name != self.selected.name]
        return [(self.selected, other) for other in self.reported[1:]] + list(combinations(others, 2))


@dataclass(frozen=True)
class CorpusStudy:
    """The study of one recipe's corpus: all its tasks, and the results on test, if it was evaluated.

    Attributes:
        corpus: whose dev selected; of a cross-validation, all utterances as dev.
        test_corpus: whose test is evaluated: the same, or of a cross-validation all utterances as test.
        grade: grade of the corpus' audit.
    """

    recipe: Recipe
    corpus: Corpus
    test_corpus: Corpus
    tasks: tuple[TaskResult, ...]
    test_scores: tuple[ModelScores, ...] = ()
    test_comparisons: tuple[Comparison, ...] = ()
    test_label_curves: tuple[RankingCurves, ...] = ()
    test_analyses: tuple[ErrorAnalysis, ...] = ()
    grade: str = ""

    @property
    def analyses(self) -> tuple[ErrorAnalysis, ...]:
        """The error analyses of the best candidates on dev and on test."""
        return (*(one for result in self.tasks for one in result.analyses), *self.test_analyses)

    def best_training(self, result: TaskResult) -> tuple[Path, dict[str, Any]]:
        """Return the best candidate's best training by dev score: its stage folder, and its facts with scores."""
        model = result.best_per_family[0]
        facts = {folder: load_training_facts(folder) for folder in model.stage_folders}
        best = max(facts, key=lambda folder: facts[folder]["dev_score"])
        rows = [row.to_row() for row in (*result.scores, *self.test_scores)
                if (row.model, row.task) == (model.name, result.task)]  # fmt: skip
        slices = [{"split": one.split, **asdict(part)} for one in self.analyses for part in one.slices
                  if (one.model, one.task) == (model.name, result.task)]  # fmt: skip
        openings = {"test_openings": len(list_openings(self.test_corpus))} if self.test_scores else {}
        return best, json.loads(json.dumps(facts[best] | {"scores": rows, "slices": slices} | openings))


def dev_comparison_pairs(
    ranked: Sequence[TrainedModel], ablations: Sequence[str]
) -> list[tuple[TrainedModel, TrainedModel]]:
    """Return the pairs of candidates that are compared on dev, each once.

    These are: the full recipe with each ablated one; the best candidate with all others; the best of each family
    with one another; an average with each of its members; and any two that differ in a single setting.

    Args:
        ranked: candidates, best first.
        ablations: names from `sentir.study.ablation.ablation_overrides`, the full recipe first.
    """
    by_name = {model.name: model for model in ranked}
    settings = {model.name: model.settings for model in ranked}
    best = {model.family: model.name for model in reversed(ranked)}.values()
    pairs = [(full, other) for full in ablations[:1] for other in ablations[1:]]
    pairs += [(ranked[0].name, other.name) for other in ranked[1:]]
    pairs += [(one.name, own.name) for one in ranked for own in one.members if own.name in by_name]
    pairs += [
        (a, b)
        for a, b in combinations(settings, 2)
        if {a, b} <= set(best) or len(diff_settings(settings[a], settings[b])) == 1
    ]
    first = {frozenset(pair): pair for pair in reversed(pairs)}
    return [(by_name[a], by_name[b]) for a, b in dict.fromkeys(first[frozenset(pair)] for pair in pairs)]
