"""The commands about corpora: ``sentir corpus …``."""

from __future__ import annotations

from typing import Annotated

import typer

from sentir.cli.options import Json, Root
from sentir.i18n import _

corpus = typer.Typer(help=_("Look at corpora."), no_args_is_help=True, rich_markup_mode=None)


@corpus.command(
    "audit",
    help=_("Count a corpus and list its defects, duplicates and leaks; exit code 1 if something was lost."),
    epilog=_("Example: sentir corpus audit meld --root DATA/meld"),
)
def audit(
    name: Annotated[str, typer.Argument(metavar="CORPUS", help=_("A reader's name, or a recipe (TOML)."))],
    root: Root = None,
    json: Json = False,
) -> None:
    from sentir import api
    from sentir.cli import show

    found = api.audit_corpus(name, root=root)
    if json:
        show.print_json(found.to_dict())
    else:
        show.print_audit(found)
    raise typer.Exit(1 if found.problems else 0)
