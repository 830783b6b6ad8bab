"""The table of `sentir.timelines.formats.table` as Parquet, with times as durations in nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.errors import CorpusError, TimelineError
from sentir.files.arrow_tables import load_parquet
from sentir.i18n import _
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.table import make_rows, turns_from_rows

if TYPE_CHECKING:
    import pyarrow

_NANOSECONDS = 1_000_000_000


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a Parquet file.

    Raises:
        TimelineError: if pyarrow is not installed.
    """
    pa, parquet = _import_pyarrow()
    columns, rows = make_rows(timeline)
    arrays = {name: _column(pa, name, [row.get(name) for row in rows]) for name in columns}
    parquet.write_table(pa.table(arrays), path)


def _column(pa: Any, name: str, cells: list[Any]) -> pyarrow.Array:
    if name in ("start", "end"):
        return pa.array([round(cell * _NANOSECONDS) for cell in cells], pa.duration("ns"))
    is_number = name == "confidence" or name.startswith(("p_", "value."))
    return pa.array(cells, pa.float64() if is_number else pa.string())


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read a turn of each row.

    Raises:
        TimelineError: if pyarrow is not installed, or this is not a table of turns.
    """
    pa, _parquet = _import_pyarrow()
    try:
        table = load_parquet(path)
    except CorpusError as error:
        raise TimelineError(str(error)) from error
    for n, name in enumerate(table.column_names):
        if pa.types.is_duration(table.schema.field(n).type):
            nanoseconds = table.column(n).cast(pa.duration("ns")).cast(pa.int64()).to_pylist()
            seconds = [None if value is None else value / _NANOSECONDS for value in nanoseconds]
            table = table.set_column(n, name, pa.array(seconds, pa.float64()))
    return turns_from_rows(table.to_pylist(), str(path))


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise TimelineError(
            _("Parquet needs pyarrow (pip install 'sentir[train]'); .csv and .json do not.")
        ) from error
    return pyarrow, pyarrow.parquet
