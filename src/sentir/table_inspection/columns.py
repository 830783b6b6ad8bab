"""What can be seen in a column of a table: how full, how varied, numbers, lists, names of clips or of labels."""

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
_UNAMBIGUOUS_SEPARATORS = ("|", ";")  # no name of a label has them
_SEPARATORS = (*_UNAMBIGUOUS_SEPARATORS, ",", "/")
MAX_LABELS = 60


@dataclass(frozen=True)
class Column:
    """One column: its name and a cell per row."""

    name: str
    cells: tuple[str, ...]

    @property
    def normalized_name(self) -> str:
        """Its name without case, accents, spaces and underscores."""
        return fold_word(self.name).replace(" ", "").rstrip(".")

    @cached_property
    def num_filled(self) -> int:
        """How many cells hold something."""
        return sum(not is_blank(cell) for cell in self.cells)

    @cached_property
    def value_counts(self) -> Counter[str]:
        """How often each value stands there; empty cells are none."""
        return Counter(value for cell in self.cells if not is_blank(value := normalize_name(cell)))

    @property
    def is_unique(self) -> bool:
        """Whether every row holds another value."""
        return len(self.value_counts) == len(self.cells)

    @cached_property
    def numbers(self) -> tuple[float | None, ...]:
        """The number in each cell, 1 for yes and 0 for no, ``None`` where there is none."""
        return tuple(to_intensities(self.cells))

    @cached_property
    def is_numeric(self) -> bool:
        """Whether every value is a number, or yes or no."""
        filled = (number for number, cell in zip(self.numbers, self.cells, strict=True) if cell.strip())
        return bool(self.value_counts) and None not in filled

    @cached_property
    def ambiguous_number(self) -> str:
        """A cell that may be two numbers, if such cells are why the column is none of numbers."""
        others = [c for c, number in zip(self.cells, self.numbers, strict=True) if number is None and c.strip()]
        return others[0] if others and all(map(is_ambiguous_number, others)) else ""

    @cached_property
    def is_checkmarks(self) -> bool:
        """Whether some cells say yes and all others are empty."""
        return is_checkmark_column(self.cells)

    @property
    def is_varied(self) -> bool:
        """Whether it tells rows apart: by two values, or by marks."""
        return len(self.value_counts) > 1 or self.is_checkmarks

    def is_turn_of(self, dialogue: Column) -> bool:
        """Whether every row holds a number, and no two of one dialogue the same."""
        rows = [*zip(dialogue.cells, self.cells, strict=True)]
        return self.num_filled == len(rows) == len(set(rows)) and not self.is_unique

    @cached_property
    def holds_clips(self) -> bool:
        """Whether most values are names of sound or video files."""
        return sum(n for value, n in self.value_counts.items() if is_media_file(value)) * 2 > self.num_filled

    @cached_property
    def holds_splits(self) -> bool:
        """Whether every row names a split, and not all the same."""
        named = {parse_split(value) for value in self.value_counts}
        return self.num_filled == len(self.cells) and None not in named and len(named) > 1

    @cached_property
    def mean_words(self) -> float:
        """Words per value."""
        return sum(n * len(value.split()) for value, n in self.value_counts.items()) / max(self.num_filled, 1)

    @cached_property
    def label_separator(self) -> str | None:
        """What parts several labels in a cell, as far as that is beyond doubt."""
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
        """Count the names of labels in it, were it a column of labels."""
        cells, _several = split_label_cells(tuple(self.value_counts), separator)
        found: Counter[str] = Counter()
        for cell, n in zip(cells, self.value_counts.values(), strict=True):
            for word in cell or ():
                found[word] += n
        return found


TASKS = ("emotion", "sentiment")


def share_of_known_labels(label_counts: Mapping[str, int], task: str) -> float:
    """Return the share of words that are known names of labels of ``task``."""
    total = sum(label_counts.values())
    return sum(n for word, n in label_counts.items() if is_known_label(word, task)) / total if total else 0.0


def make_columns(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of a table, in its order."""
    return [Column(name, tuple(row[name] for row in rows)) for name in rows[0]]


def leaks_label(column: Column, labels: Sequence[Labels | None], rows: Iterable[int]) -> bool:
    """Say whether a column's values tell a label.

    They do if each stands with one label alone and most stand repeatedly, or, as numbers, if their nearest
    neighbors say whether a row has one of the labels (see `sentir.corpus.leakage`).

    Args:
        column: the one in question.
        labels: of each row; ``None`` where there are none.
        rows: numbers of the rows to look at, those of train.
    """
    known = [n for n in rows if labels[n] is not None]
    return _values_leak_label(column, labels, known) or (
        column.is_numeric and _neighbors_leak_label(column, labels, known)
    )


def _neighbors_leak_label(column: Column, labels: Sequence[Labels | None], rows: Sequence[int]) -> bool:
    found = (column.numbers[n] for n in rows)
    values = np.array([np.nan if value is None else value for value in found])
    own = [labels[n] or frozenset() for n in rows]
    names = frozenset().union(*own)
    return any(
        score_leakage(values, np.array([name in found for found in own])) >= LEAKAGE_THRESHOLD for name in names
    )


def _values_leak_label(column: Column, labels: Sequence[Labels | None], rows: Sequence[int]) -> bool:
    label_of: dict[str, Labels | None] = {}
    times: Counter[str] = Counter()
    for n in rows:
        value = normalize_name(column.cells[n])
        if not value:
            continue
        if label_of.setdefault(value, labels[n]) != labels[n]:
            return False
        times[value] += 1
    repeated = sum(n for n in times.values() if n > 1)
    return len(set(label_of.values())) > 1 and repeated * 2 >= times.total()
