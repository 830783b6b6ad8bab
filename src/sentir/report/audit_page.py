"""The HTML page of an audit: its grade, findings, figures and tables, in English and in Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.audit import AuditReport, describe_grade
from sentir.audit.leaks import GROUP_PREFIX
from sentir.audit.results import AuditCell
from sentir.corpus.utterances import SPLITS
from sentir.display_names import display_name
from sentir.i18n import _, format_count, get_language, localize_numbers
from sentir.io import make_writable_folder, refuse_folder, write_errors, write_text
from sentir.report.alt_text import describe_histogram
from sentir.report.figures import plot_histogram, plot_label_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_audit_page(audits: Mapping[str, AuditReport], path: Path) -> None:
    """Write the page of an audit.

    Args:
        audits: language → the audit with its texts in that language.
        path: the HTML file, in an existing folder; see `prepare_output_path`.

    Raises:
        SentirError: if it cannot be written.
    """
    page = render_audit_page(audits)
    with write_errors(path):
        write_text(path, page)


def prepare_output_path(path: Path) -> None:
    """Create the folder of a page and check that the page can be written, before any work is done for it.

    Raises:
        SentirError: if it cannot be written.
    """
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_folder(path)
        make_writable_folder(path.parent)


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
            "format_cell": format_cell,
            "is_numeric_column": is_numeric_column,
            "plot_label_shares": plot_label_shares,
            "plot_histogram": plot_histogram,
            "describe_histogram": describe_histogram,
        }

    return render_page("audit.html", content)


def format_cell(key: str, value: AuditCell) -> str:
    """Format a cell of a table: counts with separators, shares in percent, display names, a dash for ``None``."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return localize_numbers(f"{value:.1%}") if key.endswith("share") else localize_numbers(f"{value:.1f}")
    if isinstance(value, str) and value.startswith(GROUP_PREFIX):
        return f"'{value.removeprefix(GROUP_PREFIX)}'"
    return format_count(value) if isinstance(value, int) else display_name(value)


def is_numeric_column(key: str, audit: AuditReport, table: str) -> bool:
    """Return whether a column of a table holds only numbers."""
    return all(isinstance(row.get(key), int | float | None) for row in audit.table(table).rows)


def plot_label_shares(audit: AuditReport, task: str) -> Figure:
    """Draw how often each label occurs: bars are shares of a split's utterances, with the counts as text."""
    rows = [row for row in audit.table("labels").rows if row["task"] == task]
    totals = {row["split"]: row["utterances"] for row in audit.table("splits").rows}
    splits = [split for split in SPLITS if totals[split]]
    counts = {split: {str(row["label"]): _as_int(row[split]) for row in rows} for split in splits}
    return plot_label_bars(
        counts,
        {split: _as_int(totals[split]) for split in splits},
        bar_distance=0.27,
        bar_height=0.24,
        row_height=0.16 * (len(splits) + 0.7),
    )


def _as_int(value: AuditCell) -> int:
    assert isinstance(value, int)
    return value
