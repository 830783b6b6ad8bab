"""Predictions as a table, and a list of predictions that becomes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from sentir.corpus.predictions import Prediction, TaskPrediction
from sentir.i18n import _, format_count, format_decimal
from sentir.recognizer.input_tables import make_unused_name
from sentir.repr_mixin import abbreviate_list
from sentir.safe_text import make_printable

if TYPE_CHECKING:
    from pandas import DataFrame

RowValues = dict[str, Any]
_MAX_ROWS, _MAX_CHARACTERS = 20, 60  # of the view in a notebook


class PredictionList(list[Prediction]):
    """The predictions for several inputs, in order: a list with `to_frame` and a view in notebooks."""

    def to_frame(self) -> DataFrame:
        """Return them as a pandas DataFrame, with the columns that `sentir.write_predictions` writes."""
        import pandas as pd

        table = make_prediction_table(self)
        return pd.DataFrame(
            {name: [row.get(name) for row in table.rows] for name in table.columns}, columns=table.columns
        )

    def _repr_html_(self) -> str:
        headings = (_("utterance"), _("prediction"), _("confidence"), _("notes"))
        cells = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
        rows = "".join(map(_html_row, self[:_MAX_ROWS]))
        left_out = len(self) - _MAX_ROWS
        more = f"<tr><td colspan=4>… (+{format_count(left_out)})</td></tr>" if left_out > 0 else ""
        return f"<table><caption>{len(self)}</caption><tr>{cells}</tr>{rows}{more}</table>"


def _html_row(row: Prediction) -> str:
    values = (f"{name} {format_decimal(value, 2)}" for name, value in row.values.items())
    result = row.problem or " · ".join(values) or abbreviate_list(row.labels)
    confidence = "" if row.confidence is None else format_decimal(row.confidence, 2)
    cells = map(_shorten, (row.text or row.id, result, confidence, " ".join(row.notes)))
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _shorten(text: str) -> str:
    line = " ".join(make_printable(text).split())
    return line if len(line) <= _MAX_CHARACTERS else f"{line[:_MAX_CHARACTERS]}…"


@dataclass(frozen=True)
class PredictionTable:
    """Predictions as rows: the columns of the input tables, followed by those of the predictions.

    Attributes:
        user_columns: the columns of the input tables, in order.
        column_names: name in `prediction_to_row` → column, in order.
        rows: column → cell; missing cells are left out.
    """

    user_columns: tuple[str, ...]
    column_names: Mapping[str, str]
    rows: Sequence[RowValues]

    @property
    def columns(self) -> list[str]:
        """All columns, in order."""
        return [*self.user_columns, *self.column_names.values()]


def prediction_to_row(row: Prediction) -> RowValues:
    """Return a prediction by column; `write_predictions` renames columns that are taken."""
    cells = _label_columns(row) | ({} if row.confidence is None else {"confidence": row.confidence})
    cells |= _number_columns(row)
    for task, prediction in row.other_tasks.items():
        columns = _label_columns(prediction) | _number_columns(prediction)
        cells |= {f"{task}.{name}": value for name, value in columns.items()}
    return cells if row.abstain is None else cells | {"abstain": row.abstain}


def _label_columns(prediction: Prediction | TaskPrediction) -> RowValues:
    return {} if prediction.values else {"label": "|".join(prediction.labels)}


def _number_columns(prediction: Prediction | TaskPrediction) -> RowValues:
    return {f"p_{label}": p for label, p in prediction.probabilities.items()} | prediction.values


def make_prediction_table(rows: Sequence[Prediction]) -> PredictionTable:
    """Return predictions as a table; see `sentir.write_predictions` for its columns."""
    user_columns = dict.fromkeys(column for row in rows for column in row.cells)
    predicted = [{} if row.problem else prediction_to_row(row) for row in rows]
    has_tables = len({row.table for row in rows}) > 1
    last = ("problem", "notes", *(("table",) if has_tables else ()))
    taken: dict[str, None] = dict(user_columns)
    names: dict[str, str] = {}
    for name in [*(dict.fromkeys(name for cells in predicted for name in cells) or ("label",)), *last]:
        names[name] = make_unused_name(name, taken)
        taken[names[name]] = None
    complete = []
    for row, cells in zip(rows, predicted, strict=True):
        cells |= {"problem": row.problem, "notes": " ".join(row.notes), "table": row.table}
        complete.append(row.cells | {names[name]: value for name, value in cells.items() if name in names})
    return PredictionTable(tuple(user_columns), names, complete)
