"""The command ``sentir train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import JsonOption, RecipeArgument, RootOption, SetOption
from sentir.cli.plugins import AllowPluginsOption, load_allowed_plugins
from sentir.i18n import _
from sentir.progress import show_progress


def train(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help=_("Folder to save the model to."))],
    root: RootOption = None,
    set_: SetOption = None,
    init_from: Annotated[
        str | None,
        typer.Option(help=_("Saved model to continue training: its network and labels, with the recipe's data.")),
    ] = None,
    tensorboard: Annotated[Path | None, typer.Option(help=_("Folder for TensorBoard logs."))] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help=_("Processes that train the folds of a stacked model; default: one per core.")),
    ] = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_allowed_plugins(recipe, set_, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_scores, print_training

    loaded = api.load_recipe(recipe, set_ or ())
    with handle_interrupts(), show_progress():
        model, scores = api.train(
            loaded, root=root, out=out, init_from=init_from, tensorboard=tensorboard, workers=workers
        )
    if json:
        output.print_json([scores.to_row()])
    else:
        print_training(model.facts)
        print_scores([scores])
        output.print_line(_("Saved to {folder}.", folder=out))
