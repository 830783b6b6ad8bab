"""Tables with typed columns: Parquet, and folders saved by Hugging Face's ``datasets``.

Such a folder holds Arrow streams, listed in ``state.json``, and their column types in ``dataset_info.json``; it
is read with pyarrow, so ``datasets`` need not be installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.errors import CorpusError
from sentir.files.cells import ReadErrors, Row, damaged_file_error, objects_to_rows, require_unique_columns
from sentir.files.embedded_media import EmbeddedClip, detect_media_suffix
from sentir.i18n import _
from sentir.optional_dependencies import require_extra

if TYPE_CHECKING:
    import pyarrow as pa

SPLIT_COLUMN = "split"  # added to rows whose split is known from their file


def read_parquet(path: Path, read_errors: ReadErrors | None = None) -> list[Row]:
    """Read a Parquet file; class indices become class names if ``datasets`` stored these in its schema.

    Raises:
        CorpusError: if it is not Parquet, or has a value that cannot be a cell.
        MissingDependencyError: if pyarrow is not installed.
    """
    require_extra("parquet", _("Reading {format}", format=".parquet"))
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
        table.validate(full=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise damaged_file_error(path, error) from error
    features = _parse_features(path, (table.schema.metadata or {}).get(b"huggingface"))
    return objects_to_rows(path, _to_objects(path, table, features), read_errors)


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
            with pa.memory_map(str(path)) as source:
                tables.append(pa.ipc.open_stream(source).read_all())
            tables[-1].validate(full=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise damaged_file_error(path, error) from error
    try:
        table = pa.concat_tables(tables) if tables else pa.table({})
    except pa.ArrowException as error:
        raise damaged_file_error(folder, error) from error
    return _to_objects(folder, table, info.get("features"))


def _to_objects(path: Path, table: pa.Table, features: Any) -> list[dict[str, Any]]:
    require_unique_columns(path, table.column_names)
    try:
        columns = {name: _column_values(name, table.column(name)) for name in table.column_names}
    except (ValueError, ArithmeticError) as error:  # bytes that are not UTF-8, a date out of range
        raise damaged_file_error(path, error) from error
    for name, feature in (features if isinstance(features, Mapping) else {}).items():
        if name in columns and (classes := _class_names(feature)):
            columns[name] = [_to_class_name(path, name, value, classes) for value in columns[name]]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _column_values(name: str, column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; embedded clips become their names, and their bytes are read lazily."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_struct(kind) and {kind.field(n).name for n in range(kind.num_fields)} == {
        "bytes",
        "path",
    }:
        paths, content = (pc.struct_field(column, field) for field in ("path", "bytes"))
        return _embedded_clips(name, paths.to_pylist(), content)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        first = next((value.as_py() for value in column if value.is_valid), b"")
        if detect_media_suffix(first):
            return _embedded_clips(name, [None] * len(column), column)
    return column.to_pylist()


def _embedded_clips(name: str, paths: list[str | None], content: pa.ChunkedArray) -> list[str | None]:
    """Return clips by their names, else by column and row; a name without bytes is a path to a file."""
    clips: list[str | None] = []
    suffix = ""
    for n, (path, has_bytes) in enumerate(zip(paths, content.is_valid().to_pylist(), strict=True)):
        if has_bytes:
            suffix = suffix or detect_media_suffix(content[n].as_py()) or ".wav"
            clips.append(EmbeddedClip(path or f"{name}{n + 1}{suffix}", content[n].as_py))
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
