"""Checks of arguments (models, corpora, recipes, files) before heavy libraries are imported."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sentir.errors import CorpusError, RecipeError, RecognizerError
from sentir.i18n import _
from sentir.paths import PathLike, list_bundled_recipes, resolve_recipe_path

METADATA_FILE = "sentir.json"  # of a saved recognizer
_MAX_TEXT_CHARACTERS = 80  # of a text in a message
_SUFFIX = re.compile(r"\.\w{1,8}")


def require_model(folder: Path) -> None:
    """Refuse a folder that is not a saved recognizer.

    Raises:
        RecognizerError: naming the folder.
    """
    if not os.path.isfile(folder / METADATA_FILE):
        raise RecognizerError(
            _("{folder} is not a saved recognizer (no {file}); give one that 'sentir train' or a study wrote.",
              folder=folder, file=METADATA_FILE)
        )  # fmt: skip


def require_files(files: Iterable[str | Path]) -> None:
    """Refuse paths that do not exist; the message differs for what looks like a text.

    Raises:
        CorpusError: naming the first.
    """
    for file in files:
        path = Path(file)
        if not str(file) or "\0" in str(file):
            raise CorpusError(_("A file name is empty or contains a null character."))
        if os.path.exists(path):  # unlike Path.exists, it takes a name of any length
            continue
        if _looks_like_text(path):
            text = str(path)
            text = text if len(text) <= _MAX_TEXT_CHARACTERS else f"{text[:_MAX_TEXT_CHARACTERS]}…"
            raise CorpusError(_("There is no file '{path}'; if it is a text, give it with --text.", path=text))
        raise CorpusError(_("There is no file {path}.", path=path))


def _looks_like_text(path: Path) -> bool:
    return not _SUFFIX.fullmatch(path.suffix) and os.sep not in str(path)


def require_recipe(recipe: PathLike) -> Path:
    """Return the path of a recipe, given as a path or as the name of a bundled one.

    Raises:
        RecipeError: if there is none.
    """
    path = resolve_recipe_path(recipe)
    if path.is_file():
        return path
    if path.suffix == ".toml" or not (names := [bundled.stem for bundled in list_bundled_recipes()]):
        raise RecipeError(_("There is no recipe {path}; give the path of a TOML file.", path=path))
    near = get_close_matches(str(path), names, n=4, cutoff=0.5)
    raise RecipeError(
        _("There is no recipe {path}; give the path of a TOML file, or one of: {known}.",
          path=path, known=", ".join(near or names))
    )  # fmt: skip


def require_root(reader: str, root: PathLike | None) -> Path | None:
    """Return the folder of a corpus; demo corpora are built in and need none.

    Raises:
        CorpusError: if none is given, or it does not exist.
    """
    if reader.startswith("demo-"):
        return None
    if root is None:
        raise CorpusError(
            _("The reader '{reader}' needs the folder of the corpus; give --root FOLDER.", reader=reader)
        )
    if not os.path.exists(root):
        raise CorpusError(_("The folder {root} does not exist; give the root of the corpus.", root=root))
    return Path(root)


def require_corpus_of_model(model: Path, root: PathLike | None) -> None:
    """Refuse a saved recognizer whose corpus has no folder.

    Raises:
        CorpusError: as `require_root`.
    """
    data = _get_section(read_metadata(model), "recipe", "data")
    require_root(str(data.get("reader", "demo-")), root or data.get("root"))


def read_saved_table_settings(folder: Path) -> dict[str, Any]:
    """Return the section ``data.table`` of a saved model's recipe; empty if there is none or it is damaged.

    Damage is reported when the model is loaded.
    """
    return _get_section(read_metadata(folder), "recipe", "data", "table")


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return ``sentir.json`` of a saved model; empty if it is missing or damaged."""
    try:
        tree = json.loads((folder / METADATA_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _get_section(tree: Any, *names: str) -> dict[str, Any]:
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}
