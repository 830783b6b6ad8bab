"""The sections ``evaluation`` and ``study``: how models are judged, and which stand against one another."""

from __future__ import annotations

import unicodedata
from typing import Literal, Self

from pydantic import Field, model_validator

from sentir.i18n import _
from sentir.recipe.sections import FileSafeName, Section, SettingsTable


class EvaluationSettings(Section):
    """How models are judged.

    Attributes:
        metric: the dev score that selects, or a table of them by task, ``metric.emotion = "macro_f1"``; none =
            weighted F1 for one label, macro F1 for several, mean absolute error for a number.
        cluster: what intervals leave out and permutations swap whole: dialogues (videos), or speakers; none =
            dialogues where a corpus has any, else speakers where it names them.
        resamples: bootstrap resamples of dialogues behind the interval of the calibration error.
        permutations: shuffles behind every p-value.
    """

    metric: str | dict[str, str] | None = None
    cluster: Literal["dialogue", "speaker"] | None = None
    resamples: int = Field(2000, ge=100)
    permutations: int = Field(2000, ge=100)


class StudySettings(Section):
    """Which trainings stand against one another.

    Attributes:
        tasks: tasks of the corpus, each with its own finalist; none = the recipe's task.
        seeds: every candidate is trained once with each; none = its ``train.seed``.
        candidates: name → overrides of the recipe, as nested tables.
        baselines: names in `sentir.study.baselines`.
        always_report: candidates whose test score is shown beside the finalist's, whatever their dev score.
        ablate: what is left out of the recipe, one thing at a time, each a candidate beside the recipe itself:
            a setting (``model.context``), one of a list (``model.features.lexical``), ``text`` or ``sound``.
        label_noise: whether train labels are searched for doubtful ones, for which the best candidate is
            trained six times more; where one stacks on a model of the task, they are searched anyway.
        test: whether what dev chose is scored on test; ``false`` = the study ends on dev, and test stays closed.
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
            raise ValueError(_("'always_report' names '{name}', which is no candidate", name=unknown[0]))
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if both := [name for name in self.baselines if name in self.candidates]:
            raise ValueError(_("'{name}' is a baseline and a candidate; rename the candidate", name=both[0]))
        if len({unicodedata.normalize("NFC", name) for name in self.candidates}) < len(self.candidates):
            raise ValueError(_("two candidates have names that look the same; rename one"))
        if len(set(self.baselines)) < len(self.baselines):
            raise ValueError(_("'baselines' names a baseline twice"))
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(_("'seeds' names a seed twice"))
        return self
