"""The sections ``evaluation`` and ``study``: how models are scored, and which are compared."""

from __future__ import annotations

import unicodedata
from typing import Literal, Self

from pydantic import Field, model_validator

from sentir.i18n import _
from sentir.recipe.sections import FileSafeName, Section, SettingsTable


class EvaluationSettings(Section):
    """How models are scored.

    Attributes:
        metric: the metric on dev by which models are selected, or one for each task,
            ``metric.emotion = "macro_f1"``; by default weighted F1 in single-label tasks, macro F1 in multi-label
            tasks, mean absolute error in regression.
        cluster: the units that intervals and permutation tests keep together: dialogues (videos) or speakers; by
            default dialogues if the corpus has any, else speakers if it has any.
        resamples: bootstrap resamples for the interval of the calibration error.
        permutations: permutations for each p-value.
    """

    metric: str | dict[str, str] | None = None
    cluster: Literal["dialogue", "speaker"] | None = None
    resamples: int = Field(2000, ge=100)
    permutations: int = Field(2000, ge=100)


class StudySettings(Section):
    """Which models are compared.

    Attributes:
        tasks: tasks of the corpus, each with its own selected model; by default the recipe's task.
        seeds: every candidate is trained with each of them; by default its ``train.seed``.
        candidates: name → overrides of the recipe, as nested tables; or ``average``, names of other candidates
            and baselines whose log probabilities are averaged, and ``weights``: a number for each, or ``"dev"``
            to fit them there; by default equal ones.
        baselines: names in `sentir.study.baselines`.
        always_report: candidates whose test score is reported whatever their dev score.
        ablate: what is ablated from the recipe, one at a time, each a candidate beside the full recipe: a setting
            (``model.context``), an item of a list (``model.features.lexical``), ``text`` or ``audio``.
        label_noise: whether label-noise candidates are searched in train, which takes six more trainings of the
            best candidate; if a candidate stacks on a model of the same task, they are searched anyway.
        test: whether the selected models are evaluated on test; ``false`` ends the study on dev.
    """

    tasks: tuple[FileSafeName, ...] = ()
    seeds: tuple[int, ...] = ()
    candidates: dict[FileSafeName, SettingsTable] = Field(default_factory=dict)
    baselines: tuple[str, ...] = ("majority", "bag of words")
    always_report: tuple[str, ...] = ()
    ablate: tuple[str, ...] = ()
    label_noise: bool = False
    test: bool = True

    @model_validator(mode="after")
    def _reported_exist(self) -> Self:
        if unknown := [name for name in self.always_report if name not in self.candidates]:
            raise ValueError(_("'always_report' names '{name}', which is not a candidate", name=unknown[0]))
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if both := [name for name in self.baselines if name in self.candidates]:
            raise ValueError(_("'{name}' is a baseline and a candidate; rename the candidate", name=both[0]))
        if len({unicodedata.normalize("NFC", name) for name in self.candidates}) < len(self.candidates):
            raise ValueError(_("two candidates have visually identical names; rename one"))
        if len(set(self.baselines)) < len(self.baselines):
            raise ValueError(_("'baselines' lists a baseline twice"))
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(_("'seeds' lists a seed twice"))
        return self
