"""The command ``sentir demo``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sentir.cli import output
from sentir.i18n import _, format_count
from sentir.progress import show_progress

_NEXT_COMMANDS = (
    "sentir corpus audit {reader} --root {folder}",
    "sentir corpus prepare {reader} --root {folder}",
    "sentir train recipes/demo-{reader}.toml --root {folder} --set data.reader={reader} "
    "--out runs/models/{reader}",
)


def demo(
    out: Annotated[Path, typer.Option(help=_("Folder to write the corpora to."))],
    corpus: Annotated[
        list[str] | None, typer.Option(help=_("meld or mosei; default: both. May be repeated."))
    ] = None,
) -> None:
    from sentir import api

    with show_progress():
        written = api.write_demo(out, corpora=corpus or ("meld", "mosei"))
    for tree in written:
        output.print_line(
            _("Written: {folder} ({tables} tables, {recordings} recordings; synthetic speech)",
              folder=tree.folder, tables=tree.tables, recordings=format_count(tree.recordings))
        )  # fmt: skip
    output.print_next_commands(
        *(
            command.format(reader=tree.reader, folder=shlex.quote(str(tree.folder)))
            for tree in written
            for command in _NEXT_COMMANDS
        )
    )
