"""Documents made of sections with paragraphs, lists, tables and code, rendered as Markdown."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sentir.safe_text import make_printable


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A bulleted list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table with a cell per heading in each row.

    Attributes:
        numeric: the columns that hold numbers; by default all but the first.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Collection[int] | None = None

    @property
    def numeric_columns(self) -> Collection[int]:
        """The columns that hold numbers."""
        return range(1, len(self.headings)) if self.numeric is None else self.numeric


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Text shown verbatim."""

    text: str
    language: str = ""


Block = str | ListBlock | TableBlock | CodeBlock


@dataclass(frozen=True, slots=True)
class DocumentSection:
    """A section with a heading; ``level`` is 2, or 3 for a subsection."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True, slots=True)
class Document:
    """A document."""

    title: str
    sections: tuple[DocumentSection, ...]

    def to_markdown(self) -> str:
        """Return it as Markdown with all Markdown syntax in the texts escaped."""
        blocks = [f"# {escape_markdown(self.title)}"]
        for section in self.sections:
            heading = f"{'#' * section.level} {escape_markdown(section.title)}"
            blocks += [heading, *map(_block_to_markdown, section.blocks)]
        return make_printable("\n\n".join(blocks)) + "\n"


def escape_markdown(text: str) -> str:
    """Return text on one line with Markdown syntax escaped."""
    line = re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\d*)([#+=.)-]+)(?=\s|$)", r"\1\\\2", line)  # starts of headings and lists


def _block_to_markdown(block: Block) -> str:
    if isinstance(block, ListBlock):
        return "\n".join(f"- {escape_markdown(item)}" for item in block.items)
    if isinstance(block, TableBlock):
        return _table_to_markdown(block)
    if isinstance(block, CodeBlock):
        longest = max((len(ticks) for ticks in re.findall("`+", block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}{block.language}\n{block.text}\n{fence}"
    return escape_markdown(block)


def _table_to_markdown(table: TableBlock) -> str:
    delimiters = ["--:" if n in table.numeric_columns else "---" for n in range(len(table.headings))]
    return "\n".join(
        [_row_to_markdown(table.headings), f"| {' | '.join(delimiters)} |", *map(_row_to_markdown, table.rows)]
    )


def _row_to_markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escape_markdown, cells))} |"
