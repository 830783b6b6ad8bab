"""The command ``sentir corpus export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli.options import CorpusArgument, RootOption, require_corpus_or_reader
from sentir.cli.plugins import AllowPluginsOption, PluginOption
from sentir.i18n import _, format_count


def add_export(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "export",
        help=_("Write a corpus as one table. The labels of test are left out."),
        epilog=_("Example: sentir corpus export meld --root DATA/meld --out meld.parquet"),
    )(export)


def export(
    name: CorpusArgument,
    out: Annotated[Path, typer.Option("--out", help=_("Table to write (.parquet, .csv or .jsonl)."))],
    root: RootOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
) -> None:
    require_corpus_or_reader(name, root, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    with show_progress():
        written = api.export_corpus(name, out, root=root)
    output.print_line(_("Written: {path} ({n} utterances)", path=out, n=format_count(len(written))))
    if written.test:
        output.print_line(
            _(
                "The labels of the {n} test utterances are left out: test is locked; 'sentir evaluate --split "
                "test' scores a model on it.",
                n=format_count(len(written.test)),
            )
        )
