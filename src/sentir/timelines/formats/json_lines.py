"""JSON lines: a turn per line, with ``start``, ``end``, ``speaker``, ``text`` and ``labels`` as far as known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import json_dumps
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.text_fields import make_turn, parse_time, read_utf8

_LABEL_KEYS = ("labels", "label", "emotion")


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a line per turn, with the name of the recording as ``file`` if it has one."""
    file = {"file": timeline.source.file} if timeline.source.file else {}
    lines = (json_dumps(file | turn.to_dict(), indent=None) for turn in timeline.turns)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read a turn of each line.

    Raises:
        TimelineError: if a line is not a JSON object.
    """
    objects = []
    for n, line in enumerate(read_utf8(path).split("\n"), start=1):
        if line.strip():
            try:
                objects.append(json.loads(line))
            except ValueError as error:
                raise TimelineError(
                    _("{path}, line {n} is not JSON: {why}.", path=path, n=n, why=error)
                ) from error
    return turns_from_objects(objects, str(path))


def turns_from_objects(objects: Sequence[Any], where: str) -> dict[str, list[Turn]]:
    """Return recording → turns of objects with the keys of a turn; a speaker may also be that of the words.

    Raises:
        TimelineError: if one is not an object, or its times are impossible.
    """
    by_file: dict[str, list[Turn]] = {}
    for n, one in enumerate(objects, start=1):
        place = f"{where}, {n}"
        if not isinstance(one, dict):
            raise TimelineError(_("{where}: a turn must be an object, not {type}.", where=place,
                                  type=type(one).__name__))  # fmt: skip
        turn = _turn_from_object(one, place)
        if turn is not None:
            by_file.setdefault(str(one.get("file") or ""), []).append(turn)
    return by_file


def _turn_from_object(one: Mapping[str, Any], place: str) -> Turn | None:
    own = {
        key: one[key] for key in ("probabilities", "values", "confidence", "other_tasks", "problem") if key in one
    }
    text = next((one[key] for key in ("text", "transcript", "utterance") if key in one), None)
    labels = next((one[key] for key in _LABEL_KEYS if one.get(key)), ())
    return make_turn(
        place,
        _seconds(one.get("start"), place),
        _seconds(one.get("end"), place),
        speaker=_speaker(one),
        text=text if text is None else str(text),
        labels=(labels,) if isinstance(labels, str) else tuple(map(str, labels)),
        notes=tuple(one.get("notes", ())),
        **own,
    )


def _seconds(value: Any, place: str) -> float | None:
    if value is None or isinstance(value, float):
        return value
    return parse_time(str(value), place)


def _speaker(one: Mapping[str, Any]) -> str | None:
    """Return the speaker of a segment; without one, the one who says most of its words, as whisperX has them."""
    if one.get("speaker") is not None:
        return str(one["speaker"])
    words = one.get("words")
    spoken = [w["speaker"] for w in words if isinstance(w, dict) and w.get("speaker")] if words else []
    return str(Counter(spoken).most_common(1)[0][0]) if spoken else None
