"""The verbs about studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.recipes import as_recipe
from sentir.file_locks import lock_run_folder
from sentir.paths import PathLike
from sentir.preflight import require_root
from sentir.recipe import Recipe

if TYPE_CHECKING:
    from sentir.report.study_report import StudyReport
    from sentir.report.tuning_result import TuningResult


def run_study(
    recipes: PathLike | Recipe | Sequence[PathLike | Recipe],
    *,
    root: PathLike | None = None,
    out: PathLike,
    accept_grade: bool = False,
) -> StudyReport:
    """Run the studies of one or more recipes into one folder; see `sentir.study.run.run_study`.

    Args:
        recipes: one or several, each by its path, by its name if it comes with Sentir, or itself.
        root: where the corpora lie.
        out: folder of the run.
        accept_grade: whether a corpus that the audit gives a D or E is studied all the same.

    Raises:
        SentirError: for recipes, names, files or weights that cannot be used, for corpora of grade D or E, or if
            another run is at work in ``out``.
    """
    given = [recipes] if isinstance(recipes, PathLike | Recipe) else recipes
    loaded = [_resolve_recipe(recipe, root) for recipe in given]
    from sentir.study import run

    with lock_run_folder(Path(out)):
        return run.run_study(loaded, root=root, out=Path(out), accept_grade=accept_grade)


def _resolve_recipe(recipe: PathLike | Recipe, root: PathLike | None) -> Recipe:
    """Return a recipe whose corpus lies somewhere.

    Raises:
        SentirError: if it cannot be read, or its corpus lies nowhere.
    """
    found = as_recipe(recipe)
    require_root(found.data.reader, found.data.root if root is None else root)
    return found


def tune(
    recipe: PathLike | Recipe,
    *,
    root: PathLike | None = None,
    out: PathLike,
    trials: int | None = None,
    timeout: float | None = None,
    storage: str | None = None,
) -> TuningResult:
    """Try the settings of a recipe's search space, and write the best recipe; see `sentir.study.tuning.run.tune`.

    Args:
        recipe: with the section ``tune``; as `run_study` takes it.
        root: where the corpus lies.
        out: folder of the run; the same folder goes on with the same tuning.
        trials: how many in all, if not the recipe's ``tune.trials``.
        timeout: seconds after which no trial begins.
        storage: URL of a database for the trials, if not a file in ``out``.

    Raises:
        SentirError: if the recipe, the corpus or the storage cannot be used, or no trial is complete.
    """
    recipe = _resolve_recipe(recipe, root)
    from sentir.study.tuning import run

    wanted = recipe if trials is None else recipe.override({"tune": {"trials": trials}})
    with lock_run_folder(Path(out), shared_key="tune"):
        return run.tune(wanted, root=root, out=Path(out), timeout=timeout, storage=storage)
