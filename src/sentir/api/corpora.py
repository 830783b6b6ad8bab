"""The verbs that read, clean, prepare and export a corpus."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentir import readers
from sentir.api.recipes import as_data, load_recipe, resolve_data
from sentir.audio.extraction import infer_mel_kind
from sentir.audio.store_report import StoreReport, prepare_audio
from sentir.corpus import tables
from sentir.corpus.cleaning_report import CleaningReport, trace_cleaning
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Utterance
from sentir.engines.shards import Engine, Share
from sentir.errors import RecipeError, SentirError
from sentir.i18n import _
from sentir.io import atomic_write, write_errors
from sentir.optional_dependencies import require_extra
from sentir.paths import PathLike
from sentir.recipe import DataSettings, Recipe
from sentir.safe_text import json_dumps, make_printable

_TABLE_SUFFIXES = (".parquet", ".csv", ".jsonl")


def load_corpus(corpus: PathLike | DataSettings | Recipe, root: PathLike | None = None) -> Corpus:
    """Read a corpus.

    Args:
        corpus: a reader's name (``"meld"``), a recipe or its path, or a recipe's section ``data``.
        root: folder of the corpus, by default that of the recipe; demo corpora are built in and need none. With
            a reader's name and a root, clips are read too.

    Raises:
        SentirError: if there is no such reader or recipe, or the files cannot be read.
    """
    return readers.read_corpus(as_data(corpus, root=root), root)


def load_with_absolute_clips(corpus: PathLike, root: PathLike | None) -> Corpus:
    """Read a corpus whose clips have absolute paths."""
    loaded = load_corpus(corpus, root)
    return replace(loaded, utterances=tuple(map(_with_absolute_clip_path, loaded.utterances)))


def _with_absolute_clip_path(u: Utterance) -> Utterance:
    return u if u.clip is None else replace(u, clip=replace(u.clip, path=u.clip.path.absolute()))


def prepare_corpus(
    corpus: PathLike,
    *,
    root: PathLike | None = None,
    out: PathLike | None = None,
    workers: int | None = None,
    mel: str | None = None,
    engine: Engine | None = None,
    share: Share | None = None,
) -> StoreReport:
    """Decode every clip of a corpus, and store the audio features that training and prediction use.

    Args:
        corpus: a reader's name (``"meld"``) or a recipe.
        root: folder of the corpus.
        out: folder of the store, by default `sentir.paths.audio_dir`.
        workers: number of worker processes; by default one per core.
        mel: the kind of mel spectrogram, ``mel`` or ``thesis``; by default that of the recipe's model; without a
            recipe ``thesis`` for the thesis' spectrogram files and ``mel`` for audio.
        engine: decodes instead of processes of this machine; it has to read the clips, and write to the store, by
            the same paths.
        share: of the audio files that are decoded and reported; all of them by default.

    Raises:
        RecipeError: if there is no such kind of mel spectrogram.
        SentirError: if the corpus cannot be read or has no clips, or the store cannot be written.
    """
    if mel not in (None, "mel", "thesis"):
        raise RecipeError(_("'{name}' is no kind of mel spectrogram; use mel or thesis.", name=mel))
    if Path(corpus).suffix == ".toml":
        recipe = load_recipe(corpus)
        data, mel = recipe.data.model_copy(update={"audio": True}), mel or recipe.model.audio.mel
    else:
        data = DataSettings(reader=str(corpus), audio=True)
    loaded = readers.read_corpus(data, root)
    folder = None if out is None else Path(out)
    kind = mel or infer_mel_kind(u.clip for u in loaded)
    if share is not None and not share.is_all:
        files = {*share.of(sorted({u.clip.path for u in loaded if u.clip}))}
        loaded = replace(
            loaded, utterances=tuple(u for u in loaded.utterances if u.clip and u.clip.path in files)
        )
    return prepare_audio(loaded, mel_kind=kind, folder=folder, workers=workers, engine=engine)


def preview_cleaning(
    corpus: PathLike, *, root: PathLike | None = None, steps: Sequence[str] | None = None, examples: int = 3
) -> CleaningReport:
    """Report how cleaning changes the texts of a corpus, step by step; the corpus itself is not changed.

    Args:
        corpus: a reader's name or a recipe.
        root: folder of the corpus.
        steps: names of steps, ``default`` or ``thesis``; by default those of the recipe.
        examples: maximum number of texts that are shown.

    Raises:
        UnknownNameError: if there is no such step.
        SentirError: if the corpus cannot be read.
    """
    data = resolve_data(corpus, root=root).model_copy(update={"audio": False})
    return trace_cleaning(
        readers.read_corpus(data, root), data.cleaning if steps is None else steps, examples=examples
    )


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
        MissingDependencyError: if it is Parquet, and pyarrow is not installed.
    """
    out = Path(out)
    suffix = out.suffix.lower()
    if suffix not in _TABLE_SUFFIXES:
        raise SentirError(
            _("{path} is not a supported table; use one of {known}.", path=out, known=", ".join(_TABLE_SUFFIXES))
        )
    if suffix == ".parquet":
        require_extra("parquet", _("Writing {format}", format=suffix))
    loaded = load_with_absolute_clips(corpus, root)
    with write_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as draft:
            _write_table(_ordered_rows(loaded), draft, suffix)
    return loaded


def _ordered_rows(corpus: Corpus) -> list[dict[str, Any]]:
    """Return the rows of the table, dialogue by dialogue, as table readers take turns in row order."""
    row_of = {row["id"]: row for row in tables.to_rows(corpus)}
    return [row_of[u.id] for dialogue in corpus.dialogues.values() for u in dialogue.utterances]


def _write_table(rows: list[dict[str, Any]], file: Path, suffix: str) -> None:
    if suffix == ".jsonl":
        lines = (json_dumps(row, indent=None) + "\n" for row in rows)
        file.write_text("".join(lines), encoding="utf-8")
    elif suffix == ".csv":
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(map(make_printable, rows[0] if rows else ()))
            writer.writerows(map(_to_csv_cell, row.values()) for row in rows)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), file)


def _to_csv_cell(cell: Any) -> Any:
    if isinstance(cell, list):
        return json.dumps(cell)
    return make_printable(cell) if isinstance(cell, str) else cell
