"""The folders of Sentir's state and cache, the bundled model and recipes, and file names."""

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.safe_text import is_printable_line

PathLike = str | Path
"""Type of files and folders in arguments."""

STARTER = "starter"
"""Name of the model that comes with Sentir, where a folder or hub id of a model is taken."""
_MAX_BYTES = 100  # of a file name; systems allow 255, and some names get a suffix
_RESERVED_NAMES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
}


def state_dir() -> Path:
    """Return the folder of the ledger: ``SENTIR_STATE_DIR``, or the user's state folder.

    Raises:
        SentirError: if there is neither.
    """
    return _user_folder("SENTIR_STATE_DIR", user_state_path)


def cache_dir() -> Path:
    """Return the folder of embeddings and demo corpora: ``SENTIR_CACHE_DIR``, or the user's cache folder.

    Raises:
        SentirError: if there is neither.
    """
    return _user_folder("SENTIR_CACHE_DIR", user_cache_path)


def _user_folder(variable: str, find: Callable[[str], Path]) -> Path:
    if given := os.environ.get(variable):
        return Path(given)
    try:
        return find("sentir")
    except RuntimeError as error:  # HOME is not set, and the user is unknown, as in some containers
        raise SentirError(
            _("There is no home folder; set {variable} to a folder that can be written, or set HOME.",
              variable=variable)
        ) from error  # fmt: skip


def audio_dir() -> Path:
    """Return the folder of decoded audio: ``SENTIR_AUDIO_DIR``, or a folder in the cache."""
    return Path(os.environ.get("SENTIR_AUDIO_DIR") or cache_dir() / "audio")


def find_existing_folder(path: Path) -> Path:
    """Return a path, or the nearest folder above it that exists.

    Raises:
        OSError: if it cannot be found out.
    """
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def starter_dir() -> Path:
    """Return the folder of the model that comes with Sentir."""
    return Path(__file__).parent / STARTER


def resolve_recipe_path(recipe: PathLike) -> Path:
    """Return the path of a recipe, given as a path or as the name of a bundled one."""
    path = Path(recipe)
    if path.suffix == ".toml" or path.name != str(recipe) or path.is_file():
        return path
    return next((bundled for bundled in list_bundled_recipes() if bundled.stem == str(recipe)), path)


def list_bundled_recipes() -> list[Path]:
    """Return the recipes that come with Sentir, from the installed package or from the repository."""
    package = Path(__file__).parent
    folders = (package / "recipes", package.parents[1] / "recipes")
    return next((recipes for folder in folders if (recipes := sorted(folder.glob("*.toml")))), [])


def make_relative(path: PathLike, folder: Path) -> str:
    """Return a path relative to ``folder``, with ``/`` on every system; absolute if it is on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive in Windows
        return os.path.abspath(path)


def explain_invalid_name(text: str) -> str:
    """Return why ``text`` is not a valid name, as a clause; ``""`` if it is."""
    if not text.strip():
        return _("a name needs at least one letter")
    if not text.strip(" ."):
        return _("a name needs more than dots")
    return "" if is_printable_line(text) else _("a name is one line without control characters")


def to_file_name(*names: str) -> str:
    """Return a safe file or folder name for something with a user-chosen name; several names are joined by ``-``.

    Names of lowercase letters, digits, spaces and ``-_.+`` are unchanged. In any other name, all characters but
    letters and these become ``_``, and ``~`` and a hash of the name are appended. Different names so give
    different files on every system, also where file names are case-insensitive, and none leaves its folder.
    """
    text = "-".join(names)
    safe = "".join(letter if _is_allowed(letter) else "_" for letter in unicodedata.normalize("NFC", text))
    is_ambiguous = any("-" in name for name in names[1:])  # "a" and "b-c" must differ from "a-b" and "c"
    if safe == text == safe.casefold() and not is_ambiguous and _is_portable(safe):
        return safe
    digest = hashlib.blake2b(json.dumps(names).encode(), digest_size=4).hexdigest()
    start = f"_{safe}" if safe[:1] in " .-" or _is_reserved(safe) else safe
    return f"{start.encode()[: _MAX_BYTES - 9].decode(errors='ignore')}~{digest}"


def _is_allowed(letter: str) -> bool:
    return letter in " -_.+" or unicodedata.category(letter)[0] in "LMN"


def _is_portable(name: str) -> bool:
    """Return whether a name is valid on every system, and neither a hidden file nor like an option."""
    is_plain = name[:1] not in " .-" and name[-1] not in " ."
    return is_plain and not _is_reserved(name) and len(name.encode()) <= _MAX_BYTES


def _is_reserved(name: str) -> bool:
    return name.partition(".")[0].strip().casefold() in _RESERVED_NAMES
