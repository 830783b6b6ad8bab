"""Tables cut into parts of whole dialogues, in one pass over their rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.files.cells import DecimalMark, Row, parse_number
from sentir.files.table_streams import Position, TableStream, open_stream
from sentir.files.tables import JSON_SUFFIXES
from sentir.i18n import _, format_count
from sentir.logs import logger
from sentir.recognizer.input_tables import (
    MODALITIES,
    InputColumns,
    PredictionInput,
    ResolvedColumns,
    clip_root,
    columns_without_role,
    dialogue_key,
    make_table_inputs,
    read_table,
)

TEXTS_PER_SHARD = 10_000
SECONDS_PER_SHARD = 1_800.0
# Of speech: 16 bit at 16 kHz, and compressed. Video has more; its parts are smaller, which costs only their start
_UNCOMPRESSED_BYTES, _COMPRESSED_BYTES = 32_000, 8_000
_UNCOMPRESSED_SUFFIXES = (".wav", ".aif", ".aiff", ".au")
_MAX_DIALOGUE_ROWS = 10 * TEXTS_PER_SHARD  # in one part, above which memory is noticeable


@dataclass(frozen=True)
class TableRows:
    """Adjacent rows of a table, in whole dialogues.

    Attributes:
        path: the table.
        stream: how they are read; ``None`` for all rows of a table that must be read whole.
        start, rows: the first of them, and how many there are.
        decimal_marks: column without a role → the mark of its numbers.
        digest: of the table's content and of the sizes of its clips.
        modalities: of the table: ``text``, ``audio`` or both.
    """

    path: Path
    stream: TableStream | None
    digest: str
    modalities: frozenset[str]
    start: Position = field(default_factory=Position)
    rows: int = 0
    decimal_marks: Mapping[str, str] = field(default_factory=dict)

    def read(self, columns: InputColumns, table_settings: Mapping[str, Any]) -> list[PredictionInput]:
        """Return their inputs, equal to those of `read_table`."""
        if self.stream is None:
            return read_table(self.path, columns, table_settings)
        rows, errors = self.stream.read(self.start, self.rows)
        return make_table_inputs(
            self.path, rows, columns, table_settings, [], errors,
            first=self.start.row, decimal_marks=self.decimal_marks,
        )  # fmt: skip


def cut_table(path: Path, columns: InputColumns, table_settings: Mapping[str, Any]) -> list[TableRows]:
    """Cut a table into parts of about `TEXTS_PER_SHARD` texts or `SECONDS_PER_SHARD` seconds of audio.

    A part has the whole of each of its dialogues, so dialogues whose rows are not adjacent make parts larger.

    Raises:
        CorpusError: if the table cannot be read, or lacks columns.
    """
    digest = _digest(path)
    stream = None if path.is_dir() else open_stream(path)
    if stream is None:
        return [TableRows(path, None, digest, read_table(path, columns, table_settings)[0].modalities)]
    resolved = columns.resolve(path, dict.fromkeys(stream.columns), table_settings)
    scan = _Scan(stream, resolved, table_settings)
    scan.run()
    marks = {name: one.mark for name, one in scan.decimals.items() if one.mark != "."}
    starts = [cut.start for cut in scan.cuts]
    ends = [*(start.row for start in starts[1:]), scan.rows + 1]
    parts = []
    for cut, end in zip(scan.cuts, ends, strict=True):
        own = hashlib.sha256(f"{digest} {cut.clips.hexdigest()}".encode()).hexdigest()
        rows = end - cut.start.row
        parts.append(TableRows(path, stream, own, MODALITIES & resolved.keys(), cut.start, rows, marks))
    if (largest := max(part.rows for part in parts)) > _MAX_DIALOGUE_ROWS:
        message = _(
            "{path}: {n} rows are predicted together, as they are one dialogue or of overlapping dialogues; "
            "sorted by dialogue, a table needs less memory.",
            path=path,
            n=format_count(largest),
        )
        logger.info(message)
    return parts


def estimate_seconds(name: str, size: int) -> float:
    """Return about how long a media file of a size in bytes is."""
    return size / (_UNCOMPRESSED_BYTES if name.lower().endswith(_UNCOMPRESSED_SUFFIXES) else _COMPRESSED_BYTES)


def weigh_file(path: Path) -> tuple[float, str]:
    """Return about how long a media file is, and its size and time of modification."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return 0.0, ""
    return estimate_seconds(path.name, status.st_size), f"{status.st_size}:{status.st_mtime_ns}"


