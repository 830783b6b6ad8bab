"""Predictions of finished parts of a recording, kept in a file so that a killed run can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sentir.io import write_errors
from sentir.timelines.document import Turn

_VERSION = 1


class FinishedParts:
    """Turns with predictions by what they were predicted from; without a path, nothing is kept.

    Args:
        path: JSON lines; a line that is damaged, as the last one of a killed run may be, is ignored.
        facts: of recording, model and settings; parts of other ones are not used.
    """

    def __init__(self, path: Path | None, facts: Any) -> None:
        self._path, self._facts = path, facts
        self._parts: dict[str, list[dict[str, Any]]] = {}
        if path is None:
            return
        with write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    self._parts[entry["key"]] = entry["turns"]
                except (ValueError, KeyError, TypeError):
                    continue

    def find(self, turns: Sequence[Turn]) -> list[Turn] | None:
        """Return the predictions of these turns, if they were predicted before."""
        part = self._parts.get(self._key(turns))
        return None if part is None else [Turn.from_dict(one) for one in part]

    def add(self, turns: Sequence[Turn], predicted: Sequence[Turn]) -> None:
        """Keep the predictions of turns.

        Raises:
            SentirError: if the file cannot be written.
        """
        if self._path is None:
            return
        entry = {"key": self._key(turns), "turns": [asdict(turn) for turn in predicted]}
        with write_errors(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def remove(self) -> None:
        """Delete the file, when the run is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _key(self, turns: Sequence[Turn]) -> str:
        facts = [_VERSION, self._facts, [asdict(turn) for turn in turns]]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
