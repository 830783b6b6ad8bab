"""The verb that writes a corpus as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sentir.api.corpora import load_with_absolute_clips
from sentir.corpus import tables
from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write, write_errors
from sentir.paths import PathLike
from sentir.safe_text import json_dumps, make_printable

TABLE_SUFFIXES = (".parquet", ".csv", ".jsonl")


def export_corpus(corpus: PathLike, out: PathLike, *, root: PathLike | None = None) -> Corpus:
    """Write a corpus as a table with a row for each utterance, and return it; labels of test are left empty.

    Multi-label cells are lists in Parquet and JSON Lines, and JSON lists in CSV; clips are absolute paths. In CSV
    control characters are replaced by U+FFFD.

    Args:
        corpus: a reader's name or a recipe.
        out: a ``.parquet``, ``.csv`` or ``.jsonl`` file.
        root: folder of the corpus.

    Raises:
        SentirError: if the file has another suffix or cannot be written, or the corpus cannot be read.
    """
    out = Path(out)
    suffix = out.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise SentirError(
            _("{path} is not a supported table; use one of {known}.", path=out, known=", ".join(TABLE_SUFFIXES))
        )
    loaded = load_with_absolute_clips(corpus, root)
    with write_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as draft:
            _write_table(_ordered_rows(loaded), loaded, draft, suffix)
    return loaded


def _ordered_rows(corpus: Corpus) -> list[dict[str, Any]]:
    """Return the rows of the table, dialogue by dialogue, as table readers take turns in row order."""
    row_of = {row["id"]: row for row in tables.to_rows(corpus)}
    return [row_of[u.id] for dialogue in corpus.dialogues.values() for u in dialogue.utterances]


def _write_table(rows: list[dict[str, Any]], corpus: Corpus, file: Path, suffix: str) -> None:
    import pandas as pd

    if suffix == ".jsonl":
        lines = (json_dumps(row, indent=None) + "\n" for row in rows)
        file.write_text("".join(lines), encoding="utf-8")
        return
    frame = pd.DataFrame(rows)
    if suffix == ".parquet":
        frame.to_parquet(file, index=False)
        return
    for task, space in corpus.label_spaces.items():
        if space.cell_type is list and rows:
            frame[task] = frame[task].map(json.dumps, na_action="ignore")
    frame = frame.map(lambda cell: make_printable(cell) if isinstance(cell, str) else cell)
    frame.rename(columns=make_printable).to_csv(file, index=False)
