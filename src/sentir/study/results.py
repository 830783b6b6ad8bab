"""What the study of a corpus comes to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from sentir.corpus.types import Corpus
from sentir.evaluation.results import Comparison, ModelScores
from sentir.recipe import Recipe
from sentir.study.entrants import Entrant


@dataclass(frozen=True)
class TaskResult:
    """One task of one corpus, everything chosen on dev.

    Attributes:
        winners: the best candidate of each family by mean dev score, the finalist first.
        shown: what is scored on test: the winners, candidates the recipe always reports, baselines.
    """

    task: str
    metric: str
    entrants: tuple[Entrant, ...]
    winners: tuple[Entrant, ...]
    shown: tuple[Entrant, ...]
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def finalist(self) -> Entrant:
        """The candidate with the best mean dev score."""
        return self.winners[0]

    def pairs(self) -> list[tuple[Entrant, Entrant]]:
        """Return what is compared on test: the finalist with all that is shown, and the families' best."""
        return [(self.finalist, other) for other in self.shown[1:]] + list(combinations(self.winners[1:], 2))


@dataclass(frozen=True)
class CorpusStudy:
    """The study of one recipe's corpus, all its tasks, and what the opened test split said."""

    recipe: Recipe
    corpus: Corpus
    tasks: tuple[TaskResult, ...]
    test_scores: tuple[ModelScores, ...]
    test_comparisons: tuple[Comparison, ...]
