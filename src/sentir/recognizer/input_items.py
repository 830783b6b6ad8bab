"""Single inputs for prediction: texts, audio in memory, dictionaries and utterances."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.memory import clip_from_bytes, clip_from_samples
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import AudioError, CorpusError
from sentir.files.media_files import is_media_file
from sentir.files.tables import JSON_SUFFIXES, TABLE_SUFFIXES
from sentir.i18n import _
from sentir.readers.table.reader import parse_clip_times
from sentir.recognizer.input_tables import PredictionInput
from sentir.safe_text import make_printable, replace_surrogates

_TEXT, _AUDIO = frozenset({"text"}), frozenset({"audio"})
_KEYS = ("id", "text", "audio", "sampling_rate", "speaker", "dialogue", "start", "end")  # of a dictionary


def is_array(item: object) -> bool:
    """Return whether an object is an array of numbers, such as one of NumPy or a tensor, and no column."""
    is_column = hasattr(item, "iloc")
    if is_column or not (hasattr(item, "__array__") and hasattr(item, "dtype") and getattr(item, "ndim", False)):
        return False
    return getattr(item.dtype, "kind", "f") in "biufc"


def is_one_item(items: object) -> bool:
    """Return whether an argument is a single item rather than a collection of them; a `Path` counts as one."""
    if isinstance(items, str | bytes | bytearray | memoryview | Mapping | Utterance | os.PathLike):
        return True
    return hasattr(items, "read") or is_array(items) or not isinstance(items, Iterable)


class ItemReader:
    """Makes the inputs of items, one by one; dictionaries of one dialogue are its turns in order.

    Args:
        sampling_rate: of arrays that do not have their own.
    """

    def __init__(self, sampling_rate: object = None) -> None:
        self._sampling_rate = sampling_rate
        self._turns = Counter[str]()

    def read(self, number: int, item: object) -> PredictionInput:
        """Return the input of an item.

        Args:
            number: of the item in the call, from 1; part of its id.
            item: anything but a file on disk.

        Raises:
            SentirError: naming what was given and what is taken.
        """
        if isinstance(item, str) or _is_missing(item):
            return _text_input(f"text{number}", item)
        if isinstance(item, Utterance):
            return _utterance_input(item)
        if isinstance(item, Mapping):
            return self._mapping_input(f"item{number}", item)
        if not _is_audio(item):
            raise _type_error(item)
        name = f"audio{number}"
        clip = _make_clip(name, item, self._sampling_rate)
        return PredictionInput(
            Utterance(name, dialogue=name, clip=clip), name, {"id": name, "audio": name}, _AUDIO
        )

    def _mapping_input(self, key: str, item: Mapping[Any, Any]) -> PredictionInput:
        modalities = (_TEXT | _AUDIO) & item.keys()
        if not modalities:
            raise CorpusError(
                _("A dictionary needs 'text' or 'audio'; this one has: {keys}.",
                  keys=short_repr(list(item)))
            )  # fmt: skip
        text, problem = _text_of(item.get("text"))
        clip, audio_problem = self._clip_of(key, item)
        named = _cell(item.get("dialogue"))
        dialogue = f"dialogue {named}" if named else key
        turn = self._turns[dialogue]
        self._turns[dialogue] += 1
        cells = _cells(key, item)
        utterance = Utterance(
            key,
            dialogue=dialogue,
            turn=turn,
            speaker=_cell(item.get("speaker")) or None,
            text=None if clip is not None and is_blank(text) else text if "text" in item else None,
            clip=clip,
            numeric_features={
                str(name): float(value) for name, value in item.items() if _is_feature(name, value)
            },
        )
        return PredictionInput(utterance, cells["id"], cells, modalities, problem, (), audio_problem)

    def _clip_of(self, key: str, item: Mapping[Any, Any]) -> tuple[Clip | None, str]:
        """Return the clip of a dictionary, and why the audio that it names cannot be used."""
        audio, rate = item.get("audio"), item.get("sampling_rate", self._sampling_rate)
        if isinstance(audio, Mapping):  # the audio column of a data set of Hugging Face
            rate = audio.get("sampling_rate", rate)
            audio = next(
                (audio[name] for name in ("array", "bytes", "path") if audio.get(name) is not None), audio
            )
        if _is_missing(audio) or (isinstance(audio, str) and is_blank(audio)):
            return None, ""
        times = parse_clip_times(*(_cell(item.get(name)) for name in ("start", "end")))
        if isinstance(times, str):
            return None, times
        if isinstance(audio, str | os.PathLike):
            path = os.fsdecode(audio)
            return (None, _("There is no such file.")) if "\0" in path else (Clip(Path(path), *times), "")
        if not _is_audio(audio):
            return None, _("'audio' must be a path, bytes, a binary file or an array of samples, not {value}.",
                           value=short_repr(audio))  # fmt: skip
        try:
            return _make_clip(key, audio, rate, *times), ""
        except (AudioError, CorpusError) as error:
            return None, str(error)


def invalid_input(number: int, item: object, problem: str) -> PredictionInput:
    """Return the input of an item that cannot be predicted."""
    key = f"item{number}"
    cells = {"id": key} | ({} if is_array(item) else {"text": short_repr(item)})
    return PredictionInput(Utterance(key, dialogue=key), key, cells, _TEXT | _AUDIO, problem)


def short_repr(item: object) -> str:
    """Return the truncated repr of an object, with its type."""
    text = " ".join(make_printable(repr(item)).split())
    return f"{text if len(text) <= 40 else f'{text[:40]}…'} ({type(item).__name__})"


def _type_error(item: object) -> CorpusError:
    return CorpusError(
        _("{value} cannot be predicted: give a text (str), a file (Path), audio (bytes, a file opened in binary "
          "mode, or an array with sampling_rate), an Utterance, a dictionary with 'text' or 'audio', a "
          "DataFrame, or a list of these.", value=short_repr(item))
    )  # fmt: skip


def _is_missing(item: object) -> bool:
    return item is None or (isinstance(item, float) and math.isnan(item))


def _is_audio(item: object) -> bool:
    return isinstance(item, bytes | bytearray | memoryview) or hasattr(item, "read") or is_array(item)


def _make_clip(
    name: str, audio: Any, sampling_rate: object, start: float | None = None, end: float | None = None
) -> Clip:
    """Return the clip of bytes, of a file object from its position on, or of samples."""
    if isinstance(audio, bytes | bytearray | memoryview):
        return clip_from_bytes(name, audio, start, end)
    if hasattr(audio, "read"):
        try:
            content = audio.read()
        except (OSError, ValueError) as error:  # ValueError: a closed file, or text that is not UTF-8
            raise CorpusError(_("{value} cannot be read: {why}.", value=short_repr(audio), why=error)) from error
        if not isinstance(content, bytes):
            raise CorpusError(_("{value} is not a binary file; open it with mode 'rb'.", value=short_repr(audio)))
        return clip_from_bytes(name, content, start, end)
    return clip_from_samples(name, _as_numpy(audio), sampling_rate, start, end)


def _as_numpy(array: Any) -> NDArray[Any]:
    try:
        return np.asarray(array)
    except (TypeError, RuntimeError) as error:  # a tensor on a GPU, or one with a gradient
        raise CorpusError(
            _("{type} cannot be made a NumPy array; give one, such as tensor.detach().cpu().numpy().",
              type=type(array).__name__)
        ) from error  # fmt: skip


def _text_input(key: str, item: object) -> PredictionInput:
    text = replace_surrogates(item) if isinstance(item, str) else ""
    note = _("Predicted as text, although a file of this name exists; to predict the file, give it as a file (in "
             "Python, a Path).")  # fmt: skip
    notes = (note,) if _is_existing_file(text) else ()
    utterance = Utterance(key, dialogue=key, text=text)
    return PredictionInput(utterance, key, {"id": key, "text": text}, _TEXT, "", notes)


def _text_of(item: object) -> tuple[str, str]:
    """Return the text of a dictionary, and why it has none."""
    if isinstance(item, str) or _is_missing(item):
        return replace_surrogates(item) if isinstance(item, str) else "", ""
    return "", _("{value} is not text; give a str.", value=short_repr(item))


def _utterance_input(u: Utterance) -> PredictionInput:
    given = {"text": u.text, "audio": None if u.clip is None else str(u.clip.path), "speaker": u.speaker}
    cells = {name: replace_surrogates(value) for name, value in given.items() if value is not None}
    modalities = (_TEXT | _AUDIO) & cells.keys()
    return PredictionInput(u.blind(), u.id, {"id": replace_surrogates(u.id)} | cells, modalities)


def _is_existing_file(text: str) -> bool:
    """Return whether a text is the path of an existing file of a supported format."""
    if not text or "\0" in text:
        return False
    is_supported = is_media_file(text) or Path(text).suffix.lower() in TABLE_SUFFIXES | JSON_SUFFIXES
    return is_supported and os.path.isfile(text)


def _is_feature(name: object, value: object) -> bool:
    """Return whether a value of a dictionary is one of the utterance's numeric features, as in a table."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return name not in _KEYS and is_number and math.isfinite(value)  # type: ignore[arg-type]


def _cell(value: object) -> str:
    text = "" if _is_missing(value) else replace_surrogates(str(value)).strip()
    return "" if is_blank(text) else text


def _cells(key: str, item: Mapping[Any, Any]) -> dict[str, str]:
    """Return a dictionary as the row of a table, with an id; audio in memory by its name."""
    show: Callable[[Any], str] = lambda value: key if _is_audio(value) else _cell(value)  # noqa: E731
    cells = {str(name): show(value) for name, value in item.items() if name != "sampling_rate"}
    return {"id": cells.get("id") or key} | {name: cell for name, cell in cells.items() if name != "id"}
