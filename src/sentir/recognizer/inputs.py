"""Inputs for prediction: what a user gives → utterances, in order.

A text, a clip, a dictionary or an utterance is one input; a folder has one for each of its clips, a table or a
conversation one for each row. See `sentir.recognizer.input_items` and `sentir.recognizer.input_tables`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import CorpusError, SentirError
from sentir.files.media_files import is_media_file, walk_folders
from sentir.files.remote_files import RemoteFile
from sentir.files.tables import JSON_SUFFIXES, TABLE_SUFFIXES, is_dataset
from sentir.i18n import _
from sentir.logs import logger
from sentir.preflight import require_files
from sentir.recognizer.input_items import ItemReader, invalid_input, is_one_item
from sentir.recognizer.input_tables import InputColumns as InputColumns
from sentir.recognizer.input_tables import PredictionInput as PredictionInput
from sentir.recognizer.input_tables import is_frame, read_frame, read_table, remote_clip
from sentir.safe_text import replace_surrogates


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a call.

    Attributes:
        rows: one for each utterance.
        is_single: whether a single item was given, so that a single result is returned.
    """

    rows: list[PredictionInput]
    is_single: bool = False


def make_inputs(
    items: object,
    *,
    sampling_rate: object = None,
    columns: InputColumns | Mapping[str, Any] | None = None,
    table_settings: Mapping[str, Any] | None = None,
) -> Inputs:
    """Make the inputs of what a user gives.

    In a list, an item that cannot be predicted becomes an input with a problem.

    Args:
        items: a text, the `Path` of a file or folder, bytes, a binary file object, a 1-D array of samples, an
            `Utterance`, a dictionary (`sentir.recognizer.input_items.ItemReader`), a frame, or several of these.
        sampling_rate: of arrays, in Hz.
        columns: of tables and frames.
        table_settings: the section ``data.table`` of the model's recipe.

    Raises:
        SentirError: if a single item is nothing that can be predicted, or a file is missing, given twice, or
            cannot be used.
    """
    reader = _Reader(ItemReader(sampling_rate), InputColumns.of(columns), table_settings or {})
    if is_frame(items):
        return Inputs(reader.read_item(1, items))
    if is_one_item(items):
        return Inputs(reader.read_item(1, items), not isinstance(items, os.PathLike) or _is_clip(_to_path(items)))
    numbered = enumerate(cast(Iterable[object], items), start=1)
    rows = [row for number, item in numbered for row in reader.read_listed_item(number, item)]
    counts = Counter(one.utterance.id for one in rows)
    if duplicates := [key for key, n in counts.items() if n > 1]:
        raise CorpusError(_("{id} is given twice; give each file and each id once.", id=duplicates[0]))
    return Inputs(rows)


@dataclass(frozen=True, slots=True)
class _Reader:
    item_reader: ItemReader
    columns: InputColumns
    table_settings: Mapping[str, Any]

    def read_item(self, number: int, item: object) -> list[PredictionInput]:
        if isinstance(item, os.PathLike):
            path = _to_path(item)
            require_files([path])
            return read_inputs(path, self.columns, self.table_settings)
        if is_frame(item):
            return read_frame(item, self.columns, self.table_settings)
        return [self.item_reader.read(number, item)]

    def read_listed_item(self, number: int, item: object) -> list[PredictionInput]:
        """Read an item of a list; if it is no file or table, an error is the problem of its row."""
        if isinstance(item, os.PathLike) or is_frame(item):
            return self.read_item(number, item)
        try:
            return self.read_item(number, item)
        except SentirError as error:
            return [invalid_input(number, item, str(error))]


def _to_path(item: os.PathLike[Any]) -> Path:
    return Path(os.fsdecode(item))


def _is_clip(path: Path) -> bool:
    return is_media_file(path) and not path.is_dir()


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
    require_input(path)
    if path.is_dir() and not is_dataset(path):
        return [input_from_file(clip) for clip in list_clips(path)]
    if is_media_file(path):
        return [input_from_file(path)]
    return read_table(path, columns or InputColumns(), table_settings or {})


def input_from_remote_file(file: RemoteFile) -> PredictionInput:
    """Return the input of an audio or video file at an address, with its content."""
    clip, problem = remote_clip(file)
    utterance = Utterance(file.url, dialogue=file.url, clip=clip)
    row = {"id": file.url, "audio": file.url}
    return PredictionInput(utterance, file.url, row, frozenset({"audio"}), audio_problem=problem)


def require_input(path: Path) -> None:
    """Refuse a file of which nothing can be predicted.

    Raises:
        CorpusError: naming what is supported.
    """
    if (
        not path.is_dir()
        and not is_media_file(path)
        and path.suffix.lower() not in TABLE_SUFFIXES | JSON_SUFFIXES
    ):
        raise CorpusError(
            _("{path} is not an audio or video file, a table (.csv, .tsv, .xlsx, .parquet) or a conversation "
              "(.jsonl).", path=path)
        )  # fmt: skip


def list_clips(folder: Path) -> list[Path]:
    """Return the audio and video files below a folder, sorted by path; a warning counts other files.

    Raises:
        CorpusError: if there are none.
    """
    files = [subfolder / name for subfolder, names in walk_folders(folder) for name in names]
    clips = sorted(filter(is_media_file, files))
    if not clips:
        raise CorpusError(_("{folder} contains no audio or video file.", folder=folder))
    if others := len(files) - len(clips):
        logger.warning(_("{folder}: other files, ignored: {n}.", folder=folder, n=others))
    return clips


def input_from_file(path: Path) -> PredictionInput:
    """Return the input of an audio or video file."""
    name = replace_surrogates(str(path))
    utterance = Utterance(name, dialogue=name, clip=Clip(path))
    return PredictionInput(utterance, name, {"id": name, "audio": name}, frozenset({"audio"}))
