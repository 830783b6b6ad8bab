"""Make the notebooks: `notebooks/source.py` → one `.ipynb` for each language, without outputs.

The source is written in percent cells. A cell that begins with ``# %% [es]`` or ``# %% [en]`` is prose in that
language, Markdown behind ``# ``; one that begins with ``# %%`` is code, the same in both but for the line that
names the language. ``# %name`` in code is a magic of Jupyter's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

FOLDER = Path(__file__).parents[1] / "notebooks"
SOURCE = FOLDER / "source.py"
NOTEBOOKS = {"es": FOLDER / "implementacion.ipynb", "en": FOLDER / "implementation.ipynb"}

_START = re.compile(r"^# %%(?: \[(es|en)\])?[ ]*\n", re.MULTILINE)
_LANGUAGE = re.compile(r'^LANGUAGE = "\w+"', re.MULTILINE)
_MAGIC = re.compile(r"^# (%\w)", re.MULTILINE)
_PROSE = re.compile(r"^# ?", re.MULTILINE)
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def build(source: str, language: str) -> NotebookNode:
    """Return the notebook of one language; its cells are numbered: the same source makes the same bytes."""
    cells = []
    for n, (prose, text) in enumerate(_cells(source)):
        if prose is None:
            code = _MAGIC.sub(r"\1", _LANGUAGE.sub(f'LANGUAGE = "{language}"', text))
            cells.append(v4.new_code_cell(code, id=f"cell-{n}"))
        elif prose == language:
            cells.append(v4.new_markdown_cell(_PROSE.sub("", text), id=f"cell-{n}"))
    notebook = v4.new_notebook(cells=cells, metadata=_METADATA)
    nbformat.validate(notebook)
    return notebook


def to_text(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return f"{nbformat.writes(notebook)}\n"


def _cells(source: str) -> Iterator[tuple[str | None, str]]:
    """Yield the language of each cell, ``None`` for code, and its text; what comes before them is passed over."""
    _head, *parts = _START.split(source)
    for language, text in zip(parts[::2], parts[1::2], strict=True):
        yield language, text.strip("\n")


def main() -> None:
    """Write both notebooks."""
    for language, path in NOTEBOOKS.items():
        path.write_text(to_text(build(SOURCE.read_text(encoding="utf-8"), language)), encoding="utf-8")


if __name__ == "__main__":
    main()
