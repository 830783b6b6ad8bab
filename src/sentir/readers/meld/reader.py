"""MELD: utterances of the series *Friends*, from the three CSV files of the authors or of any known copy.

The CSVs and the folders of clips are found by name, so the root may be the Kaggle download, the authors' archive,
packed or not, its ``MELD.Raw`` folder, a parent of one of these, or a folder with the CSVs only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sentir.audio.decoding import read_media_duration
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.utterances import SPLITS, Clip, Issue, Utterance
from sentir.errors import AudioError, CorpusError
from sentir.files.corpus_tables import check_text_encoding, is_synthetic, make_row_issue, read_csv_rows
from sentir.files.media_files import note_unused_files
from sentir.files.turns import note_reordered_dialogues, number_turns
from sentir.i18n import _, format_count
from sentir.readers.meld.files import CLIP_FOLDERS, ClipIndex, ClipVersions, MeldFiles, find_files
from sentir.readers.meld.published import check_against_published
from sentir.readers.table.ids import strip_decimal_zeros
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
    (LabelSpace("emotion", EMOTIONS), "Emotion", normalize_emotion),
    (LabelSpace("sentiment", SENTIMENTS), "Sentiment", normalize_sentiment),
)
_TIMESTAMP = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[,.](\d{1,3})")
_LABEL_SPACES = tuple(space for space, _column, _normalize in _TASK_COLUMNS)


def read(root: Path, data: DataSettings) -> Corpus:
    """Read MELD from any known layout, and apply its known defects.

    Args:
        root: folder at or above the CSVs, or an archive with them.
        data: the recipe's section; see `read_tree` for ``audio`` and ``meld.duplicate_clips``.

    Raises:
        CorpusError: if a file or column is missing, a file is not CSV, or an archive cannot be unpacked.
    """
    files = find_files(root, audio=data.audio)
    utterances, issues, groups = _read_utterances(
        files,
        "meld",
        root,
        duplicate_clips=data.settings_of(MeldSettings).duplicate_clips if data.audio else None,
    )
    clips = format_count(sum(u.clip is not None for u in utterances)) if data.audio else _("not searched for")
    message = _(
        "Recognized: {layout}; CSV files: {tables}, utterances: {n}, clips: {clips}.",
        layout=files.layout,
        tables=len(files.tables),
        n=format_count(len(utterances)),
        clips=clips,
    )
    issues = [Issue("layout_recognized", "note", message, root.name), *issues]
    synthetic = is_synthetic(files.tables)
    corpus = Corpus.build("meld", utterances, _LABEL_SPACES, issues=issues, synthetic=synthetic, groups=groups)
    return corpus if synthetic else check_against_published(corpus, audio=bool(files.clips.versions))


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
    files = find_files(root, audio=audio)
    utterances, issues, groups = _read_utterances(
        files, name, root, duplicate_clips=duplicate_clips if audio else None
    )
    synthetic = synthetic or is_synthetic(files.tables)
    return Corpus.build(name, utterances, _LABEL_SPACES, issues=issues, synthetic=synthetic, groups=groups)


def _read_utterances(
    files: MeldFiles, name: str, root: Path, *, duplicate_clips: str | None
) -> tuple[list[Utterance], list[Issue], dict[str, dict[str, str]]]:
    """Return utterances, issues and groups of all tables; no clips if ``duplicate_clips`` is ``None``."""
    utterances: list[Utterance] = []
    issues = list(files.issues)
    episodes: dict[str, str] = {}
    for split, path in zip(SPLITS, files.tables, strict=True):
        split_utterances, new_issues = _read_split(path, f"{name}/{split}", split, episodes)
        utterances += split_utterances
        issues += new_issues
    if duplicate_clips is not None:
        utterances, new_issues = _attach_clips(files.clips, utterances, root, duplicate_clips)
        issues += new_issues
    return utterances, issues, {"episode": episodes} if episodes else {}


def _read_split(
    path: Path, prefix: str, split: str, episodes: dict[str, str]
) -> tuple[list[Utterance], list[Issue]]:
    """Return the utterances of a table and the issues; known episodes are added to ``episodes``."""
    rows, issues = read_csv_rows(path, _COLUMNS)
    rows = [
        (where, {**row, **{name: strip_decimal_zeros(row[name].strip()) for name in _ID_COLUMNS}})
        for where, row in rows
    ]
    utterances: list[Utterance] = []
    seen_ids: set[str] = set()
    for where, row in rows:
        dialogue = f"{prefix}/dia{normalize_name(row['Dialogue_ID'])}"
        key = f"{dialogue}/utt{normalize_name(row['Utterance_ID'])}"
        reason = _rejection_reason(row, key, seen_ids)
        if reason:
            issues.append(make_row_issue(where, reason))
            continue
        labels, label_issues = _parse_labels(row, key)
        duration, time_issues = _parse_duration(row, key)
        issues += [*label_issues, *time_issues, *check_text_encoding(row["Utterance"], key)]
        utterances.append(
            Utterance(
                id=key,
                split=split,
                dialogue=dialogue,
                speaker=normalize_name(row["Speaker"]) or None,
                text=None if is_blank(row["Utterance"]) else row["Utterance"],
                labels=labels,
                numeric_features={} if duration is None else {"duration": duration},
            )
        )
        if row.get("Season") and row.get("Episode"):
            episodes[key] = f"s{normalize_name(row['Season']):0>2}e{normalize_name(row['Episode']):0>2}"
        seen_ids.add(key)
    turns, moved = number_turns([u.dialogue for u in utterances], [_utterance_number(u) for u in utterances])
    issues += note_reordered_dialogues(moved, "Utterance_ID", path.name)
    return [replace(u, turn=turn) for u, turn in zip(utterances, turns, strict=True)], issues


def _utterance_number(u: Utterance) -> int:
    """Return the Utterance_ID of an utterance, from the end of its id."""
    return int(u.id.rpartition("/utt")[2])


def _rejection_reason(row: Mapping[str, str], key: str, seen_ids: set[str]) -> str | None:
    for column in _ID_COLUMNS:
        value = normalize_name(row[column])
        if not value.isdecimal():
            return _("its {column} '{value}' is not a whole number", column=column, value=value)
    return _("an earlier row has the same id {id}", id=key) if key in seen_ids else None


def _parse_labels(row: Mapping[str, str], where: str) -> tuple[dict[str, tuple[str, ...]], list[Issue]]:
    labels: dict[str, tuple[str, ...]] = {}
    issues = []
    for space, column, normalize in _TASK_COLUMNS:
        try:
            label = normalize(row[column])
        except CorpusError:
            label = ""
        if label in space.names:
            labels[space.task] = (label,)
            continue
        message = _(
            "The {column} '{value}' is not a label of MELD; the utterance is kept without this label.",
            column=column,
            value=row[column],
        )
        issues.append(Issue("label_unknown", "problem", message, where))
    return labels, issues


def _parse_duration(row: Mapping[str, str], where: str) -> tuple[float | None, list[Issue]]:
    start, end = _parse_seconds(row["StartTime"]), _parse_seconds(row["EndTime"])
    if start is not None and end is not None and end > start:
        return round(end - start, 3), []
    if start is None or end is None:
        message = _(
            "StartTime '{start}' and EndTime '{end}' are not of the form 00:01:02,345, maybe because of a "
            "spreadsheet program; the utterance is kept without a duration. Download the file again.",
            start=row["StartTime"],
            end=row["EndTime"],
        )
        return None, [Issue("times_unparsable", "problem", message, where)]
    message = _(
        "StartTime '{start}' and EndTime '{end}' give no duration; the utterance is kept without one.",
        start=row["StartTime"],
        end=row["EndTime"],
    )
    return None, [Issue("times_invalid", "warning", message, where)]


def _parse_seconds(time: str) -> float | None:
    """Parse ``H:MM:SS,mmm`` as seconds; a short fraction is decimal (``,41`` is 0.41 s)."""
    match = _TIMESTAMP.fullmatch(normalize_name(time))
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _attach_clips(
    clip_index: ClipIndex, utterances: Sequence[Utterance], root: Path, duplicate_clips: str
) -> tuple[list[Utterance], list[Issue]]:
    num_unused = clip_index.file_count
    if not clip_index.versions:
        message = _("There are no clips in folders called {names}; text only.", names=", ".join(CLIP_FOLDERS))
        issues = [Issue("corpus_without_audio", "note", message, root.name)]
        return list(utterances), [*issues, *note_unused_files(num_unused, root)]
    with_clips: list[Utterance] = []
    issues = []
    for u in utterances:
        stem = "_".join(u.id.split("/")[-2:])
        versions = clip_index.versions.get((u.split, stem), {})
        num_unused -= len(versions)
        path, new_issues = _select_clip(versions, u, stem, duplicate_clips)
        issues += new_issues
        with_clips.append(replace(u, clip=Clip(path) if path else None))
    return with_clips, [*issues, *note_unused_files(num_unused, root)]


def _select_clip(
    versions: ClipVersions, u: Utterance, stem: str, duplicate_clips: str
) -> tuple[Path | None, list[Issue]]:
    if not versions:
        message = _("There is no clip {stem}; the utterance is kept without audio.", stem=stem)
        return None, [Issue("audio_file_missing", "problem", message, u.id)]
    paths = [versions[is_duplicate] for is_duplicate in (False, True) if is_duplicate in versions]
    duration = u.numeric_features.get("duration")
    if duplicate_clips == "nearest_duration" and duration is not None and len(paths) > 1:
        paths.sort(key=lambda path: abs(_media_duration(path) - duration))
    if paths[0] == versions.get(False):
        return paths[0], []
    message = _(
        "Its clip is {file}; the one without the prefix is missing or fits its duration less.", file=paths[0].name
    )
    return paths[0], [Issue("duplicate_clip_used", "note", message, u.id)]


def _media_duration(clip: Path) -> float:
    try:
        return read_media_duration(clip)
    except AudioError:
        return math.inf
