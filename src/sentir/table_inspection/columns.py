"""What can be seen in a column of a table: how full, how varied, numbers, lists, names of clips or of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sentir.corpus.invisible_characters import is_blank, plain
from sentir.corpus.label_synonyms import fold
from sentir.corpus.leakage import TELLS, told
from sentir.files.cells import Row, is_doubtful, to_list
from sentir.files.media_files import is_media
from sentir.files.splits import split_named
from sentir.readers.table.labels import is_known, is_marked, split_cells, to_intensities

Labels = frozenset[str]
_SURE_SEPARATORS = ("|", ";")  # no name of a label has them
_SEPARATORS = (*_SURE_SEPARATORS, ",", "/")
MOST_LABELS = 60


@dataclass(frozen=True)
class Column:
    """One column: its name and a cell per row."""

    name: str
    cells: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its name without case, accents, spaces and underscores."""
        return fold(self.name).replace(" ", "").rstrip(".")

    @cached_property
    def filled(self) -> int:
        """How many cells hold something."""
        return sum(not is_blank(cell) for cell in self.cells)

    @cached_property
    def values(self) -> Counter[str]:
        """How often each value stands there; empty cells are none."""
        return Counter(value for cell in self.cells if not is_blank(value := plain(cell)))

    @property
    def unique(self) -> bool:
        """Whether every row holds another value."""
        return len(self.values) == len(self.cells)

    @cached_property
    def numbers(self) -> tuple[float | None, ...]:
        """The number in each cell, 1 for yes and 0 for no, ``None`` where there is none."""
        return tuple(to_intensities(self.cells))

    @cached_property
    def numeric(self) -> bool:
        """Whether every value is a number, or yes or no."""
        filled = (number for number, cell in zip(self.numbers, self.cells, strict=True) if cell.strip())
        return bool(self.values) and None not in filled

    @cached_property
    def doubt(self) -> str:
        """A cell that may be two numbers, if such cells are why the column is none of numbers."""
        others = [c for c, number in zip(self.cells, self.numbers, strict=True) if number is None and c.strip()]
        return others[0] if others and all(map(is_doubtful, others)) else ""

    @cached_property
    def marked(self) -> bool:
        """Whether some cells say yes and all others are empty."""
        return is_marked(self.cells)

    @property
    def varied(self) -> bool:
        """Whether it tells rows apart: by two values, or by marks."""
        return len(self.values) > 1 or self.marked

    def numbers_rows_of(self, dialogue: Column) -> bool:
        """Whether every row holds a number, and no two of one dialogue the same."""
        rows = [*zip(dialogue.cells, self.cells, strict=True)]
        return self.filled == len(rows) == len(set(rows)) and not self.unique

    @cached_property
    def clips(self) -> bool:
        """Whether most values are names of sound or video files."""
        return sum(n for value, n in self.values.items() if is_media(value)) * 2 > self.filled

    @cached_property
    def splits(self) -> bool:
        """Whether every row names a split, and not all the same."""
        named = {split_named(value) for value in self.values}
        return self.filled == len(self.cells) and None not in named and len(named) > 1

    @cached_property
    def mean_words(self) -> float:
        """Words per value."""
        return sum(n * len(value.split()) for value, n in self.values.items()) / max(self.filled, 1)

    @cached_property
    def separator(self) -> str | None:
        """What parts several labels in a cell, as far as that is beyond doubt."""
        for separator in _SEPARATORS:
            if not any(separator in value for value in self.values if to_list(value) is None):
                continue
            words = self.words(separator)
            if len(words) <= MOST_LABELS and (
                separator in _SURE_SEPARATORS or max(known_share(words, task) for task in TASKS) == 1
            ):
                return separator
        return None

    def words(self, separator: str | None) -> Counter[str]:
        """Count the names of labels in it, were it a column of labels."""
        cells, _several = split_cells(tuple(self.values), separator)
        found: Counter[str] = Counter()
        for cell, n in zip(cells, self.values.values(), strict=True):
            for word in cell or ():
                found[word] += n
        return found


TASKS = ("emotion", "sentiment")


def known_share(words: Mapping[str, int], task: str) -> float:
    """Return the share of words that are known names of labels of ``task``."""
    total = sum(words.values())
    return sum(n for word, n in words.items() if is_known(word, task)) / total if total else 0.0


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of a table, in its order."""
    return [Column(name, tuple(row[name] for row in rows)) for name in rows[0]]


def determines(column: Column, labels: Sequence[Labels | None], rows: Iterable[int]) -> bool:
    """Say whether a column's values tell a label.

    They do if each stands with one label alone and most stand repeatedly, or, as numbers, if their nearest
    neighbors say whether a row has one of the labels (see `sentir.corpus.leakage`).

    Args:
        column: the one in question.
        labels: of each row; ``None`` where there are none.
        rows: numbers of the rows to look at, those of train.
    """
    known = [n for n in rows if labels[n] is not None]
    return _stand_with_one(column, labels, known) or (column.numeric and _near_one(column, labels, known))


def _near_one(column: Column, labels: Sequence[Labels | None], rows: Sequence[int]) -> bool:
    found = (column.numbers[n] for n in rows)
    values = np.array([np.nan if value is None else value for value in found])
    own = [labels[n] or frozenset() for n in rows]
    names = frozenset().union(*own)
    return any(told(values, np.array([name in found for found in own])) >= TELLS for name in names)


def _stand_with_one(column: Column, labels: Sequence[Labels | None], rows: Sequence[int]) -> bool:
    label_of: dict[str, Labels | None] = {}
    times: Counter[str] = Counter()
    for n in rows:
        value = plain(column.cells[n])
        if not value:
            continue
        if label_of.setdefault(value, labels[n]) != labels[n]:
            return False
        times[value] += 1
    repeated = sum(n for n in times.values() if n > 1)
    return len(set(label_of.values())) > 1 and repeated * 2 >= times.total()
