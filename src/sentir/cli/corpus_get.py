"""The command ``sentir corpus get``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.api import Download

_EXIT_INTERRUPTED = 130  # what shells give for Ctrl-C


def add_get(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "get",
        help=_("Download a corpus, or the rest of it: meld, mosei, mosei-videos or thesis-spectrograms."),
        epilog=_("Example: sentir corpus get meld --source original --out DATA/meld"),
    )(get)


def get(
    name: Annotated[str, typer.Argument(metavar="CORPUS", help=_("Its name."))],
    source: Annotated[
        str | None,
        typer.Option("--source", help=_("kaggle (the default), or of meld also original or huggingface.")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=_("Folder it goes to, if not a cache.")),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_("Download without asking."))] = False,
) -> None:
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    offer = api.plan_download(name, source=source, out=out)
    _print_download(offer)
    if offer.needs_confirmation and not yes:
        _confirm_download()
    try:
        with show_progress():
            folder = api.download_corpus(offer)
    except KeyboardInterrupt:
        output.print_line(_("Stopped; what has arrived is kept, and the same command goes on from there."))
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    output.print_line(_("It lies in {folder}.", folder=folder))
    if offer.corpus.reader is not None:
        root = folder if folder.is_dir() else folder.parent
        output.print_line(_("Try next:"))
        output.print_command(f"sentir corpus audit {offer.corpus.reader} --root {shlex.quote(str(root))}")


def _print_download(offer: Download) -> None:
    from sentir.cli import output
    from sentir.download.fetching import format_bytes

    output.print_line(_(offer.corpus.title))
    output.print_line(_("From: {address}", address=offer.url))
    size = _("not known before") if offer.size_bytes is None else format_bytes(offer.size_bytes)
    if offer.is_complete:
        size = _("{size}, there already", size=size)
    elif offer.partial_bytes:
        size = _("{size}, of which {have} are there", size=size, have=format_bytes(offer.partial_bytes))
    output.print_line(_("Size: {size}", size=size))
    output.print_line(_("License: {license}", license=offer.license or _("none named")))
    output.print_line(
        _("To: {place} (free there: {free})", place=offer.target, free=format_bytes(offer.free_bytes))
    )
    if offer.corpus.note:
        output.print_line(_(offer.corpus.note))


def _confirm_download() -> None:
    """Ask whether to download; nobody who can answer is a refusal."""
    from sentir.errors import DownloadError

    if not sys.stdin.isatty():
        raise DownloadError(_("This is a big download and nobody can be asked here; say yes with --yes."))
    if not typer.confirm(_("Download it?")):
        raise typer.Exit(1)
