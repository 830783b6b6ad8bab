"""Stages of a study, cached on disk: a folder per stage, named by a hash of everything it depends on."""

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
from sentir.study.processes import Submit

STAGE_VERSION = 6  # raised when the meaning of a stage's content changes


class Stages:
    """The stages of one study, under ``folder``.

    Attributes:
        pending: folder of a stage that another process produces → function that waits for it.
        submit: starts work in a process of the study; ``None`` if it has none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pending: dict[Path, Callable[[], Any]] = {}
        self.submit: Submit | None = None

    def path(self, kind: str, key: Mapping[str, Any]) -> Path:
        """Return the folder of a stage, which may not exist yet."""
        text = json.dumps([STAGE_VERSION, kind, key], sort_keys=True, default=str)
        return self.folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def run(self, kind: str, key: Mapping[str, Any], produce: Callable[[Path], None]) -> Path:
        """Return the stage's folder, which ``produce`` fills if it does not exist yet.

        ``produce`` fills a temporary folder, which is renamed when complete: after a killed study a stage is
        either complete or missing. Of two processes that need the same stage, the second waits for the first.
        """
        folder = self.path(kind, key)
        self.pending.pop(folder, lambda: None)()
        if folder.is_dir():
            return folder
        self.folder.mkdir(parents=True, exist_ok=True)
        with hold_lock(_lock_path(folder), timeout=-1):
            if folder.is_dir():
                return folder
            unfinished = folder.with_name(f"{folder.name}.part{uuid4().hex}")
            with hold_lock(_lock_path(unfinished)):
                unfinished.mkdir()
                try:
                    produce(unfinished)
                    _move_into_place(unfinished, folder)
                finally:
                    shutil.rmtree(unfinished, ignore_errors=True)
        return folder

    def delete_unfinished(self) -> None:
        """Delete unfinished stages of processes that have ended, and their locks."""
        for unfinished in self.folder.glob("*.part*/"):
            if re.fullmatch(r".*\.part[0-9a-f]+", unfinished.name):
                with hold_lock(_lock_path(unfinished)) as has_ended:
                    if has_ended:
                        shutil.rmtree(unfinished, ignore_errors=True)
        for lock in self.folder.glob(".*.lock"):
            with hold_lock(lock):  # it is deleted, unless its process holds it
                pass


@contextmanager
def stage_read_errors(stage: Path) -> Iterator[None]:
    """Turn errors of reading a stage into one sentence.

    Raises:
        SentirError: naming the folder to delete.
    """
    try:
        yield
    except (WeightsError, UnknownNameError):  # not about the stage
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
