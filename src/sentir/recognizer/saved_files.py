"""The files in the folder of a saved model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentir.atomic_folders import list_files, refuse_foreign_files
from sentir.errors import RecipeError, UnknownNameError
from sentir.preflight import METADATA_FILE
from sentir.recognizer.card import CARD_FILENAMES
from sentir.recognizer.saved_facts import damaged_model_error
from sentir.runtime.files import EXPORTED_FILES

WEIGHTS_FILE, STACKED_FOLDER = "model.safetensors", "stacked"
TEXT_ENCODER_FOLDER, SPEECH_ENCODER_FOLDER = "encoder", "speech"
_OWNED_FOLDERS = tuple(f"{part}/" for part in (TEXT_ENCODER_FOLDER, SPEECH_ENCODER_FOLDER, STACKED_FOLDER))
_OWNED_FILES = (METADATA_FILE, WEIGHTS_FILE, *CARD_FILENAMES, *EXPORTED_FILES)
_RESERVED_FILES = (
    *_OWNED_FILES,
    *(f"{part}/config.json" for part in (TEXT_ENCODER_FOLDER, SPEECH_ENCODER_FOLDER)),
    f"{STACKED_FOLDER}/{METADATA_FILE}",
)
OWNED_PATTERNS = (*_OWNED_FILES, *_OWNED_FOLDERS)  # of the hub client, where a folder means all in it


def owned_files(folder: Path) -> list[str]:
    """Return the files of an earlier save: those that it lists, or if that is damaged, those with our names."""
    try:
        tree = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        tree = {}
    listed = tree.get("files") if isinstance(tree, dict) else None
    present = [name for name in list_files(folder) if name in _OWNED_FILES or name.startswith(_OWNED_FOLDERS)]
    return [name for name in present if name in listed] if isinstance(listed, list) else present


def check_output_folder(folder: Path) -> None:
    """Refuse a folder in which a save would replace files that Sentir did not write.

    Raises:
        SentirError: naming the file.
    """
    refuse_foreign_files(folder, _RESERVED_FILES, owned_files)


@contextmanager
def report_damaged_recipe(folder: Path) -> Iterator[None]:
    """Report a saved model as damaged if its recipe is invalid."""
    try:
        yield
    except (RecipeError, UnknownNameError) as error:
        raise damaged_model_error(folder, METADATA_FILE, str(error).rstrip(".")) from error


def copy_permissions(folder: Path, reference: Path) -> None:
    """Give weight files the permissions of another file, since safetensors makes them private."""
    for path in folder.rglob(f"*{Path(WEIGHTS_FILE).suffix}"):
        path.chmod(reference.stat().st_mode)
