"""Tables as rows of text cells, whatever they come from; a cell is a number or a list where one is asked for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentir.corpus.characters import plain
from sentir.errors import CorpusError
from sentir.i18n import _

Row = dict[str, str]
Unreadable = dict[int, dict[str | None, str]]
"""Number of a row → column, or ``None`` for the whole row → why it cannot be read, in a clause or a sentence."""
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_PYTHON_LIST = re.compile(r"\[\s*('[^'\\]*'|\"[^\"\\]*\")(\s*,\s*('[^'\\]*'|\"[^\"\\]*\"))*\s*,?\s*\]")
_LARGEST = 1e30  # beyond it sums and float32 overflow, and nothing is measured
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def load_rows(path: Path, *, unreadable: Unreadable | None = None) -> list[Row]:
    """Read a table; every cell is text: ``""`` where there is no value, lists as JSON, truths as true and false.

    It may be a ``.csv``, ``.tsv``, ``.parquet``, ``.jsonl`` or ``.ndjson`` file, or a folder that ``datasets``
    saved with ``save_to_disk``. Numbers of classes whose names that library wrote beside them become the names.

    Args:
        path: the table.
        unreadable: where it is given, a line or a value that cannot be read is no error but told in it: the cells
            of such a line are empty, such a value becomes JSON.

    Raises:
        CorpusError: if it is of another kind, damaged or empty, or a row does not fit the others; it names the
            row.
    """
    from sentir.readers import table_arrow, table_csv, table_json

    if not path.exists():
        raise CorpusError(_("There is no table {path}.", path=path))
    suffix = "" if path.is_dir() else path.suffix.lower()
    if is_dataset(path):
        rows = table_arrow.read_dataset(path, unreadable)
    elif suffix == ".parquet":
        rows = table_arrow.read_parquet(path, unreadable)
    elif suffix in JSON_SUFFIXES:
        rows = table_json.read_lines(path, unreadable)
    elif suffix in TABLE_SUFFIXES:
        rows = table_csv.read_separated(path)
    else:
        raise CorpusError(
            _(
                "{path} is no table that can be read; use a .csv, .tsv, .parquet, .jsonl or .ndjson file, or a "
                "folder that 'datasets' saved.",
                path=path,
            )
        )
    if not rows:
        raise CorpusError(_("The table {path} has no rows.", path=path))
    return rows


def is_dataset(path: Path) -> bool:
    """Say whether a folder was written by ``save_to_disk`` of Hugging Face's ``datasets``."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def to_number(cell: str) -> float | None:
    """Return the number a cell holds, or ``None``: infinities are none, nor is ``1_0``, for Python a 10."""
    try:
        number = float(plain(cell))
    except ValueError:
        return None
    return number if abs(number) <= _LARGEST and "_" not in cell else None


def to_list(cell: str) -> list[str] | None:
    """Return the items of a cell that is a list, as JSON or Python write one, or ``None`` if it is none.

    Items are strings, numbers, or true and false; those without content are left out.
    """
    cell = cell.strip()
    if not cell.startswith("["):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        if not _PYTHON_LIST.fullmatch(cell):
            return None
        items = [one or other for one, other in _QUOTED.findall(cell)]
    if any(isinstance(item, list | dict) for item in items):
        return None
    return [text for item in items if (text := to_text(item).strip())]


def to_text(value: Any) -> str:
    """Return a value of a typed table as a cell.

    Raises:
        ValueError: saying in a clause why it cannot be one.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        if any(isinstance(item, list | tuple | Mapping) for item in value):
            raise ValueError(_("it holds a list of lists or of objects"))
        return _characters(json.dumps([_plain(item) for item in value], ensure_ascii=False))
    if isinstance(value, Mapping):
        raise ValueError(_("it holds an object of its own"))
    return _characters(value)


def _plain(item: Any) -> Any:
    return item if isinstance(item, str | int | float) or item is None else to_text(item)


def _characters(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(_("it holds bytes that are no text")) from error
    text = value if isinstance(value, str) else str(value)  # as it is: an embedded clip
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise ValueError(_("it holds half a character, such as \\ud83d"))
    return text


def to_rows(path: Path, objects: list[dict[str, Any]], unreadable: Unreadable | None = None) -> list[Row]:
    """Return rows with the same columns, those of all objects in order of appearance, and cells of text.

    Raises:
        CorpusError: naming the row, counted from 1, and the column of a value that cannot be a cell, if there is
            no ``unreadable`` to tell it in.
    """
    columns = dict.fromkeys(name for one in objects for name in one)
    rows = []
    for n, one in enumerate(objects, start=1):
        row = {}
        for name in columns:
            try:
                row[name] = to_text(one.get(name))
            except ValueError as error:
                if unreadable is not None:
                    unreadable.setdefault(n, {})[name] = str(error)
                    row[name] = json.dumps(one[name], default=repr)
                    continue
                raise CorpusError(
                    _(
                        "{path}: row {row} cannot be read in '{name}': {why}; correct it or leave "
                        "the column out.",
                        path=path,
                        row=n,
                        name=name,
                        why=error,
                    )
                ) from error
        rows.append(row)
    return rows
