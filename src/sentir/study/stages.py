"""Stages of a study, each done once: a folder named by the hash of everything its content depends on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

VERSION = 1  # raised when the meaning of a stage's content changes


class Stages:
    """The stages of one study, under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, key: Mapping[str, Any]) -> Path:
        """Return where the stage lies, or will lie."""
        text = json.dumps([VERSION, kind, key], sort_keys=True, default=str)
        return self.folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def done(self, kind: str, key: Mapping[str, Any]) -> bool:
        """Say whether the stage is already there."""
        return self.path(kind, key).is_dir()

    def run(self, kind: str, key: Mapping[str, Any], produce: Callable[[Path], None]) -> Path:
        """Return the stage's folder, made by ``produce`` if it is not there yet.

        ``produce`` fills a folder of its own, which is renamed into place when whole: a killed study finds
        either all of a stage or nothing of it.
        """
        place = self.path(kind, key)
        if not place.is_dir():
            part = place.with_name(f"{place.name}.part{os.getpid()}")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            try:
                produce(part)
                os.replace(part, place)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        return place
