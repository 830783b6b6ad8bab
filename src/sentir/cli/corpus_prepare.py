"""The command ``sentir corpus prepare``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sentir.cli import output
from sentir.cli.engine_options import (
    AddressOption,
    EngineOption,
    GpusOption,
    ShareOption,
    make_other_engine,
)
from sentir.cli.interrupts import handle_interrupts
from sentir.cli.options import CorpusArgument, JsonOption, RootOption, WorkersOption
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_corpus_plugins
from sentir.display_names import audio_problem_name, display_name
from sentir.documents import TableBlock
from sentir.i18n import _, format_count, format_decimal
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.audio.store_report import NotedClip, StoreReport, UnusableClip

    Clip = TypeVar("Clip", NotedClip, UnusableClip)

_MAX_EXAMPLES = 3


def prepare(
    name: CorpusArgument,
    root: RootOption = None,
    out: Annotated[Path | None, typer.Option(help=_("Folder of the audio store; default: in the cache."))] = None,
    workers: WorkersOption = None,
    mel: Annotated[
        str | None, typer.Option(help=_("Mel spectrogram: mel or thesis; default: that of the recipe's model."))
    ] = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    num_gpus: GpusOption = 0.0,
    shard: ShareOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_corpus_plugins(name, allow_plugins)
    from sentir import api
    from sentir.engines.shards import Share

    with handle_interrupts(), show_progress():
        other = make_other_engine(engine, address, num_gpus)
        share = Share.parse(shard)
        report = api.prepare_corpus(name, root=root, out=out, workers=workers, mel=mel, engine=other, share=share)
    if json:
        output.print_json(report.to_dict())
    else:
        _print_report(report)
        if out is not None:
            output.print_line(
                _("To use it in other commands, set SENTIR_AUDIO_DIR={folder}.", folder=report.folder)
            )
    raise typer.Exit(1 if report.unusable else 0)


def _print_report(report: StoreReport) -> None:
    """Print counts by split, unusable clips with examples, the time it took, and the folder of the store."""
    from sentir.audio.decoding_notes import describe_note_kind

    output.print_line(_("{corpus} (synthetic)", corpus=report.corpus) if report.synthetic else report.corpus)
    rows = [
        (display_name(row.split), *map(format_count, (row.utterances, row.clips, row.usable)),
         format_decimal(row.seconds / 3600, 2))
        for row in report.splits
    ]  # fmt: skip
    output.print_table(TableBlock((_("split"), _("utterances"), _("with clip"), _("usable"), _("hours")), rows))
    _print_examples(
        report.unusable,
        lambda kind, n: _("Without usable audio, {why}: {n}", why=audio_problem_name(kind), n=n),
        lambda clip: clip.problem,
    )
    _print_examples(
        report.noted,
        lambda kind, n: _("Used, but {what}: {n}", what=describe_note_kind(kind), n=n),
        lambda clip: clip.note,
    )
    wall = format_decimal(max(report.wall_seconds, 1e-9), 1)
    if report.decoded_clips:
        times = format_count(report.decoded_seconds / max(report.wall_seconds, 1e-9))
        output.print_line(
            _("Clips decoded: {n}, in {wall} s ({times} times real time).",
              n=format_count(report.decoded_clips), wall=wall, times=times)
        )  # fmt: skip
    else:
        output.print_line(_("All clips were already in the store ({wall} s).", wall=wall))
    output.print_line(_("Audio store: {folder}", folder=report.folder))


def _print_examples(
    clips: Sequence[Clip], heading: Callable[[str, str], str], describe: Callable[[Clip], str]
) -> None:
    """Print the number of clips of each kind, and some of them."""
    for kind in dict.fromkeys(clip.kind for clip in clips):
        rows = [clip for clip in clips if clip.kind == kind]
        output.print_line(heading(kind, format_count(len(rows))))
        for clip in rows[:_MAX_EXAMPLES]:
            output.print_line(f"    {output.with_id(clip.id, describe(clip))}")
        if more := len(rows[_MAX_EXAMPLES:]):
            output.print_line("    " + _("{n} more; --json lists them all", n=format_count(more)))
