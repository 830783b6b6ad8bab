"""Saved models by name: the one that comes with Sentir, and those on the Hugging Face hub.

Only the files that ``sentir.json`` lists are downloaded, and no code of a repository is ever run.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

from sentir.errors import RecognizerError
from sentir.i18n import _
from sentir.logs import quiet_logger
from sentir.paths import STARTER, PathLike, starter_dir
from sentir.preflight import METADATA_FILE

_NAME = r"[A-Za-z0-9][\w.-]*/[\w.-]+"
_REFERENCE = re.compile(rf"(?P<name>{_NAME})(?:@(?P<revision>[\w./+#-]+))?")
_MAX_REASON_LENGTH = 160  # characters
_MAX_DOWNLOAD_GB = 20  # of one model


def is_hub_name(name: str) -> bool:
    """Return whether a name has the form ``owner/name``."""
    return bool(re.fullmatch(_NAME, name))


def at_revision(model: PathLike, revision: str | None) -> PathLike:
    """Return ``owner/name@revision`` for a model of the hub; without a revision, the model as it is.

    Raises:
        RecognizerError: if it is a folder, or has a revision already.
    """
    if revision is None:
        return model
    name = Path(model).as_posix()
    if Path(model).exists() or not is_hub_name(name):
        raise RecognizerError(
            _("Only a model of the hub, OWNER/NAME, has revisions, and {name} is none; leave out the revision "
              "'{revision}'.", name=name, revision=revision)
        )  # fmt: skip
    return Path(f"{name}@{revision}")


def find_model(source: PathLike) -> Path:
    """Return the folder of a saved model: a local one as it is, a model of the hub from its cache or downloaded.

    Args:
        source: a folder, a model of the hub, ``owner/name`` or ``owner/name@revision`` (a branch, tag or
            commit; by default ``main``), or the string ``starter``, the model that comes with Sentir. A folder
            that exists comes before a model of the hub; one called ``starter`` is ``./starter``, or a `Path`.

    Raises:
        RecognizerError: if it looks like a model of the hub and is neither a folder nor can be downloaded.
    """
    if source == STARTER:
        return starter_dir()
    folder = Path(source)
    reference = _REFERENCE.fullmatch(folder.as_posix())
    if folder.exists() or not reference:
        return folder
    name, revision = reference["name"], reference["revision"]
    return _find_cached(name, revision) or _download(name, revision)


def short_reason(error: BaseException) -> str:
    """Return the first line of an error, to be put into a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")[:_MAX_REASON_LENGTH]


def _find_cached(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        metadata = try_to_load_from_cache(name, METADATA_FILE, revision=revision)
        return _load_snapshot(name, Path(metadata), local_files_only=True) if isinstance(metadata, str) else None
    except (HFValidationError, LocalEntryNotFoundError):  # not a valid name; an interrupted download
        return None


def _load_snapshot(name: str, metadata: Path, *, local_files_only: bool = False) -> Path:
    """Return the folder with all files of the commit that metadata in the cache belong to."""
    from huggingface_hub import snapshot_download

    commit = metadata.parent.name
    return Path(
        snapshot_download(
            name, revision=commit, allow_patterns=_listed_files(metadata), local_files_only=local_files_only
        )
    )


def _check_size(name: str, metadata: Path) -> None:
    """Refuse to download a model of excessive size.

    Raises:
        RecognizerError: naming its size.
    """
    from huggingface_hub import snapshot_download

    files = snapshot_download(
        name, revision=metadata.parent.name, allow_patterns=_listed_files(metadata), dry_run=True
    )
    size = sum(file.file_size or 0 for file in files if file.will_download) / 10**9
    if size > _MAX_DOWNLOAD_GB:
        raise RecognizerError(
            _("{name} takes {size} GB, and at most {limit} GB are downloaded for a model; if you trust it, use "
              "'hf download' and give the folder.",
              name=name, size=f"{size:.1f}", limit=_MAX_DOWNLOAD_GB)
        )  # fmt: skip


def _listed_files(metadata: Path) -> list[str] | None:
    """Return the files of a model; ``None`` for all of the repository if they are not listed."""
    try:
        files = json.loads(metadata.read_bytes()).get("files")
    except (ValueError, AttributeError, RecursionError):  # damaged: reported when the model is loaded
        return [METADATA_FILE]
    return [str(name) for name in files] if isinstance(files, list) else None


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        HTTPError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    from sentir.models.weights import require_hub_connection

    try:
        with quiet_logger("huggingface_hub", logging.ERROR):  # no messages about retries
            require_hub_connection()
            metadata = Path(hf_hub_download(name, METADATA_FILE, revision=revision))
            _check_size(name, metadata)
            return _load_snapshot(name, metadata)
    except RemoteEntryNotFoundError as error:
        raise RecognizerError(
            _("{name} on the hub is not a model of Sentir (no {file}); give one that was pushed with 'sentir "
              "push'.", name=name, file=METADATA_FILE)
        ) from error  # fmt: skip
    except RevisionNotFoundError as error:
        raise RecognizerError(
            _("{name} on the hub has no revision '{revision}'; give one of its branches, tags or commits.",
              name=name, revision=revision)
        ) from error  # fmt: skip
    except RepositoryNotFoundError as error:
        raise RecognizerError(
            _("There is neither a folder {name} nor a model of that name on the hub; if it is private, log in "
              "with 'hf auth login' or set HF_TOKEN.", name=name)
        ) from error  # fmt: skip
    except (OSError, ValueError, HTTPError) as error:
        raise RecognizerError(
            _("{name} is neither the folder of a saved recognizer nor a model that could be downloaded from the "
              "hub ({why}); give the folder that 'sentir train' or a study wrote.",
              name=name, why=short_reason(error))
        ) from error  # fmt: skip
