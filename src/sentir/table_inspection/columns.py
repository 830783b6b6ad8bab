"""Properties of a table's columns: counts, numbers, lists, clips, labels, and label leakage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.label_synonyms import fold_word
from sentir.corpus.leakage import LEAKAGE_THRESHOLD, score_leakage
from sentir.files.cells import Row, is_ambiguous_number, parse_list
from sentir.files.label_cells import is_checkmark_column, is_known_label, split_label_cells, to_intensities
from sentir.files.media_files import is_media_file
from sentir.files.splits import parse_split

Labels = frozenset[str]
_UNAMBIGUOUS_SEPARATORS = ("|", ";")  # not part of any label name
_SEPARATORS = (*_UNAMBIGUOUS_SEPARATORS, ",", "/")
MAX_LABELS = 60


@dataclass(frozen=True)
class Column:
    """One column: its name and the cell of every row."""

    name: str
    cells: tuple[str, ...]

    @property
    def normalized_name(self) -> str:
        """The name without case, accents, spaces and underscores."""
        return fold_word(self.name).replace(" ", "").rstrip(".")

    @cached_property
    def num_filled(self) -> int:
        """Number of cells that are not empty."""
        return sum(not is_blank(cell) for cell in self.cells)

    @cached_property
    def value_counts(self) -> Counter[str]:
        """Number of rows of each value, without empty cells."""
        return Counter(value for cell in self.cells if not is_blank(value := normalize_name(cell)))

    @property
    def is_unique(self) -> bool:
        """Whether every row has a different value."""
        return len(self.value_counts) == len(self.cells)

    @cached_property
    def numbers(self) -> tuple[float | None, ...]:
        """The number in each cell, 1 for yes and 0 for no; ``None`` if it has none."""
        return tuple(to_intensities(self.cells))

    @cached_property
    def is_numeric(self) -> bool:
        """Whether every value is a number, or yes or no."""
        not_empty = (number for number, cell in zip(self.numbers, self.cells, strict=True) if cell.strip())
        return bool(self.value_counts) and None not in not_empty

    @cached_property
    def ambiguous_number(self) -> str:
        """An ambiguous number, if only such cells keep the column from being numeric; else ``""``."""
        others = [c for c, number in zip(self.cells, self.numbers, strict=True) if number is None and c.strip()]
        return others[0] if others and all(map(is_ambiguous_number, others)) else ""

    @cached_property
    def is_checkmarks(self) -> bool:
        """Whether some cells are yes and all others are empty."""
        return is_checkmark_column(self.cells)

    @property
    def is_varied(self) -> bool:
        """Whether its rows differ: two values or more, or check marks."""
        return len(self.value_counts) > 1 or self.is_checkmarks

    def is_turn_of(self, dialogue: Column) -> bool:
        """Whether every row has a value that is unique within its dialogue, but not within the table."""
        rows = [*zip(dialogue.cells, self.cells, strict=True)]
        return self.num_filled == len(rows) == len(set(rows)) and not self.is_unique

    @cached_property
    def holds_clips(self) -> bool:
        """Whether most values are names of audio or video files."""
        return sum(n for value, n in self.value_counts.items() if is_media_file(value)) * 2 > self.num_filled

    @cached_property
    def holds_splits(self) -> bool:
        """Whether every row names a split, and not all rows the same."""
        splits = {parse_split(value) for value in self.value_counts}
        return self.num_filled == len(self.cells) and None not in splits and len(splits) > 1

    @cached_property
    def mean_words(self) -> float:
        """Mean number of words per value."""
        return sum(n * len(value.split()) for value, n in self.value_counts.items()) / max(self.num_filled, 1)

    @cached_property
    def label_separator(self) -> str | None:
        """The separator of several labels in a cell, if it is unambiguous."""
        for separator in _SEPARATORS:
            if not any(separator in value for value in self.value_counts if parse_list(value) is None):
                continue
            words = self.label_counts(separator)
            if len(words) <= MAX_LABELS and (
                separator in _UNAMBIGUOUS_SEPARATORS
                or max(share_of_known_labels(words, task) for task in TASKS) == 1
            ):
                return separator
        return None

    def label_counts(self, separator: str | None) -> Counter[str]:
        """Count the label names in it, treating it as a label column."""
        cells, _multilabel = split_label_cells(tuple(self.value_counts), separator)
        counts: Counter[str] = Counter()
        for cell, n in zip(cells, self.value_counts.values(), strict=True):
            for word in cell or ():
                counts[word] += n
        return counts


TASKS = ("emotion", "sentiment")


def share_of_known_labels(label_counts: Mapping[str, int], task: str) -> float:
    """Return the share of words that are known label names of ``task``."""
    total = sum(label_counts.values())
    return sum(n for word, n in label_counts.items() if is_known_label(word, task)) / total if total else 0.0


def make_columns(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of a table, in its order."""
    return [Column(name, tuple(row[name] for row in rows)) for name in rows[0]]


def leaks_label(column: Column, labels: Sequence[Labels | None], rows: Iterable[int]) -> bool:
    """Return whether a column's values determine a label.

    They do if each value occurs with one label only and most occur repeatedly, or, for numbers, if their nearest
    neighbors predict whether a row has one of the labels (see `sentir.corpus.leakage`).

    Args:
        column: the column to test.
        labels: of each row; ``None`` if it has none.
        rows: indices of the rows to use, those of train.
    """
    labelled = [n for n in rows if labels[n] is not None]
    return _values_leak_label(column, labels, labelled) or (
        column.is_numeric and _neighbors_leak_label(column, labels, labelled)
    )


def _neighbors_leak_label(column: Column, labels: Sequence[Labels | None], rows: Sequence[int]) -> bool:
    numbers = (column.numbers[n] for n in rows)
    values = np.array([np.nan if number is None else number for number in numbers])
    row_labels = [labels[n] or frozenset() for n in rows]
    return any(
        score_leakage(values, np.array([name in present for present in row_labels])) >= LEAKAGE_THRESHOLD
        for name in frozenset().union(*row_labels)
    )


def _values_leak_label(column: Column, labels: Sequence[Labels | None], rows: Sequence[int]) -> bool:
    label_of: dict[str, Labels | None] = {}
    counts: Counter[str] = Counter()
    for n in rows:
        value = normalize_name(column.cells[n])
        if not value:
            continue
        if label_of.setdefault(value, labels[n]) != labels[n]:
            return False
        counts[value] += 1
    repeated = sum(n for n in counts.values() if n > 1)
    return len(set(label_of.values())) > 1 and repeated * 2 >= counts.total()
