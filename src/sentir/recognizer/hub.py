"""Saved models by name: on the Hugging Face hub, and the one that comes with Sentir."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from sentir.errors import RecognizerError
from sentir.i18n import _
from sentir.logs import quiet_logger
from sentir.paths import STARTER, PathLike, starter_dir
from sentir.preflight import METADATA_FILE

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def find_model(source: PathLike) -> Path:
    """Return the folder of a saved model: a local one as it is, a model of the hub from its cache or downloaded.

    Args:
        source: a folder, a hub id, ``owner/name``, or ``starter``, the model that comes with Sentir. A folder
            that exists comes first.

    Raises:
        RecognizerError: if it looks like a hub id, and is neither a folder nor can be downloaded.
    """
    folder = Path(source)
    name = folder.as_posix()
    if name == STARTER and not folder.exists():
        return starter_dir()
    if folder.exists() or not _HUB_ID.fullmatch(name):
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    from sentir.models.weights import require_hub_connection

    try:
        cached = Path(snapshot_download(name, local_files_only=True))
        if (cached / METADATA_FILE).is_file():
            return cached
    except LocalEntryNotFoundError:
        pass
    try:
        with quiet_logger("huggingface_hub", logging.ERROR):  # no messages about retries
            require_hub_connection()
            return Path(snapshot_download(name))
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
        raise RecognizerError(
            _("{name} is neither the folder of a saved recognizer nor a model that could be downloaded from the "
              "hub ({why}); give the folder that 'sentir train' or a study wrote.", name=name, why=reason)
        ) from error  # fmt: skip
