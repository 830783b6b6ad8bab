"""How the command line prints a closer look at a model: trust, parts, speakers, worst errors."""

from __future__ import annotations

from rich.table import Table

from sentir.cli import output
from sentir.evaluation.analysis.error_analysis import Details
from sentir.evaluation.part_names import kind_name, mix_up, part_name
from sentir.evaluation.results import Score
from sentir.i18n import _, localized, thousands
from sentir.report.calibration import sentences
from sentir.report.words import word


def print_details(details: Details) -> None:
    """Print everything but the curves."""
    if details.reliability:
        for sentence in sentences(details.reliability, details.split):
            output.say(f"- {sentence}")
        output.say("")
    _print_slices(details)
    _print_speakers(details)
    _print_mistakes(details)


def _print_slices(details: Details) -> None:
    if not details.slices:
        return
    table = _table(_("Slices"), (_("by"), _("slice"), "n", word(details.slices[0].metric), ""), numbers=(2, 3))
    for row in details.slices:
        few = _("too few") if row.small else ""
        cells = (kind_name(row.part), part_name(row.part), thousands(row.n), _interval(row.score), few)
        table.add_row(*map(output.text, cells))
    output.out.print(table)


def _print_speakers(details: Details) -> None:
    if not details.speakers:
        return
    headings = (_("speaker"), "n", word(details.speakers[0].metric), _("most frequent errors"))
    table = _table(_("Errors by speaker"), headings, numbers=(1, 2))
    for row in details.speakers:
        mixed = ", ".join(map(mix_up, row.mix_ups)) or "–"
        table.add_row(*map(output.text, (row.speaker, thousands(row.n), localized(f"{row.score:.3f}"), mixed)))
    output.out.print(table)


def _print_mistakes(details: Details) -> None:
    if not details.mistakes:
        return
    sure = _("probability") if details.reliability else _("error")
    headings = (_("utterance"), _("text"), _("annotated"), _("predicted"), sure)
    table = _table(_("Most confident errors"), headings, numbers=(4,))
    for row in details.mistakes:
        labels, said = (", ".join(map(word, names)) or _("none of them") for names in (row.labels, row.said))
        table.add_row(
            *map(output.text, (row.id, row.text or "–", labels, said, localized(f"{row.surprise:.2f}")))
        )
    output.out.print(table)


def _table(title: str, headings: tuple[str, ...], *, numbers: tuple[int, ...]) -> Table:
    table = Table(title=output.text(title), title_justify="left")
    for n, heading in enumerate(headings):
        table.add_column(heading, justify="right" if n in numbers else "left", overflow="fold")
    return table


def _interval(score: Score) -> str:
    if score.low is None or score.high is None:
        return localized(f"{score.value:.3f}")
    return localized(f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]")
