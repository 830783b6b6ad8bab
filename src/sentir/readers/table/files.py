"""The file or files of a user table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError, RecipeError
from sentir.files.arrow_tables import SPLIT_COLUMN
from sentir.files.cells import Row
from sentir.files.tables import is_dataset, load_rows
from sentir.i18n import _
from sentir.recipe import TableSettings


@dataclass(frozen=True)
class TableFile:
    """One file of a table.

    Attributes:
        path: the file, or a folder saved by ``datasets``.
        name: unique among the files; part of the ids of rows without an id of their own.
        id_prefix: prepended to the ids in the id column; empty for a single file.
        rows: its rows.
    """

    path: Path
    name: str
    id_prefix: str
    rows: list[Row]


def read_table_files(
    root: Path, table: TableSettings, issues: list[Issue]
) -> tuple[list[TableFile], TableSettings]:
    """Read the file or files of a table; rows of files given by split get a column with it.

    Returns:
        The files, and the section with its split column set.

    Raises:
        RecipeError: if ``root`` is a folder and the section names no file in it.
        CorpusError: if a file is missing or cannot be read, or a file given by split has a column ``split``.
    """
    located = list(_locate_files(root, table))
    names = _unique_names([path for _split, path in located])
    files = []
    for (split, path), name in zip(located, names, strict=True):
        rows = load_rows(path, encoding=table.encoding, issues=issues)
        if split and SPLIT_COLUMN in rows[0]:
            raise CorpusError(
                _("{path} is given as a split and also has a column 'split'; rename the column, or give the "
                  "files as a list and set 'data.table.split'.", path=path)
            )  # fmt: skip
        rows = [row | {SPLIT_COLUMN: split} for row in rows] if split else rows
        files.append(TableFile(path, name, f"{name}/" if len(located) > 1 else "", rows))
    return files, table.model_copy(update={"split": SPLIT_COLUMN}) if isinstance(table.file, Mapping) else table


def _locate_files(root: Path, table: TableSettings) -> Iterator[tuple[str, Path]]:
    """Yield the split of each file, ``""`` if none is given, and its path."""
    if root.is_file() or (table.file is None and is_dataset(root)):
        if isinstance(table.file, Mapping | tuple):
            raise RecipeError(
                _(
                    "'data.table.file' names several files; give their folder, not {root}.",
                    root=root,
                )
            )
        yield "", root
        return
    if table.file is None:
        raise RecipeError(
            _("{root} is a folder; name the table in it in 'data.table.file', or give the file.", root=root)
        )
    files = table.file if isinstance(table.file, Mapping | tuple) else (table.file,)
    named = files.items() if isinstance(files, Mapping) else (("", file) for file in files)
    for split, file in named:
        if not (root / file).exists():
            raise CorpusError(
                _("There is no table {path}; correct the root or 'data.table.file'.", path=root / file)
            )
        yield split, root / file


def _unique_names(paths: list[Path]) -> list[str]:
    """Return the name of each file without its suffix, with its folders if the name is not unique."""
    stems = Counter(path.stem for path in paths)
    base = os.path.commonpath([path.parent for path in paths])
    return [
        path.stem if stems[path.stem] == 1 else path.relative_to(base).with_suffix("").as_posix()
        for path in paths
    ]
