"""Numeric columns that leak the label: a number in a corpus may be an annotation in disguise.

The score is defined in `sentir.corpus.leakage`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.corpus.leakage import LEAKAGE_THRESHOLD, score_leakage
from sentir.errors import RecipeError
from sentir.i18n import _, localize_numbers
from sentir.logs import logger
from sentir.recipe import Recipe
from sentir.recipe.data import join_columns

WARNING_THRESHOLD = 0.9  # from `LEAKAGE_THRESHOLD` on, a column is rejected as a feature


@dataclass(frozen=True, slots=True)
class LeakingColumn:
    """A numeric column that predicts a label on train.

    Attributes:
        score: mean of the recalls with and without the label: 1 is a full leak, .5 is chance.
    """

    column: str
    task: str
    label: str
    score: float

    def describe(self) -> str:
        """Return a sentence about it, in the current language."""
        return _(
            "The numeric column '{column}' leaks the label '{label}' of '{task}': it predicts it with {share}% "
            "balanced accuracy on train.",
            column=self.column,
            label=self.label,
            task=self.task,
            share=localize_numbers(f"{self.score * 100:.1f}"),
        )


def find_leaking_columns(corpus: Corpus, task: str) -> list[LeakingColumn]:
    """Return the numeric columns that leak a label of ``task`` on train, each with the label it predicts best."""
    space = corpus.label_space(task)
    rows = [u for u in corpus.train if task in u.labels]
    groups = [frozenset(space.categorize(u.labels[task])) for u in rows]
    leaking_columns = []
    for column in sorted({name for u in rows for name in u.numeric_features}):
        values = np.array([u.numeric_features.get(column, np.nan) for u in rows], dtype=np.float64)
        scores = {
            label: score_leakage(values, np.array([label in group for group in groups]))
            for label in space.categories
        }
        label = max(scores, key=lambda name: scores[name])
        if scores[label] >= WARNING_THRESHOLD:
            leaking_columns.append(LeakingColumn(column, task, label, scores[label]))
    return leaking_columns


def check_recipe_leakage(recipe: Recipe, corpus: Corpus) -> None:
    """Reject a recipe whose features leak the label or whose groups are in two splits; warn of possible leaks.

    Raises:
        RecipeError: naming the column or the group.
    """
    _check_group_splits(recipe, corpus)
    if "tabular" not in recipe.model.features:
        return
    for column in find_leaking_columns(corpus, recipe.data.task):
        if column.score >= LEAKAGE_THRESHOLD:
            raise RecipeError(
                _("{leak} Leave it out of 'data.table.features', or 'tabular' out of 'model.features'.",
                  leak=column.describe())
            )  # fmt: skip
        logger.warning(column.describe())


def _check_group_splits(recipe: Recipe, corpus: Corpus) -> None:
    column = join_columns(recipe.data.table.group) if recipe.data.table else None
    splits_of: dict[str, dict[str, None]] = {}  # group → its splits, in order of appearance
    for utterance_id, group in corpus.groups.get(column or "", {}).items():
        splits_of.setdefault(group, {})[corpus.by_id[utterance_id].split] = None
    for group, splits in splits_of.items():
        if len(splits) > 1:
            one, other, *_rest = splits
            raise RecipeError(
                _("The group '{group}' of '{column}' is in {one} and in {other}, which 'data.table.group' "
                  "forbids; correct the split column, or remove the group.",
                  group=group, column=column, one=one, other=other)
            )  # fmt: skip
