"""Printing of an error analysis: calibration, slices, speakers, most confident errors."""

from __future__ import annotations

from rich.table import Table

from sentir.cli import output
from sentir.display_names import display_name
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.metrics import metric_display_name
from sentir.evaluation.results import Score
from sentir.i18n import _, format_count, localize_numbers
from sentir.report.calibration import calibration_sentences


def print_analysis(analysis: ErrorAnalysis) -> None:
    """Print everything except the curves."""
    if analysis.reliability:
        for sentence in calibration_sentences(analysis.reliability, analysis.split):
            output.print_line(f"- {sentence}")
        output.print_line("")
    _print_slices(analysis)
    _print_speakers(analysis)
    _print_hardest_examples(analysis)


def _print_slices(analysis: ErrorAnalysis) -> None:
    if not analysis.slices:
        return
    table = _make_table(
        _("Slices"),
        (_("by"), _("slice"), "n", metric_display_name(analysis.slices[0].metric), ""),
        numbers=(2, 3),
    )
    for row in analysis.slices:
        remark = _("too few") if row.is_small else ""
        cells = (
            row.definition.display_kind,
            row.definition.display_name,
            format_count(row.n),
            _format_score(row.score),
            remark,
        )
        table.add_row(*map(output.as_text, cells))
    output.console.print(table)


def _print_speakers(analysis: ErrorAnalysis) -> None:
    if not analysis.speakers:
        return
    headings = (
        _("speaker"),
        "n",
        metric_display_name(analysis.speakers[0].metric),
        _("most frequent confusions"),
    )
    table = _make_table(_("Errors by speaker"), headings, numbers=(1, 2))
    for row in analysis.speakers:
        confusions = ", ".join(one.display_name for one in row.confusions) or "–"
        table.add_row(
            *map(
                output.as_text,
                (row.speaker, format_count(row.n), localize_numbers(f"{row.score:.3f}"), confusions),
            )
        )
    output.console.print(table)


def _print_hardest_examples(analysis: ErrorAnalysis) -> None:
    if not analysis.hardest_examples:
        return
    measure = _("probability") if analysis.reliability else _("error")
    headings = (_("utterance"), _("text"), _("annotated"), _("predicted"), measure)
    table = _make_table(_("Most confident errors"), headings, numbers=(4,))
    for row in analysis.hardest_examples:
        labels, predicted = (
            ", ".join(map(display_name, names)) or _("none of them") for names in (row.labels, row.predicted)
        )
        table.add_row(
            *map(
                output.as_text,
                (row.id, row.text or "–", labels, predicted, localize_numbers(f"{row.error_score:.2f}")),
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
