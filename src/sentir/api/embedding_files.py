"""The verbs that write vectors, of inputs in memory and, in parts, of any number of inputs."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentir.api.part_files import ModelWork, PartsRun, group_pieces, parts_folder, run_in_parts
from sentir.api.prediction import load_model_and_inputs
from sentir.array_files import open_array
from sentir.audio.extraction import EXTRACTION_VERSION
from sentir.engines.shards import Receipt, Shard
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write, write_errors, write_text
from sentir.paths import PathLike
from sentir.recognizer.inputs import InputColumns, Inputs
from sentir.recognizer.predicting import embed_inputs

if TYPE_CHECKING:
    from sentir.api.loading import Model

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class _Embeddings:
    """The vectors of N inputs, in blocks: ids and ``(n, d)`` vectors, as often as they are iterated over."""

    num_rows: int
    num_columns: int
    blocks: Iterable[tuple[list[str], Vectors]]

    @property
    def columns(self) -> list[str]:
        return [f"v{n}" for n in range(self.num_columns)]


def write_embeddings(
    model: PathLike | Model,
    items: object,
    path: PathLike,
    *,
    sampling_rate: int | None = None,
    columns: InputColumns | Mapping[str, Any] | None = None,
) -> Mapping[str, str]:
    """Write the vectors of the inputs of `predict` before the model's last layer, with their ids.

    A ``.csv`` or ``.parquet`` has the columns ``id``, ``v0``, ``v1`` …; beside an ``.npy`` of ``(N, d)`` float32,
    ``NAME.ids.json`` has the N ids. The rows of inputs that cannot be embedded are NaN.

    Returns:
        Utterance id → why it could not be embedded.

    Raises:
        SentirError: if the suffix is another one, the file cannot be written, or as for `predict`.
    """
    require_vector_suffix(Path(path))
    loaded, inputs = load_model_and_inputs(model, items, sampling_rate, columns)
    vectors, problems = embed_inputs(loaded, inputs)
    num_rows, num_columns = vectors.shape
    _write(Path(path), _Embeddings(num_rows, num_columns, [([one.id for one in inputs.rows], vectors)]))
    return problems


def embed_to_file(
    model: PathLike,
    items: Sequence[object],
    path: PathLike,
    *,
    columns: InputColumns | Mapping[str, Any] | None = None,
    run: PartsRun | None = None,
) -> Mapping[str, str]:
    """Write what `write_embeddings` writes, in parts, as `sentir.api.predict_to_file` does.

    Returns:
        Utterance id → why it could not be embedded.

    Raises:
        SentirError: as `write_embeddings`.
    """
    path, run = Path(path), run or PartsRun()
    require_vector_suffix(path)
    receipts = run_in_parts(
        model, items, path, _EmbeddingWork,
        columns=columns, settings=("vectors", EXTRACTION_VERSION), run=run, description=_("Parts"),
    )  # fmt: skip
    if run.share.is_all:
        num_rows = sum(one.counts["rows"] for one in receipts)
        num_columns = max((one.counts["columns"] for one in receipts), default=0)
        _write(path, _Embeddings(num_rows, num_columns, _PartBlocks(parts_folder(path), receipts, num_columns)))
        shutil.rmtree(parts_folder(path))
    return {key: why for one in receipts for key, why in one.facts["problems"].items()}


@dataclass(frozen=True)
class _EmbeddingWork(ModelWork):
    """Writes the vectors of shards, and beside them the places and ids of their rows."""

    def open(self) -> Callable[[Shard], Receipt]:
        """Load the model."""
        return partial(self._embed, self.load())

    def _embed(self, model: Model, shard: Shard) -> Receipt:
        inputs = self.reader.read(shard)
        vectors, problems = embed_inputs(model, Inputs([one for _place, one in inputs]), self.available)
        return self._write(shard, [(place, one.id) for place, one in inputs], vectors, problems)

    def give_up(self, shard: Shard, why: str) -> Receipt:
        """Write no vectors, and the problem as that of all rows of a shard."""
        inputs = self.reader.read(shard)
        vectors = np.zeros((len(inputs), 0), np.float32)
        rows = [(place, one.id) for place, one in inputs]
        receipt = self._write(shard, rows, vectors, {one.utterance.id: why for _place, one in inputs})
        receipt.save(self.folder)
        return receipt

    def _write(
        self, shard: Shard, rows: list[tuple[int, str]], vectors: Vectors, problems: Mapping[str, str]
    ) -> Receipt:
        path = self.folder / f"{shard.id}.npy"
        with write_errors(path):
            with atomic_write(path) as draft:
                np.save(draft, vectors, allow_pickle=False)
            write_text(path.with_suffix(".rows.json"), json.dumps(rows))
        counts = {"rows": len(rows), "columns": vectors.shape[1]}
        return Receipt(
            shard.id, counts=counts, problems=tuple(problems.values())[:1], facts={"problems": problems}
        )


class _PartBlocks:
    """The blocks of finished parts, in order."""

    def __init__(self, folder: Path, receipts: Sequence[Receipt], num_columns: int) -> None:
        self._folder, self._receipts, self._num_columns = folder, receipts, num_columns

    def __iter__(self) -> Iterator[tuple[list[str], Vectors]]:
        for pieces in group_pieces(self._receipts):
            blocks = [self._load(one.shard) for one in pieces]
            rows = [row for rows, _vectors in blocks for row in rows]
            order = sorted(range(len(rows)), key=lambda n: rows[n][0])
            yield [rows[n][1] for n in order], np.concatenate([vectors for _rows, vectors in blocks])[order]

    def _load(self, shard: str) -> tuple[list[tuple[int, str]], Vectors]:
        rows = json.loads((self._folder / f"{shard}.rows.json").read_bytes())
        vectors = open_array(self._folder / f"{shard}.npy")
        missing = np.full((len(rows), self._num_columns), np.nan, np.float32)
        return rows, vectors if vectors.shape[1] else missing


def require_vector_suffix(path: Path) -> None:
    """Refuse a file whose format is not supported.

    Raises:
        SentirError: naming the supported suffixes.
    """
    if path.suffix.lower() not in _WRITERS:
        raise SentirError(
            _("Vectors can be written as {known}, not as {path}.", known=", ".join(_WRITERS), path=path)
        )


def _write(path: Path, embeddings: _Embeddings) -> None:
    with write_errors(path):
        _WRITERS[path.suffix.lower()](path, embeddings)


def _write_npy(path: Path, embeddings: _Embeddings) -> None:
    shape, ids = (embeddings.num_rows, embeddings.num_columns), list[str]()
    with atomic_write(path) as draft, draft.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block_ids, vectors in embeddings.blocks:
            ids += block_ids
            file.write(np.ascontiguousarray(vectors, "<f4").tobytes())
    write_text(path.with_suffix(".ids.json"), json.dumps(ids))


def _write_csv(path: Path, embeddings: _Embeddings) -> None:
    with atomic_write(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *embeddings.columns])
        for ids, vectors in embeddings.blocks:
            writer.writerows([key, *row] for key, row in zip(ids, vectors.tolist(), strict=True))


def _write_parquet(path: Path, embeddings: _Embeddings) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("id", pa.string()), *((name, pa.float32()) for name in embeddings.columns)])
    with atomic_write(path) as draft, pq.ParquetWriter(draft, schema) as writer:
        for ids, vectors in embeddings.blocks:
            writer.write_table(pa.table([pa.array(ids, pa.string()), *map(pa.array, vectors.T)], schema=schema))


_WRITERS: dict[str, Callable[[Path, _Embeddings], None]] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
