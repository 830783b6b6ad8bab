"""How the command line prints what listening to a corpus came to."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from sentir.audio.decoding_notes import note_text
from sentir.audio.store_report import Prepared, problem_text
from sentir.cli import output
from sentir.i18n import _, localized, thousands
from sentir.report.words import word

_EXAMPLES = 3


def print_prepared(found: Prepared, *, elsewhere: bool = False) -> None:
    """Print counts by split, what was lost with examples, the time it took, and where the store lies.

    Args:
        found: what was heard.
        elsewhere: whether the store lies where other commands do not look by themselves.
    """
    output.say(_("{corpus} (synthetic)", corpus=found.corpus) if found.synthetic else found.corpus)
    output.out.print(_splits(found))
    _say_lost(found)
    _say_noted(found)
    _say_time(found)
    output.say(_("Prepared sound lies in {folder}.", folder=found.folder))
    if elsewhere:
        output.say(_("Set SENTIR_SOUNDS_DIR={folder} and the other commands use it.", folder=found.folder))


def _splits(found: Prepared) -> Table:
    table = Table()
    headings = (_("utterances"), _("with clip"), _("usable"), _("hours"))
    for heading in (_("split"), *headings):
        table.add_column(heading, justify="left" if heading == _("split") else "right")
    for row in found.splits:
        counts = map(thousands, (row.utterances, row.clips, row.usable))
        table.add_row(word(row.split), *counts, localized(f"{row.seconds / 3600:.2f}"))
    return table


def _say_lost(found: Prepared) -> None:
    for kind in dict.fromkeys(lost.kind for lost in found.lost):
        rows = [lost for lost in found.lost if lost.kind == kind]
        output.say(_("Without usable sound, {why}: {n}", why=problem_text(kind), n=thousands(len(rows))))
        _say_examples([(lost.id, lost.problem) for lost in rows])


def _say_noted(found: Prepared) -> None:
    for kind in dict.fromkeys(noted.kind for noted in found.noted):
        rows = [noted for noted in found.noted if noted.kind == kind]
        output.say(_("Used, but {what}: {n}", what=note_text(kind), n=thousands(len(rows))))
        _say_examples([(noted.id, noted.note) for noted in rows])


def _say_examples(rows: Sequence[tuple[str, str]]) -> None:
    for where, why in rows[:_EXAMPLES]:
        output.say(f"    {output.explained(where, why)}")
    if len(rows) > _EXAMPLES:
        output.say("    " + _("{n} more; --json lists them all", n=thousands(len(rows) - _EXAMPLES)))


def _say_time(found: Prepared) -> None:
    wall = max(found.wall_seconds, 1e-9)
    if found.decoded:
        output.say(
            _(
                "Clips decoded: {n}, in {wall} s ({times} times real time).",
                n=thousands(found.decoded),
                wall=localized(f"{wall:.1f}"),
                times=thousands(found.decoded_seconds / wall),
            )
        )
    else:
        output.say(_("Everything had been prepared before ({wall} s).", wall=localized(f"{wall:.1f}")))
