"""The verbs that run studies and tune settings."""

from __future__ import annotations

import hashlib
import json
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
    workers: int | None = None,
) -> StudyReport:
    """Run the studies of one or more recipes: train, select on dev, evaluate once on test, write a report.

    Args:
        recipes: one or several: a path, the name of a recipe that comes with Sentir, or a `Recipe`.
        root: folder of the corpora.
        out: output folder; a run that was interrupted resumes in it, and runs of the same recipes share their
            trainings in it, also from several machines.
        accept_grade: whether to use corpora whose audit grade is D or E.
        workers: processes that train, each with its share of the cores; by default one per core, and one where
            there is an accelerator, little memory or little to train. The scores do not depend on it, except that
            one process uses all cores, which changes last digits: set OMP_NUM_THREADS=1 for equal ones.

    Returns:
        The contents of the report.

    Raises:
        SentirError: if recipes, files or weights cannot be used, a corpus has grade D or E, or a run of other
            recipes uses ``out``.
    """
    given = [recipes] if isinstance(recipes, PathLike | Recipe) else recipes
    loaded = [_resolve_recipe(recipe, root) for recipe in given]
    from sentir.study import run

    with lock_run_folder(Path(out), shared_key=_study_key(loaded)):
        return run.run_study(loaded, root=root, out=Path(out), accept_grade=accept_grade, workers=workers)


def _study_key(recipes: Sequence[Recipe]) -> str:
    """Return the key under which runs of the same study share a folder."""
    text = json.dumps([recipe.to_dict() for recipe in recipes], sort_keys=True, default=str)
    return f"study {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _resolve_recipe(recipe: PathLike | Recipe, root: PathLike | None) -> Recipe:
    """Return a recipe whose corpus exists.

    Raises:
        SentirError: if it cannot be read, or its corpus is missing.
    """
    loaded = as_recipe(recipe)
    require_root(loaded.data.reader, loaded.data.root if root is None else root)
    return loaded


def tune(
    recipe: PathLike | Recipe,
    *,
    root: PathLike | None = None,
    out: PathLike,
    trials: int | None = None,
    timeout: float | None = None,
    storage: str | None = None,
    workers: int = 1,
) -> TuningResult:
    """Tune settings over the search space of a recipe, and write the best recipe. Test is not used.

    Args:
        recipe: with a section ``tune``; as `run_study` takes it.
        root: folder of the corpus.
        out: output folder; tuning that was interrupted resumes in it.
        trials: total number of trials, by default the recipe's ``tune.trials``.
        timeout: seconds after which no new trial starts.
        storage: database URL for the trials, by default a file in ``out``.
        workers: processes that train, one trial each. With n of them a trial is sampled from the results of those
            more than n - 1 before it, so that the trials depend on n, but not on which process is faster;
            Hyperband prunes by whatever has finished.

    Raises:
        SentirError: if the recipe, the corpus or the storage cannot be used, or no trial is complete.
    """
    recipe = _resolve_recipe(recipe, root)
    from sentir.study.tuning import run

    recipe = recipe if trials is None else recipe.override({"tune": {"trials": trials}})
    with lock_run_folder(Path(out), shared_key="tune"):
        return run.tune(recipe, root=root, out=Path(out), timeout=timeout, storage=storage, workers=workers)
