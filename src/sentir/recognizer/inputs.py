"""Utterances from outside any corpus: texts, sound and video files, tables and conversations to be recognized."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import CorpusError
from sentir.files.media_files import is_media_file, walk_folders
from sentir.files.tables import JSON_SUFFIXES, TABLE_SUFFIXES, is_dataset
from sentir.i18n import _
from sentir.logs import logger
from sentir.preflight import require_files
from sentir.recognizer.input_tables import InputColumns as InputColumns
from sentir.recognizer.input_tables import PredictionInput as PredictionInput
from sentir.recognizer.input_tables import read_table
from sentir.safe_text import replace_surrogates

_TEXT, _AUDIO = frozenset({"text"}), frozenset({"audio"})


def normalize_inputs(texts: object, files: object) -> tuple[list[object], list[Path]]:
    """Return texts and files, each one or several, as lists; ``None`` is nothing.

    Raises:
        CorpusError: if there is nothing, a file is missing or no name of one, or texts are an array or a table.
    """
    _require_texts(texts)
    said, names = _as_list(texts), [_file_name(file) for file in _as_list(files)]
    if not said and not names:
        raise CorpusError(_("There is nothing to predict; give --text or a file."))
    require_files(names)
    return said, [Path(name) for name in names]


def make_inputs(
    texts: Sequence[object],
    files: Sequence[Path],
    columns: InputColumns | Mapping[str, Any] | None = None,
    table_settings: Mapping[str, Any] | None = None,
) -> list[PredictionInput]:
    """Make utterances of texts and files, texts first; as many texts as sound or video files are pairs, in order.

    Args:
        texts: what is no text is the problem of its own utterance; ``None`` and NaN are empty.
        files: as `read_inputs` takes them.
        columns: of tables.
        table_settings: the section ``data.table`` of the model's recipe.

    Raises:
        CorpusError: if a file is given twice, or cannot be used.
    """
    said = inputs_from_texts(texts)
    own = InputColumns.of(columns)
    given = [one for path in files for one in read_inputs(path, own, table_settings)]
    if twice := [key for key, n in Counter(one.utterance.id for one in given).items() if n > 1]:
        raise CorpusError(_("{id} is given twice; give each file once.", id=twice[0]))
    if len(said) == len(files) and all(is_media_file(path) and not path.is_dir() for path in files):
        return [_pair_text_and_clip(text, clip) for text, clip in zip(said, given, strict=True)]
    return said + given


def _require_texts(texts: object) -> None:
    """Refuse what is no list of texts, but would be taken for one: arrays, tables, bytes, mappings."""
    if isinstance(texts, str | bool | int | float):
        return
    shape = getattr(texts, "shape", None)
    kind = getattr(getattr(texts, "dtype", None), "kind", "")
    of_numbers = shape is not None and not hasattr(texts, "iloc") and kind not in {"O", "U", "T"}
    many = isinstance(texts, bytes | bytearray | memoryview | Mapping) or (shape is not None and len(shape) != 1)
    if many or of_numbers:
        raise CorpusError(
            _("{kind} is no text: give a str, a list of them or one column of a table, and audio as a file.",
              kind=type(texts).__name__)
        )  # fmt: skip


def _as_list(items: object) -> list[object]:
    if items is None:
        return []
    if isinstance(items, str | bytes | os.PathLike) or not isinstance(items, Iterable):
        return [items]
    return list(items)


def _file_name(file: object) -> str:
    if not isinstance(file, str | os.PathLike):
        raise CorpusError(_("{value} is no path of a file; give a str or a Path.", value=_short_repr(file)))
    return os.fsdecode(file)


def inputs_from_texts(texts: Sequence[object]) -> list[PredictionInput]:
    """Make one utterance of each text, each by itself; what is no character becomes U+FFFD."""
    return [_input_from_text(f"text{n}", text) for n, text in enumerate(texts, start=1)]


def _input_from_text(key: str, item: object) -> PredictionInput:
    empty = item is None or (isinstance(item, float) and math.isnan(item))
    wrong = not empty and not isinstance(item, str)
    text = replace_surrogates(item) if isinstance(item, str) else None if wrong else ""
    problem = _("{value} is no text; give a str.", value=_short_repr(item)) if wrong else ""
    utterance = Utterance(key, dialogue=key, text=text)
    notes = (_("It is taken as a text, though there is such a file; give files by 'files'."),) * _names_a_file(
        text
    )
    return PredictionInput(utterance, key, {"id": key, "text": text or ""}, _TEXT, problem, notes)


def _names_a_file(text: str | None) -> bool:
    if not text or "\0" in text:
        return False
    usual = is_media_file(text) or Path(text).suffix.lower() in TABLE_SUFFIXES | JSON_SUFFIXES
    return usual and os.path.isfile(text)


def _short_repr(item: object) -> str:
    """Return what something that is no text is, in few characters."""
    shown = repr(item)
    return f"{shown if len(shown) <= 40 else f'{shown[:40]}…'} ({type(item).__name__})"


def _pair_text_and_clip(text: PredictionInput, clip: PredictionInput) -> PredictionInput:
    utterance = replace(clip.utterance, text=text.utterance.text)
    cells = {"id": clip.id, "text": text.row["text"], "audio": clip.row["audio"]}
    return replace(clip, utterance=utterance, row=cells, modalities=_TEXT | _AUDIO, problem=text.problem)


def read_inputs(
    path: Path, columns: InputColumns | None = None, table_settings: Mapping[str, Any] | None = None
) -> list[PredictionInput]:
    """Read utterances to recognize, in the order of the file.

    A sound or video file is one utterance, a folder one for each such file below it, in the order of their names;
    each is by itself.

    A table (any that `sentir.files.tables.load_rows` takes) has a column of texts, of clips (paths
    relative to the table), or both; rows with the same value in its dialogue column follow one another in a
    conversation, rows without are by themselves. Only in JSON lines (``.jsonl``, ``.ndjson``: ``{"text": …,
    "audio": …, "speaker": …, "dialogue": …}``) those without are one conversation. Every other cell that holds a
    finite number becomes one of the utterance's ``numbers``. Text and clip may be empty; the row stays, as does
    one that cannot be read.

    Args:
        path: what exists.
        columns: those that are not called as in the recipe, or as usual.
        table_settings: the section ``data.table`` of the model's recipe.

    Raises:
        CorpusError: if the file is damaged, or has neither texts nor clips; it names the row or the columns.
    """
    if path.is_dir() and not is_dataset(path):
        return _inputs_from_folder(path)
    if is_media_file(path):
        return [_input_from_file(path)]
    if path.suffix.lower() not in TABLE_SUFFIXES | JSON_SUFFIXES and not path.is_dir():
        raise CorpusError(
            _("{path} is neither a sound or video file, nor a table (.csv, .tsv, .xlsx, .parquet), nor a "
              "conversation (.jsonl).", path=path)
        )  # fmt: skip
    return read_table(path, columns or InputColumns(), table_settings or {})


def _inputs_from_folder(folder: Path) -> list[PredictionInput]:
    files = [place / name for place, names in walk_folders(folder) for name in names]
    clips = sorted(filter(is_media_file, files))
    if not clips:
        raise CorpusError(_("{folder} holds no sound or video file.", folder=folder))
    if others := len(files) - len(clips):
        logger.warning(_("{folder}: other files, passed over: {n}.", folder=folder, n=others))
    return [_input_from_file(path) for path in clips]


def _input_from_file(path: Path) -> PredictionInput:
    name = replace_surrogates(str(path))
    utterance = Utterance(name, dialogue=name, clip=Clip(path))
    return PredictionInput(utterance, name, {"id": name, "audio": name}, _AUDIO)
