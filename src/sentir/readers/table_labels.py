"""Labels of the user's own table: a column of names, or a column of intensities per label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sentir.corpus.labels import LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.types import Issue
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import Row, to_number
from sentir.recipe import Data

Labelled = tuple[dict[str, tuple[str, ...]], dict[str, float]]

_NORMALIZERS: dict[str, Callable[[str], str]] = {
    "emotion": normalize_emotion,
    "sentiment": normalize_sentiment,
}


def read_names(
    path: Path, rows: Sequence[Row], ids: Sequence[str], data: Data, issues: list[Issue]
) -> tuple[LabelSpace, list[Labelled]]:
    """Read the label column: one name per row, none where the cell is empty (listed as an issue).

    Returns:
        The space of all names found, in alphabetical order, and labels and scores of every row.

    Raises:
        CorpusError: listing every name that is not known, or if no row has one.
    """
    assert data.table is not None and data.table.label is not None
    cells = [row[data.table.label].strip() for row in rows]
    name_of = _names(path, sorted(set(cells) - {""}), data)
    if not name_of:
        raise CorpusError(_("{path}: no row has a label in '{name}'.", path=path, name=data.table.label))
    for key, cell in zip(ids, cells, strict=True):
        if not cell:
            message = _("It has no label in '{name}'; kept without one.", name=data.table.label)
            issues.append(Issue("label_missing", "warning", message, key))
    space = LabelSpace(data.task, tuple(sorted(set(name_of.values()))))
    return space, [({data.task: (name_of[cell],)} if cell else {}, {}) for cell in cells]


def read_intensities(
    path: Path, rows: Sequence[Row], ids: Sequence[str], data: Data, issues: list[Issue]
) -> tuple[LabelSpace, list[Labelled]]:
    """Read one intensity per label column; a label is present above the threshold.

    Returns:
        A multi-label space in alphabetical order, and labels and scores of every row; a row that lacks a number
        has neither (listed as an issue).

    Raises:
        CorpusError: listing every column whose name is not known.
    """
    assert data.table is not None
    name_of = _names(path, data.table.labels, data)
    space = LabelSpace(data.task, tuple(sorted(name_of.values())), multilabel=True)
    labelled: list[Labelled] = []
    for row, key in zip(rows, ids, strict=True):
        read = {name: to_number(row[column]) for column, name in name_of.items()}
        scores = {name: read[name] for name in space.names}
        known = {name: score for name, score in scores.items() if score is not None}
        if len(known) < len(space):
            unread = ", ".join(column for column, name in name_of.items() if name not in known)
            message = _("It has no number in {columns}; kept without labels.", columns=unread)
            issues.append(Issue("label_missing", "warning", message, key))
            labelled.append(({}, {}))
            continue
        present = tuple(name for name, score in known.items() if score > data.table.threshold)
        labelled.append(({data.task: present}, known))
    return space, labelled


def _names(path: Path, words: Sequence[str], data: Data) -> dict[str, str]:
    """Map the table's names of labels to ours, or each to itself."""
    normalize = _NORMALIZERS.get(data.task)
    if normalize is None or data.table is None or not data.table.normalize:
        return {word: word for word in words}
    names: dict[str, str] = {}
    for word in words:
        with suppress(CorpusError):
            names[word] = normalize(word)
    if unknown := [word for word in words if word not in names]:
        raise CorpusError(
            _(
                "{path}: unknown names of '{task}': {names}; correct them, or set data.table.normalize=false "
                "to keep the names as they are.",
                path=path,
                task=data.task,
                names=", ".join(unknown),
            )
        )
    return names
