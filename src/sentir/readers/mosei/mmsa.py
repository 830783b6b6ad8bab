"""MMSA's ``label.csv``: sentiment alone, a row per clip, its clips in ``Raw/<video_id>/<clip_id>.mp4``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import plain
from sentir.files.corpus_tables import read_rows, unusable
from sentir.files.splits import split_named
from sentir.i18n import _
from sentir.readers.mosei.segments import INTENSITY_SPACE, SENTIMENT_SPACE, Layout, Segment

_COLUMNS = ("video_id", "clip_id", "text", "label", "mode")


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the label tables among files, those in a folder of MOSEI before those of MMSA's other corpora."""
    found = [path for path in files if path.name.casefold() == "label.csv"]
    return sorted(found, key=lambda path: "mosei" not in str(path.parent).casefold())


def read_layout(root: Path, files: Sequence[Path], name: str) -> Layout:
    """Read the table; it has no times, so that the number of the clip ends a segment's id.

    Raises:
        CorpusError: if a column is missing or the file is no CSV.
    """
    path = find_labels(files)[0]
    rows, issues = read_rows(path, _COLUMNS)
    segments: list[Segment] = []
    for where, row in rows:
        video, clip, split = plain(row["video_id"]), plain(row["clip_id"]), split_named(row["mode"])
        if not video or not clip:
            issues.append(unusable(where, _("its video_id or clip_id is missing")))
        elif split is None:
            issues.append(unusable(where, _("its mode '{mode}' is no split", mode=row["mode"])))
        else:
            cells = {"sentiment": row["label"]}
            segments.append(Segment(where, split, video, clip, cells, clip=clip, text=row["text"]))
    facts = [_("sentiment, texts and splits from {file}", file=path.name)]
    return Layout(_("as MMSA has it"), facts, [path], segments, issues, (SENTIMENT_SPACE, INTENSITY_SPACE))
