"""The authors' ``Raw/Labels``: CSVs with one annotator's ratings per row, averaged per clip."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from sentir.corpus.invisible_characters import normalize_name
from sentir.corpus.utterances import Issue
from sentir.files.cells import parse_number
from sentir.files.corpus_tables import read_csv_rows, skip_row
from sentir.i18n import _, format_count
from sentir.readers.mosei.folds import find_folds, select_in_folds
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


def read_labels(root: Path, files: Sequence[Path], name: str, issues: list[Issue]) -> ParsedLabels:
    """Average the ratings per clip; its times and text are those of its line in the transcripts.

    A clip without a line is kept, with its number at the end of its id.

    Raises:
        CorpusError: if a column is missing, a file is not CSV, or folds cannot be read.
    """
    paths = find_labels(files)
    ratings_of = _read_ratings(paths, issues)
    lines = read_transcripts(files, issues)
    split_of, folds = find_folds(files)
    line_of = {(line.video, line.clip_number): line for line in lines}
    note_unlabeled_lines(len(lines) - len(line_of.keys() & ratings_of.keys()), name, issues)
    segments = [
        _make_segment(clip, ratings, line_of.get(clip), split_of.get(clip[0], ""))
        for clip, ratings in ratings_of.items()
    ]
    message = _("There is no transcript of this clip; the utterance is kept without text and times.")
    issues += [
        Issue("text_missing", "problem", message, segment.utterance_id(name))
        for segment in segments
        if segment.interval is None and segment.split
    ]
    provenance = [
        _("labels averaged over the annotators of {files}", files=", ".join(path.name for path in paths)),
        _("texts from {n} lines of transcripts", n=format_count(len(lines))),
        _("splits from {file}", file=folds),
    ]
    in_folds = select_in_folds(segments, name, issues)
    return ParsedLabels(_("as its authors distribute it"), provenance, paths, in_folds)


def _read_header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return next(csv.reader([file.readline()]), [])
    except (OSError, csv.Error):
        return []


def _read_ratings(paths: Sequence[Path], issues: list[Issue]) -> dict[tuple[str, str], Ratings]:
    ratings_of: dict[tuple[str, str], Ratings] = {}
    columns = (_VIDEO_COLUMN, _CLIP_COLUMN, *_RATING_COLUMNS.values())
    for path in paths:
        for where, row in read_csv_rows(path, columns, issues):
            video, clip = normalize_name(row[_VIDEO_COLUMN]).rpartition("/")[2], normalize_name(row[_CLIP_COLUMN])
            if not video or not clip:
                reason = _("its {video} or {clip} is missing", video=_VIDEO_COLUMN, clip=_CLIP_COLUMN)
                skip_row(issues, where, reason)
                continue
            ratings = ratings_of.setdefault((video, clip), {scale: [] for scale in SCALES})
            _add_ratings(ratings, row, where, issues)
    return ratings_of


def _add_ratings(ratings: Ratings, row: Mapping[str, str], where: str, issues: list[Issue]) -> None:
    missing = []
    for scale, column in _RATING_COLUMNS.items():
        number = parse_number(row[column])
        if number is None:
            missing.append(column)
        else:
            ratings[scale].append(number)
    if missing:
        message = _(
            "{columns} of this annotator is not a number; the other ratings are used.",
            columns=", ".join(missing),
        )
        issues.append(Issue("rating_missing", "note", message, where))


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
