"""Where a training lies while it runs: its best weights, and checkpoints from which a killed one goes on exactly.

A training's folder is named by the hash of everything that it depends on, so another recipe, corpus or version
finds none of it. It is deleted when the training succeeds::

    best-<epoch>.safetensors    the weights of the best epoch so far
    checkpoint-<step>/          what the training engine keeps; whole once it holds ``sentir.json``
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

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.processes import world
from sentir.training.preparer import Prepared

SECONDS = 60.0  # between two checkpoints, at least
SHARE = 0.02  # of the time that checkpoints may take, at most
_FACTS, _NAME = "sentir.json", r"[0-9a-f]{16}"
_VERSIONS = ("sentir", "torch", "transformers", "accelerate", "numpy")
_kept: Path | None = None


@contextmanager
def checkpoints_in(folder: Path) -> Iterator[None]:
    """Keep what interrupted trainings of this block leave behind, so that the same ones go on when begun again.

    When the block ends without an error, the folder goes, but for what another process is training there. Several
    processes that train one model together keep nothing.
    """
    global _kept
    before, _kept = _kept, folder if world() == 1 else None
    try:
        yield
    finally:
        _kept = before
    for place in [path for path in folder.glob("*/") if re.fullmatch(_NAME, path.name)]:  # nothing but ours
        with _locked(place) as free:
            if free:
                shutil.rmtree(place, ignore_errors=True)
    _remove_empty(folder)


def is_kept() -> bool:
    """Return whether interrupted trainings are kept."""
    return _kept is not None


@contextmanager
def training_folder(name: str) -> Iterator[Path]:
    """Give the folder of the training called ``name``; it goes when the block ends, unless with an error.

    Outside of `checkpoints_in`, and where another process is at the same training, it is a temporary one.
    """
    if _kept is not None:
        place = _kept / name
        _make(place)
        with _locked(place) as free:
            if free:
                yield place
                shutil.rmtree(place, ignore_errors=True)
        if free:
            _remove_empty(_kept)
            return
    with tempfile.TemporaryDirectory(prefix="sentir-train-") as folder:
        yield Path(folder)


def training_digest(model: nn.Module, prepared: Prepared, targets: Tensor, facts: Iterable[str]) -> str:
    """Return a hash of what a training begins with: weights, inputs, targets, versions, and further ``facts``."""
    hasher = hashlib.blake2b(digest_size=8)
    for text in (*(f"{name} {metadata.version(name)}" for name in _VERSIONS), inputs_digest(prepared), *facts):
        hasher.update(text.encode() + b"\0")
    _add_tensors(hasher, {**model.state_dict(), "": targets})
    return hasher.hexdigest()


def inputs_digest(prepared: Prepared) -> str:
    """Return a hash of all that networks are given of a split."""
    hasher = hashlib.blake2b(digest_size=8)
    hasher.update(json.dumps([prepared.ids, prepared.units, prepared.tokens]).encode())
    _add_tensors(hasher, prepared.tensors)
    if prepared.mels is not None:  # the levels are means over every frame
        hasher.update(repr(prepared.mels.levels).encode() + prepared.mels.frames.tobytes())
    if prepared.waves is not None:
        hasher.update(repr((prepared.waves.keys, prepared.waves.longest)).encode())
    return hasher.hexdigest()


def _add_tensors(hasher: hashlib.blake2b, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        hasher.update(name.encode() + str(tensor.dtype).encode())
        hasher.update(tensor.detach().cpu().contiguous().numpy().tobytes())


@dataclass
class Progress:
    """How far a training is, beyond what the engine knows of it.

    Attributes:
        points: per epoch its number, train loss and dev score.
        loss: sum of the losses of the steps since the last point.
        step: the step of the last point.
        best: index of the best point; -1 before there is one.
    """

    points: list[dict[str, float]] = field(default_factory=list)
    loss: float = 0.0
    step: int = 0
    best: int = -1

    @property
    def waited(self) -> int:
        """How many epochs there have been since the best one."""
        return len(self.points) - 1 - self.best


class Checkpoints:
    """The best weights and the checkpoints of one training.

    Args:
        folder: from `training_folder`.
        often: whether to make checkpoints at all.
    """

    def __init__(self, folder: Path, often: bool) -> None:
        self.folder, self._often = folder, often
        self._last, self._took = time.monotonic(), 0.0
        self._needed: Path | None = None

    def is_due(self) -> bool:
        """Return whether the last checkpoint is so long ago that the next one costs little."""
        return self._often and time.monotonic() - self._last >= max(SECONDS, self._took / SHARE)

    def latest(self) -> Path | None:
        """Return the last whole checkpoint."""
        found = [path.parent for path in self.folder.glob(f"checkpoint-*/{_FACTS}")]
        return max(found, key=_step, default=None)

    def load(self, checkpoint: Path) -> tuple[Progress, dict[str, Any]]:
        """Return what `finish` wrote into a checkpoint."""
        facts = json.loads((checkpoint / _FACTS).read_text(encoding="utf-8"))
        progress = Progress(**facts["progress"])
        self._needed = self._best(progress.best)
        return progress, facts["more"]

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Time what is done in this block, and say what to do where it finds no room.

        Raises:
            SentirError: if the folder cannot be written.
        """
        start = time.monotonic()
        with _room_in(self.folder):
            yield
        self._last = time.monotonic()
        self._took = self._last - start

    def finish(self, checkpoint: Path, progress: Progress, more: Mapping[str, Any]) -> None:
        """Make a checkpoint whole, and delete those before it and best weights that are needed no more."""
        (checkpoint / "training_args.bin").unlink(missing_ok=True)  # a pickle that nobody reads
        part = checkpoint / f"{_FACTS}.part"
        part.write_text(json.dumps({"progress": asdict(progress), "more": more}), encoding="utf-8")
        part.replace(checkpoint / _FACTS)
        for other in self.folder.glob("checkpoint-*"):
            if _step(other) != _step(checkpoint):
                shutil.rmtree(other, ignore_errors=True)
        self._needed = self._best(progress.best)
        self._sweep({self._needed})

    def keep_best(self, model: nn.Module, index: int) -> None:
        """Write the weights of the best epoch so far; those that the last checkpoint knows of stay beside them.

        Raises:
            SentirError: if the folder cannot be written.
        """
        path = self._best(index)
        part = path.with_suffix(".part")
        with _room_in(self.folder):
            save_file({name: t.detach().contiguous() for name, t in model.state_dict().items()}, part)
            part.replace(path)
        self._sweep({path, self._needed})

    def load_best(self, model: nn.Module, index: int) -> None:
        """Leave a model with the weights of the best epoch."""
        model.load_state_dict(load_file(self._best(index)))

    def _best(self, index: int) -> Path:
        return self.folder / f"best-{index + 1}.safetensors"

    def _sweep(self, wanted: set[Path | None]) -> None:
        for path in self.folder.glob("best-*"):
            if path not in wanted:
                path.unlink(missing_ok=True)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


@contextmanager
def _locked(place: Path) -> Iterator[bool]:
    """Give whether no other process is at a training; none will be inside the block. A killed one is at none."""
    lock = FileLock(place.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        with suppress(PermissionError):  # on Windows, releasing it deletes it
            place.with_suffix(".lock").unlink(missing_ok=True)
        lock.release()


def _make(folder: Path) -> None:
    with _room_in(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "write" not in str(error):  # torch's word for a disk without room
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        if _kept is None:
            raise SentirError(
                _("The temporary folder {folder} cannot be written ({why}); set TMPDIR to a folder that can.",
                  folder=folder.parent, why=why)
            ) from error  # fmt: skip
        raise SentirError(
            _("The checkpoints of a training cannot be written to {folder} ({why}); make room there.",
              folder=folder, why=why)
        ) from error  # fmt: skip
