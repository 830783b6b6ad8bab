"""Where Sentir keeps what it remembers (state) and what it can make again (cache), and how files are named."""

import hashlib
import json
import os
import unicodedata
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from sentir.i18n import _
from sentir.safe_text import is_printable_line

PathLike = str | Path
"""How a file or folder may be given to a verb."""

_MAX_BYTES = 100  # bytes of a name; systems end at 255, and some names get a suffix
_RESERVED_NAMES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
}


def state_dir() -> Path:
    """Return the folder of the ledger: ``SENTIR_STATE_DIR``, or the user's state folder."""
    return Path(os.environ.get("SENTIR_STATE_DIR") or user_state_path("sentir"))


def cache_dir() -> Path:
    """Return the folder of encoded vectors and demo corpora: ``SENTIR_CACHE_DIR``, or the user's cache folder."""
    return Path(os.environ.get("SENTIR_CACHE_DIR") or user_cache_path("sentir"))


def audio_dir() -> Path:
    """Return the folder of prepared sound: ``SENTIR_AUDIO_DIR``, or a folder of the cache."""
    return Path(os.environ.get("SENTIR_AUDIO_DIR") or cache_dir() / "audio")


def resolve_recipe_path(recipe: PathLike) -> Path:
    """Return where a recipe lies: the path itself or, for the bare name of one of Sentir's own, its path."""
    path = Path(recipe)
    if path.suffix == ".toml" or path.name != str(recipe) or path.is_file():
        return path
    return next((found for found in list_bundled_recipes() if found.stem == str(recipe)), path)


def list_bundled_recipes() -> list[Path]:
    """Return the recipes that come with Sentir, from its package or from the folder it is developed in."""
    package = Path(__file__).parent
    folders = (package / "recipes", package.parents[1] / "recipes")
    return next((found for folder in folders if (found := sorted(folder.glob("*.toml")))), [])


def explain_invalid_name(text: str) -> str:
    """Return why nothing can be called so, as a clause; ``""`` if something can."""
    if not text.strip():
        return _("a name needs at least one letter")
    if not text.strip(" ."):
        return _("a name needs more than dots")
    return "" if is_printable_line(text) else _("a name is one line without control characters")


def to_file_name(*names: str) -> str:
    """Return the name of the file or folder of something that people named; several names are joined by ``-``.

    Names of small letters, digits, spaces and ``-_.+`` stay as they are. Of any other name, letters and these are
    kept, and ``~`` and a hash of the whole follow: different names have different files on every system, also
    where ``A`` and ``a`` are one, and no name leaves its folder.
    """
    text = "-".join(names)
    kept = "".join(letter if _is_allowed(letter) else "_" for letter in unicodedata.normalize("NFC", text))
    joined = any("-" in name for name in names[1:])  # "a-b" and "c" are not "a" and "b-c"
    if kept == text == kept.casefold() and not joined and _is_portable(kept):
        return kept
    digest = hashlib.blake2b(json.dumps(names).encode(), digest_size=4).hexdigest()
    start = f"_{kept}" if kept[:1] in " .-" or _is_reserved(kept) else kept
    return f"{start.encode()[: _MAX_BYTES - 9].decode(errors='ignore')}~{digest}"


def _is_allowed(letter: str) -> bool:
    return letter in " -_.+" or unicodedata.category(letter)[0] in "LMN"


def _is_portable(name: str) -> bool:
    """Return whether a name of kept letters is one on every system, and no hidden file or option of a command."""
    plain = name[:1] not in " .-" and name[-1] not in " ."
    return plain and not _is_reserved(name) and len(name.encode()) <= _MAX_BYTES


def _is_reserved(name: str) -> bool:
    return name.partition(".")[0].strip().casefold() in _RESERVED_NAMES
