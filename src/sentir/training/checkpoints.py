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
from sentir.file_locks import locked
from sentir.i18n import _
from sentir.io import replacing, sync, write_text
from sentir.preprocessing.preprocessor import Prepared
from sentir.process_group import world
from sentir.progress import say

SECONDS = 60.0  # between two checkpoints, at least
SHARE = 0.02  # of the time that checkpoints may take, at most
_KEPT = 2  # checkpoints
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
        with locked(place.with_suffix(".lock")) as free:
            if free is not False:
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
        with locked(place.with_suffix(".lock")) as free:
            if free is not False:
                yield place
                shutil.rmtree(place, ignore_errors=True)
        if free is not False:
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


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its folder, how far the training was, and what else was kept."""

    folder: Path
    progress: Progress
    more: dict[str, Any]

    @property
    def step(self) -> int:
        """After which step it was made."""
        return _step(self.folder)


class Checkpoints:
    """The best weights and the checkpoints of one training.

    Args:
        folder: from `training_folder`.
        often: whether to make checkpoints at all.
    """

    def __init__(self, folder: Path, often: bool) -> None:
        self.folder, self._often = folder, often
        self._last, self._took = time.monotonic(), 0.0

    def is_due(self) -> bool:
        """Return whether the last checkpoint is so long ago that the next one costs little."""
        return self._often and time.monotonic() - self._last >= max(SECONDS, self._took / SHARE)

    def resume(self) -> Checkpoint | None:
        """Return the last checkpoint that is whole; those behind it, and damaged ones, are said and deleted."""
        found = self._finished()
        for checkpoint in found:
            try:
                whole = self._checked(checkpoint)
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._say_damaged(checkpoint, error, last=checkpoint == found[-1])
                continue
            self._delete(behind=_step(checkpoint))
            return whole
        self._delete(behind=-1)
        return None

    def _finished(self) -> list[Path]:
        """Return the checkpoints to which nothing was to be added, the last one first."""
        return sorted(
            (path.parent for path in self.folder.glob(f"checkpoint-*/{_FACTS}")), key=_step, reverse=True
        )

    def _checked(self, checkpoint: Path) -> Checkpoint:
        """Read a checkpoint, and compare every file that it needs with what was written."""
        facts = _read_facts(checkpoint)
        progress = Progress(**facts["progress"])
        if facts["training"] != self.folder.name:
            raise ValueError(_("it is of another training"))
        for path, digest in self._needs(checkpoint, progress).items():
            if facts["files"][path.name] != digest:
                raise ValueError(_("{file} has changed", file=path.name))
        if len(facts["files"]) != len(self._needs(checkpoint, progress)):
            raise ValueError(_("a file is missing"))
        return Checkpoint(checkpoint, progress, dict(facts["more"]))

    def _needs(self, checkpoint: Path, progress: Progress) -> dict[Path, str]:
        files = [path for path in checkpoint.iterdir() if path.name != _FACTS]
        files += [self._best(progress.best)] if progress.points else []
        return {path: _digest(path) for path in files}

    def _say_damaged(self, checkpoint: Path, error: Exception, *, last: bool) -> None:
        facts = {"step": _step(checkpoint), "why": error}
        if last:
            say(_("The checkpoint of step {step} is damaged ({why}), and none before it is whole; the training "
                  "begins anew.", **facts))  # fmt: skip
        else:
            say(_("The checkpoint of step {step} is damaged ({why}); the one before it is taken.", **facts))

    def _delete(self, *, behind: int) -> None:
        """Delete the checkpoints behind a step, and best weights that those which stay do not need."""
        for other in self.folder.glob("checkpoint-*"):
            if _step(other) > behind:
                shutil.rmtree(other, ignore_errors=True)
        self._sweep(set())

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
        """Make a checkpoint whole, and delete those before the last two, and best weights that none needs."""
        (checkpoint / "training_args.bin").unlink(missing_ok=True)  # a pickle that nobody reads
        needed = self._needs(checkpoint, progress)
        for path in needed:
            sync(path)
        files = {path.name: digest for path, digest in needed.items()}
        facts = {"training": self.folder.name, "progress": asdict(progress), "more": dict(more), "files": files}
        write_text(checkpoint / _FACTS, json.dumps(facts))
        kept = self._finished()[:_KEPT]
        for other in self.folder.glob("checkpoint-*"):
            if other not in kept:
                shutil.rmtree(other, ignore_errors=True)
        self._sweep({self._best(progress.best)})

    def keep_best(self, model: nn.Module, index: int) -> None:
        """Write the weights of the best epoch so far; those that checkpoints know of stay beside them.

        Raises:
            SentirError: if the folder cannot be written.
        """
        path = self._best(index)
        with _room_in(self.folder), replacing(path) as draft:
            save_file({name: t.detach().contiguous() for name, t in model.state_dict().items()}, draft)
        self._sweep({path})

    def load_best(self, model: nn.Module, index: int) -> None:
        """Leave a model with the weights of the best epoch.

        Raises:
            SentirError: if they are gone or damaged.
        """
        path = self._best(index)
        try:
            model.load_state_dict(load_file(path))
        except (OSError, SafetensorError) as error:
            raise SentirError(
                _("The best weights of the training, {path}, cannot be read ({why}); run it again.",
                  path=path, why=error)
            ) from error  # fmt: skip

    def _best(self, index: int) -> Path:
        return self.folder / f"best-{index + 1}.safetensors"

    def _sweep(self, wanted: set[Path]) -> None:
        """Delete best weights but those that are wanted, or known to a checkpoint."""
        for checkpoint in self._finished():
            with suppress(OSError, ValueError, KeyError, TypeError):  # damaged, as `resume` will find
                wanted = wanted | {self._best(_read_facts(checkpoint)["progress"]["best"])}
        for path in self.folder.glob("best-*"):
            if path not in wanted:
                path.unlink(missing_ok=True)


def _read_facts(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / _FACTS).read_text(encoding="utf-8"))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


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
