"""The command ``sentir tune``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli import output
from sentir.cli.browser import open_page
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import JsonOption, OpenOption, RecipeArgument, RootOption, RunFolderOption, SetOption
from sentir.cli.plugins import AllowPluginsOption, load_allowed_plugins
from sentir.documents import TableBlock
from sentir.i18n import _, format_decimal, localize_numbers
from sentir.paths import to_file_name
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.report.tuning_result import TuningResult

_MAX_TRIALS = 5


def tune(
    recipe: RecipeArgument,
    root: RootOption = None,
    out: RunFolderOption = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help=_("Total number of trials; default: the recipe's."))
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=1, help=_("Seconds after which no new trial starts."))
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help=_("Database URL for the trials; default: a file in the output folder."))
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help=_("Processes that train, one trial each."))] = 1,
    set_: SetOption = None,
    open_: OpenOption = False,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_allowed_plugins(recipe, set_, allow_plugins)
    from sentir import api

    loaded = api.load_recipe(recipe, set_ or ())
    folder = out or Path("runs") / to_file_name(loaded.name)
    with handle_interrupts(), show_progress():
        result = api.tune(
            loaded, root=root, out=folder, trials=trials, timeout=timeout, storage=storage, workers=workers
        )
    if json:
        output.print_json(result.to_dict())
    else:
        _print_tuning(result, folder, root)
    if open_:
        open_page(folder / "tuning.html")


def _print_tuning(result: TuningResult, folder: Path, root: Path | None) -> None:
    from sentir.evaluation.metrics import metric_display_name
    from sentir.recipe.toml import format_setting
    from sentir.report.tuning_page import tuning_sentences

    rows = [
        (str(trial.number), format_decimal(trial.score or 0.0, 3),
         "  ".join(f"{key}={format_setting(value)}" for key, value in trial.settings.items()))
        for trial in result.ranked_trials[:_MAX_TRIALS]
    ]  # fmt: skip
    headings = (_("trial"), metric_display_name(result.metric), _("settings"))
    output.print_table(TableBlock(headings, rows, numeric=(0, 1)))
    if result.param_importances:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in result.param_importances.items())
        output.print_line(_("Hyperparameter importance: {shares}", shares=localize_numbers(shares)))
    for sentence in tuning_sentences(result):
        output.print_line(sentence)
    output.print_line(_("Report: {path}", path=folder / "tuning.html"))
    root_option = f" --root {shlex.quote(str(root))}" if root else ""
    best, model = folder / "best.toml", Path("runs") / "models" / to_file_name(result.best_recipe.name)
    output.print_next_commands(
        f"sentir train {shlex.quote(str(best))}{root_option} --out {shlex.quote(str(model))}"
    )
