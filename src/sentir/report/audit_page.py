"""The page of an audit: its grade, findings, figures and tables, in English and in Spanish."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.audit import Audit, grade_meaning
from sentir.audit.leaks import GROUP
from sentir.audit.results import Cell
from sentir.corpus.utterances import SPLITS
from sentir.errors import SentirError
from sentir.i18n import _, language, localized, thousands
from sentir.io import write_text
from sentir.report.alt_text import spread_text
from sentir.report.figures import label_bars, spread_figure
from sentir.report.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALL = 8


def save_audit(audits: Mapping[str, Audit], path: Path) -> None:
    """Write the page of an audit.

    Args:
        audits: language → the audit in its sentences.
        path: the HTML file, in a folder that is there; see `make_place`.

    Raises:
        SentirError: if it cannot be written.
    """
    page = render_audit(audits)
    with _writing(path):
        write_text(path, page)


def make_place(path: Path) -> None:
    """Make the folder of a page, before any work is done for it.

    Raises:
        SentirError: if no file can be written there.
    """
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=error.strerror)) from error


def render_audit(audits: Mapping[str, Audit]) -> str:
    """Return the page of an audit, given in every language."""
    from sentir.report.html import render_page

    def content() -> dict[str, Any]:
        audit = audits[language()]
        labels = audit.table("labels").rows
        return {
            "title": _("Audit of {corpus}", corpus=audit.corpus),
            "audit": audit,
            "meaning": grade_meaning(audit.grade),
            "meanings": {grade: grade_meaning(grade) for grade in "ABCDE"},
            "tasks": list(dict.fromkeys(row["task"] for row in labels)),
            "cell_text": cell_text,
            "is_number": is_number,
            "shares_figure": shares_figure,
            "spread_figure": spread_figure,
            "spread_text": spread_text,
        }

    return render_page("audit.html", content)


def cell_text(key: str, value: Cell) -> str:
    """Write a cell of a table: counts by thousands, shares in percent, keys as words, a dash for the unknown."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return localized(f"{value:.1%}") if key.endswith("share") else localized(f"{value:.1f}")
    if isinstance(value, str) and value.startswith(GROUP):
        return f"'{value.removeprefix(GROUP)}'"
    return thousands(value) if isinstance(value, int) else word(value)


def is_number(key: str, audit: Audit, table: str) -> bool:
    """Tell whether a column of a table holds numbers alone."""
    return all(isinstance(row.get(key), int | float | None) for row in audit.table(table).rows)


def shares_figure(audit: Audit, task: str) -> Figure:
    """Draw how often each label occurs: bars are shares of a split's utterances, with the counts as text."""
    rows = [row for row in audit.table("labels").rows if row["task"] == task]
    totals = {row["split"]: row["utterances"] for row in audit.table("splits").rows}
    splits = [split for split in SPLITS if totals[split]]
    counts = {split: {str(row["label"]): _whole(row[split]) for row in rows} for split in splits}
    line = 0.16 * (len(splits) + 0.7)
    return label_bars(counts, {split: _whole(totals[split]) for split in splits}, pitch=0.27, bar=0.24, line=line)


def _whole(value: Cell) -> int:
    assert isinstance(value, int)
    return value
