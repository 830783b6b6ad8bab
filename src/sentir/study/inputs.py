"""What a study starts from: recipes, corpora, candidates and grades, all checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.study.candidates import check_pretrained_weights
from sentir.study.checks import check_corpus, check_grade, check_names
from sentir.study.outputs import check_outputs
from sentir.study.plan import Candidate, plan_candidates
from sentir.study.stages import Stages


@dataclass(frozen=True)
class StudyInputs:
    """What a study of one corpus starts from.

    Attributes:
        audio: the corpus.
        tasks: task → candidates.
        grade: grade of the corpus' audit.
    """

    recipe: Recipe
    audio: AttachedAudio
    tasks: Mapping[str, Sequence[Candidate]]
    grade: str

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates of all tasks."""
        return [candidate for candidates in self.tasks.values() for candidate in candidates]

    @property
    def trainings(self) -> list[tuple[AttachedAudio, Recipe]]:
        """The corpus and the recipe of each candidate with each seed."""
        return [(self.audio, one.with_seed(seed)) for one in self.candidates for seed in one.seeds]

    @property
    def num_models(self) -> int:
        """Baselines and candidates of all tasks."""
        return len(self.tasks) * len(self.recipe.study.baselines) + len(self.candidates)


def read_inputs(
    recipes: Sequence[Recipe], root: PathLike | None, out: Path, stages: Stages, *, accept_grade: bool
) -> list[StudyInputs]:
    """Read and check everything that a study needs, before anything is trained.

    Raises:
        SentirError: naming what cannot be used.
    """
    plans = [plan_candidates(recipe) for recipe in recipes]
    corpora = [read_corpus(recipe.data, root) for recipe in recipes]
    check_names(corpora, recipes)
    for corpus, recipe, tasks in zip(corpora, recipes, plans, strict=True):
        check_corpus(corpus, recipe, tasks)
    check_outputs(out, corpora, recipes)
    inputs = [
        StudyInputs(recipe, audio, tasks, check_grade(audio.corpus, recipe, accept_grade=accept_grade))
        for recipe, audio, tasks in zip(recipes, map(AttachedAudio, corpora), plans, strict=True)
    ]
    stages.delete_unfinished()
    for one in inputs:
        check_pretrained_weights(stages, one.audio, one.candidates)
    return inputs
