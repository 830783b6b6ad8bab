"""MELD: utterances of the series *Friends*, from the three CSV files of the authors or of any known copy.

The CSVs and the folders of clips are found by name, so the root may be the Kaggle download, the authors' archive,
packed or not, its ``MELD.Raw`` folder, a parent of one of these, or a folder with the CSVs only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sentir.audio.decoding import read_media_duration
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.utterances import SPLITS, Clip, Issue, Utterance
from sentir.errors import AudioError, CorpusError
from sentir.files.corpus_tables import check_text_encoding, is_synthetic, read_csv_rows, skip_row
from sentir.files.media_files import note_unused_files
from sentir.files.turns import number_turns
from sentir.i18n import _, format_count
from sentir.readers.meld.files import CLIP_FOLDERS, ClipIndex, ClipVersions, MeldFiles, find_files
from sentir.readers.meld.published import check_against_published
from sentir.readers.table.keys import strip_decimal_zeros
from sentir.recipe import DataSettings, MeldSettings

_COLUMNS = (
    "Utterance",
    "Speaker",
    "Emotion",
    "Sentiment",
    "Dialogue_ID",
    "Utterance_ID",
    "StartTime",
    "EndTime",
)
_ID_COLUMNS = ("Dialogue_ID", "Utterance_ID")
_TASK_COLUMNS: tuple[tuple[LabelSpace, str, Callable[[str], str]], ...] = (
    (SingleLabelSpace("emotion", EMOTIONS), "Emotion", normalize_emotion),
    (SingleLabelSpace("sentiment", SENTIMENTS), "Sentiment", normalize_sentiment),
)
_TIMESTAMP = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[,.](\d{1,3})")
LABEL_SPACES = tuple(space for space, _column, _normalize in _TASK_COLUMNS)


def read(root: Path, data: DataSettings) -> Corpus:
    """Read MELD from any known layout, and apply its known defects.

    Args:
        root: folder at or above the CSVs, or an archive with them.
        data: the recipe's section; see `read_tree` for ``audio`` and ``meld.duplicate_clips``.

    Raises:
        CorpusError: if a file or column is missing, a file is not CSV, or an archive cannot be unpacked.
    """
    issues: list[Issue] = []
    files = find_files(root, issues, audio=data.audio)
    corpus = _build(
        files, root, issues, audio=data.audio, duplicate_clips=data.settings_of(MeldSettings).duplicate_clips
    )
    clips = format_count(sum(u.clip is not None for u in corpus)) if data.audio else _("not searched for")
    message = _(
        "Recognized: {layout}; CSV files: {tables}, utterances: {n}, clips: {clips}.",
        layout=files.layout,
        tables=len(files.tables),
        n=format_count(len(corpus)),
        clips=clips,
    )
    corpus = replace(corpus, issues=(Issue("layout_recognized", "note", message, root.name), *corpus.issues))
    return corpus if corpus.synthetic else check_against_published(corpus, audio=bool(files.clips.versions))


def read_tree(
    root: Path,
    *,
    name: str = "meld",
    synthetic: bool = False,
    audio: bool = False,
    duplicate_clips: str = "nearest_duration",
) -> Corpus:
    """Read a MELD-shaped tree into a corpus with the tasks ``emotion`` (7 labels) and ``sentiment`` (3).

    Dialogues are ordered by Utterance_ID. ``numeric_features["duration"]`` is EndTime - StartTime in seconds if
    that is positive. Rows without a known label are kept, unlabelled for that task; rows without a clip are kept
    without audio.

    Args:
        root: folder at or above the CSVs.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated, if no file ``SYNTHETIC.txt`` beside the tables says so.
        audio: whether to search for clips.
        duplicate_clips: which of two clips of an utterance is used, see `sentir.recipe.MeldSettings`.

    Raises:
        CorpusError: if a file or column is missing, or a file is not CSV.
    """
    issues: list[Issue] = []
    files = find_files(root, issues, audio=audio)
    return _build(
        files, root, issues, name=name, synthetic=synthetic, audio=audio, duplicate_clips=duplicate_clips
    )


def _build(
    files: MeldFiles,
    root: Path,
    issues: list[Issue],
    *,
    name: str = "meld",
    synthetic: bool = False,
    audio: bool,
    duplicate_clips: str,
) -> Corpus:
    """Build the corpus of all tables."""
    utterances: list[Utterance] = []
    episodes: dict[str, str] = {}
    for split, path in zip(SPLITS, files.tables, strict=True):
        utterances += read_split(path, f"{name}/{split}", split, episodes, issues)
    if audio:
        utterances = _attach_clips(files.clips, utterances, root, duplicate_clips, issues)
    synthetic = synthetic or is_synthetic(files.tables)
    groups = {"episode": episodes} if episodes else {}
    return Corpus.build(name, utterances, LABEL_SPACES, issues=issues, synthetic=synthetic, groups=groups)


def read_split(
    path: Path,
    prefix: str,
    split: str,
    episodes: dict[str, str],
    issues: list[Issue],
    *,
    text_column: str = "Utterance",
) -> list[Utterance]:
    """Return the utterances of a table; known episodes are added to ``episodes``.

    Raises:
        CorpusError: if a column is missing or the file is not CSV.
    """
    utterances: list[Utterance] = []
    numbers: dict[str, int] = {}  # id → Utterance_ID
    for where, row in read_csv_rows(path, (*_COLUMNS, text_column), issues):
        ids = {column: normalize_name(strip_decimal_zeros(row[column].strip())) for column in _ID_COLUMNS}
        dialogue = f"{prefix}/dia{ids['Dialogue_ID']}"
        key = f"{dialogue}/utt{ids['Utterance_ID']}"
        if reason := _rejection_reason(ids, key, numbers):
            skip_row(issues, where, reason)
            continue
        labels, duration = _parse_labels(row, key, issues), _parse_duration(row, key, issues)
        check_text_encoding(row[text_column], key, issues)
        utterances.append(
            Utterance(
                id=key,
                split=split,
                dialogue=dialogue,
                speaker=normalize_name(row["Speaker"]) or None,
                text=None if is_blank(row[text_column]) else row[text_column],
                labels=labels,
                numeric_features={} if duration is None else {"duration": duration},
            )
        )
        if row.get("Season") and row.get("Episode"):
            episodes[key] = f"s{normalize_name(row['Season']):0>2}e{normalize_name(row['Episode']):0>2}"
        numbers[key] = int(ids["Utterance_ID"])
    dialogues = [u.dialogue for u in utterances]
    turns = number_turns(dialogues, [*numbers.values()], "Utterance_ID", path.name, issues)
    return [replace(u, turn=turn) for u, turn in zip(utterances, turns, strict=True)]


def _rejection_reason(ids: Mapping[str, str], key: str, seen_ids: Collection[str]) -> str | None:
    for column, value in ids.items():
        if not value.isdecimal():
            return _("its {column} '{value}' is not a whole number", column=column, value=value)
    return _("an earlier row has the same id {id}", id=key) if key in seen_ids else None


def _parse_labels(row: Mapping[str, str], where: str, issues: list[Issue]) -> dict[str, tuple[str, ...]]:
    labels: dict[str, tuple[str, ...]] = {}
    for space, column, normalize in _TASK_COLUMNS:
        with suppress(CorpusError):
            label = normalize(row[column])
            if label in space.names:
                labels[space.task] = (label,)
                continue
        message = _(
            "The {column} '{value}' is not a label of MELD; the utterance is kept without this label.",
            column=column,
            value=row[column],
        )
        issues.append(Issue("label_unknown", "problem", message, where))
    return labels


def _parse_duration(row: Mapping[str, str], where: str, issues: list[Issue]) -> float | None:
    start, end = _parse_seconds(row["StartTime"]), _parse_seconds(row["EndTime"])
    if start is None or end is None:
        message = _(
            "StartTime '{start}' and EndTime '{end}' are not of the form 00:01:02,345, maybe because of a "
            "spreadsheet program; the utterance is kept without a duration. Download the file again.",
            start=row["StartTime"],
            end=row["EndTime"],
        )
        issues.append(Issue("times_unparsable", "problem", message, where))
        return None
    if end > start:
        return round(end - start, 3)
    message = _(
        "StartTime '{start}' and EndTime '{end}' give no duration; the utterance is kept without one.",
        start=row["StartTime"],
        end=row["EndTime"],
    )
    issues.append(Issue("times_invalid", "warning", message, where))
    return None


def _parse_seconds(time: str) -> float | None:
    """Parse ``H:MM:SS,mmm`` as seconds; a short fraction is decimal (``,41`` is 0.41 s)."""
    match = _TIMESTAMP.fullmatch(normalize_name(time))
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _attach_clips(
    clip_index: ClipIndex,
    utterances: Sequence[Utterance],
    root: Path,
    duplicate_clips: str,
    issues: list[Issue],
) -> list[Utterance]:
    num_unused = clip_index.file_count
    with_clips: list[Utterance] = []
    if not clip_index.versions:
        message = _("There are no clips in folders called {names}; text only.", names=", ".join(CLIP_FOLDERS))
        issues.append(Issue("corpus_without_audio", "note", message, root.name))
        with_clips = list(utterances)
    for u in utterances if clip_index.versions else ():
        versions = clip_index.versions.get((u.split, _clip_stem(u)), {})
        num_unused -= len(versions)
        path = _select_clip(versions, u, duplicate_clips, issues)
        with_clips.append(replace(u, clip=Clip(path) if path else None))
    note_unused_files(num_unused, root, issues)
    return with_clips


def _clip_stem(u: Utterance) -> str:
    return "_".join(u.id.split("/")[-2:])


def _select_clip(versions: ClipVersions, u: Utterance, duplicate_clips: str, issues: list[Issue]) -> Path | None:
    if not versions:
        message = _("There is no clip {stem}; the utterance is kept without audio.", stem=_clip_stem(u))
        issues.append(Issue("audio_file_missing", "problem", message, u.id))
        return None
    paths = [versions[is_duplicate] for is_duplicate in (False, True) if is_duplicate in versions]
    duration = u.numeric_features.get("duration")
    if duplicate_clips == "nearest_duration" and duration is not None and len(paths) > 1:
        paths.sort(key=lambda path: abs(_media_duration(path) - duration))
    if paths[0] != versions.get(False):
        message = _(
            "Its clip is {file}; the one without the prefix is missing or fits its duration less.",
            file=paths[0].name,
        )
        issues.append(Issue("duplicate_clip_used", "note", message, u.id))
    return paths[0]


def _media_duration(clip: Path) -> float:
    try:
        return read_media_duration(clip)
    except AudioError:
        return math.inf
