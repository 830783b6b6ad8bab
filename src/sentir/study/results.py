"""What the study of a corpus comes to."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.corpus.types import Corpus
from sentir.evaluation.results import Comparison, ModelScores
from sentir.recipe import Recipe
from sentir.study.entrants import Entrant


@dataclass(frozen=True)
class TaskResult:
    """One task of one corpus, everything chosen on dev.

    Attributes:
        finalist: the candidate with the best mean dev score.
        shown: what is scored on test: the finalist, candidates the recipe always reports, baselines.
    """

    task: str
    metric: str
    entrants: tuple[Entrant, ...]
    finalist: Entrant
    shown: tuple[Entrant, ...]
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class CorpusStudy:
    """The study of one recipe's corpus, all its tasks, and what the opened test split said."""

    recipe: Recipe
    corpus: Corpus
    tasks: tuple[TaskResult, ...]
    test_scores: tuple[ModelScores, ...]
    test_comparisons: tuple[Comparison, ...]
