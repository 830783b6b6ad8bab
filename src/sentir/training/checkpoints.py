"""Checkpoints: an interrupted training is resumed from the last one, with exactly the same result.

The folder of a training is named by the hash of everything that it depends on, so that another recipe, corpus or
version does not find it. It is deleted after a successful training::

    best-<epoch>.safetensors    the weights of the best epoch so far
    checkpoint-<step>/          files of `Trainer`; complete if they have the hashes in its ``sentir.json``

The last two checkpoints are kept: if the last one is damaged, the one before it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from sentir.context_variables import set_in_block
from sentir.errors import SentirError
from sentir.file_locks import hold_lock
from sentir.i18n import _
from sentir.io import atomic_write, fsync, write_text
from sentir.logs import logger
from sentir.process_group import broadcast_tensors, of_first_process, rank, world_size

MIN_INTERVAL_SECONDS = 60.0  # between two checkpoints
MAX_TIME_SHARE = 0.02  # of the training time for saving checkpoints
_SAVE_TOTAL_LIMIT = 2  # checkpoints
_MANIFEST, _DIGEST_PATTERN = "sentir.json", r"[0-9a-f]{16}"
_checkpoint_root: ContextVar[Path | None] = ContextVar("checkpoint_root", default=None)


@contextmanager
def checkpoint_to(folder: Path) -> Iterator[None]:
    """Save checkpoints of the trainings of this block to ``folder``, and resume those that were interrupted.

    When the block ends without an error, the folder is deleted, except for trainings of other processes.
    """
    with set_in_block(_checkpoint_root, folder):
        yield
    if rank() > 0:  # the first process does so
        return
    for training in [path for path in folder.glob("*/") if re.fullmatch(_DIGEST_PATTERN, path.name)]:
        with hold_lock(training.with_suffix(".lock")) as free:
            if free is not False:
                shutil.rmtree(training, ignore_errors=True)
    _remove_if_empty(folder)


def is_checkpointing() -> bool:
    """Return whether this is inside `checkpoint_to`."""
    return _checkpoint_root.get() is not None


@contextmanager
def training_folder(digest: str) -> Iterator[Path]:
    """Yield the folder of the training ``digest``, which is deleted when the block ends without an error.

    It is a temporary one outside of `checkpoint_to`, and if another process runs the same training. The processes
    of a distributed training share the folder, in which the first one has the lock.

    Raises:
        SentirError: if the folder cannot be written, or another distributed training uses it.
    """
    root = _checkpoint_root.get()
    if root is not None and rank() > 0:
        yield root / digest
        return
    if root is not None:
        folder = root / digest
        with _report_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with hold_lock(folder.with_suffix(".lock")) as free:
            if free is not False:
                yield folder
                shutil.rmtree(folder, ignore_errors=True)
        if free is not False:
            _remove_if_empty(root)
            return
        if world_size() > 1:
            raise SentirError(_("Another training is using {folder}; wait until it ends.", folder=folder))
    with tempfile.TemporaryDirectory(prefix="sentir-train-") as temporary:
        yield Path(temporary)


@dataclass
class TrainingProgress:
    """The progress of a training, besides the state of `Trainer`.

    Attributes:
        history: number, train loss and dev score of each epoch.
        loss_sum: sum of the losses since dev was last scored.
        last_eval_step: step at which dev was last scored.
        best_index: index of the best epoch in the history; -1 before there is one.
        threads: of the CPU.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    loss_sum: float = 0.0
    last_eval_step: int = 0
    best_index: int = -1
    threads: int = 0

    @property
    def epochs_without_improvement(self) -> int:
        """Number of epochs since the best one."""
        return len(self.history) - 1 - self.best_index


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint: its folder, and the progress of the training."""

    folder: Path
    progress: TrainingProgress

    @property
    def step(self) -> int:
        """The step after which it was saved."""
        return _checkpoint_step(self.folder)


class CheckpointManager:
    """The best weights and the checkpoints of one training.

    Args:
        folder: of `training_folder`.
        enabled: whether to save checkpoints.
    """

    def __init__(self, folder: Path, enabled: bool) -> None:
        self.folder, self._enabled = folder, enabled
        self._last_save_time, self._save_seconds = time.monotonic(), 0.0

    def is_due(self) -> bool:
        """Return whether it is time for the next checkpoint, by the clock of the first process."""
        interval = max(MIN_INTERVAL_SECONDS, self._save_seconds / MAX_TIME_SHARE)
        return self._enabled and bool(of_first_process(time.monotonic() - self._last_save_time >= interval))

    def load_latest(self) -> Checkpoint | None:
        """Return the last valid checkpoint; damaged ones are logged, and they and later ones are deleted.

        Raises:
            SentirError: in a process of a distributed training that does not see the folder of the first one.
        """
        checkpoint = self._find_latest() if rank() == 0 else None
        step = round(of_first_process(-1 if checkpoint is None else checkpoint.step))
        if rank() == 0 or step < 0:
            return checkpoint
        folder = self.folder / f"checkpoint-{step}"
        try:
            return Checkpoint(folder, TrainingProgress(**_read_manifest(folder)["progress"]))
        except OSError as error:
            raise SentirError(
                _("This process cannot read the checkpoint {folder} of the first one; let the machines share the "
                  "output folder, or delete its folder 'checkpoints' to start over.", folder=folder)
            ) from error  # fmt: skip

    def _find_latest(self) -> Checkpoint | None:
        folders = self._complete_checkpoints()
        for folder in folders:
            try:
                checkpoint = self._verify(folder)
            except (OSError, ValueError, KeyError, TypeError) as error:
                _log_damaged(folder, error, is_last=folder == folders[-1])
                continue
            self._delete_after(step=checkpoint.step)
            return checkpoint
        self._delete_after(step=-1)
        return None

    def _complete_checkpoints(self) -> list[Path]:
        """Return the folders of checkpoints with a manifest, which is written last; latest first."""
        return sorted(
            (path.parent for path in self.folder.glob(f"checkpoint-*/{_MANIFEST}")),
            key=_checkpoint_step,
            reverse=True,
        )

    def _verify(self, checkpoint: Path) -> Checkpoint:
        """Load a checkpoint, and compare all its files with their hashes."""
        manifest = _read_manifest(checkpoint)
        progress, expected = TrainingProgress(**manifest["progress"]), manifest["files"]
        if manifest["training"] != self.folder.name:
            raise ValueError(_("it is of another training"))
        files = self._required_files(checkpoint, progress)
        if changed := [name for name, digest in files.items() if expected[name] != digest]:
            raise ValueError(_("{file} has changed", file=changed[0]))
        if len(expected) != len(files):
            raise ValueError(_("a file is missing"))
        return Checkpoint(checkpoint, progress)

    def _required_files(self, checkpoint: Path, progress: TrainingProgress) -> dict[str, str]:
        """Return the hashes of the files of a checkpoint and of its best weights."""
        files = [path for path in checkpoint.iterdir() if path.name != _MANIFEST]
        files += [self._best_path(progress.best_index)] if progress.history else []
        return {path.name: _file_digest(path) for path in files}

    def _delete_after(self, *, step: int) -> None:
        """Delete the checkpoints after a step, and best weights that the others do not need."""
        for checkpoint in self.folder.glob("checkpoint-*"):
            if _checkpoint_step(checkpoint) > step:
                shutil.rmtree(checkpoint, ignore_errors=True)
        self._delete_stale_weights(set())

    @contextmanager
    def timed_save(self) -> Iterator[None]:
        """Measure the time of saving a checkpoint in this block.

        Raises:
            SentirError: if the folder cannot be written.
        """
        start = time.monotonic()
        with _report_write_errors(self.folder):
            yield
        self._last_save_time = time.monotonic()
        self._save_seconds = self._last_save_time - start

    def finalize(self, checkpoint: Path, progress: TrainingProgress) -> None:
        """Complete a checkpoint, and delete all but the last two, and best weights that they do not need."""
        (checkpoint / "training_args.bin").unlink(missing_ok=True)  # a pickle, and not needed
        files = self._required_files(checkpoint, progress)
        for name in files:
            fsync(self.folder / name if name.startswith("best-") else checkpoint / name)
        manifest = {"training": self.folder.name, "progress": asdict(progress), "files": files}
        write_text(checkpoint / _MANIFEST, json.dumps(manifest))
        latest = self._complete_checkpoints()[:_SAVE_TOTAL_LIMIT]
        for other in self.folder.glob("checkpoint-*"):
            if other not in latest:
                shutil.rmtree(other, ignore_errors=True)
        self._delete_stale_weights({self._best_path(progress.best_index)})

    def save_best(self, model: nn.Module, index: int) -> None:
        """Write the weights of the best epoch so far, once, and keep those that checkpoints need.

        Raises:
            SentirError: if the folder cannot be written.
        """
        if rank() > 0:
            return
        path = self._best_path(index)
        with _report_write_errors(self.folder), atomic_write(path) as draft:
            save_file({name: t.detach().contiguous() for name, t in model.state_dict().items()}, draft)
        self._delete_stale_weights({path})

    def load_best(self, model: nn.Module, index: int) -> None:
        """Load the weights of the best epoch into a model, in all processes.

        Raises:
            SentirError: if they are missing or damaged.
        """
        path = self._best_path(index)
        try:
            if rank() == 0:
                model.load_state_dict(load_file(path))
            broadcast_tensors(model.state_dict().values())
        except (OSError, SafetensorError) as error:
            raise SentirError(
                _("The best weights of the training, {path}, cannot be read ({why}); run it again.",
                  path=path, why=error)
            ) from error  # fmt: skip

    def _best_path(self, index: int) -> Path:
        return self.folder / f"best-{index + 1}.safetensors"

    def _delete_stale_weights(self, needed: set[Path]) -> None:
        """Delete best weights that neither are in ``needed`` nor belong to a checkpoint."""
        for checkpoint in self._complete_checkpoints():
            with suppress(OSError, ValueError, KeyError, TypeError):  # damaged, which `load_latest` reports
                needed = needed | {self._best_path(_read_manifest(checkpoint)["progress"]["best_index"])}
        for path in self.folder.glob("best-*"):
            if path not in needed:
                path.unlink(missing_ok=True)


def _log_damaged(checkpoint: Path, error: Exception, *, is_last: bool) -> None:
    values = {"step": _checkpoint_step(checkpoint), "why": error}
    if is_last:
        logger.info(_("The checkpoint of step {step} is damaged ({why}), and there is no earlier one; the "
                      "training starts from scratch.", **values))  # fmt: skip
    else:
        logger.info(_("The checkpoint of step {step} is damaged ({why}); the one before it is used.", **values))


def _read_manifest(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / _MANIFEST).read_text(encoding="utf-8"))


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _checkpoint_step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # not there, not empty, or filled just now by another process
        folder.rmdir()


@contextmanager
def _report_write_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "write" not in str(error):  # torch's message for a full disk
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        if not is_checkpointing():
            raise SentirError(
                _("The temporary folder {folder} cannot be written ({why}); set TMPDIR to a writable folder.",
                  folder=folder.parent, why=why)
            ) from error  # fmt: skip
        raise SentirError(
            _("The checkpoints of a training cannot be written to {folder} ({why}); free some space there.",
              folder=folder, why=why)
        ) from error  # fmt: skip
