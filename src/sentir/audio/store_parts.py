"""The files of an audio store.

A store folder holds parts: ``part-<n>.npy``, float16 ``(frames of all its clips, bands)``, and
``part-<n>.parquet``, its manifest, one row per clip. Each is written to a temporary file and renamed when
complete, the mel spectrograms first, so that a part with a manifest is complete. Parts are added, never changed;
`sentir.audio.store_compaction` joins them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentir.array_files import open_array
from sentir.audio.extraction import ExtractedSegment, MediaFile
from sentir.cache_use import register_use
from sentir.corpus.utterances import AudioFeatures
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write, delete_stale_files
from sentir.optional_dependencies import require_extra
from sentir.paths import audio_dir
from sentir.safe_text import replace_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

_DESCRIPTOR_PREFIX = "descriptor."  # of the manifest's descriptor columns


class _DescriptorRow(Mapping[str, float]):
    """The descriptors of one clip: a row of its part's matrix, far smaller than a dictionary."""

    def __init__(self, columns: Mapping[str, int], values: NDArray[np.float32]) -> None:
        self._columns, self._values = columns, values

    def __getitem__(self, name: str) -> float:
        return float(self._values[self._columns[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


@dataclass(frozen=True, slots=True, eq=False)
class _StorePart:
    """An open part.

    Attributes:
        manifest: column → cells.
        columns: descriptor → its column in ``descriptors``.
        descriptors: ``(clips, columns)``.
        mels: ``(frames of all clips, bands)``, memory-mapped.
    """

    manifest: Mapping[str, list[Any]]
    columns: Mapping[str, int]
    descriptors: NDArray[np.float32]
    mels: NDArray[np.float16]


class StoreParts:
    """The audio features in all complete parts of a folder, by key.

    Raises:
        MissingDependencyError: if pyarrow is not installed.
    """

    def __init__(self, folder: Path) -> None:
        require_extra("parquet", _("The audio store"))
        self._folder = folder
        self._opened: set[Path] = set()
        self._locations: dict[str, tuple[_StorePart, int]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Open the parts that are new in the folder."""
        register_use(self._folder)
        for path in sorted(set(self._folder.glob("part-*.parquet")) - self._opened):
            self._opened.add(path)
            if part := _open_part(path):
                self._locations |= {key: (part, row) for row, key in enumerate(part.manifest["key"])}

    def __contains__(self, key: object) -> bool:
        return key in self._locations

    def load(self, key: str, *, mel_kind: str, path: Path) -> AudioFeatures:
        """Return the audio features of a key that the store contains.

        Args:
            key: of the clip.
            mel_kind: the kind of mel spectrogram that the key was computed for.
            path: current path of the clip's file, for the message of a problem.
        """
        part, row = self._locations[key]
        cells = {name: column[row] for name, column in part.manifest.items()}
        if cells["problem_kind"]:
            problem = cells["problem"].replace("{path}", str(path))
            return AudioFeatures(problem=problem, problem_kind=cells["problem_kind"], mel_kind=mel_kind)
        values = part.descriptors[row]
        descriptors = {} if np.isnan(values).all() else _DescriptorRow(part.columns, values)
        mel = part.mels[cells["offset"] : cells["offset"] + cells["frames"]]
        notes, kinds = tuple(cells["notes"]), tuple(cells["note_kinds"])
        return AudioFeatures(
            key, mel, descriptors, cells["seconds"], mel_kind=mel_kind, notes=notes, note_kinds=kinds
        )


def read_manifest(path: Path) -> pa.Table:
    """Return the table of a part.

    Raises:
        OSError, ValueError: if it is damaged.
    """
    import pyarrow.parquet as pq

    return pq.read_table(path, partitioning=None)


def _open_part(path: Path) -> _StorePart | None:
    """Open a part by its manifest; ``None`` if it is damaged, so that its clips are extracted again."""
    try:
        table = read_manifest(path)
        mels = open_array(path.with_suffix(".npy"))
        names = ("key", "offset", "frames", "seconds", "problem", "problem_kind", "notes", "note_kinds")
        manifest = {name: table.column(name).to_pylist() for name in names}
    except (OSError, ValueError, KeyError):  # errors of pyarrow are ValueError or OSError
        return None
    if mels.ndim != 2 or mels.dtype != np.float16 or len(mels) != sum(manifest["frames"]):
        return None
    columns = [name for name in table.column_names if name.startswith(_DESCRIPTOR_PREFIX)]
    descriptors = np.full((table.num_rows, len(columns)), np.nan, dtype=np.float32)
    for n, name in enumerate(columns):
        descriptors[:, n] = table.column(name).to_numpy()
    by_name = {name.removeprefix(_DESCRIPTOR_PREFIX): n for n, name in enumerate(columns)}
    return _StorePart(manifest, by_name, descriptors, mels)


def write_part(folder: Path, extracted: Sequence[tuple[MediaFile, ExtractedSegment]]) -> None:
    """Write one part, and remove what killed runs left.

    Raises:
        SentirError: if the folder cannot be written.
    """
    mels = [features.mel for _file, features in extracted if len(features.mel)]
    stacked = np.concatenate(mels) if mels else np.zeros((0, 0), dtype=np.float16)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        register_use(folder)
        _remove_stale_files_hourly(folder, int(time.monotonic() / 3600))
        save_part(folder, lambda draft: np.save(draft, stacked, allow_pickle=False), _build_manifest(extracted))
    except OSError as error:
        raise store_write_error(folder, error) from error


def save_part(folder: Path, write_mels: Callable[[Path], None], manifest: pa.Table) -> None:
    """Write the two files of a part, the mel spectrograms first.

    Args:
        folder: of the store.
        write_mels: writes the mel spectrograms to a file ``.npy``.
        manifest: of the part.

    Raises:
        OSError: if the folder cannot be written.
    """
    import pyarrow.parquet as pq

    path = folder / f"part-{uuid.uuid4().hex}.npy"
    with atomic_write(path) as draft:
        write_mels(draft)
    with atomic_write(path.with_suffix(".parquet")) as draft:
        pq.write_table(manifest, draft)


def _build_manifest(extracted: Sequence[tuple[MediaFile, ExtractedSegment]]) -> pa.Table:
    import pyarrow as pa

    files, rows = zip(*extracted, strict=True)
    segments = [row.segment for row in rows]
    counts = [len(row.mel) for row in rows]
    problems = [row.problem.replace(str(file.path), "{path}") for file, row in extracted]
    string, real, integer = pa.string(), pa.float64(), pa.int64()
    columns: dict[str, tuple[list[Any], pa.DataType]] = {
        "key": ([segment.key for segment in segments], string),
        "id": ([replace_surrogates(segment.utterance_id) for segment in segments], string),
        "source": ([replace_surrogates(file.path.name) for file in files], string),
        "sha256": ([file.digest for file in files], string),
        "start": ([segment.start for segment in segments], real),
        "end": ([segment.end for segment in segments], real),
        "seconds": ([row.seconds for row in rows], real),
        "sampling_rate": ([row.sampling_rate for row in rows], integer),
        "channels": ([row.channels for row in rows], integer),
        "offset": (list(accumulate(counts, initial=0))[:-1], integer),
        "frames": (counts, integer),
        "problem": ([replace_surrogates(problem) for problem in problems], string),
        "problem_kind": ([row.problem_kind for row in rows], string),
        "notes": ([[note.text for note in row.notes] for row in rows], pa.list_(string)),
        "note_kinds": ([[note.kind for note in row.notes] for row in rows], pa.list_(string)),
    }
    arrays = {name: pa.array(cells, type=dtype) for name, (cells, dtype) in columns.items()}
    return pa.table(
        arrays | {_DESCRIPTOR_PREFIX + name: pa.array(column) for name, column in _iter_descriptor_columns(rows)}
    )


def _iter_descriptor_columns(rows: Sequence[ExtractedSegment]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the name and the column of each descriptor; NaN where a clip has none."""
    names = dict.fromkeys(chain.from_iterable(row.descriptors for row in rows))
    columns = np.empty((len(names), len(rows)), dtype=np.float32)
    for n, row in enumerate(rows):
        columns[:, n] = np.fromiter(map(row.descriptors.get, names, repeat(np.nan)), np.float32, len(names))
    yield from zip(names, columns, strict=True)


def store_write_error(folder: Path, error: OSError) -> SentirError:
    """Return the error of a store that cannot be written, the default one or a given folder."""
    facts = {"folder": folder, "why": error.strerror or error}
    if folder != audio_dir():
        return SentirError(_("The audio store {folder} cannot be written ({why}); name another folder.", **facts))
    return SentirError(
        _("The audio store {folder} cannot be written ({why}); set SENTIR_AUDIO_DIR to another folder.", **facts)
    )  # fmt: skip


@cache
def _remove_stale_files_hourly(folder: Path, _hour: int) -> None:
    """Remove them once an hour: going through the folder for each part would cost the square of their number."""
    _remove_stale_files(folder)


def _remove_stale_files(folder: Path) -> None:
    """Remove old unfinished files, and old mel spectrograms without a manifest."""
    unfinished = {*folder.glob("*.part*")}
    unfinished |= {mels for mels in folder.glob("part-*.npy") if not mels.with_suffix(".parquet").exists()}
    delete_stale_files(unfinished)
