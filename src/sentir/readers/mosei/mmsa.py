"""MMSA's ``label.csv``: only sentiment, a row per clip, its clips in ``Raw/<video_id>/<clip_id>.mp4``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import normalize_name
from sentir.corpus.utterances import Issue
from sentir.files.corpus_tables import read_csv_rows, skip_row
from sentir.files.splits import parse_split
from sentir.i18n import _
from sentir.readers.mosei.segments import INTENSITY_SPACE, SENTIMENT_SPACE, MoseiSegment, ParsedLabels

_COLUMNS = ("video_id", "clip_id", "text", "label", "mode")


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the label tables among files, those in a folder of MOSEI before those of MMSA's other corpora."""
    tables = [path for path in files if path.name.casefold() == "label.csv"]
    return sorted(tables, key=lambda path: "mosei" not in str(path.parent).casefold())


def read_labels(root: Path, files: Sequence[Path], name: str, issues: list[Issue]) -> ParsedLabels:
    """Read the table; it has no times, so a segment's id ends with the number of the clip.

    Raises:
        CorpusError: if a column is missing or the file is not CSV.
    """
    path = find_labels(files)[0]
    segments: list[MoseiSegment] = []
    for where, row in read_csv_rows(path, _COLUMNS, issues):
        video, clip = normalize_name(row["video_id"]), normalize_name(row["clip_id"])
        split = parse_split(row["mode"])
        if not video or not clip:
            skip_row(issues, where, _("its video_id or clip_id is missing"))
        elif split is None:
            skip_row(issues, where, _("its mode '{mode}' is not a split", mode=row["mode"]))
        else:
            intensities = {"sentiment": row["label"]}
            text = row["text"]
            segments.append(MoseiSegment(where, split, video, clip, intensities, clip_number=clip, text=text))
    provenance = [_("sentiment, texts and splits from {file}", file=path.name)]
    label_spaces = (SENTIMENT_SPACE, INTENSITY_SPACE)
    return ParsedLabels(_("as distributed with MMSA"), provenance, [path], segments, label_spaces)
