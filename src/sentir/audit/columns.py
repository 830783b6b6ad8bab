"""Numeric columns that tell the label: a number that a corpus comes with may be its annotation in disguise.

A column tells a label when a row's nearest neighbors in that one column say whether the row has the label. Each
train row is judged by the others: by the majority of those with the same number, else by those with the nearest
number. The score is the mean of two recalls, of rows with and without the label, so that a frequent label is no
easier than a rare one: .5 is chance. Rows without a number are alike. Why so, and what it does on real columns,
stands in docs/decisions/audit.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.audit.leaks import count_groups
from sentir.corpus.types import Corpus
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.progress import say
from sentir.recipe import Recipe

TELLS = 0.98  # from here on a column is refused as a feature
SUSPECT = 0.9  # from here on it is warned of
_FEWEST = 10  # train rows with a label, and as many without it, below which nothing can be concluded


@dataclass(frozen=True, slots=True)
class Teller:
    """A column of numbers that tells whether a train row has a label.

    Attributes:
        score: mean of the recalls with and without the label; 1 tells all, .5 nothing.
    """

    column: str
    task: str
    label: str
    score: float

    def sentence(self) -> str:
        """Return what it means, in the current language."""
        return _(
            "The numeric column '{column}' tells the label '{label}' of '{task}' in {share} % of train; a model "
            "would read the annotation from it.",
            column=self.column,
            label=self.label,
            task=self.task,
            share=f"{self.score * 100:.1f}",
        )


def find_tellers(corpus: Corpus, task: str) -> list[Teller]:
    """Return the numeric columns that tell a label of ``task`` on train, each with the label it tells best."""
    space = corpus.space(task)
    rows = [u for u in corpus.train if task in u.labels]
    groups = [frozenset(space.group(u.labels[task])) for u in rows]
    found = []
    for column in sorted({name for u in rows for name in u.numbers}):
        values = np.array([u.numbers.get(column, np.nan) for u in rows], dtype=np.float64)
        scores = {label: told(values, np.array([label in group for group in groups])) for label in space.groups}
        label = max(scores, key=lambda name: scores[name])
        if scores[label] >= SUSPECT:
            found.append(Teller(column, task, label, scores[label]))
    return found


def told(values: NDArray[np.float64], present: NDArray[np.bool_]) -> float:
    """Return how well a column tells a label, as the module describes it; 0 where there are too few rows.

    Args:
        values: ``(N,)``, NaN where unknown.
        present: ``(N,)``, which rows have the label.
    """
    n = np.count_nonzero(present)
    if min(n, len(present) - n) < _FEWEST:
        return 0.0
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    with_label = np.bincount(place, weights=present, minlength=len(distinct))
    others = counts[place] - 1
    twins = (with_label[place] - present) / np.maximum(others, 1)
    share = np.where(others > 0, twins, _nearest(distinct, with_label / counts)[place])
    right = np.where(share == 0.5, 0.5, (share > 0.5) == present)
    return float((right[present].mean() + right[~present].mean()) / 2)


def _nearest(distinct: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the label at the nearest other number, the mean of two that are as near."""
    known = len(distinct) - int(np.isnan(distinct[-1]))  # NaN sorts last
    gaps = np.full(known + 1, np.inf)
    gaps[1:-1] = np.diff(distinct[:known])
    below, above = np.roll(shares[:known], 1), np.roll(shares[:known], -1)
    found = np.full(len(distinct), 0.5)
    if known > 1:
        nearer = np.where(gaps[:-1] < gaps[1:], below, above)
        found[:known] = np.where(gaps[:-1] == gaps[1:], (below + above) / 2, nearer)
    return found


def check_inputs(recipe: Recipe, corpus: Corpus) -> None:
    """Refuse a recipe whose features tell the label, or whose groups lie in two splits; warn of suspects.

    Raises:
        RecipeError: naming the column or the group.
    """
    _check_group(recipe, corpus)
    if "given" not in recipe.model.features:
        return
    for teller in find_tellers(corpus, recipe.data.task):
        if teller.score >= TELLS:
            raise RecipeError(
                _("{what} Leave it out of 'data.table.features', or 'given' out of 'model.features'.",
                  what=teller.sentence())
            )  # fmt: skip
        say(teller.sentence())


def _check_group(recipe: Recipe, corpus: Corpus) -> None:
    kind = recipe.data.table.group if recipe.data.table else None
    for group, splits in count_groups(corpus.groups.get(kind or "", {}), corpus).items():
        if len(splits) > 1:
            one, other, *_rest = splits
            raise RecipeError(
                _("The group '{group}' of '{column}' lies in {one} and in {other}, which 'data.table.group' "
                  "forbids; correct the split column, or name no group.",
                  group=group, column=kind, one=one, other=other)
            )  # fmt: skip
