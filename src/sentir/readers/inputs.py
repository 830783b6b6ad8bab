"""Utterances from outside any corpus: texts, tables and conversations to be recognized."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentir.corpus.types import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import load_rows


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns; those for speaker and dialogue need not be there."""

    text: str = "text"
    speaker: str = "speaker"
    dialogue: str = "dialogue"


def from_texts(texts: Sequence[str]) -> list[Utterance]:
    """Make one utterance of each text, each by itself."""
    return [Utterance(f"text{n}", dialogue=f"text{n}", text=text) for n, text in enumerate(texts, start=1)]


def read_inputs(path: Path, columns: Columns) -> list[Utterance]:
    """Read utterances to recognize, in the order of the file.

    A table (``.csv``, ``.tsv``, ``.parquet``) has a column of texts; rows with the same value in its dialogue
    column follow one another in a conversation, rows without are by themselves. A ``.jsonl`` file has one object
    per line, ``{"text": …, "speaker": …, "dialogue": …}``; without ``dialogue`` the file is one conversation.

    Raises:
        CorpusError: if the file is missing or damaged, or has no texts; it names the line or the columns.
    """
    if not path.is_file():
        raise CorpusError(_("There is no file {path}.", path=path))
    conversation = path.suffix.lower() == ".jsonl"
    rows = _json_lines(path, columns) if conversation else _table(path, columns)
    found = []
    for n, row in enumerate(rows, start=1):
        dialogue = str(row.get(columns.dialogue) or "") or ("" if conversation else str(n))
        found.append(
            Utterance(
                id=f"{path}:{n}",
                dialogue=f"{path}:{dialogue}",
                turn=n,
                speaker=str(row.get(columns.speaker) or "") or None,
                text=row[columns.text],
            )
        )
    return found


def _table(path: Path, columns: Columns) -> list[dict[str, str]]:
    rows = load_rows(path)
    if columns.text not in rows[0]:
        raise CorpusError(
            _(
                "{path} has no column '{column}'; it has {columns}. Name the column of texts with --text-column.",
                path=path,
                column=columns.text,
                columns=", ".join(rows[0]),
            )
        )
    return rows


def _json_lines(path: Path, columns: Columns) -> list[dict[str, Any]]:
    rows = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(_("{path} is not UTF-8 text; save it as UTF-8.", path=path)) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get(columns.text), str):
            raise CorpusError(
                _(
                    "{path}, line {line}: this is no JSON object with a string '{key}'; write one per line.",
                    path=path,
                    line=number,
                    key=columns.text,
                )
            )
        rows.append(row)
    if not rows:
        raise CorpusError(_("{path} holds no utterances.", path=path))
    return rows
