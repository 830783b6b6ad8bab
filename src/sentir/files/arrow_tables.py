"""Tables with typed columns: Parquet, and folders saved by Hugging Face's ``datasets``.

Such a folder holds Arrow streams, listed in ``state.json``, and their column types in ``dataset_info.json``; it
is read with pyarrow, so ``datasets`` need not be installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.errors import CorpusError
from sentir.files.archive_members import MAX_RATIO
from sentir.files.cells import ReadErrors, Row, damaged_file_error, objects_to_rows, require_unique_columns
from sentir.files.embedded_media import EmbeddedClip, detect_media_suffix
from sentir.i18n import _, format_decimal
from sentir.optional_dependencies import require_extra

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_ROWS = 1024  # rows that are read before memory is counted again
_FREE_ROWS, _FREE_BYTES = 200_000, 100 * 10**6  # of a table in a file of any size: columns repeat values for free
SPLIT_COLUMN = "split"  # added to rows whose split is known from their file


def read_parquet(path: Path, read_errors: ReadErrors | None = None) -> list[Row]:
    """Read a Parquet file; class indices become class names if ``datasets`` stored these in its schema.

    Raises:
        CorpusError: if it is not Parquet, or has a value that cannot be a cell.
        MissingDependencyError: if pyarrow is not installed.
    """
    table = load_parquet(path)
    features = _parse_features(path, (table.schema.metadata or {}).get(b"huggingface"))
    return objects_to_rows(path, _to_objects(path, table, features), read_errors)


def load_parquet(path: Path) -> pa.Table:
    """Return the table in a Parquet file.

    Raises:
        CorpusError: if it is not Parquet, is damaged, or has more rows or bytes than a file of its size can hold.
        MissingDependencyError: if pyarrow is not installed.
    """
    require_extra("parquet", _("Reading {format}", format=".parquet"))
    with _open_parquet(path) as file:
        table = _join_batches(file.iter_batches(_BATCH_ROWS), file.schema_arrow, path)
        table.validate(full=True)
    return table


def describe_parquet(path: Path) -> tuple[tuple[str, ...], int]:
    """Return the columns of a Parquet file, and its number of rows.

    Raises:
        CorpusError: if it is not Parquet, or two columns have the same name.
        MissingDependencyError: if pyarrow is not installed.
    """
    require_extra("parquet", _("Reading {format}", format=".parquet"))
    with _open_parquet(path) as file:
        names = file.schema_arrow.names
        require_unique_columns(path, names)
        return tuple(names), file.metadata.num_rows


def iter_parquet(path: Path, start: int, batch_rows: int) -> Iterator[tuple[Row, dict[str | None, str]]]:
    """Yield the rows of `read_parquet` from one on, counted from 0, each with why a value cannot be read.

    Raises:
        CorpusError: as `read_parquet`.
    """
    import pyarrow as pa

    with _open_parquet(path) as file:
        features = _parse_features(path, (file.schema_arrow.metadata or {}).get(b"huggingface"))
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        first, number = 0, 0
        while first < len(sizes) and number + sizes[first] <= start:
            number, first = number + sizes[first], first + 1
        groups = range(first, len(sizes))
        for batch in file.iter_batches(batch_rows, groups) if groups else ():
            skipped = max(0, min(start - number, batch.num_rows))
            if table := pa.Table.from_batches([batch.slice(skipped)]):
                errors: ReadErrors = {}
                table.validate(full=True)
                rows = objects_to_rows(path, _to_objects(path, table, features, number + skipped), errors)
                yield from ((row, errors.get(n, {})) for n, row in enumerate(rows, start=1))
            number += batch.num_rows


@contextmanager
def _open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Yield an open file; what is wrong with it is raised as an error of the corpus."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, ValueError, pa.ArrowException) as error:
        raise damaged_file_error(path, error) from error


def _join_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> pa.Table:
    """Return batches as a table, within `_FREE_ROWS` and `_FREE_BYTES` or what the size of the file explains."""
    import pyarrow as pa

    size = path.stat().st_size
    read, num_rows, num_bytes = [], 0, 0
    for batch in batches:
        read.append(batch)
        num_rows, num_bytes = num_rows + batch.num_rows, num_bytes + batch.nbytes
        if num_rows > max(_FREE_ROWS, size) or num_bytes > max(_FREE_BYTES, MAX_RATIO * size):
            raise ValueError(_("its {n} MB hold no table of this size", n=format_decimal(size / 10**6, 1)))
    return pa.Table.from_batches(read, schema)


def read_dataset(folder: Path, read_errors: ReadErrors | None = None) -> list[Row]:
    """Read a folder written by ``save_to_disk``; its splits, if any, become the column ``split``.

    Raises:
        CorpusError: if a file is missing or damaged, or has a value that cannot be a cell.
        MissingDependencyError: if pyarrow is not installed.
    """
    require_extra("parquet", _("Reading a folder saved by 'datasets'"))
    if not (folder / "dataset_dict.json").is_file():
        return objects_to_rows(folder, _read_split(folder), read_errors)
    splits = _load_json(folder / "dataset_dict.json").get("splits")
    if not isinstance(splits, list) or not all(isinstance(name, str) for name in splits):
        raise damaged_file_error(folder / "dataset_dict.json", _("it lists no splits"))
    rows: list[dict[str, Any]] = []
    for name in splits:
        for row in _read_split(folder / Path(name).name):
            if SPLIT_COLUMN in row:
                raise CorpusError(
                    _(
                        "{path} has splits and also a column 'split'; rename the column and save it again.",
                        path=folder,
                    )
                )
            rows.append(row | {SPLIT_COLUMN: name})
    return objects_to_rows(folder, rows, read_errors)


def _read_split(folder: Path) -> list[dict[str, Any]]:
    import pyarrow as pa

    state, info = _load_json(folder / "state.json"), _load_json(folder / "dataset_info.json")
    if state.get("_indices_data_files"):
        raise CorpusError(
            _(
                "{path} was saved as a selection by an old version of 'datasets'; load it and save it again.",
                path=folder,
            )
        )
    tables = []
    for entry in state.get("_data_files") or ():
        path = folder / Path(str(entry.get("filename") if isinstance(entry, Mapping) else entry)).name
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
                tables.append(_join_batches(stream, stream.schema, path))
            tables[-1].validate(full=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise damaged_file_error(path, error) from error
    try:
        table = pa.concat_tables(tables) if tables else pa.table({})
    except pa.ArrowException as error:
        raise damaged_file_error(folder, error) from error
    return _to_objects(folder, table, info.get("features"))


def _to_objects(path: Path, table: pa.Table, features: Any, first: int = 0) -> list[dict[str, Any]]:
    """Return rows as objects; ``first`` is the number of the first one, from 0."""
    require_unique_columns(path, table.column_names)
    try:
        columns = {name: _column_values(name, table.column(name), first) for name in table.column_names}
    except (ValueError, ArithmeticError) as error:  # bytes that are not UTF-8, a date out of range
        raise damaged_file_error(path, error) from error
    for name, feature in (features if isinstance(features, Mapping) else {}).items():
        if name in columns and (classes := _class_names(feature)):
            columns[name] = [_to_class_name(path, name, value, classes) for value in columns[name]]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _column_values(name: str, column: pa.ChunkedArray, first_row: int) -> list[Any]:
    """Return the values of a column; embedded clips become their names, and their bytes are read lazily."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_struct(kind) and {kind.field(n).name for n in range(kind.num_fields)} == {
        "bytes",
        "path",
    }:
        paths, content = (pc.struct_field(column, field) for field in ("path", "bytes"))
        return _embedded_clips(name, paths.to_pylist(), content, first_row)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        first = next((value.as_py() for value in column if value.is_valid), b"")
        if detect_media_suffix(first):
            return _embedded_clips(name, [None] * len(column), column, first_row)
    return column.to_pylist()


