"""The command ``sentir corpus export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli.options import CorpusName, Root, check_corpus
from sentir.i18n import _, thousands


def add_export(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "export",
        help=_("Write a corpus as one table (.parquet, .csv or .jsonl); the labels of test are left out."),
        epilog=_("Example: sentir corpus export meld --root DATA/meld --out meld.parquet"),
    )(export)


def export(
    name: CorpusName,
    out: Annotated[Path, typer.Option("--out", help=_("The table to write."))],
    root: Root = None,
) -> None:
    check_corpus(name, root)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    with show_progress():
        written = api.export_corpus(name, out, root=root)
    output.say(_("Written: {path} ({n} utterances)", path=out, n=thousands(len(written))))
    if written.test:
        output.say(
            _(
                "The labels of the {n} test utterances are left out: they are sealed, and 'sentir evaluate' "
                "opens them.",
                n=thousands(len(written.test)),
            )
        )
