"""Where a training lies while it runs: its best weights, and checkpoints from which a killed one goes on exactly.

A training's folder is named by the hash of everything that it depends on, so another recipe, corpus or version
finds none of it. It is deleted when the training succeeds::

    best-<epoch>.safetensors    the weights of the best epoch so far
    checkpoint-<step>/          what the training engine keeps; whole if its files are as ``sentir.json`` says

The last two checkpoints are kept: where the last one is damaged, the one before it is taken.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentir.errors import SentirError
from sentir.file_locks import hold_lock
from sentir.i18n import _
from sentir.io import atomic_write, fsync, write_text
from sentir.logs import logger
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.process_group import world_size

MIN_INTERVAL_SECONDS = 60.0  # between two checkpoints, at least
MAX_TIME_SHARE = 0.02  # of the time that checkpoints may take, at most
_SAVE_TOTAL_LIMIT = 2  # checkpoints
_MANIFEST, _DIGEST_PATTERN = "sentir.json", r"[0-9a-f]{16}"
_PACKAGES = ("sentir", "torch", "transformers", "accelerate", "numpy")
_checkpoint_root: Path | None = None


@contextmanager
def checkpoint_to(folder: Path) -> Iterator[None]:
    """Keep what interrupted trainings of this block leave behind, so that the same ones go on when begun again.

    When the block ends without an error, the folder goes, but for what another process is training there. Several
    processes that train one model together keep nothing.
    """
    global _checkpoint_root
    before, _checkpoint_root = _checkpoint_root, folder if world_size() == 1 else None
    try:
        yield
    finally:
        _checkpoint_root = before
    for place in [
        path for path in folder.glob("*/") if re.fullmatch(_DIGEST_PATTERN, path.name)
    ]:  # nothing but ours
        with hold_lock(place.with_suffix(".lock")) as free:
            if free is not False:
                shutil.rmtree(place, ignore_errors=True)
    _remove_if_empty(folder)


def is_checkpointing() -> bool:
    """Return whether interrupted trainings are kept."""
    return _checkpoint_root is not None


@contextmanager
def training_folder(digest: str) -> Iterator[Path]:
    """Give the folder of the training called ``digest``; it goes when the block ends, unless with an error.

    Outside of `checkpoints_in`, and where another process is at the same training, it is a temporary one.
    """
    if _checkpoint_root is not None:
        place = _checkpoint_root / digest
        _make_folder(place)
        with hold_lock(place.with_suffix(".lock")) as free:
            if free is not False:
                yield place
                shutil.rmtree(place, ignore_errors=True)
        if free is not False:
            _remove_if_empty(_checkpoint_root)
            return
    with tempfile.TemporaryDirectory(prefix="sentir-train-") as folder:
        yield Path(folder)


def training_digest(
    model: nn.Module, model_inputs: ModelInputs, targets: Tensor, digest_parts: Iterable[str]
) -> str:
    """Return a hash of what a training begins with: weights, inputs, targets, versions, and further ``digest_parts``."""
    hasher = hashlib.blake2b(digest_size=8)
    for text in (
        *(f"{name} {metadata.version(name)}" for name in _PACKAGES),
        inputs_digest(model_inputs),
        *digest_parts,
    ):
        hasher.update(text.encode() + b"\0")
    _hash_tensors(hasher, {**model.state_dict(), "": targets})
    return hasher.hexdigest()


def inputs_digest(model_inputs: ModelInputs) -> str:
    """Return a hash of all that networks are given of a split."""
    hasher = hashlib.blake2b(digest_size=8)
    hasher.update(json.dumps([model_inputs.ids, model_inputs.units, model_inputs.encodings]).encode())
    _hash_tensors(hasher, model_inputs.tensors)
    if model_inputs.mels is not None:  # the levels are means over every frame
        hasher.update(repr(model_inputs.mels.statistics).encode() + model_inputs.mels.lengths.tobytes())
    if model_inputs.waveforms is not None:
        hasher.update(repr((model_inputs.waveforms.content_hashes, model_inputs.waveforms.max_samples)).encode())
    return hasher.hexdigest()


def _hash_tensors(hasher: hashlib.blake2b, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        hasher.update(name.encode() + str(tensor.dtype).encode())
        hasher.update(tensor.detach().cpu().contiguous().numpy().tobytes())


@dataclass
class TrainingProgress:
    """How far a training is, beyond what the engine knows of it.

    Attributes:
        history: per epoch its number, train loss and dev score.
        loss_sum: sum of the losses of the steps since the last point.
        last_eval_step: the step of the last point.
        best_index: index of the best point; -1 before there is one.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    loss_sum: float = 0.0
    last_eval_step: int = 0
    best_index: int = -1

    @property
    def epochs_without_improvement(self) -> int:
        """How many epochs there have been since the best one."""
        return len(self.history) - 1 - self.best_index


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its folder, how far the training was, and what else was kept."""

    folder: Path
    progress: TrainingProgress
    extra: dict[str, Any]

    @property
    def step(self) -> int:
        """After which step it was made."""
        return _checkpoint_step(self.folder)


class CheckpointManager:
    """The best weights and the checkpoints of one training.

    Args:
        folder: from `training_folder`.
        enabled: whether to make checkpoints at all.
    """

    def __init__(self, folder: Path, enabled: bool) -> None:
        self.folder, self._enabled = folder, enabled
        self._last_save_time, self._save_seconds = time.monotonic(), 0.0

    def is_due(self) -> bool:
        """Return whether the last checkpoint is so long ago that the next one costs little."""
        return self._enabled and time.monotonic() - self._last_save_time >= max(
            MIN_INTERVAL_SECONDS, self._save_seconds / MAX_TIME_SHARE
        )

    def load_latest(self) -> Checkpoint | None:
        """Return the last checkpoint that is whole; those behind it, and damaged ones, are said and deleted."""
        found = self._complete_checkpoints()
        for checkpoint in found:
            try:
                whole = self._verify(checkpoint)
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._log_damaged(checkpoint, error, is_last=checkpoint == found[-1])
                continue
            self._delete_after(step=_checkpoint_step(checkpoint))
            return whole
        self._delete_after(step=-1)
        return None

    def _complete_checkpoints(self) -> list[Path]:
        """Return the checkpoints to which nothing was to be added, the last one first."""
        return sorted(
            (path.parent for path in self.folder.glob(f"checkpoint-*/{_MANIFEST}")),
            key=_checkpoint_step,
            reverse=True,
        )

    def _verify(self, checkpoint: Path) -> Checkpoint:
        """Read a checkpoint, and compare every file that it needs with what was written."""
        facts = _read_manifest(checkpoint)
        progress = TrainingProgress(**facts["progress"])
        if facts["training"] != self.folder.name:
            raise ValueError(_("it is of another training"))
        for path, digest in self._required_files(checkpoint, progress).items():
            if facts["files"][path.name] != digest:
                raise ValueError(_("{file} has changed", file=path.name))
        if len(facts["files"]) != len(self._required_files(checkpoint, progress)):
            raise ValueError(_("a file is missing"))
        return Checkpoint(checkpoint, progress, dict(facts["extra"]))

    def _required_files(self, checkpoint: Path, progress: TrainingProgress) -> dict[Path, str]:
        files = [path for path in checkpoint.iterdir() if path.name != _MANIFEST]
        files += [self._best_path(progress.best_index)] if progress.history else []
        return {path: _file_digest(path) for path in files}

    def _log_damaged(self, checkpoint: Path, error: Exception, *, is_last: bool) -> None:
        facts = {"step": _checkpoint_step(checkpoint), "why": error}
        if is_last:
            logger.info(_("The checkpoint of step {step} is damaged ({why}), and none before it is whole; the training "
                  "begins anew.", **facts))  # fmt: skip
        else:
            logger.info(
                _("The checkpoint of step {step} is damaged ({why}); the one before it is taken.", **facts)
            )

    def _delete_after(self, *, step: int) -> None:
        """Delete the checkpoints behind a step, and best weights that those which stay do not need."""
        for other in self.folder.glob("checkpoint-*"):
            if _checkpoint_step(other) > step:
                shutil.rmtree(other, ignore_errors=True)
        self._delete_stale_weights(set())

    @contextmanager
    def timed_save(self) -> Iterator[None]:
        """Time what is done in this block, and say what to do where it finds no room.

        Raises:
            SentirError: if the folder cannot be written.
        """
        start = time.monotonic()
        with _report_write_errors(self.folder):
            yield
        self._last_save_time = time.monotonic()
        self._save_seconds = self._last_save_time - start

    def finalize(self, checkpoint: Path, progress: TrainingProgress, extra: Mapping[str, Any]) -> None:
        """Make a checkpoint whole, and delete those before the last two, and best weights that none needs."""
        (checkpoint / "training_args.bin").unlink(missing_ok=True)  # a pickle that nobody reads
        needed = self._required_files(checkpoint, progress)
        for path in needed:
            fsync(path)
        files = {path.name: digest for path, digest in needed.items()}
        facts = {"training": self.folder.name, "progress": asdict(progress), "extra": dict(extra), "files": files}
        write_text(checkpoint / _MANIFEST, json.dumps(facts))
        kept = self._complete_checkpoints()[:_SAVE_TOTAL_LIMIT]
        for other in self.folder.glob("checkpoint-*"):
            if other not in kept:
                shutil.rmtree(other, ignore_errors=True)
        self._delete_stale_weights({self._best_path(progress.best_index)})

    def save_best(self, model: nn.Module, index: int) -> None:
        """Write the weights of the best epoch so far; those that checkpoints know of stay beside them.

        Raises:
            SentirError: if the folder cannot be written.
        """
        path = self._best_path(index)
        with _report_write_errors(self.folder), atomic_write(path) as draft:
            save_file({name: t.detach().contiguous() for name, t in model.state_dict().items()}, draft)
        self._delete_stale_weights({path})

    def load_best(self, model: nn.Module, index: int) -> None:
        """Leave a model with the weights of the best epoch.

        Raises:
            SentirError: if they are gone or damaged.
        """
        path = self._best_path(index)
        try:
            model.load_state_dict(load_file(path))
        except (OSError, SafetensorError) as error:
            raise SentirError(
                _("The best weights of the training, {path}, cannot be read ({why}); run it again.",
                  path=path, why=error)
            ) from error  # fmt: skip

    def _best_path(self, index: int) -> Path:
        return self.folder / f"best-{index + 1}.safetensors"

    def _delete_stale_weights(self, needed: set[Path]) -> None:
        """Delete best weights but those that are wanted, or known to a checkpoint."""
        for checkpoint in self._complete_checkpoints():
            with suppress(OSError, ValueError, KeyError, TypeError):  # damaged, as `resume` will find
                needed = needed | {self._best_path(_read_manifest(checkpoint)["progress"]["best_index"])}
        for path in self.folder.glob("best-*"):
            if path not in needed:
                path.unlink(missing_ok=True)


def _read_manifest(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / _MANIFEST).read_text(encoding="utf-8"))


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _checkpoint_step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _make_folder(folder: Path) -> None:
    with _report_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@contextmanager
def _report_write_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "write" not in str(error):  # torch's word for a disk without room
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        if _checkpoint_root is None:
            raise SentirError(
                _("The temporary folder {folder} cannot be written ({why}); set TMPDIR to a folder that can.",
                  folder=folder.parent, why=why)
            ) from error  # fmt: skip
        raise SentirError(
            _("The checkpoints of a training cannot be written to {folder} ({why}); make room there.",
              folder=folder, why=why)
        ) from error  # fmt: skip
