"""Utterances from outside any corpus: texts, sound and video files, tables and conversations to be recognized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sentir.corpus.types import Clip, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.progress import say
from sentir.readers.cells import Row, to_number
from sentir.readers.clips import is_media, list_folders
from sentir.readers.folders import printable
from sentir.readers.table import media_root
from sentir.readers.table_files import JSON_SUFFIXES, TABLE_SUFFIXES, is_dataset, load_rows


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns; of text and audio one must be there, speaker and dialogue need not."""

    text: str = "text"
    speaker: str = "speaker"
    dialogue: str = "dialogue"
    audio: str = "audio"


def gather(texts: Sequence[str], files: Sequence[Path], columns: Columns) -> list[Utterance]:
    """Make utterances of texts and files; one text and one sound or video file are one utterance.

    Raises:
        CorpusError: if there is nothing, a file is given twice, or a text or file cannot be used.
    """
    utterances = from_texts(texts)
    given = [u for path in files for u in read_inputs(path, columns)]
    if len(texts) == 1 and len(files) == 1 and is_media(files[0]) and len(given) == 1:
        return [replace(given[0], text=utterances[0].text)]
    if not utterances and not given:
        raise CorpusError(_("There is nothing to predict; give --text or a file."))
    if twice := [key for key, n in Counter(u.id for u in given).items() if n > 1]:
        raise CorpusError(_("{id} is given twice; give each file once.", id=twice[0]))
    return utterances + given


def from_texts(texts: Sequence[str]) -> list[Utterance]:
    """Make one utterance of each text, each by itself; what is no character becomes U+FFFD.

    Raises:
        CorpusError: if a text is empty or blank.
    """
    if not all(text.strip() for text in texts):
        raise CorpusError(_("The text is empty; give some words."))
    texts = [printable(text) for text in texts]
    return [Utterance(f"text{n}", dialogue=f"text{n}", text=text) for n, text in enumerate(texts, start=1)]


def read_inputs(path: Path, columns: Columns) -> list[Utterance]:
    """Read utterances to recognize, in the order of the file.

    A sound or video file is one utterance, a folder one for each such file below it, in the order of their names;
    each is by itself.

    A table (any that `sentir.readers.table_files.load_rows` takes) has a column of texts, of clips (paths
    relative to the table), or both; rows with the same value in its dialogue column follow one another in a
    conversation, rows without are by themselves. Only in JSON lines (``.jsonl``, ``.ndjson``: ``{"text": …,
    "audio": …, "speaker": …, "dialogue": …}``) those without are one conversation. Every other cell but ``id``
    that holds a finite number becomes one of the utterance's ``numbers``. Text and clip may be empty; the row
    stays.

    Raises:
        CorpusError: if the file is missing or damaged, or has neither texts nor clips; it names the row or the
            columns.
    """
    if path.is_dir() and not is_dataset(path):
        return _folder(path)
    if not path.exists():
        raise CorpusError(_("There is no file {path}.", path=path))
    if is_media(path):
        return [_clip(path)]
    if path.suffix.lower() not in TABLE_SUFFIXES | JSON_SUFFIXES and not path.is_dir():
        raise CorpusError(
            _("{path} is neither a sound or video file, nor a table (.csv, .tsv, .xlsx, .parquet), nor a "
              "conversation (.jsonl).", path=path)
        )  # fmt: skip
    return _turns(path, columns)


def _turns(path: Path, columns: Columns) -> list[Utterance]:
    """Return the rows of a table, numbered within their dialogues."""
    name, conversation = printable(str(path)), path.suffix.lower() in JSON_SUFFIXES
    turns: Counter[str] = Counter()
    found = []
    for n, row in enumerate(_table(path, columns), start=1):
        named = _value(row, columns.dialogue)
        alone = name if conversation else f"{name}:{n}"
        dialogue = alone if named is None else f"{name}:dialogue {named}"
        text, audio = row.get(columns.text), _value(row, columns.audio)
        found.append(
            Utterance(
                id=f"{name}:{n}",
                dialogue=dialogue,
                turn=turns[dialogue],
                speaker=_value(row, columns.speaker),
                text=None if audio and not text else text,
                clip=Clip(media_root(path) / audio) if audio else None,
                numbers=_numbers(row, columns),
            )
        )
        turns[dialogue] += 1
    return found


def _folder(folder: Path) -> list[Utterance]:
    files = [place / name for place, names in list_folders(folder) for name in names]
    clips = sorted(filter(is_media, files))
    if not clips:
        raise CorpusError(_("{folder} holds no sound or video file.", folder=folder))
    if others := len(files) - len(clips):
        say(_("{folder}: other files, passed over: {n}.", folder=folder, n=others))
    return [_clip(path) for path in clips]


def _clip(path: Path) -> Utterance:
    name = printable(str(path))
    return Utterance(name, dialogue=name, clip=Clip(path))


def _value(row: Row, column: str) -> str | None:
    """Return a cell, or ``None`` where there is none."""
    return row.get(column) or None


def _numbers(row: Row, columns: Columns) -> dict[str, float]:
    others = row.keys() - {columns.text, columns.speaker, columns.dialogue, columns.audio, "id"}
    numbers = {name: to_number(row[name]) for name in row if name in others}
    return {name: number for name, number in numbers.items() if number is not None}


def _table(path: Path, columns: Columns) -> list[Row]:
    rows = load_rows(path)
    if columns.text not in rows[0] and columns.audio not in rows[0]:
        raise CorpusError(
            _(
                "{path} has no column '{text}' and none '{audio}'; it has {columns}. Name the column of texts "
                "with --text-column, that of clips with --audio-column.",
                path=path,
                text=columns.text,
                audio=columns.audio,
                columns=", ".join(rows[0]),
            )
        )
    return rows
