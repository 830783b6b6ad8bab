"""Compaction of an audio store: its small parts become few large ones, which are opened sooner.

The clips keep their keys. A joined part is complete before the parts that it joins are removed, and clips that
are in two parts, as after a kill, are joined once, so nothing is lost whenever it is killed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentir.array_files import open_array
from sentir.audio.store_parts import read_manifest, save_part, store_write_error
from sentir.cache_use import hold_for_pruning
from sentir.i18n import _
from sentir.optional_dependencies import require_extra
from sentir.paths import audio_dir
from sentir.progress import track

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_CLIPS, _MAX_BYTES = 20_000, 2**30  # of a part


@dataclass(frozen=True)
class Compaction:
    """How many complete parts a store had, and has now."""

    before: int
    after: int


@dataclass(frozen=True, eq=False)
class _Part:
    path: Path
    manifest: pa.Table
    mels: NDArray[np.float16]


def compact_audio_store(folder: Path | None = None) -> Compaction:
    """Join the parts of an audio store to parts of up to 20,000 clips or 1 GB; damaged ones are left alone.

    Args:
        folder: the store; `sentir.paths.audio_dir` if not given.

    Raises:
        CacheInUseError: if another process uses it.
        SentirError: if it cannot be written.
        MissingDependencyError: if pyarrow is not installed.
    """
    require_extra("parquet", _("The audio store"))
    folder = folder or audio_dir()
    before = len([*folder.glob("part-*.parquet")])
    if before < 2:
        return Compaction(before, before)
    try:
        with hold_for_pruning(folder):
            groups = list(_group_parts(folder))
            for paths in track(groups, _("Joining parts"), len(groups)):
                _join(folder, paths)
    except OSError as error:
        raise store_write_error(folder, error) from error
    return Compaction(before, len([*folder.glob("part-*.parquet")]))


def _group_parts(folder: Path) -> Iterator[list[Path]]:
    """Yield the parts that become one: of the same number of mel bands, two at least."""
    groups: dict[int, list[Path]] = {}
    sizes: dict[int, NDArray[np.int64]] = {}
    for path in sorted(folder.glob("part-*.parquet")):
        if (part := _open(path)) is None:
            continue
        bands = part.mels.shape[1]
        size = np.array([part.manifest.num_rows, part.mels.nbytes])
        total = sizes.get(bands, np.zeros(2, np.int64)) + size
        if (total > (_MAX_CLIPS, _MAX_BYTES)).any():
            yield groups.pop(bands, [])
            total = size
        groups.setdefault(bands, []).append(path)
        sizes[bands] = total
    yield from groups.values()


def _open(path: Path) -> _Part | None:
    try:
        return _Part(path, read_manifest(path), open_array(path.with_suffix(".npy")))
    except (OSError, ValueError):
        return None


def _join(folder: Path, paths: Sequence[Path]) -> None:
    parts = [part for path in paths if (part := _open(path)) is not None]
    if len(parts) < 2:
        return
    manifest, clips = _join_manifests(parts)

    def write_mels(draft: Path) -> None:
        shape = (sum(len(mel) for mel in clips), parts[0].mels.shape[1])
        joined = np.lib.format.open_memmap(draft, mode="w+", dtype=np.float16, shape=shape)
        np.concatenate(clips, out=joined)
        joined.flush()

    save_part(folder, write_mels, manifest)
    for part in parts:
        _remove(part.path)


def _remove(path: Path) -> None:
    path.unlink()  # first: without it the spectrograms are nothing
    path.with_suffix(".npy").unlink()


def _join_manifests(parts: Sequence[_Part]) -> tuple[pa.Table, list[NDArray[np.float16]]]:
    """Return the rows of all clips, each once, and their mel spectrograms."""
    import pyarrow as pa

    table = pa.concat_tables([part.manifest for part in parts], promote_options="default")
    mels = [part.mels[row["offset"] : row["offset"] + row["frames"]] for part in parts for row in _frames(part)]
    first: dict[Any, int] = {}
    for row, key in enumerate(table.column("key").to_pylist()):
        first.setdefault(key, row)
    clips = [mels[row] for row in first.values()]
    offsets = np.cumsum([0, *(len(mel) for mel in clips)])[:-1]
    kept = table.take(list(first.values()))
    return kept.set_column(kept.column_names.index("offset"), "offset", pa.array(offsets)), clips


def _frames(part: _Part) -> list[dict[str, int]]:
    return part.manifest.select(["offset", "frames"]).to_pylist()
