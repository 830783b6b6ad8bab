"""The label CSVs of the Kaggle copies: one per split, texts included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import normalize_name
from sentir.corpus.utterances import Issue
from sentir.files.corpus_tables import find_csv_files, read_csv_rows, skip_row
from sentir.i18n import _
from sentir.readers.mosei.segments import SCALES, MoseiSegment, ParsedLabels, parse_interval

_CSV_NAMES = {
    "train": "Data_Train_modified.csv",
    "dev": "Data_Val_modified.csv",
    "test": "Data_Test_modified.csv",
}
_COLUMNS = ("video", "start_time", "end_time", *SCALES, "text")


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the label CSVs among files."""
    return [path for path in files if path.name in _CSV_NAMES.values()]


def read_labels(root: Path, files: Sequence[Path], name: str, issues: list[Issue]) -> ParsedLabels:
    """Read the label CSVs below ``root``; the times in a segment's id are spelled as in the cells.

    Raises:
        CorpusError: if a file or column is missing, or a file is not CSV.
    """
    tables = find_csv_files(root, list(_CSV_NAMES.values()), issues)
    segments: list[MoseiSegment] = []
    for split, path in zip(_CSV_NAMES, tables, strict=True):
        for where, row in read_csv_rows(path, _COLUMNS, issues):
            video, start, end = (normalize_name(row[column]) for column in ("video", "start_time", "end_time"))
            interval = parse_interval(start, end)
            if not video or interval is None:
                skip_row(issues, where, _("its video, start_time or end_time is missing or not a number"))
                continue
            scales, id_suffix = {scale: row[scale] for scale in SCALES}, f"{start}-{end}"
            segments.append(MoseiSegment(where, split, video, id_suffix, scales, interval, text=row["text"]))
    provenance = [_("labels, texts and splits from {files}", files="Data_{Train,Val,Test}_modified.csv")]
    return ParsedLabels(_describe_copy(tables[0].parent), provenance, tables, segments)


def _describe_copy(folder: Path) -> str:
    """Name the copy, recognized by the folders of audio beside the tables or beside their folder."""
    for parent in (folder, folder.parent):
        if (parent / "Audio_chunk").is_dir():
            return _("as on Kaggle (gnurtqh/cmu-mosei)")
        if (parent / "Audio").is_dir():
            return _("as on Kaggle (maunberg/cmu-mosei)")
    return _("as its label CSVs only")
