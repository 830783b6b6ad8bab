"""The command ``sentir corpus get``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli import output
from sentir.i18n import _, format_bytes
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.api import Download

_EXIT_INTERRUPTED = 130  # as shells report Ctrl-C


def get(
    name: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help=_("meld, mmeld, mosei, ravdess, cremad …; an unknown name lists all."),
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            help=_(
                "Where to download from: kaggle (default), original or huggingface, as far as a corpus has them."
            )
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help=_("Folder to download to; default: in the cache."))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_("Download without confirmation."))] = False,
) -> None:
    from sentir import api

    download = api.plan_download(name, source=source, out=out)
    _print_download(download)
    if download.needs_confirmation and not yes:
        _confirm_download()
    try:
        with show_progress():
            folder = api.download_corpus(download)
    except KeyboardInterrupt:
        output.print_line(_("Stopped. The partial download is kept; run the same command to resume."))
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    output.print_line(_("The corpus is in {folder}.", folder=folder))
    if download.corpus.reader is not None:
        root = folder if folder.is_dir() else folder.parent
        output.print_next_commands(
            f"sentir corpus audit {download.corpus.reader} --root {shlex.quote(str(root))}"
        )


def _print_download(download: Download) -> None:
    output.print_line(_(download.corpus.title))
    output.print_line(_("From: {address}", address=download.url))
    size = _("unknown") if download.size_bytes is None else format_bytes(download.size_bytes)
    if download.is_complete:
        size = _("{size}, already downloaded", size=size)
    elif download.partial_bytes:
        size = _(
            "{size}, of which {have} are already downloaded", size=size, have=format_bytes(download.partial_bytes)
        )
    output.print_line(_("Size: {size}", size=size))
    output.print_line(_("License: {license}", license=download.license or _("not stated")))
    output.print_line(
        _("To: {folder} ({free} free)", folder=download.target, free=format_bytes(download.free_bytes))
    )
    if download.corpus.note:
        output.print_line(_(download.corpus.note))


def _confirm_download() -> None:
    """Ask whether to download; without a terminal this is an error."""
    from sentir.errors import DownloadError

    if not sys.stdin.isatty():
        raise DownloadError(_("This is a large download that needs confirmation; confirm with --yes."))
    if not typer.confirm(_("Download it?")):
        raise typer.Exit(1)
