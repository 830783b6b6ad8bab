"""What a call was given, checked before anything heavy is imported: a saved model, and files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sentir.errors import CorpusError, RecognizerError
from sentir.i18n import _

FACTS = "sentir.json"  # of a saved recognizer, written last
_SHOWN = 80  # characters of a long name in a message
_SUFFIX = re.compile(r"\.\w{1,8}")


def require_model(folder: Path) -> None:
    """Refuse a folder that holds no saved recognizer.

    Raises:
        RecognizerError: saying what to give.
    """
    if not os.path.isfile(folder / FACTS):
        raise RecognizerError(
            _("{folder} is not a saved recognizer (no {file}); give one that 'sentir train' or a study wrote.",
              folder=folder, file=FACTS)
        )  # fmt: skip


def require_files(files: Iterable[str | Path]) -> None:
    """Refuse names of which there is no file or folder; a text given as one is told so.

    Raises:
        CorpusError: naming the first.
    """
    for file in files:
        path = Path(file)
        if not str(file) or "\0" in str(file):
            raise CorpusError(_("The name of a file is empty, or holds a character that no name can."))
        if os.path.exists(path):  # unlike Path.exists, it takes a name of any length
            continue
        name = str(path)
        name = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
        if _is_like_text(path):
            raise CorpusError(_("There is no file {path}. If it is a text, give it with --text.", path=name))
        raise CorpusError(_("There is no file {path}.", path=name))


def _is_like_text(path: Path) -> bool:
    return not _SUFFIX.fullmatch(path.suffix) and os.sep not in str(path)


def saved_table(folder: Path) -> dict[str, Any]:
    """Return the section ``data.table`` of a saved model's recipe; nothing where there is none or it is damaged.

    What is damaged is told when the model is loaded.
    """
    try:
        tree: Any = json.loads((folder / FACTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    for name in ("recipe", "data", "table"):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}
