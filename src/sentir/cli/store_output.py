"""Printing of the report on an audio store."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from sentir.audio.decoding_notes import describe_note_kind
from sentir.audio.store_report import StoreReport
from sentir.cli import output
from sentir.display_names import display_name
from sentir.i18n import _, format_count, localize_numbers

_MAX_EXAMPLES = 3


def print_store_report(report: StoreReport, *, custom_folder: bool = False) -> None:
    """Print counts by split, unusable clips with examples, the time it took, and the folder of the store.

    Args:
        report: of the store.
        custom_folder: whether it is a folder that other commands do not use by default.
    """
    output.print_line(_("{corpus} (synthetic)", corpus=report.corpus) if report.synthetic else report.corpus)
    output.console.print(_splits_table(report))
    _print_unusable(report)
    _print_noted(report)
    _print_time(report)
    output.print_line(_("Audio store: {folder}", folder=report.folder))
    if custom_folder:
        output.print_line(_("To use it in other commands, set SENTIR_AUDIO_DIR={folder}.", folder=report.folder))


def _splits_table(report: StoreReport) -> Table:
    table = Table()
    headings = (_("utterances"), _("with clip"), _("usable"), _("hours"))
    for heading in (_("split"), *headings):
        table.add_column(heading, justify="left" if heading == _("split") else "right")
    for row in report.splits:
        counts = map(format_count, (row.utterances, row.clips, row.usable))
        table.add_row(display_name(row.split), *counts, localize_numbers(f"{row.seconds / 3600:.2f}"))
    return table


def _print_unusable(report: StoreReport) -> None:
    for kind in dict.fromkeys(lost.kind for lost in report.unusable):
        rows = [lost for lost in report.unusable if lost.kind == kind]
        output.print_line(
            _("Without usable audio, {why}: {n}", why=display_name(f"audio.{kind}"), n=format_count(len(rows)))
        )
        _print_examples([(lost.id, lost.problem) for lost in rows])


def _print_noted(report: StoreReport) -> None:
    for kind in dict.fromkeys(noted.kind for noted in report.noted):
        rows = [noted for noted in report.noted if noted.kind == kind]
        output.print_line(_("Used, but {what}: {n}", what=describe_note_kind(kind), n=format_count(len(rows))))
        _print_examples([(noted.id, noted.note) for noted in rows])


def _print_examples(rows: Sequence[tuple[str, str]]) -> None:
    for where, why in rows[:_MAX_EXAMPLES]:
        output.print_line(f"    {output.with_id(where, why)}")
    if len(rows) > _MAX_EXAMPLES:
        output.print_line(
            "    " + _("{n} more; --json lists them all", n=format_count(len(rows) - _MAX_EXAMPLES))
        )


def _print_time(report: StoreReport) -> None:
    wall = max(report.wall_seconds, 1e-9)
    if report.decoded_clips:
        output.print_line(
            _(
                "Clips decoded: {n}, in {wall} s ({times} times real time).",
                n=format_count(report.decoded_clips),
                wall=localize_numbers(f"{wall:.1f}"),
                times=format_count(report.decoded_seconds / wall),
            )
        )
    else:
        output.print_line(
            _("All clips were already in the store ({wall} s).", wall=localize_numbers(f"{wall:.1f}"))
        )
