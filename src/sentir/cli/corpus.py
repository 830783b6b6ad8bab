"""The commands ``sentir corpus …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentir.cli.corpus_audit import add_audit
from sentir.cli.corpus_clean import add_clean
from sentir.cli.corpus_export import add_export
from sentir.cli.corpus_get import add_get
from sentir.cli.corpus_init import add_init
from sentir.cli.corpus_redraw import add_redraw
from sentir.cli.corpus_show import add_show
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import CorpusArgument, JsonOption, RootOption, require_corpus_or_reader
from sentir.cli.plugins import AllowPluginsOption, PluginOption
from sentir.i18n import _

corpus = typer.Typer(
    help=_("Download, audit and prepare corpora. Or start with your own table."),
    epilog=_("Example: sentir corpus audit meld --root DATA/meld --html audit.html"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
add_audit(corpus)
add_get(corpus)
add_show(corpus)
add_clean(corpus)
add_export(corpus)
add_init(corpus)
add_redraw(corpus)


@corpus.command(
    "prepare",
    help=_(
        "Decode all clips into the audio store. Training and prediction use it. Exit code 1 if a clip cannot be "
        "used."
    ),
    epilog=_("Example: sentir corpus prepare meld --root DATA/meld"),
)
def prepare(
    name: CorpusArgument,
    root: RootOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help=_("Folder of the audio store; default: in the cache."))
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help=_("Worker processes; default: one per core."))
    ] = None,
    mel: Annotated[
        str | None,
        typer.Option("--mel", help=_("Mel spectrogram: mel or thesis; default: that of the recipe's model.")),
    ] = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    require_corpus_or_reader(name, root, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.cli.store_output import print_store_report
    from sentir.progress import show_progress

    with handle_interrupts(), show_progress():
        report = api.prepare_corpus(name, root=root, out=out, workers=workers, mel=mel)
    if json:
        output.print_json(report.to_dict())
    else:
        print_store_report(report, custom_folder=out is not None)
    raise typer.Exit(1 if report.unusable else 0)
