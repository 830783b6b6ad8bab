"""Build the notebooks: `notebooks/source.py` → one `.ipynb` for each language, without outputs.

The source consists of percent cells. A cell that starts with ``# %% [es]`` or ``# %% [en]`` is Markdown in that
language, each line after ``# ``; one that starts with ``# %%`` is code, the same in both languages except for the
line that sets the language. ``# %name`` in code is a Jupyter magic.
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
    """Return the notebook of one language; cell ids are numbers, so that the same source gives the same bytes."""
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
    """Yield the language (``None`` for code) and the text of each cell; text before the first cell is ignored."""
    _head, *parts = _START.split(source)
    for language, text in zip(parts[::2], parts[1::2], strict=True):
        yield language, text.strip("\n")


def main() -> None:
    """Write both notebooks."""
    for language, path in NOTEBOOKS.items():
        path.write_text(to_text(build(SOURCE.read_text(encoding="utf-8"), language)), encoding="utf-8")


if __name__ == "__main__":
    main()
