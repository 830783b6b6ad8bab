"""The command ``sentir corpus redraw``."""

from __future__ import annotations

from typing import Annotated

import typer

from sentir.cli.options import JsonOption, RecipeArgument, RootOption
from sentir.cli.plugins import AllowPluginsOption, load_allowed_plugins
from sentir.i18n import _, format_count


def add_redraw(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "redraw",
        help=_("Redraw the random test split of your own table. Every report shows it."),
        epilog=_('Example: sentir corpus redraw talks.toml --reason "100 rows were mislabeled"'),
    )(redraw)


def redraw(
    recipe: RecipeArgument,
    reason: Annotated[str, typer.Option("--reason", help=_("Why test is discarded; shown in reports."))],
    root: RootOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_allowed_plugins(recipe, None, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.display_names import display_name

    result = api.redraw_corpus(recipe, reason=reason, root=root)
    if json:
        output.print_json(output.dataclass_to_dict(result))
        return
    sizes = ", ".join(f"{display_name(split)} {format_count(n)}" for split, n in result.splits.items())
    output.print_line(
        _("Seed {before} → {after} in {path}: {sizes}.",
          before=result.seeds[0], after=result.seeds[1], path=result.recipe, sizes=sizes)
    )  # fmt: skip
    output.print_line(
        _("Evaluations on the discarded test: {n}. Redraws so far, shown in every report: {redraws}.",
          n=result.num_test_openings, redraws=result.redraws)
    )  # fmt: skip
