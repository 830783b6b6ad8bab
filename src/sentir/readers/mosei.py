"""CMU-MOSEI: segments of monologue videos, from the label CSVs of the Kaggle copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.types import Corpus, Issue, Utterance, group_dialogues
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import to_number
from sentir.readers.meld import check_text, find_tables, read_rows, unusable
from sentir.recipe import Data

_FILES = {
    "train": "Data_Train_modified.csv",
    "dev": "Data_Val_modified.csv",
    "test": "Data_Test_modified.csv",
}
_EMOTION_COLUMNS = ("happy", "sad", "anger", "surprise", "disgust", "fear")
_COLUMNS = ("video", "start_time", "end_time", "sentiment", *_EMOTION_COLUMNS, "text")
_EMOTION_SPACE = LabelSpace("emotion", tuple(e for e in EMOTIONS if e != "neutral"), multilabel=True)
_SENTIMENT_SPACE = LabelSpace("sentiment", SENTIMENTS)


def read(root: Path, data: Data) -> Corpus:
    """Read CMU-MOSEI for a recipe; see `read_tree`."""
    return read_tree(root)


def read_tree(root: Path, *, name: str = "mosei", synthetic: bool = False) -> Corpus:
    """Read a MOSEI-shaped tree into a corpus with the tasks ``emotion`` (several of six) and ``sentiment``.

    An emotion is present when its intensity is above 0; none of them is a valid annotation. Sentiment is
    negative, neutral or positive by the sign of its intensity. ``scores`` holds the seven intensities after
    clamping to [0, 3] and [-3, 3]. A video is a dialogue, its turns ordered by start time; a start before 0 s
    counts as 0. ``numbers["duration"]`` is in seconds.

    Args:
        root: folder at or above the label CSVs.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated.

    Raises:
        CorpusError: if a file or column is missing, a file is no CSV, or a video lies in two splits.
    """
    tables, issues = find_tables(root, list(_FILES.values()))
    utterances: list[Utterance] = []
    for split, path in zip(_FILES, tables, strict=True):
        found, odd = _read_split(path, f"{name}/{split}", split)
        utterances += found
        issues += odd
    _check_videos(name, utterances)
    spaces = [_EMOTION_SPACE, _SENTIMENT_SPACE]
    return Corpus.build(name, utterances, spaces, issues=issues, synthetic=synthetic)


def _check_videos(name: str, utterances: Iterable[Utterance]) -> None:
    """Refuse a video in two splits, which the split in the dialogue's key would hide from `Corpus.build`."""
    split_of: dict[str, str] = {}
    for u in utterances:
        video = u.dialogue.rpartition("/")[2]
        if split_of.setdefault(video, u.split) != u.split:
            raise CorpusError(
                _(
                    "In the corpus '{name}' the video '{video}' lies in {one} and in {other}; "
                    "take its rows out of one of the two files.",
                    name=name,
                    video=video,
                    one=split_of[video],
                    other=u.split,
                )
            )


def _read_split(path: Path, prefix: str, split: str) -> tuple[list[Utterance], list[Issue]]:
    rows, issues = read_rows(path, _COLUMNS)
    utterances: dict[str, Utterance] = {}
    starts: dict[str, tuple[float, float]] = {}
    for where, row in rows:
        video, start, end = (row[column].strip() for column in ("video", "start_time", "end_time"))
        key = f"{prefix}/{video}/{start}-{end}"
        times = to_number(start), to_number(end)
        if not video or times[0] is None or times[1] is None:
            issues.append(unusable(where, _("its video, start_time or end_time is missing or no number")))
        elif key in utterances:
            issues.append(unusable(where, _("an earlier row has the same id {id}", id=key)))
        else:
            starts[key] = (times[0], times[1])
            utterances[key], odd = _utterance(row, key, split, f"{prefix}/{video}", starts[key])
            issues += odd
    return _with_turns(utterances, starts), issues


def _with_turns(utterances: Mapping[str, Utterance], times: Mapping[str, tuple[float, float]]) -> list[Utterance]:
    """Number the segments of each video by their times; the rows keep their order."""
    turns = {
        u.id: turn
        for video in group_dialogues(utterances.values())
        for turn, u in enumerate(sorted(video.utterances, key=lambda u: times[u.id]))
    }
    return [replace(u, turn=turns[key]) for key, u in utterances.items()]


def _utterance(
    row: Mapping[str, str], key: str, split: str, dialogue: str, times: tuple[float, float]
) -> tuple[Utterance, list[Issue]]:
    scores, odd_scores = _scores(row, key)
    numbers, odd_times = _numbers(times, key)
    labels: dict[str, tuple[str, ...]] = {}
    if "sentiment" in scores:
        labels["sentiment"] = (normalize_sentiment(scores["sentiment"]),)
    if scores.keys() >= set(_EMOTION_SPACE.names):
        labels["emotion"] = tuple(e for e in _EMOTION_SPACE.names if scores[e] > 0)
    text = row["text"] if row["text"].strip() else None
    utterance = Utterance(key, split, dialogue, text=text, labels=labels, scores=scores, numbers=numbers)
    return utterance, [*odd_scores, *odd_times, *check_text(row["text"], key)]


def _scores(row: Mapping[str, str], where: str) -> tuple[dict[str, float], list[Issue]]:
    """Return the intensities that are numbers, clamped to their scale, by our label names."""
    scores: dict[str, float] = {}
    issues = []
    for column in ("sentiment", *_EMOTION_COLUMNS):
        value = to_number(row[column])
        if value is None:
            message = _(
                "The {column} '{value}' is no number; the utterance stays, without this task.",
                column=column,
                value=row[column],
            )
            issues.append(Issue("label_unknown", "problem", message, where))
            continue
        low, name = (-3.0, column) if column == "sentiment" else (0.0, normalize_emotion(column))
        scores[name] = min(max(value, low), 3.0)
        if scores[name] != value:
            message = _("An annotated intensity off its scale was set to the end of the scale.")
            issues.append(Issue("intensity_clamped", "note", message, where))
    return scores, issues


def _numbers(times: tuple[float, float], where: str) -> tuple[dict[str, float], list[Issue]]:
    issues = []
    start, end = max(times[0], 0.0), times[1]
    if start != times[0]:
        message = _("The segment starts at {start} s; it counts from 0 s.", start=times[0])
        issues.append(Issue("start_clamped", "note", message, where))
    if end > start:
        return {"duration": round(end - start, 3)}, issues
    message = _("The segment ends before it starts; the utterance stays, without a duration.")
    return {}, [*issues, Issue("times_unusable", "warning", message, where)]
