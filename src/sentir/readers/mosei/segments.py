"""Segments of CMU-MOSEI, the same for all label formats, and their conversion to utterances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.utterances import Issue, Utterance, group_dialogues
from sentir.errors import CorpusError
from sentir.files.cells import parse_number
from sentir.files.corpus_tables import check_text_encoding, skip_row
from sentir.i18n import _, localize_numbers

EMOTION_SPACE = MultiLabelSpace("emotion", tuple(e for e in EMOTIONS if e != "neutral"), max_intensity=3.0)
SENTIMENT_SPACE = SingleLabelSpace("sentiment", SENTIMENTS)
INTENSITY_SPACE = RegressionSpace("sentiment_intensity", "sentiment", (-3.0, 3.0))
SCALES = ("sentiment", "happy", "sad", "anger", "surprise", "disgust", "fear")  # in the order of the .csd file
_LABEL_BY_SCALE = {scale: scale if scale == "sentiment" else normalize_emotion(scale) for scale in SCALES}
_TIME_TOLERANCE = 1e-3  # seconds; names of files have four decimals, the labels more or fewer

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MoseiSegment:
    """One annotated segment of a video.

    Attributes:
        where: file and row, or what stands for a row, for issues.
        split: ``train``, ``dev``, ``test``, or ``""`` if its video is in no fold.
        video: id of the video.
        id_suffix: last part of the utterance's id: ``14.468-22.882``, or the number of the clip without times.
        intensities: scale → cell.
        interval: start and end in seconds, as annotated; ``None`` if unknown.
        clip_number: its number in the video; ``""`` if unknown.
        text: its transcript; ``""`` if unknown.
    """

    where: str
    split: str
    video: str
    id_suffix: str
    intensities: Mapping[str, str]
    interval: Interval | None = None
    clip_number: str = ""
    text: str = ""

    def utterance_id(self, corpus_name: str) -> str:
        """Return the id of its utterance in a corpus of this name."""
        return f"{corpus_name}/{self.split}/{self.video}/{self.id_suffix}"


@dataclass(frozen=True, slots=True)
class ParsedLabels:
    """The segments of a recognized layout.

    Attributes:
        description: the layout in words, such as "as on Kaggle (gnurtqh/cmu-mosei)".
        provenance: sources of labels, texts and splits, in words.
        label_files: the files with the labels.
        segments: in the order of the files.
        label_spaces: of the annotated tasks.
    """

    description: str
    provenance: list[str]
    label_files: list[Path]
    segments: list[MoseiSegment]
    label_spaces: tuple[LabelSpace, ...] = (EMOTION_SPACE, SENTIMENT_SPACE, INTENSITY_SPACE)


def parse_interval(start: str, end: str) -> Interval | None:
    """Parse two cells as seconds; ``None`` if one is not a number."""
    start_seconds, end_seconds = parse_number(start), parse_number(end)
    return None if start_seconds is None or end_seconds is None else (start_seconds, end_seconds)


def is_interval_of(annotated: Interval, named: Interval) -> bool:
    """Return whether a file is named after an interval: its start as annotated, or clamped to 0."""
    starts = (annotated[0], max(annotated[0], 0.0))
    return min(abs(named[0] - start) for start in starts) <= _TIME_TOLERANCE >= abs(named[1] - annotated[1])


def index_segments(segments: Iterable[MoseiSegment], name: str, issues: list[Issue]) -> dict[str, MoseiSegment]:
    """Return the segments by utterance id; those with a repeated id are left out and listed.

    Raises:
        CorpusError: if a video is in two splits.
    """
    by_id: dict[str, MoseiSegment] = {}
    split_of: dict[str, str] = {}
    for segment in segments:
        key = segment.utterance_id(name)
        if split_of.setdefault(segment.video, segment.split) != segment.split:
            raise CorpusError(
                _(
                    "In the corpus '{name}', the video '{video}' is in {one} and in {other}; remove its rows "
                    "from one of the two files.",
                    name=name,
                    video=segment.video,
                    one=split_of[segment.video],
                    other=segment.split,
                )
            )
        if key in by_id:
            skip_row(issues, segment.where, _("an earlier row has the same id {id}", id=key))
        else:
            by_id[key] = segment
    return by_id


def to_utterances(segments: Mapping[str, MoseiSegment], issues: list[Issue]) -> list[Utterance]:
    """Convert segments by id to utterances without clips, with turns in the order of their times in a video."""
    utterances = [_to_utterance(segment, key, issues) for key, segment in segments.items()]
    turns = {
        u.id: turn
        for video in group_dialogues(utterances)
        for turn, u in enumerate(sorted(video.utterances, key=lambda u: _sort_key(segments[u.id])))
    }
    return [replace(u, turn=turns[u.id]) for u in utterances]


def _sort_key(segment: MoseiSegment) -> tuple[bool, Interval]:
    """Return the sort key of segments within a video: by times, those without times last, by clip number."""
    number = parse_number(segment.clip_number) or 0.0
    return segment.interval is None, segment.interval or (number, number)


def _to_utterance(segment: MoseiSegment, key: str, issues: list[Issue]) -> Utterance:
    scores = _parse_scores(segment.intensities, key, issues)
    features = _duration_features(segment.interval, key, issues) if segment.interval else {}
    labels: dict[str, tuple[str, ...]] = {}
    if "sentiment" in scores:
        labels["sentiment"] = (normalize_sentiment(scores["sentiment"]),)
    if scores.keys() >= set(EMOTION_SPACE.names):
        labels["emotion"] = tuple(e for e in EMOTION_SPACE.names if scores[e] > 0)
    check_text_encoding(segment.text, key, issues)
    return Utterance(
        id=key,
        split=segment.split,
        dialogue=key.rpartition("/")[0],
        text=None if is_blank(segment.text) else segment.text,
        labels=labels,
        scores=scores,
        numeric_features=features,
    )


def _parse_scores(cells: Mapping[str, str], where: str, issues: list[Issue]) -> dict[str, float]:
    """Parse intensities, clamped to their scale, by label name; those that are not numbers are listed."""
    scores: dict[str, float] = {}
    for column, cell in cells.items():
        value = parse_number(cell)
        if value is None:
            message = _(
                "The {column} '{value}' is not a number; the utterance is kept without a label of this task.",
                column=column,
                value=cell,
            )
            issues.append(Issue("label_unknown", "problem", message, where))
            continue
        low, name = -3.0 if column == "sentiment" else 0.0, _LABEL_BY_SCALE[column]
        scores[name] = min(max(value, low), 3.0)
        if scores[name] != value:
            message = _("An annotated intensity outside its scale was clamped to it.")
            issues.append(Issue("intensity_clamped", "note", message, where))
    return scores


def _duration_features(interval: Interval, where: str, issues: list[Issue]) -> dict[str, float]:
    start, end = max(interval[0], 0.0), interval[1]
    if start != interval[0]:
        message = _("The segment starts at {start} s; 0 s is used.", start=localize_numbers(str(interval[0])))
        issues.append(Issue("start_clamped", "note", message, where))
    if end > start:
        return {"duration": round(end - start, 3)}
    message = _("The segment ends before it starts; the utterance is kept without a duration.")
    issues.append(Issue("times_invalid", "warning", message, where))
    return {}
