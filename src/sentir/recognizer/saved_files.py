"""The files in the folder of a saved model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sentir.atomic_folders import atomic_write_files, committed_folder, list_files, refuse_foreign_files
from sentir.errors import RecipeError, RecognizerError, UnknownNameError, WeightsError
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.preflight import METADATA_FILE
from sentir.recognizer.card import CARD_FILENAMES
from sentir.recognizer.saved_facts import damaged_model_error
from sentir.runtime.files import EXPORTED_FILES
from sentir.safe_text import json_dumps

T = TypeVar("T")
WEIGHTS_FILE, STACKED_FOLDER, MEMBERS_FOLDER = "model.safetensors", "stacked", "members"
TEXT_ENCODER_FOLDER, SPEECH_ENCODER_FOLDER = "encoder", "speech"
BASELINE_FILE = "model.npz"  # the arrays of a baseline
_PARTS = (TEXT_ENCODER_FOLDER, SPEECH_ENCODER_FOLDER, STACKED_FOLDER, MEMBERS_FOLDER)
_OWNED_FOLDERS = tuple(f"{part}/" for part in _PARTS)
_LOAD_ATTEMPTS = 5  # while other processes save to the same folder
_OWNED_FILES = (METADATA_FILE, WEIGHTS_FILE, BASELINE_FILE, *CARD_FILENAMES, *EXPORTED_FILES)
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


def save_model_files(folder: PathLike, write: Callable[[Path], None]) -> None:
    """Replace the files of a saved model atomically; no other file in the folder is touched.

    Args:
        folder: created if it does not exist.
        write: writes all files of the model into the folder that it is given.

    Raises:
        RecognizerError: if the folder cannot be written.
    """
    try:
        with atomic_write_files(Path(folder), owned_files) as draft:
            write(draft)
    except OSError as error:
        raise RecognizerError(
            _("The model cannot be saved to {folder} ({why}); free some space there, or give another folder.",
              folder=folder, why=error)
        ) from error  # fmt: skip


def load_model_files(folder: Path, load: Callable[[Path], T]) -> T:
    """Return what ``load`` makes of the files of one save, also while other processes save to the folder.

    Raises:
        RecognizerError: if the model was replaced each time, or what ``load`` raises.
    """
    for attempts_left in reversed(range(_LOAD_ATTEMPTS)):
        committed, before = committed_folder(folder), _save_stamp(folder)
        try:
            loaded = load(committed)
        except (RecognizerError, WeightsError):
            if not attempts_left or (committed, before) == (committed_folder(folder), _save_stamp(folder)):
                raise
        else:
            if before == _save_stamp(folder):
                return loaded
    raise RecognizerError(
        _("The recognizer {folder} was replaced several times while it was loaded; try again.", folder=folder)
    )


def _save_stamp(folder: Path) -> tuple[int, int] | None:
    """Return what identifies the last save to a folder."""
    try:
        stat = (committed_folder(folder) / METADATA_FILE).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


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


def save_metadata(folder: Path, tree: Mapping[str, Any]) -> None:
    """Write ``sentir.json``, the last file of a model, with the list of all its files.

    Weight files get its permissions, since safetensors makes them private.
    """
    path = folder / METADATA_FILE
    path.write_text(json_dumps({**tree, "files": [*list_files(folder), METADATA_FILE]}), encoding="utf-8")
    for weights in folder.rglob(f"*{Path(WEIGHTS_FILE).suffix}"):
        weights.chmod(path.stat().st_mode)
