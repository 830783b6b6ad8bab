"""Inputs for prediction: texts, audio and video files, tables and conversations → utterances."""

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
    """Return texts and files, each one or several, as lists; ``None`` is an empty list.

    Raises:
        CorpusError: if there are none, a file is missing or not a path, or texts are an array or a table.
    """
    _require_texts(texts)
    text_list, names = _as_list(texts), [_file_name(file) for file in _as_list(files)]
    if not text_list and not names:
        raise CorpusError(_("There is nothing to predict; give --text or a file."))
    require_files(names)
    return text_list, [Path(name) for name in names]


def make_inputs(
    texts: Sequence[object],
    files: Sequence[Path],
    columns: InputColumns | Mapping[str, Any] | None = None,
    table_settings: Mapping[str, Any] | None = None,
) -> list[PredictionInput]:
    """Make inputs of texts and files, texts first; if there are as many media files as texts, they are paired.

    Args:
        texts: other objects become inputs with a problem; ``None`` and NaN are empty texts.
        files: see `read_inputs`.
        columns: of tables.
        table_settings: the section ``data.table`` of the model's recipe.

    Raises:
        CorpusError: if a file is given twice, or cannot be used.
    """
    text_inputs = inputs_from_texts(texts)
    input_columns = InputColumns.of(columns)
    file_inputs = [one for path in files for one in read_inputs(path, input_columns, table_settings)]
    counts = Counter(one.utterance.id for one in file_inputs)
    if duplicates := [key for key, n in counts.items() if n > 1]:
        raise CorpusError(_("{id} is given twice; give each file once.", id=duplicates[0]))
    if len(text_inputs) == len(files) and all(is_media_file(path) and not path.is_dir() for path in files):
        return [_pair_text_and_clip(text, clip) for text, clip in zip(text_inputs, file_inputs, strict=True)]
    return text_inputs + file_inputs


def _require_texts(texts: object) -> None:
    """Reject iterables that are not lists of texts: arrays, tables, bytes, mappings."""
    if isinstance(texts, str | bool | int | float):
        return
    shape = getattr(texts, "shape", None)
    kind = getattr(getattr(texts, "dtype", None), "kind", "")
    is_numeric = shape is not None and not hasattr(texts, "iloc") and kind not in {"O", "U", "T"}
    is_bytes_or_mapping = isinstance(texts, bytes | bytearray | memoryview | Mapping)
    if is_bytes_or_mapping or is_numeric or (shape is not None and len(shape) != 1):
        raise CorpusError(
            _("{type} is not text: give a str, a list of them or one column of a table, and audio as a file.",
              type=type(texts).__name__)
        )  # fmt: skip


def _as_list(items: object) -> list[object]:
    if items is None:
        return []
    if isinstance(items, str | bytes | os.PathLike) or not isinstance(items, Iterable):
        return [items]
    return list(items)


def _file_name(file: object) -> str:
    if not isinstance(file, str | os.PathLike):
        raise CorpusError(_("{value} is not a path; give a str or a Path.", value=_short_repr(file)))
    return os.fsdecode(file)


def inputs_from_texts(texts: Sequence[object]) -> list[PredictionInput]:
    """Make an input of each text, without context; lone surrogates become U+FFFD."""
    return [_input_from_text(f"text{n}", text) for n, text in enumerate(texts, start=1)]


def _input_from_text(key: str, item: object) -> PredictionInput:
    is_empty = item is None or (isinstance(item, float) and math.isnan(item))
    is_invalid = not is_empty and not isinstance(item, str)
    text = replace_surrogates(item) if isinstance(item, str) else None if is_invalid else ""
    problem = _("{value} is not text; give a str.", value=_short_repr(item)) if is_invalid else ""
    utterance = Utterance(key, dialogue=key, text=text)
    note = _("Predicted as text, although a file of this name exists; give files in 'files'.")
    notes = (note,) if _is_existing_file(text) else ()
    return PredictionInput(utterance, key, {"id": key, "text": text or ""}, _TEXT, problem, notes)


def _is_existing_file(text: str | None) -> bool:
    """Return whether a text is the path of an existing file of a supported format."""
    if not text or "\0" in text:
        return False
    is_supported = is_media_file(text) or Path(text).suffix.lower() in TABLE_SUFFIXES | JSON_SUFFIXES
    return is_supported and os.path.isfile(text)


def _short_repr(item: object) -> str:
    """Return the truncated repr of an object, with its type."""
    text = repr(item)
    return f"{text if len(text) <= 40 else f'{text[:40]}…'} ({type(item).__name__})"


def _pair_text_and_clip(text: PredictionInput, clip: PredictionInput) -> PredictionInput:
    utterance = replace(clip.utterance, text=text.utterance.text)
    cells = {"id": clip.id, "text": text.row["text"], "audio": clip.row["audio"]}
    return replace(clip, utterance=utterance, row=cells, modalities=_TEXT | _AUDIO, problem=text.problem)


def read_inputs(
    path: Path, columns: InputColumns | None = None, table_settings: Mapping[str, Any] | None = None
) -> list[PredictionInput]:
    """Read utterances for prediction, in the order of the file.

    An audio or video file is one utterance, a folder one for each such file below it, sorted by path; they have
    no context.

    A table (see `sentir.files.tables.load_rows`) has a column of texts, of clips (paths relative to the table),
    or both. Rows with the same value in its dialogue column are the turns of one dialogue, rows without one have
    no context; only in JSON Lines (``.jsonl``, ``.ndjson``: ``{"text": …, "audio": …, "speaker": …, "dialogue":
    …}``) rows without one are a single conversation. Every other cell with a finite number becomes one of the
    utterance's ``numeric_features``. Text and clip may be empty; such rows are kept, as are rows that cannot be
    read.

    Args:
        path: an existing file or folder.
        columns: names of columns, if not those of the recipe or the default ones.
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
            _("{path} is not an audio or video file, a table (.csv, .tsv, .xlsx, .parquet) or a conversation "
              "(.jsonl).", path=path)
        )  # fmt: skip
    return read_table(path, columns or InputColumns(), table_settings or {})


def _inputs_from_folder(folder: Path) -> list[PredictionInput]:
    files = [subfolder / name for subfolder, names in walk_folders(folder) for name in names]
    clips = sorted(filter(is_media_file, files))
    if not clips:
        raise CorpusError(_("{folder} contains no audio or video file.", folder=folder))
    if others := len(files) - len(clips):
        logger.warning(_("{folder}: other files, ignored: {n}.", folder=folder, n=others))
    return [_input_from_file(path) for path in clips]


def _input_from_file(path: Path) -> PredictionInput:
    name = replace_surrogates(str(path))
    utterance = Utterance(name, dialogue=name, clip=Clip(path))
    return PredictionInput(utterance, name, {"id": name, "audio": name}, _AUDIO)
