"""Finding the files of a corpus of texts by name, packed or not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.archives import ensure_unpacked, find_archives
from sentir.files.folders import find_by_level, find_newest_version
from sentir.i18n import _


def find_files(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the nearest file of each name at or below ``root``; if one is missing, archives are unpacked.

    Args:
        root: a folder, or an archive.
        names: of files.

    Raises:
        CorpusError: if a file is missing, or an archive cannot be unpacked.
    """
    folder = None if root.is_file() else find_newest_version(root)
    found = {} if folder is None else _nearest(folder, names)
    pending = [] if len(found) == len(names) else find_archives(folder or root)
    while pending and len(found) < len(names):  # archives may contain archives
        unpacked = ensure_unpacked(pending.pop(0))
        found = _nearest(unpacked, names) | found
        pending += find_archives(unpacked)
    if missing := [name for name in names if name not in found]:
        raise CorpusError(
            _("Under {root} there is no {missing}; give the folder that contains {names}.",
              root=root, missing=_(" and no ").join(missing), names=", ".join(names))
        )  # fmt: skip
    return [found[name] for name in names]


def _nearest(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    levels = chain.from_iterable(find_by_level(folder, set(names).__contains__))
    return {path.name: path for path in reversed(list(levels))}
