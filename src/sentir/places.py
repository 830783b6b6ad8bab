"""Where Sentir keeps what it remembers (state) and what it can make again (cache)."""

import os
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

Place = str | Path
"""How a file or folder may be given to a verb."""


def state_dir() -> Path:
    """Return the folder of the ledger: ``SENTIR_STATE_DIR``, or the user's state folder."""
    return Path(os.environ.get("SENTIR_STATE_DIR") or user_state_path("sentir"))


def cache_dir() -> Path:
    """Return the folder of encoded vectors and demo corpora: ``SENTIR_CACHE_DIR``, or the user's cache folder."""
    return Path(os.environ.get("SENTIR_CACHE_DIR") or user_cache_path("sentir"))


def sounds_dir() -> Path:
    """Return the folder of prepared sound: ``SENTIR_SOUNDS_DIR``, or a folder of the cache."""
    return Path(os.environ.get("SENTIR_SOUNDS_DIR") or cache_dir() / "sounds")
