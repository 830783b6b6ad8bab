"""Tables as rows of cells, whatever files they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files import arrow_tables, csv_tables, json_tables, xlsx_tables
from sentir.files.cells import ReadErrors, Row
from sentir.i18n import _
from sentir.logs import logger

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".xlsx"})
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})

_RowReader = Callable[[Path, str | None, list[Issue], ReadErrors | None], list[Row]]
_ROW_READERS: dict[str, _RowReader] = {
    ".csv": lambda path, encoding, issues, _faults: csv_tables.read_delimited(path, encoding, issues),
    ".tsv": lambda path, encoding, issues, _faults: csv_tables.read_delimited(path, encoding, issues),
    ".jsonl": json_tables.read_json_lines,
    ".ndjson": json_tables.read_json_lines,
    ".parquet": lambda path, _encoding, _issues, faults: arrow_tables.read_parquet(path, faults),
    ".xlsx": lambda path, _encoding, issues, _faults: xlsx_tables.read_sheet(path, issues),
}


def load_rows(
    path: Path,
    *,
    encoding: str | None = None,
    issues: list[Issue] | None = None,
    read_errors: ReadErrors | None = None,
) -> list[Row]:
    """Read a table; every cell is text: ``""`` where there is no value, lists as JSON, truths as true and false.

    It may be a ``.csv``, ``.tsv``, ``.xlsx``, ``.parquet``, ``.jsonl`` or ``.ndjson`` file, or a folder that
    ``datasets`` saved with ``save_to_disk``. Numbers of classes whose names that library wrote beside them become
    the names.

    Args:
        path: the file or folder.
        encoding: of a text file; if it is not given and nothing in the file says it, it is guessed.
        issues: where what was decided in reading is added (a guessed encoding, quotes that are characters, sheets
            left out); without it, that is said while progress is shown.
        read_errors: where it is given, a line or a value that cannot be read is no error but told in it: the cells
            of such a line are empty, such a value becomes JSON.

    Raises:
        CorpusError: if it is of another kind, damaged or empty, or a row does not fit the others; it names the
            row.
    """
    if not path.exists():
        raise CorpusError(_("There is no table {path}.", path=path))
    found: list[Issue] = []
    read = None if path.is_dir() else _ROW_READERS.get(path.suffix.lower())
    if is_dataset(path):
        rows = arrow_tables.read_dataset(path, read_errors)
    elif read is not None:
        rows = read(path, encoding, found, read_errors)
    else:
        raise CorpusError(
            _(
                "{path} is no table that can be read; use a .csv, .tsv, .xlsx, .parquet, .jsonl or .ndjson file, "
                "or a folder that 'datasets' saved.",
                path=path,
            )
        )
    if not rows:
        raise CorpusError(_("The table {path} has no rows.", path=path))
    if issues is None:
        for issue in found:
            logger.info(f"{issue.where}: {issue.message}")
    else:
        issues += found
    return rows


def is_dataset(path: Path) -> bool:
    """Say whether a folder was written by ``save_to_disk`` of Hugging Face's ``datasets``."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()
