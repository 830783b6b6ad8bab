"""Label cells: names, lists of names, check marks, intensities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.labels import normalize_emotion, normalize_sentiment
from sentir.errors import CorpusError
from sentir.files.cells import parse_list, parse_number, parse_numbers

LABEL_NORMALIZERS: dict[str, Callable[[str], str]] = {
    "emotion": normalize_emotion,
    "sentiment": normalize_sentiment,
}
_YES = frozenset(("true", "verdadero", "yes", "y", "sí", "si", "s", "x", "✓", "✔", "☑"))
_NO = frozenset(("false", "falso", "no", "n", "☐"))


def split_label_cells(cells: Sequence[str], separator: str | None) -> tuple[list[tuple[str, ...] | None], bool]:
    """Return the label names of each cell, ``None`` if it is empty, and whether a row may have several."""
    lists = [parse_list(cell) for cell in cells]
    multilabel = separator is not None or any(items is not None for items in lists)
    words: list[tuple[str, ...] | None] = []
    for cell, items in zip(cells, lists, strict=True):
        if items is None:
            parts = cell.split(separator) if separator else [cell]
            items = [word for part in parts if (word := normalize_name(part))]
            words.append(None if is_blank(cell) else tuple(items))
        else:
            words.append(tuple(map(normalize_name, items)))
    return words, multilabel


def to_intensity(cell: str) -> float | None:
    """Return the number in a cell, 1 for true, yes or ``x`` and 0 for false or no, or ``None``."""
    word = normalize_name(cell).casefold()
    return 1.0 if word in _YES else 0.0 if word in _NO else parse_number(cell)


def to_intensities(cells: Sequence[str]) -> list[float | None]:
    """Return `to_intensity` of the cells of one column, which together determine its decimal mark."""
    numbers = parse_numbers(cells)
    return [to_intensity(cell) if number is None and "," not in cell and "." not in cell else number
            for cell, number in zip(cells, numbers, strict=True)]  # fmt: skip


def is_checkmark_column(cells: Sequence[str]) -> bool:
    """Return whether some cells of a column are yes and all others are empty, so that empty means no."""
    values = {to_intensity(cell) if not is_blank(cell) else 0.0 for cell in cells}
    return values == {0.0, 1.0} and not any(to_intensity(cell) == 0 for cell in cells)


def is_known_label(word: str, task: str) -> bool:
    """Return whether a word is a known name of a label of ``task``."""
    with suppress(CorpusError):
        return bool(LABEL_NORMALIZERS[task](word))
    return False
