"""The HTML page of an audit: its grade, findings, figures and tables, in English and in Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.audit import AuditReport, describe_grade
from sentir.audit.leaks import GROUP_PREFIX
from sentir.audit.results import AuditCell, AuditTable
from sentir.corpus.utterances import SPLITS
from sentir.display_names import display_name
from sentir.documents import TableBlock
from sentir.i18n import _, format_count, get_language, localize_numbers
from sentir.io import write_errors, write_text
from sentir.report.alt_text import describe_histogram
from sentir.report.figures import plot_histogram, plot_label_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_audit_page(audits: Mapping[str, AuditReport], path: Path) -> None:
    """Write the page of an audit.

    Args:
        audits: language → the audit with its texts in that language.
        path: the HTML file, in an existing folder; see `sentir.io.prepare_output_path`.

    Raises:
        SentirError: if it cannot be written.
    """
    page = render_audit_page(audits)
    with write_errors(path):
        write_text(path, page)


def render_audit_page(audits: Mapping[str, AuditReport]) -> str:
    """Return the page of an audit.

    Args:
        audits: language → the audit with its texts in that language.
    """
    from sentir.report.html import render_page

    def content() -> dict[str, Any]:
        audit = audits[get_language()]
        labels = audit.table("labels").rows
        return {
            "title": _("Audit of {corpus}", corpus=audit.corpus),
            "audit": audit,
            "meaning": describe_grade(audit.grade),
            "meanings": {grade: describe_grade(grade) for grade in "ABCDE"},
            "tasks": list(dict.fromkeys(row["task"] for row in labels)),
            "audit_table": audit_table,
            "plot_label_shares": plot_label_shares,
            "plot_histogram": plot_histogram,
            "describe_histogram": describe_histogram,
        }

    return render_page("audit.html", content)


def audit_table(table: AuditTable) -> TableBlock:
    """Return a table of an audit, with separators in counts, shares in percent, display names, and dashes."""
    numeric = [
        n for n, key in enumerate(table.columns)
        if all(isinstance(row.get(key), int | float | None) for row in table.rows)
    ]  # fmt: skip
    rows = [[_format_cell(key, row.get(key)) for key in table.columns] for row in table.rows]
    return TableBlock([display_name(heading) for heading in table.columns.values()], rows, numeric)


def _format_cell(key: str, value: AuditCell) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return localize_numbers(f"{value:.1%}") if key.endswith("share") else localize_numbers(f"{value:.1f}")
    if isinstance(value, str) and value.startswith(GROUP_PREFIX):
        return f"'{value.removeprefix(GROUP_PREFIX)}'"
    return format_count(value) if isinstance(value, int) else display_name(value)


def plot_label_shares(audit: AuditReport, task: str) -> Figure:
    """Draw how often each label occurs: bars are shares of a split's utterances, with the counts as text."""
    rows = [row for row in audit.table("labels").rows if row["task"] == task]
    totals = {row["split"]: row["utterances"] for row in audit.table("splits").rows}
    splits = [split for split in SPLITS if totals[split]]
    counts = {split: {str(row["label"]): _as_int(row[split]) for row in rows} for split in splits}
    return plot_label_bars(counts, {split: _as_int(totals[split]) for split in splits})


def _as_int(value: AuditCell) -> int:
    assert isinstance(value, int)
    return value
