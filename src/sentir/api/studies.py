"""The verbs about studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.recipe import Recipe

if TYPE_CHECKING:
    from sentir.report.content import StudyReport


def run_study(recipes: Sequence[Recipe], *, root: Path | None = None, out: Path) -> StudyReport:
    """Run the studies of one or more recipes into one folder; see `sentir.study.run.run_study`.

    Raises:
        SentirError: for recipes, names, files or weights that cannot be used.
    """
    from sentir.study import run

    return run.run_study(recipes, root=root, out=out)
