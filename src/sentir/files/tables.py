"""Reading a table of any format as rows of cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files import arrow_tables, text_tables, xlsx_tables
from sentir.files.cells import ReadErrors, Row
from sentir.i18n import _
from sentir.logs import logger

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".xlsx"})
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})

_RowReader = Callable[[Path, str | None, list[Issue], ReadErrors | None], list[Row]]
_ROW_READERS: dict[str, _RowReader] = {
    ".csv": lambda path, encoding, issues, _errors: text_tables.read_delimited(path, encoding, issues),
    ".tsv": lambda path, encoding, issues, _errors: text_tables.read_delimited(path, encoding, issues),
    ".jsonl": text_tables.read_json_lines,
    ".ndjson": text_tables.read_json_lines,
    ".parquet": lambda path, _encoding, _issues, errors: arrow_tables.read_parquet(path, errors),
    ".xlsx": lambda path, _encoding, issues, _errors: xlsx_tables.read_sheet(path, issues),
}


def load_rows(
    path: Path,
    *,
    encoding: str | None = None,
    issues: list[Issue] | None = None,
    read_errors: ReadErrors | None = None,
) -> list[Row]:
    """Read a table; every cell is text: ``""`` if there is no value, lists as JSON, booleans as true and false.

    It may be a ``.csv``, ``.tsv``, ``.xlsx``, ``.parquet``, ``.jsonl`` or ``.ndjson`` file, or a folder saved
    with ``save_to_disk`` of ``datasets``. Class indices become class names if ``datasets`` stored these.

    Args:
        path: the file or folder.
        encoding: of a text file; detected or guessed if not given.
        issues: extended by notes on how the file was read (a guessed encoding, literal quotes, ignored sheets);
            if not given, they are logged.
        read_errors: if given, lines and values that cannot be read are recorded there instead of raised: the
            cells of such a line are empty, such a value becomes JSON.

    Raises:
        CorpusError: if the format is not supported, the table is damaged or empty, or a row does not fit the
            others; it names the row.
    """
    if not path.exists():
        raise CorpusError(_("There is no table {path}.", path=path))
    notes: list[Issue] = []
    read = None if path.is_dir() else _ROW_READERS.get(path.suffix.lower())
    if is_dataset(path):
        rows = arrow_tables.read_dataset(path, read_errors)
    elif read is not None:
        rows = read(path, encoding, notes, read_errors)
    else:
        raise CorpusError(
            _(
                "{path} is not a supported table; use a .csv, .tsv, .xlsx, .parquet, .jsonl or .ndjson file, or "
                "a folder saved by 'datasets'.",
                path=path,
            )
        )
    if not rows:
        raise CorpusError(_("The table {path} has no rows.", path=path))
    if issues is None:
        for issue in notes:
            logger.info(f"{issue.where}: {issue.message}")
    else:
        issues += notes
    return rows


def is_dataset(path: Path) -> bool:
    """Return whether a folder was written by ``save_to_disk`` of Hugging Face's ``datasets``."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()
