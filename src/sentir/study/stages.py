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
from sentir.logs import logger
from sentir.study.processes import Submit

STAGE_VERSION = 6  # raised when the meaning of a stage's content changes
_LOOK_TIMEOUT = 5.0  # seconds; longer than another run holds a lock to see whether its process has ended


class Stages:
    """The stages of one study, under ``folder``.

    Attributes:
        pending: folder of a stage that another process produces → function that waits for it.
        submit: starts work in a process of the study; ``None`` if it has none.
        meanwhile: is called once, before another run is waited for that produces a stage; ``None`` for nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pending: dict[Path, Callable[[], Any]] = {}
        self.submit: Submit | None = None
        self.meanwhile: Callable[[], None] | None = None

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
        if self._run(folder, produce, timeout=0.0):
            return folder
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
            logger.info(_("Waiting for another process of the study, which makes {stage}.", stage=folder.name))
        self._run(folder, produce, timeout=-1)
        return folder

    def run_if_free(self, kind: str, key: Mapping[str, Any], produce: Callable[[Path], None]) -> bool:
        """Do as `run`, unless another process is producing the stage; return whether it exists now."""
        return self._run(self.path(kind, key), produce, timeout=0.0)

    def _run(self, folder: Path, produce: Callable[[Path], None], *, timeout: float) -> bool:
        if folder.is_dir():
            return True
        self.folder.mkdir(parents=True, exist_ok=True)
        with hold_lock(_lock_path(folder), timeout=timeout) as is_held:
            if is_held is False:
                return False
            if not folder.is_dir():
                _produce_aside(folder, produce)
        return True

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


def _produce_aside(folder: Path, produce: Callable[[Path], None]) -> None:
    unfinished = folder.with_name(f"{folder.name}.part{uuid4().hex}")
    with hold_lock(_lock_path(unfinished), timeout=_LOOK_TIMEOUT):
        unfinished.mkdir()
        try:
            produce(unfinished)
            _move_into_place(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _move_into_place(unfinished: Path, folder: Path) -> None:
    try:
        sync_and_rename(unfinished, folder)
    except OSError:
        if not folder.is_dir():
            raise


def _lock_path(unfinished: Path) -> Path:
    return unfinished.with_name(f".{unfinished.name}.lock")
