"""Whether caches and the ledger can be used."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from sentir.doctor.finding import Finding
from sentir.errors import SentirError
from sentir.i18n import _, format_count
from sentir.paths import audio_dir, cache_dir, find_existing_folder, state_dir

FOLDERS = {"SENTIR_CACHE_DIR": cache_dir, "SENTIR_AUDIO_DIR": audio_dir, "SENTIR_STATE_DIR": state_dir}
"""Variable → the folder that it sets."""


def check_folders() -> Iterator[Finding]:
    """Whether a file can be written to the folders of Sentir's caches and state."""
    for variable, find_folder in FOLDERS.items():
        try:
            folder = find_folder()
        except SentirError as error:
            yield Finding("folders", "problem", str(error), _("Set {variable}.", variable=variable))
            continue
        if why := _why_not_writable(folder):
            yield Finding(
                "folders", "problem", _("{folder} cannot be written: {why}", folder=folder, why=why),
                _("Make it writable, or set {variable} to a folder that is.", variable=variable),
            )  # fmt: skip
        else:
            yield Finding("folders", "ok", _("{folder} can be written", folder=folder))


def _why_not_writable(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=find_existing_folder(folder)):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def check_ledger() -> Iterator[Finding]:
    """Whether the ledger of openings of test splits can be read."""
    from sentir.evaluation.locked.ledger import get_last_openings

    try:
        count = len(get_last_openings())
    except SentirError as error:
        yield Finding(
            "ledger", "problem", str(error), _("Mend or move that file; test splits stay locked until then.")
        )
    else:
        yield Finding("ledger", "ok", _("test splits opened so far: {n}", n=format_count(count)))
