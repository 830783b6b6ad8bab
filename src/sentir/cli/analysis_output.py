"""How the command line prints a closer look at a model: trust, parts, speakers, worst errors."""

from __future__ import annotations

from rich.table import Table

from sentir.cli import output
from sentir.display_names import display_name
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.metrics import metric_display_name
from sentir.evaluation.results import Score
from sentir.i18n import _, format_count, localize_numbers
from sentir.report.calibration import calibration_sentences


def print_analysis(details: ErrorAnalysis) -> None:
    """Print everything but the curves."""
    if details.reliability:
        for sentence in calibration_sentences(details.reliability, details.split):
            output.print_line(f"- {sentence}")
        output.print_line("")
    _print_slices(details)
    _print_speakers(details)
    _print_hardest_examples(details)


def _print_slices(details: ErrorAnalysis) -> None:
    if not details.slices:
        return
    table = _make_table(
        _("Slices"), (_("by"), _("slice"), "n", metric_display_name(details.slices[0].metric), ""), numbers=(2, 3)
    )
    for row in details.slices:
        few = _("too few") if row.is_small else ""
        cells = (
            row.definition.display_kind,
            row.definition.display_name,
            format_count(row.n),
            _format_score(row.score),
            few,
        )
        table.add_row(*map(output.as_text, cells))
    output.console.print(table)


def _print_speakers(details: ErrorAnalysis) -> None:
    if not details.speakers:
        return
    headings = (_("speaker"), "n", metric_display_name(details.speakers[0].metric), _("most frequent errors"))
    table = _make_table(_("Errors by speaker"), headings, numbers=(1, 2))
    for row in details.speakers:
        mixed = ", ".join(one.display_name for one in row.confusions) or "–"
        table.add_row(
            *map(output.as_text, (row.speaker, format_count(row.n), localize_numbers(f"{row.score:.3f}"), mixed))
        )
    output.console.print(table)


def _print_hardest_examples(details: ErrorAnalysis) -> None:
    if not details.hardest_examples:
        return
    sure = _("probability") if details.reliability else _("error")
    headings = (_("utterance"), _("text"), _("annotated"), _("predicted"), sure)
    table = _make_table(_("Most confident errors"), headings, numbers=(4,))
    for row in details.hardest_examples:
        labels, said = (
            ", ".join(map(display_name, names)) or _("none of them") for names in (row.labels, row.predicted)
        )
        table.add_row(
            *map(
                output.as_text,
                (row.id, row.text or "–", labels, said, localize_numbers(f"{row.error_score:.2f}")),
            )
        )
    output.console.print(table)


def _make_table(title: str, headings: tuple[str, ...], *, numbers: tuple[int, ...]) -> Table:
    table = Table(title=output.as_text(title), title_justify="left")
    for n, heading in enumerate(headings):
        table.add_column(heading, justify="right" if n in numbers else "left", overflow="fold")
    return table


def _format_score(score: Score) -> str:
    if score.low is None or score.high is None:
        return localize_numbers(f"{score.value:.3f}")
    return localize_numbers(f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]")