def _embedded_clips(
    name: str, paths: list[str | None], content: pa.ChunkedArray, first_row: int
) -> list[str | None]:
    """Return clips by their names, else by column and row; a name without bytes is a path to a file."""
    clips: list[str | None] = []
    suffix = ""
    for n, (path, has_bytes) in enumerate(zip(paths, content.is_valid().to_pylist(), strict=True)):
        if has_bytes:
            suffix = suffix or detect_media_suffix(content[n].as_py()) or ".wav"
            clips.append(EmbeddedClip(path or f"{name}{first_row + n + 1}{suffix}", content[n].as_py))
        else:
            clips.append(path)
    return clips


def _class_names(feature: Any) -> Sequence[str]:
    """Return the class names of a column of classes or of lists of classes; none for other columns."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if isinstance(feature, Mapping) and isinstance(feature.get("feature"), Mapping):
        feature = feature["feature"]
    known = isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel"
    return [str(name) for name in feature.get("names") or ()] if known else ()


def _to_class_name(path: Path, column: str, value: Any, names: Sequence[str]) -> Any:
    """Return the name of a class; ``None`` for -1 (not annotated)."""
    if isinstance(value, list):
        return [_to_class_name(path, column, one, names) for one in value]
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise CorpusError(
            _("{path}: '{value}' in '{name}' is not one of its {n} classes.",
              path=path, value=value, name=column, n=len(names))
        )  # fmt: skip
    return names[value]


def _parse_features(path: Path, metadata: bytes | None) -> Any:
    if metadata is None:
        return None
    try:
        tree = json.loads(metadata)
    except ValueError as error:
        raise damaged_file_error(path, error) from error
    info = tree.get("info") if isinstance(tree, dict) else None
    return info.get("features") if isinstance(info, dict) else None


def _load_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise damaged_file_error(path, error) from error
    if not isinstance(content, dict):
        raise damaged_file_error(path, _("it is not a JSON object"))
    return content
