"""JSON Lines tables: one object per line, a key per column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import ReadErrors, Row, objects_to_rows, to_cell
from sentir.files.text_encoding import read_text
from sentir.i18n import _


def read_json_lines(
    path: Path, encoding: str | None, issues: list[Issue], read_errors: ReadErrors | None = None
) -> list[Row]:
    """Read one object per line; a missing key is an empty cell, and blank lines are skipped.

    Raises:
        CorpusError: if a line is not an object, repeats a key, or has nested objects; with ``read_errors``, where
            these are recorded, only if no line is an object.
    """
    text = read_text(path, encoding, issues)
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    objects, errors = list[dict[str, Any]](), list[CorpusError]()
    for row, (n, line) in enumerate(lines, start=1):
        try:
            objects.append(_parse_object(path, n, line))
        except CorpusError as error:
            if read_errors is None:
                raise
            objects.append({})
            errors.append(error)
            read_errors[row] = {None: str(error)}
    if errors and len(errors) == len(lines):
        raise errors[0]
    return objects_to_rows(path, objects, read_errors)


def _parse_object(path: Path, n: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=_require_unique_keys)
    except _DuplicateKeyError as error:
        raise CorpusError(
            _("{path}, line {line}: the key '{name}' is repeated; keep one.", path=path, line=n, name=error)
        ) from error
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CorpusError(
            _('{path}, line {line}: this is not a JSON object such as {{"text": "Hi"}}; write one per line.',
              path=path, line=n)
        )  # fmt: skip
    return value


class _DuplicateKeyError(Exception):
    """A key is repeated in an object."""


def _require_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise _DuplicateKeyError(key)
        unique[to_cell(key)] = value
    return unique
