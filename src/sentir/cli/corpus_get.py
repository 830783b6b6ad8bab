"""The command ``sentir corpus get``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.api import Offer

_INTERRUPTED = 130  # what shells give for Ctrl-C


def add_get(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "get",
        help=_("Download a corpus, or the rest of it: meld, mosei, mosei-videos or thesis-spectrograms."),
        epilog=_("Example: sentir corpus get meld --from original --out DATA/meld"),
    )(get)


def get(
    name: Annotated[str, typer.Argument(metavar="CORPUS", help=_("Its name."))],
    source: Annotated[
        str | None,
        typer.Option("--from", help=_("kaggle (the default), or of meld also original or huggingface.")),
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

    offer = api.offer_corpus(name, source=source, out=out)
    _print_offer(offer)
    if offer.big and not yes:
        _ask()
    try:
        with show_progress():
            folder = api.get_corpus(offer)
    except KeyboardInterrupt:
        output.say(_("Stopped; what has arrived is kept, and the same command goes on from there."))
        raise typer.Exit(_INTERRUPTED) from None
    output.say(_("It lies in {folder}.", folder=folder))
    if offer.corpus.reader is not None:
        root = folder if folder.is_dir() else folder.parent
        output.say(_("Try next:"))
        output.command(f"sentir corpus audit {offer.corpus.reader} --root {shlex.quote(str(root))}")


def _print_offer(offer: Offer) -> None:
    from sentir.cli import output
    from sentir.download.fetching import bytes_text

    output.say(_(offer.corpus.title))
    output.say(_("From: {address}", address=offer.address))
    size = _("not known before") if offer.size is None else bytes_text(offer.size)
    if offer.there:
        size = _("{size}, there already", size=size)
    elif offer.have:
        size = _("{size}, of which {have} are there", size=size, have=bytes_text(offer.have))
    output.say(_("Size: {size}", size=size))
    output.say(_("License: {license}", license=offer.license or _("none named")))
    output.say(_("To: {place} (free there: {free})", place=offer.place, free=bytes_text(offer.free)))
    if offer.corpus.note:
        output.say(_(offer.corpus.note))


def _ask() -> None:
    """Ask whether to download; nobody who can answer is a refusal."""
    from sentir.errors import DownloadError

    if not sys.stdin.isatty():
        raise DownloadError(_("This is a big download and nobody can be asked here; say yes with --yes."))
    if not typer.confirm(_("Download it?")):
        raise typer.Exit(1)
