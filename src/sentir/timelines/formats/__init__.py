"""Annotation formats: what is read as turns, and what a timeline is written as.

A format is one record here, and a module with a function that writes a document and one that reads turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sentir.errors import TimelineError
from sentir.i18n import _, gettext_noop
from sentir.io import atomic_write, write_errors
from sentir.logs import log_once
from sentir.safe_text import json_dumps
from sentir.timelines.document import TimelineDocument, Turn, round_numbers, sort_turns

Writer = Callable[[TimelineDocument, Path], None]
Reader = Callable[[Path], Mapping[str, list[Turn]]]
"""From a file to recording → its turns; the recording is ``""`` where the format does not name one."""


@dataclass(frozen=True, slots=True)
class Format:
    """An annotation format.

    Attributes:
        suffix: of its files.
        module: in this package, with ``write`` and, if ``is_read``, ``read``.
        needs_times: whether it cannot hold turns without times.
        is_read: whether turns can be read from it.
    """

    suffix: str
    module: str
    needs_times: bool = True
    is_read: bool = True

    def write(self, timeline: TimelineDocument, path: Path) -> None:
        """Write a timeline."""
        writer: Writer = self._load().write
        writer(timeline, path)

    def read(self, path: Path) -> Mapping[str, list[Turn]]:
        """Return recording → its turns."""
        reader: Reader = self._load().read
        return reader(path)

    def _load(self) -> Any:
        return import_module(f"sentir.timelines.formats.{self.module}")


FORMATS = {
    "json": Format(".json", "document_json", needs_times=False),
    "jsonl": Format(".jsonl", "json_lines", needs_times=False),
    "csv": Format(".csv", "table", needs_times=False),
    "parquet": Format(".parquet", "parquet"),
    "rttm": Format(".rttm", "rttm"),
    "srt": Format(".srt", "srt"),
    "vtt": Format(".vtt", "webvtt"),
    "eaf": Format(".eaf", "elan"),
    "textgrid": Format(".TextGrid", "textgrid"),
    "labelstudio": Format(".labelstudio.json", "label_studio"),
    "txt": Format(".txt", "chat", needs_times=False),
    "html": Format(".html", "page", needs_times=False, is_read=False),
}
# What readers raise for values of other types and excessive numbers.
_DAMAGED_FILE_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
_COMPARED = {
    "start": gettext_noop("start times"),
    "end": gettext_noop("end times"),
    "speaker": gettext_noop("speakers"),
    "text": gettext_noop("texts"),
    "labels": gettext_noop("labels"),
    "probabilities": gettext_noop("probabilities"),
    "values": gettext_noop("values"),
    "other_tasks": gettext_noop("other tasks"),
    "notes": gettext_noop("notes"),
    "problem": gettext_noop("problems"),
}


def find_format(path: Path, name: str | None = None) -> Format:
    """Return the format called ``name``, or the one of a file's suffix, whatever its case.

    Raises:
        TimelineError: if there is none.
    """
    if name is not None:
        if name.lower() not in FORMATS:
            raise TimelineError(
                _("There is no format '{name}'; known: {known}.", name=name, known=", ".join(FORMATS))
            )
        return FORMATS[name.lower()]
    matching = [one for one in FORMATS.values() if path.name.lower().endswith(one.suffix.lower())]
    if not matching:
        known = ", ".join(one.suffix for one in FORMATS.values())
        raise TimelineError(_("{path} has none of the known suffixes: {known}.", path=path, known=known))
    return max(matching, key=lambda one: len(one.suffix))


def save_timeline(timeline: TimelineDocument, path: Path, name: str | None = None) -> None:
    """Write a timeline; the file is read again, and what it does not hold is logged.

    Raises:
        TimelineError: if the format is unknown, or needs times that there are not.
        SentirError: if the file cannot be written.
    """
    chosen = find_format(path, name)
    if chosen.needs_times and not timeline.has_times:
        raise TimelineError(
            _("{path} cannot hold turns without times; write .json, .jsonl, .csv, .txt or .html.", path=path)
        )
    with write_errors(path), atomic_write(path) as draft:
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen.write(timeline, draft)
        lost = find_losses(timeline, chosen.read(draft)) if chosen.is_read else {}
    if lost:
        what = ", ".join(_(_COMPARED[field]) for field in lost)
        log_once(_("Not everything fits in {suffix}: {what}. The JSON document has it.", suffix=chosen.suffix,
                   what=what))  # fmt: skip


def find_losses(timeline: TimelineDocument, by_recording: Mapping[str, list[Turn]]) -> dict[str, int]:
    """Return field → number of turns whose value a written file does not hold; times within 1 ms are equal."""
    read = [turn for turns in by_recording.values() for turn in turns]
    counts = {}
    for field in _COMPARED:
        written, found = (Counter(_comparable(turn, field) for turn in turns) for turns in (timeline.turns, read))
        counts[field] = sum((written - found).values())
    return {field: n for field, n in counts.items() if n}


def _comparable(turn: Turn, field: str) -> object:
    value = getattr(turn, field)
    if field in ("start", "end") and value is not None:
        return round(value * 1000)
    return json_dumps(round_numbers(value), sort_keys=True) if isinstance(value, Mapping) else value


def read_turns(path: Path, recording: str = "", *, name: str | None = None) -> list[Turn]:
    """Return the turns of a recording from an annotation file, in the order of their starts.

    Args:
        path: the file.
        recording: name of the recording, for files that hold several; compared without folder and suffix.
        name: of the format, if the suffix does not tell.

    Raises:
        TimelineError: if the format is unknown, the file is damaged, or it has no turns of the recording.
    """
    by_recording = read_all_turns(path, name=name)
    if len(by_recording) == 1 or not recording:
        return list(sort_turns([turn for turns in by_recording.values() for turn in turns]))
    wanted = {recording, Path(recording).name, Path(recording).stem}
    matching = [turns for key, turns in by_recording.items() if {key, Path(key).name, Path(key).stem} & wanted]
    if not matching:
        raise TimelineError(
            _("{path} has turns of {n} recordings, but none of '{recording}'.", path=path, n=len(by_recording),
              recording=recording)
        )  # fmt: skip
    return list(sort_turns([turn for turns in matching for turn in turns]))


def read_all_turns(path: Path, *, name: str | None = None) -> Mapping[str, list[Turn]]:
    """Return recording → turns of an annotation file; see `read_turns`."""
    chosen = find_format(path, name)
    if not chosen.is_read:
        raise TimelineError(_("{path}: this format is written, not read.", path=path))
    if not path.is_file():
        raise TimelineError(_("There is no file {path}.", path=path))
    try:
        by_recording = chosen.read(path)
    except UnicodeDecodeError as error:
        raise TimelineError(_("{path} is not text in UTF-8; save it in UTF-8.", path=path)) from error
    except _DAMAGED_FILE_ERRORS as error:
        why = error.args[0] if error.args else type(error).__name__
        raise TimelineError(_("{path} is damaged, or of another format: {why}.", path=path, why=why)) from error
    except OSError as error:
        raise TimelineError(_("{path} cannot be read: {why}.", path=path, why=error.strerror)) from error
    if not any(by_recording.values()):
        raise TimelineError(_("{path} has no turns.", path=path))
    return by_recording
