"""Utterances from outside any corpus: texts, tables and conversations to be recognized."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentir.corpus.types import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import load_rows, to_number

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # of a surrogate pair; no UTF-8 can hold it


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns; those for speaker and dialogue need not be there."""

    text: str = "text"
    speaker: str = "speaker"
    dialogue: str = "dialogue"


def from_texts(texts: Sequence[str]) -> list[Utterance]:
    """Make one utterance of each text, each by itself; what is no character becomes U+FFFD.

    Raises:
        CorpusError: if a text is empty or blank.
    """
    if not all(text.strip() for text in texts):
        raise CorpusError(_("The text is empty; give some words."))
    texts = [_HALF_CHARACTER.sub("\ufffd", text) for text in texts]
    return [Utterance(f"text{n}", dialogue=f"text{n}", text=text) for n, text in enumerate(texts, start=1)]


def read_inputs(path: Path, columns: Columns) -> list[Utterance]:
    """Read utterances to recognize, in the order of the file.

    A table (``.csv``, ``.tsv``, ``.parquet``) has a column of texts; rows with the same value in its dialogue
    column follow one another in a conversation, rows without are by themselves. A ``.jsonl`` file has one object
    per line, ``{"text": …, "speaker": …, "dialogue": …}``; objects without ``dialogue`` are one conversation.
    Every other cell but ``id`` that holds a finite number becomes one of the utterance's ``numbers``. A text may
    be empty; its row stays.

    Raises:
        CorpusError: if the file is missing or damaged, or has no texts; it names the line or the columns.
    """
    if not path.is_file():
        raise CorpusError(_("There is no file {path}.", path=path))
    conversation = path.suffix.lower() == ".jsonl"
    rows = _json_lines(path, columns) if conversation else _table(path, columns)
    turns: Counter[str] = Counter()
    found = []
    for n, row in enumerate(rows, start=1):
        named = _value(row, columns.dialogue)
        alone = str(path) if conversation else f"{path}:{n}"
        dialogue = alone if named is None else f"{path}:dialogue {named}"
        found.append(
            Utterance(
                id=f"{path}:{n}",
                dialogue=dialogue,
                turn=turns[dialogue],
                speaker=_value(row, columns.speaker),
                text=row[columns.text],
                numbers=_numbers(row, columns),
            )
        )
        turns[dialogue] += 1
    return found


def _value(row: Mapping[str, Any], column: str) -> str | None:
    """Return a cell as text, or ``None`` where there is none; 0 is a value."""
    cell = row.get(column)
    return None if cell is None or cell == "" else str(cell)


def _numbers(row: Mapping[str, Any], columns: Columns) -> dict[str, float]:
    others = row.keys() - {columns.text, columns.speaker, columns.dialogue, "id"}
    numbers = {name: to_number(str(row[name])) for name in row if name in others}
    return {name: number for name, number in numbers.items() if number is not None}


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
        lines = path.read_text(encoding="utf-8-sig").split("\n")
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
        if _HALF_CHARACTER.search("".join(str(cell) for cell in row.values())):
            raise CorpusError(
                _("{path}, line {line}: an escape such as \\ud83d is half a character; correct it.",
                  path=path, line=number)
            )  # fmt: skip
        rows.append(row)
    if not rows:
        raise CorpusError(_("{path} holds no utterances.", path=path))
    return rows
