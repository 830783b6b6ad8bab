"""Plain documents: a title and parts made of paragraphs, lists, tables and code, and how they become Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sentir.safe_text import printable


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; every row has a cell for each heading. All columns but the first hold numbers if ``numbers``."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: bool = True


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is shown as it is."""

    text: str
    language: str = ""


Block = str | Bullets | Grid | Code


@dataclass(frozen=True, slots=True)
class Part:
    """A headed part; ``level`` is 2 for a section, 3 for one within it."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document."""

    title: str
    parts: tuple[Part, ...]

    def to_markdown(self) -> str:
        """Return it as Markdown, in which every text stays what it is: nothing in it is read as a mark."""
        blocks = [f"# {escape(self.title)}"]
        for part in self.parts:
            blocks += [f"{'#' * part.level} {escape(part.title)}", *map(_markdown, part.blocks)]
        return printable("\n\n".join(blocks)) + "\n"


def escape(text: str) -> str:
    """Return text on one line, as Markdown shows it unchanged."""
    line = re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\d*)([#+=.)-]+)(?=\s|$)", r"\1\\\2", line)  # nothing that begins a heading or a list


def _markdown(block: Block) -> str:
    if isinstance(block, Bullets):
        return "\n".join(f"- {escape(item)}" for item in block.items)
    if isinstance(block, Grid):
        return _table(block)
    if isinstance(block, Code):
        longest = max((len(ticks) for ticks in re.findall("`+", block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}{block.language}\n{block.text}\n{fence}"
    return escape(block)


def _table(grid: Grid) -> str:
    marks = ["---", *("--:" if grid.numbers else "---" for _heading in grid.headings[1:])]
    return "\n".join([_row(grid.headings), f"| {' | '.join(marks)} |", *map(_row, grid.rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escape, cells))} |"
