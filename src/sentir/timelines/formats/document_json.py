"""The document ``sentir-timeline/1``; and as turns, JSON by whisper, whisperX, Label Studio and others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.timelines.document import SCHEMA, TimelineDocument, Turn
from sentir.timelines.formats import label_studio
from sentir.timelines.formats.json_lines import turns_from_objects
from sentir.timelines.formats.text_fields import read_utf8


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write the document."""
    path.write_text(timeline.to_json() + "\n", encoding="utf-8")


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read turns of a document, of ``segments`` (whisper, whisperX), of Label Studio's tasks, or of a list.

    Raises:
        TimelineError: if it is none of these.
    """
    try:
        tree = json.loads(read_utf8(path))
    except ValueError as error:
        raise TimelineError(_("{path} is not JSON: {why}.", path=path, why=error)) from error
    if isinstance(tree, dict) and tree.get("schema") == SCHEMA:
        timeline = TimelineDocument.from_dict(tree)
        return {timeline.source.file: list(timeline.turns)}
    if label_studio.is_task_list(tree):
        return label_studio.turns_from_tasks(tree, str(path))
    objects: Any = tree
    if isinstance(tree, dict):
        objects = next((tree[key] for key in ("segments", "turns", "utterances") if key in tree), None)
    if not isinstance(objects, list):
        raise TimelineError(
            _("{path} has no list of turns: it needs 'turns', 'segments' or 'utterances'.", path=path)
        )
    return turns_from_objects(objects, str(path))
