"""The label CSVs of the Kaggle copies: one per split, texts included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import plain
from sentir.corpus.utterances import Issue
from sentir.files.corpus_tables import find_tables, read_rows, unusable
from sentir.i18n import _
from sentir.readers.mosei.segments import SCALES, Layout, Segment, read_times

_FILES = {
    "train": "Data_Train_modified.csv",
    "dev": "Data_Val_modified.csv",
    "test": "Data_Test_modified.csv",
}
_COLUMNS = ("video", "start_time", "end_time", *SCALES, "text")


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the label CSVs among files."""
    return [path for path in files if path.name in _FILES.values()]


def read_layout(root: Path, files: Sequence[Path], name: str) -> Layout:
    """Read the label CSVs below ``root``; a segment's id has its times as the cells spell them.

    Raises:
        CorpusError: if a file or column is missing, or a file is no CSV.
    """
    tables, issues = find_tables(root, list(_FILES.values()))
    segments: list[Segment] = []
    for split, path in zip(_FILES, tables, strict=True):
        found, odd = _read_split(path, split)
        segments += found
        issues += odd
    facts = [_("labels, texts and splits from {files}", files="Data_{Train,Val,Test}_modified.csv")]
    return Layout(_kind(tables[0].parent), facts, tables, segments, issues)


def _kind(folder: Path) -> str:
    """Tell the copies apart by the folders of sound beside the tables, or beside their folder."""
    for place in (folder, folder.parent):
        if (place / "Audio_chunk").is_dir():
            return _("as on Kaggle (gnurtqh/cmu-mosei)")
        if (place / "Audio").is_dir():
            return _("as on Kaggle (maunberg/cmu-mosei)")
    return _("as its label CSVs alone")


def _read_split(path: Path, split: str) -> tuple[list[Segment], list[Issue]]:
    rows, issues = read_rows(path, _COLUMNS)
    segments: list[Segment] = []
    for where, row in rows:
        video, start, end = (plain(row[column]) for column in ("video", "start_time", "end_time"))
        times = read_times(start, end)
        if not video or times is None:
            issues.append(unusable(where, _("its video, start_time or end_time is missing or no number")))
            continue
        intensities = {scale: row[scale] for scale in SCALES}
        segments.append(Segment(where, split, video, f"{start}-{end}", intensities, times, text=row["text"]))
    return segments, issues
