"""The section ``data.folds``: the folds of a cross-validation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from sentir.i18n import _
from sentir.recipe.sections import Section

MIN_FOLDS = 3  # one is test, one is dev, the others are train


class FoldSettings(Section):
    """The folds of a cross-validation, given in exactly one of four ways.

    Attributes:
        column: column (of a table) or group of the corpus whose value is the fold of an utterance.
        k: number of folds that whole groups are assigned to at random.
        groups: the groups of each fold by name, such as the published lists of actors.
        file: table with the columns ``group`` and ``fold``, relative to the recipe's folder.
        by: what a group is in ``k``, ``groups`` and ``file``: ``speaker``, ``dialogue``, a column of the table or
            a kind of groups of the corpus. By default the corpus' own groups (``data.table.group``), else
            dialogues if any has several utterances, else speakers.
        seed: of the random assignment with ``k``.
    """

    recipe_paths: ClassVar[tuple[str, ...]] = ("file",)

    column: str | None = None
    k: int | None = Field(None, ge=MIN_FOLDS)
    groups: tuple[tuple[str, ...], ...] = ()
    file: Path | None = None
    by: str | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.column, self.k, self.groups, self.file))) != 1:
            raise ValueError(_("give exactly one of 'column', 'k', 'groups' and 'file'"))
        if self.column and self.by:
            raise ValueError(_("'by' says what a group is; 'column' already names the folds, so remove one"))
        return self

    @model_validator(mode="after")
    def _disjoint_groups(self) -> Self:
        if not self.groups:
            return self
        if len(self.groups) < MIN_FOLDS or not all(self.groups):
            raise ValueError(_("'groups' must list {n} folds or more, none of them empty", n=MIN_FOLDS))
        times = Counter(name for fold in self.groups for name in fold)
        if repeated := [name for name, n in times.items() if n > 1]:
            raise ValueError(_("'groups' lists '{name}' twice; a group belongs to one fold", name=repeated[0]))
        return self
