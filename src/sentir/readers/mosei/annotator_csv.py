"""The authors' ``Raw/Labels``: CSVs with one annotator's answers on each row, averaged per clip."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from sentir.corpus.invisible_characters import plain
from sentir.corpus.utterances import SPLITS, Issue
from sentir.files.cells import to_number
from sentir.files.corpus_tables import read_rows, unusable
from sentir.i18n import _, thousands
from sentir.readers.mosei.folds import find_folds, note_outside
from sentir.readers.mosei.segments import SCALES, Layout, Segment
from sentir.readers.mosei.transcripts import Line, note_unlabeled, read_transcripts

_VIDEO, _CLIP = "Input.VIDEO_ID", "Input.CLIP"
_ANSWERS = {scale: f"Answer.{scale}" for scale in SCALES} | {"happy": "Answer.happiness", "sad": "Answer.sadness"}

Answers = dict[str, list[float]]


def find_labels(files: Sequence[Path]) -> list[Path]:
    """Return the tables of answers among files, told by their first line."""
    return [path for path in files if path.suffix.lower() == ".csv" and {_VIDEO, _CLIP} <= set(_header(path))]


def read_layout(root: Path, files: Sequence[Path], name: str) -> Layout:
    """Average the answers per clip; its times and text are those of its line in the transcripts.

    A clip without a line stays, with the number of the clip at the end of its id.

    Raises:
        CorpusError: if a column is missing, a file is no CSV, or folds cannot be read.
    """
    paths = find_labels(files)
    answers, issues = _read_answers(paths)
    lines, odd = read_transcripts(files)
    split_of, folds = find_folds(files)
    line_of = {(line.video, line.clip): line for line in lines}
    issues += odd
    issues += note_unlabeled(len(lines) - len(line_of.keys() & answers.keys()), name)
    segments = [
        _segment(clip, found, line_of.get(clip), split_of.get(clip[0], "")) for clip, found in answers.items()
    ]
    issues += [_no_line(segment.key(name)) for segment in segments if segment.times is None and segment.split]
    issues += note_outside([segment for segment in segments if not segment.split], name)
    facts = [
        _("labels averaged over the annotators of {files}", files=", ".join(path.name for path in paths)),
        _("texts from {n} lines of transcripts", n=thousands(len(lines))),
        _("splits from {file}", file=folds),
    ]
    inside = sorted((s for s in segments if s.split), key=lambda s: SPLITS.index(s.split))
    return Layout(_("as its authors distribute it"), facts, paths, inside, issues)


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return next(csv.reader([file.readline()]), [])
    except (OSError, csv.Error):
        return []


def _read_answers(paths: Sequence[Path]) -> tuple[dict[tuple[str, str], Answers], list[Issue]]:
    answers: dict[tuple[str, str], Answers] = {}
    issues: list[Issue] = []
    for path in paths:
        rows, odd = read_rows(path, (_VIDEO, _CLIP, *_ANSWERS.values()))
        issues += odd
        for where, row in rows:
            video, clip = plain(row[_VIDEO]).rpartition("/")[2], plain(row[_CLIP])
            if not video or not clip:
                issues.append(unusable(where, _("its {video} or {clip} is missing", video=_VIDEO, clip=_CLIP)))
                continue
            found = answers.setdefault((video, clip), {scale: [] for scale in SCALES})
            issues += _add(found, row, where)
    return answers, issues


def _add(found: Answers, row: Mapping[str, str], where: str) -> list[Issue]:
    missing = []
    for scale, column in _ANSWERS.items():
        number = to_number(row[column])
        if number is None:
            missing.append(column)
        else:
            found[scale].append(number)
    if not missing:
        return []
    message = _("{columns} of this annotator is no number; the others count.", columns=", ".join(missing))
    return [Issue("answer_missing", "note", message, where)]


def _segment(clip: tuple[str, str], answers: Answers, line: Line | None, split: str) -> Segment:
    video, number = clip
    cells = {scale: str(fmean(found)) if found else "" for scale, found in answers.items()}
    if line is None:
        return Segment(f"{video}, {number}", split, video, number, cells, clip=number)
    name = f"{line.times[0]}-{line.times[1]}"
    return Segment(f"{video}, {number}", split, video, name, cells, line.times, number, line.text)


def _no_line(key: str) -> Issue:
    message = _("There is no transcript of this clip; the utterance stays, without text and times.")
    return Issue("text_missing", "problem", message, key)
