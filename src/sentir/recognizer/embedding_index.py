"""The index of an embedding cache: where the embedding of each key is, found without reading all keys.

An index is some ``index-<n>.npy`` in a folder, each an array of records sorted by key, memory-mapped and searched
by bisection. Whoever adds records merges those that are not much longer than what it adds: N records are in
about log N files. Several processes may add: a merged file is complete before those it replaces are removed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.array_files import open_array
from sentir.io import atomic_write

RECORD = np.dtype([("key", "S32"), ("part", "S32"), ("row", "<i8")])
Records = NDArray[np.void]
_BYTES = f"S{RECORD.itemsize}"  # a record as a string, by which it is sorted
_AFTER_KEY = b"\xff"  # sorts after every part


class EmbeddingIndex:
    """Key → part and row, in the files of a folder. Keys and names of parts have 32 ASCII characters."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = _open_files(folder)

    def find(self, keys: NDArray[np.bytes_]) -> Records:
        """Return the record of each key, the one with the last name of a part if there are several.

        Returns:
            N records; an empty ``part`` where there is none.
        """
        found = np.zeros(len(keys), RECORD)
        after = np.char.add(keys, _AFTER_KEY)
        for records in self._files.values():
            last = records[np.maximum(np.searchsorted(records.view(_BYTES), after) - 1, 0)]
            newer = (last["key"] == keys) & (last["part"] > found["part"])
            found[newer] = last[newer]
        return found

    def add(self, keys: Sequence[str], part: str, rows: Sequence[int]) -> None:
        """Add the records of keys, all in one part.

        Raises:
            OSError: if they cannot be written.
        """
        added = np.empty(len(keys), RECORD)
        added["key"], added["part"], added["row"] = keys, part, rows
        merged, replaced = [added], []
        for path, records in sorted(self._files.items(), key=lambda item: len(item[1])):
            if len(records) <= 2 * sum(map(len, merged)):
                merged.append(records)
                replaced.append(path)
        path = self._folder / f"index-{uuid.uuid4().hex}.npy"
        with atomic_write(path) as draft:
            np.save(draft, np.unique(np.concatenate(merged).view(_BYTES)).view(RECORD), allow_pickle=False)
        for old in replaced:
            with suppress(OSError):  # Windows keeps a file that another process has open
                old.unlink()
        self._files = _open_files(self._folder)


def _open_files(folder: Path) -> dict[Path, Records]:
    """Open the files of an index; again from the beginning if another process merges them meanwhile."""
    for _attempt in range(10):
        opened = {path: _open_file(path) for path in folder.glob("index-*.npy")}
        if all(records is not None for records in opened.values()):
            break
    return {path: records for path, records in opened.items() if records is not None and len(records)}


def _open_file(path: Path) -> Records | None:
    """Return the records of a file: none of a damaged one, and ``None`` if it does not exist."""
    try:
        records: Records = open_array(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return np.empty(0, RECORD)
    return records if records.dtype == RECORD and records.ndim == 1 else np.empty(0, RECORD)
