"""CMU-MOSEI: segments of monologue videos, from the label CSVs of the Kaggle copies.

Sound lies in any folder under the root, as whole videos (``<video>.wav``) that the times of the CSVs cut, or as
chunks (``<video>_<start>_<end>.wav``); a chunk is taken before a cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.types import Clip, Corpus, Issue, Utterance, group_dialogues
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import to_number
from sentir.readers.clips import is_media, list_folders, note_spare
from sentir.readers.csv_files import check_text, find_tables, is_synthetic, read_rows, unusable
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
_CHUNK = re.compile(r"(.+)_(-?\d+(?:\.\d+)?)_(-?\d+(?:\.\d+)?)")
_SAME_TIME = 1e-3  # seconds; names of chunks hold four decimals, the CSVs more or fewer

Times = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Audio:
    """What lies under a root: whole videos by id, and chunks with their times by the id of their video."""

    whole: dict[str, Path] = field(default_factory=dict)
    chunks: dict[str, list[tuple[Times, Path]]] = field(default_factory=dict)


def read(root: Path, data: Data) -> Corpus:
    """Read CMU-MOSEI for a recipe; see `read_tree`."""
    return read_tree(root, sound=data.sound)


def read_tree(root: Path, *, name: str = "mosei", synthetic: bool = False, sound: bool = False) -> Corpus:
    """Read a MOSEI-shaped tree into a corpus with the tasks ``emotion`` (several of six) and ``sentiment``.

    An emotion is present when its intensity is above 0; none of them is a valid annotation. Sentiment is
    negative, neutral or positive by the sign of its intensity. ``scores`` holds the seven intensities after
    clamping to [0, 3] and [-3, 3]. A video is a dialogue, its turns ordered by start time; a start before 0 s
    counts as 0. ``numbers["duration"]`` is in seconds. A segment without audio stays, without sound.

    Args:
        root: folder at or above the label CSVs.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated, if no file ``SYNTHETIC.txt`` beside the tables says so.
        sound: whether chunks and whole videos are looked for.

    Raises:
        CorpusError: if a file or column is missing, a file is no CSV, or a video lies in two splits.
    """
    tables, issues = find_tables(root, list(_FILES.values()))
    utterances: list[Utterance] = []
    times: dict[str, Times] = {}
    for split, path in zip(_FILES, tables, strict=True):
        found, starts, odd = _read_split(path, f"{name}/{split}", split)
        utterances += found
        times |= starts
        issues += odd
    _check_videos(name, utterances)
    if sound:
        utterances, odd = _with_clips(root, utterances, times)
        issues += odd
    spaces = [_EMOTION_SPACE, _SENTIMENT_SPACE]
    return Corpus.build(name, utterances, spaces, issues=issues, synthetic=synthetic or is_synthetic(tables))


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


def _read_split(path: Path, prefix: str, split: str) -> tuple[list[Utterance], dict[str, Times], list[Issue]]:
    """Return the utterances, the times of each as the file has them, and the issues."""
    rows, issues = read_rows(path, _COLUMNS)
    utterances: dict[str, Utterance] = {}
    times_of: dict[str, Times] = {}
    for where, row in rows:
        video, start, end = (row[column].strip() for column in ("video", "start_time", "end_time"))
        key = f"{prefix}/{video}/{start}-{end}"
        times = to_number(start), to_number(end)
        if not video or times[0] is None or times[1] is None:
            issues.append(unusable(where, _("its video, start_time or end_time is missing or no number")))
        elif key in utterances:
            issues.append(unusable(where, _("an earlier row has the same id {id}", id=key)))
        else:
            times_of[key] = (times[0], times[1])
            utterances[key], odd = _utterance(row, key, split, f"{prefix}/{video}", times_of[key])
            issues += odd
    return _with_turns(utterances, times_of), times_of, issues


def _with_turns(utterances: Mapping[str, Utterance], times: Mapping[str, Times]) -> list[Utterance]:
    """Number the segments of each video by their times; the rows keep their order."""
    turns = {
        u.id: turn
        for video in group_dialogues(utterances.values())
        for turn, u in enumerate(sorted(video.utterances, key=lambda u: times[u.id]))
    }
    return [replace(u, turn=turns[key]) for key, u in utterances.items()]


def _utterance(
    row: Mapping[str, str], key: str, split: str, dialogue: str, times: Times
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


def _numbers(times: Times, where: str) -> tuple[dict[str, float], list[Issue]]:
    issues = []
    start, end = max(times[0], 0.0), times[1]
    if start != times[0]:
        message = _("The segment starts at {start} s; it counts from 0 s.", start=times[0])
        issues.append(Issue("start_clamped", "note", message, where))
    if end > start:
        return {"duration": round(end - start, 3)}, issues
    message = _("The segment ends before it starts; the utterance stays, without a duration.")
    return {}, [*issues, Issue("times_unusable", "warning", message, where)]


def _with_clips(
    root: Path, utterances: Iterable[Utterance], times: Mapping[str, Times]
) -> tuple[list[Utterance], list[Issue]]:
    rows = list(utterances)
    audio, n = _find_audio(root, {_video(u) for u in rows})
    if not audio.whole and not audio.chunks:
        message = _("There is no audio of its videos, neither whole nor in chunks; text only.")
        return rows, [Issue("audio_absent", "note", message, root.name)]
    found = [replace(u, clip=_clip(audio, _video(u), times[u.id])) for u in rows]
    message = _("There is no audio of this segment; the utterance stays, without sound.")
    issues = [Issue("audio_missing", "problem", message, u.id) for u in found if u.clip is None]
    return found, [*issues, *note_spare(n - len({u.clip.path for u in found if u.clip}), root)]


def _video(u: Utterance) -> str:
    return u.dialogue.rpartition("/")[2]


def _find_audio(root: Path, videos: set[str]) -> tuple[_Audio, int]:
    """Return the audio of these videos, the nearest file of each, and how many media files there are."""
    audio, n = _Audio(), 0
    for folder, files in list_folders(root):
        for file in filter(is_media, files):
            n += 1
            stem = file.rpartition(".")[0]
            if stem in videos:
                audio.whole.setdefault(stem, folder / file)
            elif (match := _CHUNK.fullmatch(stem)) and match[1] in videos:
                chunk = (float(match[2]), float(match[3])), folder / file
                audio.chunks.setdefault(match[1], []).append(chunk)
    return audio, n


def _clip(audio: _Audio, video: str, times: Times) -> Clip | None:
    """Return the chunk of these times (its start as in the file, or counted from 0), else a cut of the video."""
    start, end = max(times[0], 0.0), times[1]
    for (chunk_start, chunk_end), path in audio.chunks.get(video, ()):
        near = min(abs(chunk_start - times[0]), abs(chunk_start - start))
        if max(near, abs(chunk_end - end)) <= _SAME_TIME:
            return Clip(path)
    return Clip(audio.whole[video], start, end) if video in audio.whole and end > start else None
