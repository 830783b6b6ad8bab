"""The command ``sentir study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.browser import open_page
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import JsonOption, OpenOption, RootOption, RunFolderOption, SetOption
from sentir.cli.plugins import AllowPluginsOption, load_allowed_plugins
from sentir.i18n import _
from sentir.paths import to_file_name
from sentir.progress import show_progress


def study(
    recipes: Annotated[list[Path], typer.Argument(help=_("One or more recipes, for one report."))],
    root: RootOption = None,
    out: RunFolderOption = None,
    set_: SetOption = None,
    accept_grade: Annotated[
        bool, typer.Option("--accept-grade", help=_("Use a corpus even if its audit grade is D or E."))
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help=_("Worker processes; default: one per core."))
    ] = None,
    open_: OpenOption = False,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    for path in recipes:
        load_allowed_plugins(path, set_, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_study

    loaded = [api.load_recipe(path, set_ or ()) for path in recipes]
    folder = out or Path("runs") / to_file_name("+".join(recipe.name for recipe in loaded))
    with handle_interrupts(), show_progress():
        report = api.run_study(loaded, root=root, out=folder, accept_grade=accept_grade, workers=workers)
    if json:
        output.print_json([row.to_row() for row in report.scores])
    else:
        print_study(report, folder)
    if open_:
        open_page(folder / "report.html")
