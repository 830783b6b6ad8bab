"""Numeric columns that tell the label: a number that a corpus comes with may be its annotation in disguise.

How that is measured stands in `sentir.corpus.leakage`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sentir.audit.leaks import count_groups_by_split
from sentir.corpus.corpus import Corpus
from sentir.corpus.leakage import LEAKAGE_THRESHOLD, score_leakage
from sentir.errors import RecipeError
from sentir.i18n import _, localize_numbers
from sentir.logs import logger
from sentir.recipe import Recipe
from sentir.recipe.data import join_columns

WARNING_THRESHOLD = 0.9  # from here on a column is warned of; from `TELLS` on it is refused as a feature


@dataclass(frozen=True, slots=True)
class LeakingColumn:
    """A column of numbers that tells whether a train row has a label.

    Attributes:
        score: mean of the recalls with and without the label; 1 tells all, .5 nothing.
    """

    column: str
    task: str
    label: str
    score: float

    def describe(self) -> str:
        """Return what it means, in the current language."""
        return _(
            "The numeric column '{column}' tells the label '{label}' of '{task}' in {share} % of train; a model "
            "would read the annotation from it.",
            column=self.column,
            label=self.label,
            task=self.task,
            share=localize_numbers(f"{self.score * 100:.1f}"),
        )


def find_leaking_columns(corpus: Corpus, task: str) -> list[LeakingColumn]:
    """Return the numeric columns that tell a label of ``task`` on train, each with the label it tells best."""
    space = corpus.label_space(task)
    rows = [u for u in corpus.train if task in u.labels]
    groups = [frozenset(space.categorize(u.labels[task])) for u in rows]
    found = []
    for column in sorted({name for u in rows for name in u.numeric_features}):
        values = np.array([u.numeric_features.get(column, np.nan) for u in rows], dtype=np.float64)
        scores = {
            label: score_leakage(values, np.array([label in group for group in groups]))
            for label in space.categories
        }
        label = max(scores, key=lambda name: scores[name])
        if scores[label] >= WARNING_THRESHOLD:
            found.append(LeakingColumn(column, task, label, scores[label]))
    return found


def check_recipe_leakage(recipe: Recipe, corpus: Corpus) -> None:
    """Refuse a recipe whose features tell the label, or whose groups lie in two splits; warn of suspects.

    Raises:
        RecipeError: naming the column or the group.
    """
    _check_group_splits(recipe, corpus)
    if "tabular" not in recipe.model.features:
        return
    for teller in find_leaking_columns(corpus, recipe.data.task):
        if teller.score >= LEAKAGE_THRESHOLD:
            raise RecipeError(
                _("{what} Leave it out of 'data.table.features', or 'tabular' out of 'model.features'.",
                  what=teller.describe())
            )  # fmt: skip
        logger.warning(teller.describe())


def _check_group_splits(recipe: Recipe, corpus: Corpus) -> None:
    kind = join_columns(recipe.data.table.group) if recipe.data.table else None
    for group, splits in count_groups_by_split(corpus.groups.get(kind or "", {}), corpus).items():
        if len(splits) > 1:
            one, other, *_rest = splits
            raise RecipeError(
                _("The group '{group}' of '{column}' lies in {one} and in {other}, which 'data.table.group' "
                  "forbids; correct the split column, or name no group.",
                  group=group, column=kind, one=one, other=other)
            )  # fmt: skip
