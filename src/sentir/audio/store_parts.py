"""The files of a sound store.

A store folder holds parts: ``part-<n>.npy``, float16 ``(frames of all its clips, bands)``, and
``part-<n>.parquet``, its manifest, one row per clip. Each is written under another name and renamed when whole,
the mels first, so that a part is known only when all of it is there. Parts are added, never changed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sentir.audio.extraction import ExtractedSegment, MediaFile
from sentir.corpus.utterances import AudioFeatures
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write
from sentir.paths import audio_dir
from sentir.safe_text import replace_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

_STALE_SECONDS = 3600  # seconds after which an unfinished file belongs to no living process
_MEASURE_PREFIX = "measure."  # prefix of the manifest's columns of measures


class _MeasureRow(Mapping[str, float]):
    """The measures of one clip: a row of the matrix of its part, far smaller than a dictionary."""

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
    """A part that was opened: columns of its manifest, its measures ``(clips, measures)``, its mels mapped."""

    rows: Mapping[str, list[Any]]
    columns: Mapping[str, int]
    measures: NDArray[np.float32]
    mels: NDArray[np.float16]


class StoreParts:
    """Key → what was measured, of every whole part in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: set[Path] = set()
        self._locations: dict[str, tuple[_StorePart, int]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Open the parts that were added since."""
        for manifest in sorted(set(self._folder.glob("part-*.parquet")) - self._opened):
            self._opened.add(manifest)
            if part := _open_part(manifest):
                self._locations |= {key: (part, row) for row, key in enumerate(part.rows["key"])}

    def __contains__(self, key: object) -> bool:
        return key in self._locations

    def load(self, key: str, *, mel_kind: str, path: Path) -> AudioFeatures:
        """Return what is kept under a key.

        Args:
            key: one that is known.
            mel_kind: of the mel, part of what the key was made of.
            path: where the source lies now, which the sentence of a problem names.
        """
        part, row = self._locations[key]
        cells = {name: column[row] for name, column in part.rows.items()}
        if cells["problem_kind"]:
            problem = cells["problem"].replace("{path}", str(path))
            return AudioFeatures(problem=problem, problem_kind=cells["problem_kind"], mel_kind=mel_kind)
        values = part.measures[row]
        measures = {} if np.isnan(values).all() else _MeasureRow(part.columns, values)
        mel = part.mels[cells["offset"] : cells["offset"] + cells["frames"]]
        notes, kinds = tuple(cells["notes"]), tuple(cells["note_kinds"])
        return AudioFeatures(
            key, mel, measures, cells["seconds"], mel_kind=mel_kind, notes=notes, note_kinds=kinds
        )


def _open_part(manifest: Path) -> _StorePart | None:
    """Open a part; a damaged one is as good as none, so that its clips are measured again."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(manifest, partitioning=None)
        mels = np.load(manifest.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
        wanted = ("key", "offset", "frames", "seconds", "problem", "problem_kind", "notes", "note_kinds")
        rows = {name: table.column(name).to_pylist() for name in wanted}
    except (OSError, ValueError, EOFError, KeyError):  # what pyarrow raises is a ValueError or an OSError
        return None
    if mels.ndim != 2 or mels.dtype != np.float16 or len(mels) != sum(rows["frames"]):
        return None
    names = [name for name in table.column_names if name.startswith(_MEASURE_PREFIX)]
    measures = np.full((table.num_rows, len(names)), np.nan, dtype=np.float32)
    for n, name in enumerate(names):
        measures[:, n] = table.column(name).to_numpy()
    return _StorePart(
        rows, {name.removeprefix(_MEASURE_PREFIX): n for n, name in enumerate(names)}, measures, mels
    )


def write_part(folder: Path, extracted: Sequence[tuple[MediaFile, ExtractedSegment]]) -> None:
    """Write one part, and sweep away what killed runs left.

    Raises:
        SentirError: if the folder cannot be written.
    """
    import pyarrow.parquet as pq

    mels = [measured.mel for _source, measured in extracted if len(measured.mel)]
    stacked = np.concatenate(mels) if mels else np.zeros((0, 0), dtype=np.float16)
    table = _manifest(extracted)
    path = folder / f"part-{uuid.uuid4().hex}.npy"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale_files(folder)
        write_atomically(path, lambda file: np.save(file, stacked, allow_pickle=False))
        write_atomically(path.with_suffix(".parquet"), lambda file: pq.write_table(table, file))
    except OSError as error:
        raise store_write_error(folder, error) from error


def _manifest(extracted: Sequence[tuple[MediaFile, ExtractedSegment]]) -> pa.Table:
    import pyarrow as pa

    sources, rows = zip(*extracted, strict=True)
    segments = [row.segment for row in rows]
    counts = [len(row.mel) for row in rows]
    problems = [row.problem.replace(str(s.path), "{path}") for s, row in extracted]
    text, real, whole = pa.string(), pa.float64(), pa.int64()
    columns: dict[str, tuple[list[Any], pa.DataType]] = {
        "key": ([segment.key for segment in segments], text),
        "id": ([replace_surrogates(segment.utterance_id) for segment in segments], text),
        "source": ([replace_surrogates(source.path.name) for source in sources], text),
        "sha256": ([source.digest for source in sources], text),
        "start": ([segment.start for segment in segments], real),
        "end": ([segment.end for segment in segments], real),
        "seconds": ([row.seconds for row in rows], real),
        "sampling_rate": ([row.sampling_rate for row in rows], whole),
        "channels": ([row.channels for row in rows], whole),
        "offset": (list(accumulate(counts, initial=0))[:-1], whole),
        "frames": (counts, whole),
        "problem": ([replace_surrogates(problem) for problem in problems], text),
        "problem_kind": ([row.problem_kind for row in rows], text),
        "notes": ([[note.text for note in row.notes] for row in rows], pa.list_(text)),
        "note_kinds": ([[note.kind for note in row.notes] for row in rows], pa.list_(text)),
    }
    arrays = {name: pa.array(cells, type=kind) for name, (cells, kind) in columns.items()}
    return pa.table(
        arrays | {_MEASURE_PREFIX + name: pa.array(column) for name, column in _iter_measure_columns(rows)}
    )


def _iter_measure_columns(rows: Sequence[ExtractedSegment]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the name and the column of every measure; NaN where a clip has none."""
    names = dict.fromkeys(chain.from_iterable(row.measures for row in rows))
    columns = np.empty((len(names), len(rows)), dtype=np.float32)
    for n, row in enumerate(rows):
        columns[:, n] = np.fromiter(map(row.measures.get, names, repeat(np.nan)), np.float32, len(names))
    yield from zip(names, columns, strict=True)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file that is whole or not there, see `sentir.io.replacing`."""
    with atomic_write(path) as draft, draft.open("wb") as file:
        write(file)


def store_write_error(folder: Path, error: OSError) -> SentirError:
    """Return the error of a store that cannot be written, the usual one or one that was named."""
    facts = {"folder": folder, "why": error.strerror or error}
    if folder != audio_dir():
        return SentirError(
            _("The store of prepared sound {folder} cannot be written ({why}); name another folder.", **facts)
        )
    return SentirError(
        _("The store of prepared sound {folder} cannot be written ({why}); set SENTIR_AUDIO_DIR to a folder "
          "that can.", **facts)
    )  # fmt: skip


def _remove_stale_files(folder: Path) -> None:
    """Remove unfinished files, and mels without manifest, that are too old to be in work."""
    unfinished = {*folder.glob("*.part*")}
    unfinished |= {mels for mels in folder.glob("part-*.npy") if not mels.with_suffix(".parquet").exists()}
    for path in unfinished:
        try:
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # another process swept it, or has just renamed it
