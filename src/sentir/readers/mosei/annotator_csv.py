"""The authors' ``Raw/Labels``: CSVs with one annotator's ratings per row, averaged per clip."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from sentir.corpus.invisible_characters import normalize_name
from sentir.corpus.utterances import SPLITS, Issue
from sentir.files.cells import parse_number
from sentir.files.corpus_tables import make_row_issue, read_csv_rows
from sentir.i18n import _, format_count
from sentir.readers.mosei.folds import find_folds, note_outside_folds
from sentir.readers.mosei.segments import SCALES, MoseiSegment, ParsedLabels
from sentir.readers.mosei.transcripts import TranscriptLine, note_unlabeled_lines, read_transcripts

_VIDEO_COLUMN, _CLIP_COLUMN = "Input.VIDEO_ID", "Input.CLIP"
_RATING_COLUMNS = {scale: f"Answer.{scale}" for scale in SCALES} | {
    "happy": "Answer.happiness",
    "sad": "Answer.sadness",
}

Ratings = dict[str, list[float]]


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the tables of ratings among files, recognized by their header."""
    return [
        path
        for path in files
        if path.suffix.lower() == ".csv" and {_VIDEO_COLUMN, _CLIP_COLUMN} <= set(_read_header(path))
    ]


def read_labels(root: Path, files: Sequence[Path], name: str) -> ParsedLabels:
    """Average the ratings per clip; its times and text are those of its line in the transcripts.

    A clip without a line is kept, with its number at the end of its id.

    Raises:
        CorpusError: if a column is missing, a file is not CSV, or folds cannot be read.
    """
    paths = find_labels(files)
    ratings_of, issues = _read_ratings(paths)
    lines, new_issues = read_transcripts(files)
    split_of, folds = find_folds(files)
    line_of = {(line.video, line.clip_number): line for line in lines}
    issues += new_issues
    issues += note_unlabeled_lines(len(lines) - len(line_of.keys() & ratings_of.keys()), name)
    segments = [
        _make_segment(clip, ratings, line_of.get(clip), split_of.get(clip[0], ""))
        for clip, ratings in ratings_of.items()
    ]
    issues += [
        _missing_transcript_issue(segment.utterance_id(name))
        for segment in segments
        if segment.interval is None and segment.split
    ]
    issues += note_outside_folds([segment for segment in segments if not segment.split], name)
    provenance = [
        _("labels averaged over the annotators of {files}", files=", ".join(path.name for path in paths)),
        _("texts from {n} lines of transcripts", n=format_count(len(lines))),
        _("splits from {file}", file=folds),
    ]
    in_folds = sorted((s for s in segments if s.split), key=lambda s: SPLITS.index(s.split))
    return ParsedLabels(_("as its authors distribute it"), provenance, paths, in_folds, issues)


def _read_header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return next(csv.reader([file.readline()]), [])
    except (OSError, csv.Error):
        return []


def _read_ratings(paths: Sequence[Path]) -> tuple[dict[tuple[str, str], Ratings], list[Issue]]:
    ratings_of: dict[tuple[str, str], Ratings] = {}
    issues: list[Issue] = []
    for path in paths:
        rows, new_issues = read_csv_rows(path, (_VIDEO_COLUMN, _CLIP_COLUMN, *_RATING_COLUMNS.values()))
        issues += new_issues
        for where, row in rows:
            video, clip = normalize_name(row[_VIDEO_COLUMN]).rpartition("/")[2], normalize_name(row[_CLIP_COLUMN])
            if not video or not clip:
                reason = _("its {video} or {clip} is missing", video=_VIDEO_COLUMN, clip=_CLIP_COLUMN)
                issues.append(make_row_issue(where, reason))
                continue
            ratings = ratings_of.setdefault((video, clip), {scale: [] for scale in SCALES})
            issues += _add_ratings(ratings, row, where)
    return ratings_of, issues


def _add_ratings(ratings: Ratings, row: Mapping[str, str], where: str) -> list[Issue]:
    missing = []
    for scale, column in _RATING_COLUMNS.items():
        number = parse_number(row[column])
        if number is None:
            missing.append(column)
        else:
            ratings[scale].append(number)
    if not missing:
        return []
    message = _(
        "{columns} of this annotator is not a number; the other ratings are used.", columns=", ".join(missing)
    )
    return [Issue("rating_missing", "note", message, where)]


def _make_segment(
    clip: tuple[str, str], ratings: Ratings, line: TranscriptLine | None, split: str
) -> MoseiSegment:
    video, number = clip
    where = f"{video}, {number}"
    intensities = {scale: str(fmean(values)) if values else "" for scale, values in ratings.items()}
    if line is None:
        return MoseiSegment(where, split, video, number, intensities, clip_number=number)
    id_suffix = f"{line.interval[0]}-{line.interval[1]}"
    return MoseiSegment(where, split, video, id_suffix, intensities, line.interval, number, line.text)


def _missing_transcript_issue(key: str) -> Issue:
    message = _("There is no transcript of this clip; the utterance is kept without text and times.")
    return Issue("text_missing", "problem", message, key)
