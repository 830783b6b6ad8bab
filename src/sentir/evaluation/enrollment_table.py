"""The enrollment curve as a table, the same in reports and model cards."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.display_names import model_display_name
from sentir.documents import TableBlock
from sentir.evaluation.formatting import format_score
from sentir.evaluation.metrics import metric_display_name
from sentir.evaluation.results import ModelScores, Score
from sentir.i18n import _


def enrollment_table(rows: Sequence[ModelScores]) -> TableBlock | None:
    """Return a row for each model with speaker normalization, a column for each enrollment; or ``None``."""
    measured = [row for row in rows if row.enrollment]
    if not measured:
        return None
    first = measured[0].enrollment
    cells = tuple(
        (model_display_name(row.model), format_score(row.metrics[first[0].metric]),
         *(f"{format_score(Score(one.value, one.low, one.high, one.sd))}{one.display_label}"
           for one in row.enrollment))
        for row in measured
    )  # fmt: skip
    return TableBlock((_("clips of each speaker"), "0", *(one.heading for one in first)), cells)


def enrollment_title(row: ModelScores) -> str:
    """Return the title of the table."""
    metric = row.enrollment[0].metric
    return _("{metric} with enrolled speakers", metric=metric_display_name(metric))


def enrollment_remark(rows: Sequence[ModelScores]) -> str:
    """Return what the scores used, and how they may be read."""
    remark = _(
        "These scores used other clips of the speakers that they are measured on, random ones without labels. "
        "They do not compare with scores that did not."
    )
    if not any(one.label for row in rows for one in row.enrollment):
        return remark
    return f"{remark} {_('The last column has only clips of the label that misleads most.')}"