def _digest(path: Path) -> str:
    """Return a hash of a table's content; of a folder, of the sizes of its files."""
    if path.is_dir():
        sizes = [(str(file.relative_to(path)), weigh_file(file)[1]) for file in sorted(path.rglob("*"))]
        return hashlib.sha256(repr(sizes).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a part starts, and a running hash of the sizes of its clips."""

    start: Position
    clips: Any = field(default_factory=hashlib.sha256)


class _Scan:
    """Passes over a table that find where it is cut, and its decimal marks.

    Attributes:
        cuts: the start of every part.
        decimals: column without a role → its decimal mark.
        rows: number of rows.
    """

    def __init__(self, stream: TableStream, resolved: ResolvedColumns, table_settings: Mapping[str, Any]) -> None:
        self._stream, self._resolved = stream, resolved
        self._root = clip_root(stream.path, table_settings)
        self.decimals = {name: DecimalMark() for name in columns_without_role(stream.columns, resolved)}
        self.cuts: list[_Cut] = []
        self.rows = 0

    def run(self) -> None:
        """Read all rows, twice if a part must not end at each of them."""
        has_dialogues = "dialogue" in self._resolved or self._stream.path.suffix.lower() in JSON_SUFFIXES
        borders = (
            _find_borders(hash(key) for _position, _row, key in self._iter_rows() if key)
            if has_dialogues
            else None
        )
        weight, run = np.inf, -1
        for position, row, key in self._iter_rows():
            self.rows += 1
            if key is not None:
                run += 1
                if weight >= 1 and (borders is None or borders[run]):
                    self.cuts.append(_Cut(position))
                    weight = 0.0
            seconds, status = self._weigh(row)
            self.cuts[-1].clips.update(status.encode())
            weight += max(seconds / SECONDS_PER_SHARD, 1 / TEXTS_PER_SHARD)
            for name, decimal in self.decimals.items():
                decimal.add(row[name])

    def _iter_rows(self) -> Iterator[tuple[Position, Row, str | None]]:
        """Yield rows, each with its dialogue if it is the first of it, or the first after another one."""
        previous = ""
        for position, row in self._stream.iter_rows():
            key = dialogue_key(self._stream.path, row, f"\0{position.row}", self._resolved)
            yield position, row, None if key == previous else key
            previous = key

    def _weigh(self, row: Row) -> tuple[float, str]:
        """Return about how many seconds of audio a row has, and what identifies them."""
        if "audio" not in self._resolved or not (cell := row[self._resolved["audio"][0]].strip()):
            return 0.0, ""
        seconds, status = weigh_file(self._root / cell)
        start, end = (
            parse_number(row[self._resolved[role][0]]) if role in self._resolved else None
            for role in ("start", "end")
        )
        return seconds if end is None else max(0.0, end - (start or 0.0)), status


def _find_borders(dialogues: Iterable[int]) -> NDArray[np.bool_]:
    """Return for each run of adjacent rows of a dialogue whether none before it goes on there or later.

    Args:
        dialogues: a hash of the dialogue of each run.
    """
    runs = np.fromiter(dialogues, np.int64)
    order = np.argsort(runs, kind="stable")
    is_last = np.r_[runs[order][1:] != runs[order][:-1], True]
    last = np.empty_like(order)
    last[order] = order[is_last][np.r_[0, np.cumsum(is_last)[:-1]]]
    furthest = np.maximum.accumulate(last)
    return np.r_[True, furthest[:-1] < np.arange(1, len(runs))]
