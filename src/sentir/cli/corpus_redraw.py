"""The command ``sentir corpus redraw``."""

from __future__ import annotations

from typing import Annotated

import typer

from sentir.cli.options import JsonOption, RecipeArgument, RootOption
from sentir.i18n import _, format_count


def add_redraw(corpus: typer.Typer) -> None:
    """Add the command to those about corpora."""
    corpus.command(
        "redraw",
        help=_("Discard the test split that a recipe draws from your table and draw another one, on the record."),
        epilog=_('Example: sentir corpus redraw talks.toml --reason "100 rows were mislabeled"'),
    )(redraw)


def redraw(
    recipe: RecipeArgument,
    reason: Annotated[str, typer.Option("--reason", help=_("Why the test split is discarded; reports show it."))],
    root: RootOption = None,
    json: JsonOption = False,
) -> None:
    from sentir import api
    from sentir.cli import output
    from sentir.display_names import display_name

    found = api.redraw_corpus(recipe, reason=reason, root=root)
    if json:
        output.print_json(output.dataclass_to_dict(found))
        return
    sizes = ", ".join(f"{display_name(split)} {format_count(n)}" for split, n in found.splits.items())
    output.print_line(_("Seed {before} → {after} in {path}: {sizes}.",
               before=found.seeds[0], after=found.seeds[1], path=found.recipe, sizes=sizes))  # fmt: skip
    output.print_line(_("Openings of the discarded test: {n}. Redraws so far, which every report shows: {redraws}.",
               n=found.num_test_openings, redraws=found.redraws))  # fmt: skip
