"""What a study starts from: recipes, corpora, candidates and grades, all checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.folds import make_fold_corpora, pool_folds
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.study.candidates import check_pretrained_weights
from sentir.study.checks import check_corpus, check_grade, check_names
from sentir.study.outputs import check_outputs
from sentir.study.plan import Candidate, plan_averages, plan_candidates
from sentir.study.stages import Stages


@dataclass(frozen=True)
class StudyInputs:
    """What a study of one corpus starts from.

    Attributes:
        audio: the corpus whose dev selects models; of a cross-validation, all utterances as dev.
        parts: the corpora that models are trained on, one per fold; without folds, the corpus.
        test_corpus: the corpus whose test is evaluated; of a cross-validation, all utterances as test.
        tasks: task → candidates.
        grade: grade of the corpus' audit; of a cross-validation, the lowest of its folds.
    """

    recipe: Recipe
    audio: AttachedAudio
    parts: tuple[AttachedAudio, ...]
    test_corpus: Corpus
    tasks: Mapping[str, Sequence[Candidate]]
    grade: str

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates of all tasks."""
        return [candidate for candidates in self.tasks.values() for candidate in candidates]

    @property
    def trainings(self) -> list[tuple[AttachedAudio, Recipe]]:
        """The corpus and the recipe of each candidate, on each fold and with each seed."""
        return [
            (part, one.with_seed(seed)) for one in self.candidates for part in self.parts for seed in one.seeds
        ]

    @property
    def num_models(self) -> int:
        """Baselines and candidates of all tasks, those that average others included."""
        per_task = len(self.recipe.study.baselines) + len(plan_averages(self.recipe))
        return len(self.tasks) * per_task + len(self.candidates)


def read_inputs(
    recipes: Sequence[Recipe], root: PathLike | None, out: Path, stages: Stages, *, accept_grade: bool
) -> list[StudyInputs]:
    """Read and check everything that a study needs, before anything is trained.

    Raises:
        SentirError: naming what cannot be used.
    """
    plans = [plan_candidates(recipe) for recipe in recipes]
    for recipe in recipes:
        plan_averages(recipe)
    corpora = [read_corpus(recipe.data, root) for recipe in recipes]
    check_names(corpora, recipes)
    for corpus, recipe, tasks in zip(corpora, recipes, plans, strict=True):
        for part in make_fold_corpora(corpus):
            check_corpus(part, recipe, tasks)
    check_outputs(out, corpora, recipes)
    inputs = [_make_inputs(*one, accept_grade=accept_grade) for one in zip(recipes, corpora, plans, strict=True)]
    stages.delete_unfinished()
    for one in inputs:
        for audio in one.parts:
            check_pretrained_weights(stages, audio, one.candidates)
    return inputs


def _make_inputs(
    recipe: Recipe, corpus: Corpus, tasks: Mapping[str, Sequence[Candidate]], *, accept_grade: bool
) -> StudyInputs:
    parts = tuple(map(AttachedAudio, make_fold_corpora(corpus)))
    pooled = AttachedAudio(pool_folds(corpus, "dev")) if corpus.folds else parts[0]
    grades = [check_grade(part.corpus, recipe, accept_grade=accept_grade) for part in parts]
    return StudyInputs(recipe, pooled, parts, pool_folds(corpus, "test"), tasks, max(grades))
