"""Labels of a user table: a column of names or lists of names, a column of intensities per label, or a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sentir.corpus.invisible_characters import normalize_name
from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.label_synonyms import fold_word
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row, parse_number
from sentir.files.label_cells import LABEL_NORMALIZERS, is_checkmark_column, split_label_cells, to_intensity
from sentir.i18n import _
from sentir.recipe import DataSettings, TableSettings

RowLabels = tuple[dict[str, tuple[str, ...]], dict[str, float]]

_MAX_LISTED = 30  # unknown names in a message


def read_label_names(
    path: Path, rows: Sequence[Row], ids: Sequence[str], data: DataSettings, issues: list[Issue]
) -> tuple[list[LabelSpace], list[RowLabels]]:
    """Read the label column: a name or a list of names per row.

    With lists or a separator the task is multi-label, and ``[]`` means no label. An empty cell means not
    annotated: the row has no labels, which is an issue.

    Returns:
        The space of all label names, in alphabetical order, and the labels and scores of every row.

    Raises:
        CorpusError: listing all unknown names, or if no row has a label.
    """
    assert data.table is not None and data.table.label is not None
    column = data.table.label
    cells, multilabel = split_label_cells([row[column] for row in rows], data.table.label_separator)
    name_of = _map_label_names(path, Counter(word for cell in cells for word in cell or ()), data)
    row_labels = [
        None if cell is None else tuple(sorted({name_of[word] for word in cell} - {""})) for cell in cells
    ]
    if not multilabel:
        row_labels = [labels or None for labels in row_labels]
    names = sorted({name for labels in row_labels for name in labels or ()})
    if not names:
        raise CorpusError(_("{path}: no row has a label in '{name}'.", path=path, name=column))
    for key, labels in zip(ids, row_labels, strict=True):
        if labels is None:
            message = _("No label in '{name}'; kept without labels.", name=column)
            issues.append(Issue("label_missing", "warning", message, key))
    space = (MultiLabelSpace if multilabel else SingleLabelSpace)(data.task, tuple(names))
    return [space], [({} if labels is None else {data.task: labels}, {}) for labels in row_labels]


def read_intensities(
    path: Path, rows: Sequence[Row], ids: Sequence[str], data: DataSettings, issues: list[Issue]
) -> tuple[list[LabelSpace], list[RowLabels]]:
    """Read one column of intensities, or of true and false, per label; a label is present above the threshold.

    If several columns have the same label, the highest intensity counts.

    Returns:
        A multi-label space in alphabetical order, and the labels and scores of every row; a row with a missing
        number has neither, which is an issue.

    Raises:
        CorpusError: listing all columns with unknown names, or if no row has all numbers.
    """
    assert data.table is not None
    name_of = {column: name for column, name in _map_label_names(path, data.table.labels, data).items() if name}
    if not name_of:
        raise CorpusError(_("{path}: 'data.table.names' removes every column of 'labels'.", path=path))
    highest = data.table.scale[1] if data.table.scale else 1.0
    space = MultiLabelSpace(data.task, tuple(sorted(set(name_of.values()))), max_intensity=highest)
    checkmarks = {column for column in name_of if is_checkmark_column([row[column] for row in rows])}
    if checkmarks:
        message = _("Only check marks such as 'x' and empty cells in {columns}: empty cells mean no.",
                    columns=", ".join(sorted(checkmarks)))  # fmt: skip
        issues.append(Issue("empty_label_cells", "note", message, path.name))
    parsed = _read_numbers(
        path, rows, ids, name_of, issues,
        lambda column, cell: to_intensity(cell.strip() or ("no" if column in checkmarks else "")),
    )  # fmt: skip
    labelled: list[RowLabels] = []
    for numbers in parsed:
        scores = {
            name: max(number for column, number in numbers.items() if name_of[column] == name)
            for name in space.names
            if numbers
        }
        present = tuple(name for name, score in scores.items() if score > data.table.threshold)
        labelled.append(({data.task: present} if numbers else {}, scores))
    return [space], labelled


def read_votes(
    path: Path, rows: Sequence[Row], ids: Sequence[str], data: DataSettings, issues: list[Issue]
) -> tuple[list[LabelSpace], list[RowLabels]]:
    """Read one column of votes, or of their shares, per label; the label of a row is the one with most.

    The votes of several columns with the same label are added. A row without votes has no label; one in which
    several labels have most has none either, but its votes may train a model. Both are issues.

    Returns:
        A single-label space in alphabetical order, and the labels and scores of every row, which are shares.

    Raises:
        CorpusError: listing all columns with unknown names, for a negative number, or if no row has all numbers.
    """
    assert data.table is not None
    name_of = {column: name for column, name in _map_label_names(path, data.table.votes, data).items() if name}
    if not name_of:
        raise CorpusError(_("{path}: 'data.table.names' removes every column of 'votes'.", path=path))
    space = SingleLabelSpace(data.task, tuple(sorted(set(name_of.values()))))
    parsed = _read_numbers(path, rows, ids, name_of, issues, lambda _column, cell: parse_number(cell))
    labelled: list[RowLabels] = []
    for numbers, key in zip(parsed, ids, strict=True):
        if negative := [column for column, number in numbers.items() if number < 0]:
            raise CorpusError(
                _("{path}: '{id}' has a negative number of votes in '{column}'.",
                  path=path, id=key, column=negative[0])
            )  # fmt: skip
        votes = dict.fromkeys(space.names, 0.0)
        for column, number in numbers.items():
            votes[name_of[column]] += number
        shares = space.soft_labels(votes)
        first = [name for name in space.names if shares and votes[name] == max(votes.values())]
        if numbers and not first:
            issues.append(Issue("label_missing", "warning", _("No votes; kept without labels."), key))
        if len(first) > 1:
            message = _("As many votes for {labels}; no label, only the votes are kept.", labels=", ".join(first))
            issues.append(Issue("label_tied", "warning", message, key))
        scores = dict(zip(space.names, shares, strict=True)) if shares else {}
        labelled.append(({data.task: (first[0],)} if len(first) == 1 else {}, scores))
    return [space], labelled


def read_target_values(
    path: Path, rows: Sequence[Row], ids: Sequence[str], data: DataSettings, issues: list[Issue]
) -> tuple[list[LabelSpace], list[RowLabels]]:
    """Read the target column of a regression task, or the columns of several.

    Returns:
        The space of each scale, and the scores of every row; a row without a number has no label of that task,
        which is an issue.

    Raises:
        CorpusError: for a number outside the scale, or if no row has a number.
    """
    assert data.table is not None
    spaces = [RegressionSpace(column, column, scale) for column, scale in data.table.values.items()]
    if data.table.value is not None and data.table.scale is not None:
        spaces = [RegressionSpace(data.task, data.table.value, data.table.scale)]
    scores: list[dict[str, float]] = [{} for _row in rows]
    for space in spaces:
        (column,), (low, high) = space.names, space.bounds
        parsed = _read_numbers(path, rows, ids, [column], issues, lambda _column, cell: parse_number(cell))
        for row_scores, numbers, key in zip(scores, parsed, ids, strict=True):
            if numbers and not low <= numbers[column] <= high:
                raise CorpusError(
                    _("{path}: '{id}' has {number:g} in '{column}', outside the scale from {low:g} to {high:g}; "
                      "correct the number or the scale in the section data.table.",
                      path=path, id=key, number=numbers[column], column=column, low=low, high=high)
                )  # fmt: skip
            row_scores.update(numbers)
    return list[LabelSpace](spaces), [({}, row_scores) for row_scores in scores]


def _read_numbers(
    path: Path,
    rows: Sequence[Row],
    ids: Sequence[str],
    columns: Collection[str],
    issues: list[Issue],
    parse: Callable[[str, str], float | None],
) -> list[dict[str, float]]:
    """Return column → number of every row, parsed from column and cell; a row with a missing number has none."""
    parsed = []
    for row, key in zip(rows, ids, strict=True):
        numbers = {c: number for c in columns if (number := parse(c, row[c])) is not None}
        if missing := [column for column in columns if column not in numbers]:
            message = _("No number in {columns}; kept without labels.", columns=", ".join(missing))
            issues.append(Issue("label_missing", "warning", message, key))
        parsed.append({} if missing else numbers)
    if not any(parsed):
        raise CorpusError(
            _("{path}: no row has a number in each of {columns}.", path=path, columns=", ".join(columns))
        )
    return parsed


def _map_label_names(path: Path, words: Mapping[str, int] | Sequence[str], data: DataSettings) -> dict[str, str]:
    """Map the table's label names to Sentir's, or to themselves; a mapping of ``words`` has their counts."""
    assert data.table is not None
    normalize = LABEL_NORMALIZERS.get(data.task, str) if data.table.normalize else str
    recipe_names = _recipe_names(data.table)
    names: dict[str, str] = {}
    for word in words:
        mapped = recipe_names.get(word, recipe_names.get(fold_word(word)))
        if mapped == "":
            names[word] = ""
            continue
        with suppress(CorpusError):
            names[word] = normalize(mapped or word)
        if mapped:
            names.setdefault(word, mapped)
    if unknown := [word for word in words if word not in names]:
        raise CorpusError(_unknown_names_message(path, unknown, words, data.task))
    return names


def _recipe_names(table: TableSettings) -> dict[str, str]:
    """Return the recipe's mapping of label names, also by name without accents and case."""
    names = {normalize_name(word): normalize_name(name) for word, name in table.names.items()}
    return {fold_word(word): name for word, name in names.items()} | names


def _unknown_names_message(
    path: Path, unknown: list[str], words: Mapping[str, int] | Sequence[str], task: str
) -> str:
    listed = unknown
    if isinstance(words, Mapping):
        unknown = sorted(unknown, key=lambda word: (-words[word], word))
        listed = [f"{word[:60]} ({words[word]})" for word in unknown]
    more = [_("{n} more", n=len(listed) - _MAX_LISTED)] if len(listed) > _MAX_LISTED else []
    return _(
        "{path}: unknown labels of '{task}': {names}; map them in the recipe's section data.table, such as "
        'names = {{ "{word}" = "joy" }}, or set data.table.normalize=false to keep all names unchanged.',
        path=path,
        task=task,
        names=", ".join([*listed[:_MAX_LISTED], *more]),
        word=unknown[0][:60],
    )
