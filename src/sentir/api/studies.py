"""The verbs about studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.locks import run_in
from sentir.places import Place
from sentir.recipe import Recipe

if TYPE_CHECKING:
    from sentir.report.content import StudyReport
    from sentir.report.tuning_content import Tuning


def run_study(
    recipes: Sequence[Recipe], *, root: Place | None = None, out: Place, accept_grade: bool = False
) -> StudyReport:
    """Run the studies of one or more recipes into one folder; see `sentir.study.run.run_study`.

    Args:
        recipes: each with its own corpus.
        root: where the corpora lie.
        out: folder of the run.
        accept_grade: whether a corpus that the audit gives a D or E is studied all the same.

    Raises:
        SentirError: for recipes, names, files or weights that cannot be used, for corpora of grade D or E, or if
            another run is at work in ``out``.
    """
    from sentir.study import run

    with run_in(Path(out)):
        return run.run_study(recipes, root=root, out=Path(out), accept_grade=accept_grade)


def tune(
    recipe: Recipe,
    *,
    root: Place | None = None,
    out: Place,
    trials: int | None = None,
    timeout: float | None = None,
    storage: str | None = None,
) -> Tuning:
    """Try the settings of a recipe's search space, and write the best recipe; see `sentir.study.tuning.run.tune`.

    Args:
        recipe: with the section ``tune``.
        root: where the corpus lies.
        out: folder of the run; the same folder goes on with the same tuning.
        trials: how many in all, if not the recipe's ``tune.trials``.
        timeout: seconds after which no trial begins.
        storage: URL of a database for the trials, if not a file in ``out``.

    Raises:
        SentirError: if the recipe, the corpus or the storage cannot be used, or no trial is complete.
    """
    from sentir.study.tuning import run

    wanted = recipe if trials is None else recipe.override({"tune": {"trials": trials}})
    with run_in(Path(out), shares="tune"):
        return run.tune(wanted, root=root, out=Path(out), timeout=timeout, storage=storage)
