"""Label Studio's JSON: tasks with predictions to correct, and corrected annotations as turns.

A turn is a region of the audio with ``labels`` (control ``emotion``) and, with the same id, texts (control
``text``) and speakers (control ``speaker``). The labeling configuration is in ``docs/en/timeline.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import json_dumps
from sentir.timelines.document import TimelineDocument, Turn, sort_turns
from sentir.timelines.formats.text_fields import make_turn, read_utf8


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a list of one task with its predictions."""
    results = [one for n, turn in enumerate(timeline.turns, start=1) for one in _regions(turn, f"turn{n}")]
    confidences = [turn.confidence for turn in timeline.turns if turn.confidence is not None]
    prediction: dict[str, Any] = {"model_version": timeline.model.get("name", ""), "result": results}
    if confidences:
        prediction["score"] = sum(confidences) / len(confidences)
    task = {"data": {"audio": timeline.source.file}, "predictions": [prediction]}
    path.write_text(json_dumps([task]) + "\n", encoding="utf-8")


def _regions(turn: Turn, key: str) -> list[dict[str, Any]]:
    times = {"start": turn.start, "end": turn.end, "channel": 0}
    shared = {"id": key, "to_name": "audio"}
    labels: dict[str, Any] = {
        **shared,
        "from_name": "emotion",
        "type": "labels",
        "value": {**times, "labels": list(turn.labels)},
    }
    if turn.confidence is not None:
        labels["score"] = turn.confidence
    texts = {"text": turn.text, "speaker": turn.speaker}
    return [labels] + [
        {**shared, "from_name": name, "type": "textarea", "value": {**times, "text": [text]}}
        for name, text in texts.items()
        if text is not None
    ]


def is_task_list(tree: Any) -> bool:
    """Return whether JSON is a list of Label Studio's tasks, or one of them."""
    first = tree[0] if isinstance(tree, list) and tree else tree
    return isinstance(first, dict) and bool({"predictions", "annotations", "completions"} & first.keys())


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read the regions of every task: of its last annotation that was not cancelled, else of its prediction.

    Raises:
        TimelineError: if the file does not hold tasks.
    """
    try:
        tree = json.loads(read_utf8(path))
    except ValueError as error:
        raise TimelineError(_("{path} is not JSON: {why}.", path=path, why=error)) from error
    if not is_task_list(tree):
        raise TimelineError(_("{path} holds no tasks of Label Studio.", path=path))
    return turns_from_tasks(tree, str(path))


def turns_from_tasks(tree: Any, where: str) -> dict[str, list[Turn]]:
    """Return recording → turns of tasks; see `read`."""
    by_file: dict[str, list[Turn]] = {}
    for n, task in enumerate(tree if isinstance(tree, list) else [tree], start=1):
        place = f"{where}, {n}"
        if not isinstance(task, dict):
            raise TimelineError(_("{path} holds no tasks of Label Studio.", path=place))
        done = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
        chosen = (done or task.get("predictions") or [{}])[-1]
        data = task.get("data", {})
        audio = data.get("audio") or next((v for v in data.values() if isinstance(v, str)), "")
        file = _original_name(str(audio), str(task.get("file_upload") or ""))
        by_file.setdefault(file, []).extend(_turns(chosen.get("result") or (), place))
    return {file: list(sort_turns(turns)) for file, turns in by_file.items()}


def _original_name(audio: str, upload: str) -> str:
    """Return the name of the recording; Label Studio puts eight hexadecimal digits before that of an upload."""
    name = audio.rsplit("/", 1)[-1].rsplit("?d=", 1)[-1]
    prefix, dash, rest = name.partition("-")
    is_upload = "/upload/" in audio or name == upload
    return rest if is_upload and dash and len(prefix) == 8 and rest else name


def _turns(results: Sequence[Any], place: str) -> list[Turn]:
    regions: dict[str, dict[str, Any]] = {}
    for n, one in enumerate(results):
        value = one.get("value", {})
        if "start" not in value or "end" not in value:
            continue
        region = regions.setdefault(str(one.get("id", n)), {"start": value["start"], "end": value["end"]})
        name, kind = one.get("from_name"), one.get("type")
        if kind in ("labels", "choices") and name != "speaker":
            region["labels"] = tuple(map(str, value.get(kind, ())))
            region["confidence"] = one.get("score")
        elif name in ("speaker", "text") or kind in ("textarea", "choices"):
            texts = value.get("text", value.get("choices", ""))
            field = "speaker" if name == "speaker" else "text"
            region[field] = "\n".join(texts) if isinstance(texts, list) else str(texts)
    turns = [
        make_turn(f"{place}, {key}", float(one.pop("start")), float(one.pop("end")), **one)
        for key, one in regions.items()
    ]
    return [turn for turn in turns if turn is not None]
