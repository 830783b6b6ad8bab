"""The commands ``sentir corpus export`` and ``sentir corpus redraw``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.options import CorpusArgument, JsonOption, RecipeArgument, RootOption
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_allowed_plugins, load_corpus_plugins
from sentir.display_names import display_name
from sentir.i18n import _, format_count
from sentir.progress import show_progress


def export(
    name: CorpusArgument,
    out: Annotated[Path, typer.Option(help=_("Table to write (.parquet, .csv or .jsonl)."))],
    root: RootOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
) -> None:
    load_corpus_plugins(name, allow_plugins)
    from sentir import api

    with show_progress():
        written = api.export_corpus(name, out, root=root)
    output.print_line(_("Written: {path} ({n} utterances)", path=out, n=format_count(len(written))))
    if written.test:
        output.print_line(
            _("The labels of the {n} test utterances are left out: test is locked; 'sentir evaluate --split "
              "test' scores a model on it.", n=format_count(len(written.test)))
        )  # fmt: skip


def redraw(
    recipe: RecipeArgument,
    reason: Annotated[str, typer.Option(help=_("Why test is discarded; shown in reports."))],
    root: RootOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_allowed_plugins(recipe, None, allow_plugins)
    from sentir import api

    result = api.redraw_corpus(recipe, reason=reason, root=root)
    if json:
        output.print_json(asdict(result))
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
