"""Predictions as a table, and a list of predictions that becomes one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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

        table = tabulate(self)
        rows = [*table.rows]
        return pd.DataFrame(
            {name: [row.get(name) for row in rows] for name in table.columns}, columns=table.columns
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
        types: column → type of its cells, where that is not ``str``.
        num_rows: number of rows.
        rows: column → cell, row by row, as often as they are iterated over; missing cells are left out.
    """

    user_columns: tuple[str, ...]
    column_names: Mapping[str, str]
    types: Mapping[str, type]
    num_rows: int
    rows: Iterable[RowValues]

    @property
    def columns(self) -> list[str]:
        """All columns, in order."""
        return [*self.user_columns, *self.column_names.values()]


TableRow = tuple[dict[str, str], RowValues, str, str, str]
"""A prediction for a table: cells of its input, `prediction_to_row`, problem, notes, and its input table."""
_TYPES: Mapping[str, type] = {"float": float, "bool": bool, "str": str}


def make_table_row(row: Prediction) -> TableRow:
    """Return what a table has of a prediction, as plain JSON values."""
    return row.cells, {} if row.problem else prediction_to_row(row), row.problem, " ".join(row.notes), row.table


@dataclass
class TableSummary:
    """What is to be known of all rows of a table before the first is written; plain JSON values.

    Attributes:
        user_columns: of the inputs, in order.
        types: column of the predictions, in order → name of the type of its cells.
        tables: names of the input tables, of which two are enough.
        rows, problems, notes: how many rows there are, could not be predicted, and have notes.
    """

    user_columns: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    rows: int = 0
    problems: int = 0
    notes: int = 0

    @classmethod
    def of(cls, rows: Iterable[TableRow]) -> TableSummary:
        """Summarize rows."""
        columns, types, tables = dict[str, None](), dict[str, str](), dict[str, None]()
        num_rows = problems = noted = 0
        for cells, values, problem, notes, table in rows:
            columns |= dict.fromkeys(cells)
            tables[table] = None
            if values.keys() - types.keys():
                types |= {name: type(value).__name__ for name, value in values.items() if name not in types}
            num_rows, problems, noted = num_rows + 1, problems + bool(problem), noted + bool(notes)
        return cls([*columns], types, [*tables][:2], num_rows, problems, noted)

    def __add__(self, other: TableSummary) -> TableSummary:
        """Return the summary of the rows of both."""
        return TableSummary(
            [*dict.fromkeys((*self.user_columns, *other.user_columns))],
            {**self.types, **{name: kind for name, kind in other.types.items() if name not in self.types}},
            [*dict.fromkeys((*self.tables, *other.tables))][:2],
            self.rows + other.rows,
            self.problems + other.problems,
            self.notes + other.notes,
        )


class _CompleteRows:
    """The rows of a table with the names of its columns."""

    def __init__(self, rows: Iterable[TableRow], names: Mapping[str, str]) -> None:
        self._rows, self._names = rows, names

    def __iter__(self) -> Iterator[RowValues]:
        for cells, values, problem, notes, table in self._rows:
            named = values | {"problem": problem, "notes": notes, "table": table}
            yield cells | {self._names[name]: value for name, value in named.items() if name in self._names}


def make_prediction_table(rows: Iterable[TableRow], summary: TableSummary) -> PredictionTable:
    """Return rows as a table; see `sentir.write_predictions` for its columns."""
    last = ("problem", "notes", *(("table",) if len(summary.tables) > 1 else ()))
    taken: dict[str, None] = dict.fromkeys(summary.user_columns)
    names: dict[str, str] = {}
    for name in [*(summary.types or ("label",)), *last]:
        names[name] = make_unused_name(name, taken)
        taken[names[name]] = None
    types = {names[name]: _TYPES[kind] for name, kind in summary.types.items() if kind != "str"}
    return PredictionTable(tuple(summary.user_columns), names, types, summary.rows, _CompleteRows(rows, names))


def tabulate(predictions: Iterable[Prediction]) -> PredictionTable:
    """Return predictions in memory as a table."""
    rows = [make_table_row(one) for one in predictions]
    return make_prediction_table(rows, TableSummary.of(rows))


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
