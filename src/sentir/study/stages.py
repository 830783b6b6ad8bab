"""Stages of a study, each done once: a folder named by the hash of everything its content depends on."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sentir.errors import SentirError, UnknownNameError, WeightsError
from sentir.file_locks import hold_lock
from sentir.i18n import _
from sentir.io import sync_and_rename

STAGE_VERSION = 6  # raised when the meaning of a stage's content changes


class Stages:
    """The stages of one study, under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, key: Mapping[str, Any]) -> Path:
        """Return where the stage lies, or will lie."""
        text = json.dumps([STAGE_VERSION, kind, key], sort_keys=True, default=str)
        return self.folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def run(self, kind: str, key: Mapping[str, Any], produce: Callable[[Path], None]) -> Path:
        """Return the stage's folder, made by ``produce`` if it is not there yet.

        ``produce`` fills a folder of its own, which is renamed into place when whole: a killed study finds
        either all of a stage or nothing of it. Where two studies make the same stage, the first one's stays.
        """
        place = self.path(kind, key)
        if not place.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f"{place.name}.part{uuid4().hex}")
            with hold_lock(_lock_path(part)):
                part.mkdir()
                try:
                    produce(part)
                    _move_into_place(part, place)
                finally:
                    shutil.rmtree(part, ignore_errors=True)
        return place

    def delete_unfinished(self) -> None:
        """Delete the unfinished stages of processes that live no more."""
        for part in self.folder.glob("*.part*/"):
            if re.fullmatch(r".*\.part[0-9a-f]+", part.name):
                with hold_lock(_lock_path(part)) as dead:
                    if dead:
                        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def stage_read_errors(stage: Path) -> Iterator[None]:
    """Say of a stage whose content cannot be read what to do about it.

    Raises:
        SentirError: naming the folder to delete.
    """
    try:
        yield
    except (WeightsError, UnknownNameError):  # lie elsewhere
        raise
    except (SentirError, OSError, ValueError, KeyError, TypeError) as error:
        raise SentirError(
            _("A stage of the study is damaged; delete the folder {folder} and run again.", folder=stage)
        ) from error


def _move_into_place(unfinished: Path, folder: Path) -> None:
    try:
        sync_and_rename(unfinished, folder)
    except OSError:
        if not folder.is_dir():
            raise


def _lock_path(unfinished: Path) -> Path:
    return unfinished.with_name(f".{unfinished.name}.lock")
