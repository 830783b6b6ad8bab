"""The command ``sentir tune``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli.interrupts import resumable
from sentir.cli.options import Json, RecipeFile, Root, Set, check_recipe
from sentir.i18n import _, localized
from sentir.paths import file_name

if TYPE_CHECKING:
    from sentir.report.tuning_result import Tuning

_SHOWN = 5


def add_tune(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=_(
            "Try settings of a recipe and write down the best; test is not read. Run again, it goes on where it "
            "was stopped; run twice at once, both share the trials."
        ),
        epilog=_("Example: sentir tune recipes/tune-meld-text.toml --root DATA/meld --trials 20"),
    )(tune)


def tune(
    recipe: RecipeFile,
    root: Root = None,
    out: Annotated[Path | None, typer.Option("--out", help=_("Folder of the run; default runs/RECIPE."))] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help=_("Trials in all; default: the recipe's."))
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, help=_("Seconds after which no trial begins."))
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", help=_("URL of a database for the trials, if not a file in the folder.")),
    ] = None,
    set_: Set = None,
    open_: Annotated[
        bool, typer.Option("--open", help=_("Open the page in a browser at the end, where there is one."))
    ] = False,
    json: Json = False,
) -> None:
    check_recipe(recipe, set_, root)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.browser import open_page
    from sentir.progress import show_progress

    loaded = api.load_recipe(recipe, set_ or ())
    place = out or Path("runs") / file_name(loaded.name)
    with resumable(), show_progress():
        found = api.tune(loaded, root=root, out=place, trials=trials, timeout=timeout, storage=storage)
    if json:
        output.print_json(found.to_dict())
    else:
        _print(found, place, root)
    if open_:
        open_page(place / "tuning.html")


def _print(found: Tuning, place: Path, root: Path | None) -> None:
    from rich.table import Table

    from sentir.cli import output
    from sentir.report.tuning_page import sentences, value_text
    from sentir.report.words import word

    table = Table()
    for heading in (_("trial"), word(found.metric), _("settings")):
        table.add_column(heading, justify="left" if heading == _("settings") else "right", overflow="fold")
    for trial in found.ranked[:_SHOWN]:
        settings = "  ".join(f"{key}={value_text(value)}" for key, value in trial.settings.items())
        table.add_row(*map(output.text, (str(trial.number), localized(f"{trial.score:.3f}"), settings)))
    output.out.print(table)
    if found.importances:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in found.importances.items())
        output.say(_("Importance: {shares}", shares=shares))
    for sentence in sentences(found):
        output.say(sentence)
    output.say(_("Page: {path}", path=place / "tuning.html"))
    output.say(_("Try next:"))
    where = f" --root {shlex.quote(str(root))}" if root else ""
    best, model = place / "best.toml", Path("runs") / "models" / file_name(found.recipe.name)
    output.command(f"sentir train {shlex.quote(str(best))}{where} --out {shlex.quote(str(model))}")
