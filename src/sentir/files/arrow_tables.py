"""Tables of typed columns: Parquet, and folders that Hugging Face's ``datasets`` saved.

Such a folder is Arrow streams with their list in ``state.json`` and the kinds of their columns in
``dataset_info.json``; pyarrow reads it, so ``datasets`` need not be installed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.errors import CorpusError
from sentir.files.cells import ReadErrors, Row, objects_to_rows
from sentir.files.embedded_media import EmbeddedClip, detect_media_suffix
from sentir.i18n import _

if TYPE_CHECKING:
    import pyarrow as pa

SPLIT_COLUMN = "split"  # the column that a folder with splits gets


def read_parquet(path: Path, read_errors: ReadErrors | None = None) -> list[Row]:
    """Read a Parquet file; numbers of classes become names where ``datasets`` wrote them into its schema.

    Raises:
        CorpusError: if it is none, or holds what cannot be a cell.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
        table.validate(full=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged_file_error(path, error) from error
    features = _parse_features(path, (table.schema.metadata or {}).get(b"huggingface"))
    return objects_to_rows(path, _to_objects(path, table, features), read_errors)


def read_dataset(folder: Path, read_errors: ReadErrors | None = None) -> list[Row]:
    """Read a folder that ``save_to_disk`` wrote; its splits, if it has some, are the column ``split``.

    Raises:
        CorpusError: if a file of it is missing or damaged, or holds what cannot be a cell.
    """
    if not (folder / "dataset_dict.json").is_file():
        return objects_to_rows(folder, _read_split(folder), read_errors)
    parts = _load_json(folder / "dataset_dict.json").get("splits")
    if not isinstance(parts, list) or not all(isinstance(name, str) for name in parts):
        raise _damaged_file_error(folder / "dataset_dict.json", _("it lists no splits"))
    rows: list[dict[str, Any]] = []
    for name in parts:
        for row in _read_split(folder / Path(name).name):
            if SPLIT_COLUMN in row:
                raise CorpusError(
                    _(
                        "{path} has splits and a column 'split' as well; rename the column and save it again.",
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
            _("{path} was saved as a selection by an old 'datasets'; load it and save it again.", path=folder)
        )
    tables = []
    for entry in state.get("_data_files") or ():
        path = folder / Path(str(entry.get("filename") if isinstance(entry, Mapping) else entry)).name
        try:
            with pa.memory_map(str(path)) as source:
                tables.append(pa.ipc.open_stream(source).read_all())
            tables[-1].validate(full=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _damaged_file_error(path, error) from error
    try:
        table = pa.concat_tables(tables) if tables else pa.table({})
    except pa.ArrowException as error:
        raise _damaged_file_error(folder, error) from error
    return _to_objects(folder, table, info.get("features"))


def _to_objects(path: Path, table: pa.Table, features: Any) -> list[dict[str, Any]]:
    if twice := [name for name, count in Counter(table.column_names).items() if count > 1]:
        raise CorpusError(_("{path} has two columns called '{name}'; rename one.", path=path, name=twice[0]))
    try:
        columns = {name: _column_values(name, table.column(name)) for name in table.column_names}
    except (ValueError, ArithmeticError) as error:  # bytes that are no text, a time that no calendar has
        raise _damaged_file_error(path, error) from error
    for name, feature in (features if isinstance(features, Mapping) else {}).items():
        if name in columns and (classes := _class_names(feature)):
            columns[name] = [_to_class_name(path, name, value, classes) for value in columns[name]]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _column_values(name: str, column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; a clip that lies in it is its name, and its bytes are read when wanted."""
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
    """Return clips by their names, or by those of column and row; a name without bytes is a file's."""
    found: list[str | None] = []
    suffix = ""
    for n, (path, is_there) in enumerate(zip(paths, content.is_valid().to_pylist(), strict=True)):
        if is_there:
            suffix = suffix or detect_media_suffix(content[n].as_py()) or ".wav"
            found.append(EmbeddedClip(path or f"{name}{n + 1}{suffix}", partial(_read_bytes, content, n)))
        else:
            found.append(path)
    return found


def _read_bytes(content: pa.ChunkedArray, n: int) -> bytes:
    value: bytes = content[n].as_py()
    return value


def _class_names(feature: Any) -> Sequence[str]:
    """Return the names of a class column, or of a column of lists of classes; none of any other."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if isinstance(feature, Mapping) and isinstance(feature.get("feature"), Mapping):
        feature = feature["feature"]
    known = isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel"
    return [str(name) for name in feature.get("names") or ()] if known else ()


def _to_class_name(path: Path, column: str, value: Any, names: Sequence[str]) -> Any:
    """Return the name of a class, ``None`` for -1 (not annotated)."""
    if isinstance(value, list):
        return [_to_class_name(path, column, one, names) for one in value]
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise CorpusError(
            _("{path}: '{value}' in '{name}' is none of its {n} classes.",
              path=path, value=value, name=column, n=len(names))
        )  # fmt: skip
    return names[value]


def _parse_features(path: Path, metadata: bytes | None) -> Any:
    if metadata is None:
        return None
    try:
        info = json.loads(metadata)
    except ValueError as error:
        raise _damaged_file_error(path, error) from error
    info = info.get("info") if isinstance(info, dict) else None
    return info.get("features") if isinstance(info, dict) else None


def _load_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged_file_error(path, error) from error
    if not isinstance(found, dict):
        raise _damaged_file_error(path, _("it is no JSON object"))
    return found


def _damaged_file_error(path: Path, why: object) -> CorpusError:
    clause = " ".join(str(why).split()).rstrip(".")
    return CorpusError(
        _("{path} is damaged or of another kind than its name says: {why}.", path=path, why=clause)
    )
