"""The command ``sentir tune``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import JsonOption, RecipeArgument, RootOption, SetOption, require_recipe_and_corpus
from sentir.cli.plugins import AllowPluginsOption
from sentir.i18n import _, localize_numbers
from sentir.paths import to_file_name

if TYPE_CHECKING:
    from sentir.report.tuning_result import TuningResult

_MAX_TRIALS = 5


def add_tune(app: typer.Typer) -> None:
    """Add the command to ``sentir``."""
    app.command(
        help=_(
            "Tune the settings of a recipe. The best ones are saved as a recipe; test is not used. Run it again "
            "to resume, or several times at once to share the trials."
        ),
        epilog=_("Example: sentir tune recipes/tune-meld-text.toml --root DATA/meld --trials 20"),
    )(tune)


def tune(
    recipe: RecipeArgument,
    root: RootOption = None,
    out: Annotated[Path | None, typer.Option("--out", help=_("Output folder; default: runs/RECIPE."))] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help=_("Total number of trials; default: the recipe's."))
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, help=_("Seconds after which no new trial starts."))
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", help=_("Database URL for the trials; default: a file in the output folder.")),
    ] = None,
    set_: SetOption = None,
    open_: Annotated[bool, typer.Option("--open", help=_("Open the report in the browser when done."))] = False,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    require_recipe_and_corpus(recipe, set_, root, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.browser import open_page
    from sentir.progress import show_progress

    loaded = api.load_recipe(recipe, set_ or ())
    folder = out or Path("runs") / to_file_name(loaded.name)
    with handle_interrupts(), show_progress():
        result = api.tune(loaded, root=root, out=folder, trials=trials, timeout=timeout, storage=storage)
    if json:
        output.print_json(result.to_dict())
    else:
        _print_tuning(result, folder, root)
    if open_:
        open_page(folder / "tuning.html")


def _print_tuning(result: TuningResult, folder: Path, root: Path | None) -> None:
    from rich.table import Table

    from sentir.cli import output
    from sentir.evaluation.metrics import metric_display_name
    from sentir.report.tuning_page import format_setting, tuning_sentences

    table = Table()
    for heading in (_("trial"), metric_display_name(result.metric), _("settings")):
        table.add_column(heading, justify="left" if heading == _("settings") else "right", overflow="fold")
    for trial in result.ranked_trials[:_MAX_TRIALS]:
        settings = "  ".join(f"{key}={format_setting(value)}" for key, value in trial.settings.items())
        table.add_row(*map(output.as_text, (str(trial.number), localize_numbers(f"{trial.score:.3f}"), settings)))
    output.console.print(table)
    if result.param_importances:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in result.param_importances.items())
        output.print_line(_("Hyperparameter importance: {shares}", shares=shares))
    for sentence in tuning_sentences(result):
        output.print_line(sentence)
    output.print_line(_("Report: {path}", path=folder / "tuning.html"))
    output.print_line(_("Try next:"))
    root_option = f" --root {shlex.quote(str(root))}" if root else ""
    best, model = folder / "best.toml", Path("runs") / "models" / to_file_name(result.best_recipe.name)
    output.print_command(f"sentir train {shlex.quote(str(best))}{root_option} --out {shlex.quote(str(model))}")
