"""MELD: utterances of the series *Friends*, from the three CSV files of the authors or of any known copy.

The CSVs and the folders of clips are found by name, so the root may be the Kaggle download, the authors' archive,
packed or not, its ``MELD.Raw`` folder, a parent of one of these, or a folder with the CSVs alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sentir.audio.decoding import media_seconds
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank, plain
from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.utterances import SPLITS, Clip, Issue, Utterance
from sentir.errors import AudioError, CorpusError
from sentir.files.corpus_tables import check_text, is_synthetic, read_rows, unusable
from sentir.files.media_files import note_spare
from sentir.files.turns import note_moved, order_turns
from sentir.i18n import _, thousands
from sentir.readers.meld.files import CLIP_FOLDERS, Clips, Cuts, Files, open_files
from sentir.readers.meld.published import compare_with_published
from sentir.readers.table.ids import whole
from sentir.recipe import Data

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
_IDS = ("Dialogue_ID", "Utterance_ID")
_TASKS: tuple[tuple[LabelSpace, str, Callable[[str], str]], ...] = (
    (LabelSpace("emotion", EMOTIONS), "Emotion", normalize_emotion),
    (LabelSpace("sentiment", SENTIMENTS), "Sentiment", normalize_sentiment),
)
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[,.](\d{1,3})")
_SPACES = tuple(space for space, _column, _normalize in _TASKS)


def read(root: Path, data: Data) -> Corpus:
    """Read MELD as its authors or anyone since have packed it, and apply what is known to be wrong with it.

    Args:
        root: folder at or above the CSVs, or an archive of them.
        data: the recipe's section; see `read_tree` for ``sound`` and ``twins``.

    Raises:
        CorpusError: if a file or column is missing, a file is no CSV, or an archive cannot be unpacked.
    """
    files = open_files(root, sound=data.sound)
    utterances, issues, groups = _gather(files, "meld", root, twins=data.twins if data.sound else None)
    clips = thousands(sum(u.clip is not None for u in utterances)) if data.sound else _("not looked for")
    message = _(
        "Recognized: {layout}; CSV files: {tables}, utterances: {n}, clips: {clips}.",
        layout=files.layout,
        tables=len(files.tables),
        n=thousands(len(utterances)),
        clips=clips,
    )
    issues = [Issue("layout", "note", message, root.name), *issues]
    synthetic = is_synthetic(files.tables)
    corpus = Corpus.build("meld", utterances, _SPACES, issues=issues, synthetic=synthetic, groups=groups)
    return corpus if synthetic else compare_with_published(corpus, sound=bool(files.clips.cuts))


def read_tree(
    root: Path, *, name: str = "meld", synthetic: bool = False, sound: bool = False, twins: str = "nearest"
) -> Corpus:
    """Read a MELD-shaped tree into a corpus with the tasks ``emotion`` (7 labels) and ``sentiment`` (3).

    The order of a dialogue is that of its Utterance_ID. ``numbers["duration"]`` is EndTime - StartTime in seconds
    where that is positive. A row without a known label stays in its dialogue, unlabelled for that task,
    one without a clip stays without sound.

    Args:
        root: folder at or above the CSVs.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated, if no file ``SYNTHETIC.txt`` beside the tables says so.
        sound: whether clips are looked for.
        twins: of a clip that is cut in two ways, take the one of the ``nearest`` length, or the ``plain`` one.

    Raises:
        CorpusError: if a file or column is missing, or a file is no CSV.
    """
    files = open_files(root, sound=sound)
    utterances, issues, groups = _gather(files, name, root, twins=twins if sound else None)
    synthetic = synthetic or is_synthetic(files.tables)
    return Corpus.build(name, utterances, _SPACES, issues=issues, synthetic=synthetic, groups=groups)


def _gather(
    files: Files, name: str, root: Path, *, twins: str | None
) -> tuple[list[Utterance], list[Issue], dict[str, dict[str, str]]]:
    """Return the utterances of all tables, with their clips unless ``twins`` is ``None``, issues and groups."""
    utterances: list[Utterance] = []
    issues = list(files.issues)
    episodes: dict[str, str] = {}
    for split, path in zip(SPLITS, files.tables, strict=True):
        found, odd = _read_split(path, f"{name}/{split}", split, episodes)
        utterances += found
        issues += odd
    if twins is not None:
        utterances, odd = _with_clips(files.clips, utterances, root, twins)
        issues += odd
    return utterances, issues, {"episode": episodes} if episodes else {}


def _read_split(
    path: Path, prefix: str, split: str, episodes: dict[str, str]
) -> tuple[list[Utterance], list[Issue]]:
    """Return the utterances of a table and the issues, and note the episode of each where the table has it."""
    rows, issues = read_rows(path, _COLUMNS)
    rows = [(where, {**row, **{name: whole(row[name].strip()) for name in _IDS}}) for where, row in rows]
    utterances: list[Utterance] = []
    taken: set[str] = set()
    for where, row in rows:
        dialogue = f"{prefix}/dia{plain(row['Dialogue_ID'])}"
        key = f"{dialogue}/utt{plain(row['Utterance_ID'])}"
        reason = _why_unusable(row, key, taken)
        if reason:
            issues.append(unusable(where, reason))
            continue
        labels, unknown = _labels(row, key)
        duration, odd_times = _duration(row, key)
        issues += [*unknown, *odd_times, *check_text(row["Utterance"], key)]
        utterances.append(
            Utterance(
                id=key,
                split=split,
                dialogue=dialogue,
                speaker=plain(row["Speaker"]) or None,
                text=None if is_blank(row["Utterance"]) else row["Utterance"],
                labels=labels,
                numbers={} if duration is None else {"duration": duration},
            )
        )
        if row.get("Season") and row.get("Episode"):
            episodes[key] = f"s{plain(row['Season']):0>2}e{plain(row['Episode']):0>2}"
        taken.add(key)
    turns, moved = order_turns([u.dialogue for u in utterances], [_number(u) for u in utterances])
    issues += note_moved(moved, "Utterance_ID", path.name)
    return [replace(u, turn=turn) for u, turn in zip(utterances, turns, strict=True)], issues


def _number(u: Utterance) -> int:
    """Return the Utterance_ID of an utterance, the end of its id."""
    return int(u.id.rpartition("/utt")[2])


def _why_unusable(row: Mapping[str, str], key: str, taken: set[str]) -> str | None:
    for column in _IDS:
        value = plain(row[column])
        if not value.isdecimal():
            return _("its {column} '{value}' is no whole number", column=column, value=value)
    return _("an earlier row has the same id {id}", id=key) if key in taken else None


def _labels(row: Mapping[str, str], where: str) -> tuple[dict[str, tuple[str, ...]], list[Issue]]:
    labels: dict[str, tuple[str, ...]] = {}
    issues = []
    for space, column, normalize in _TASKS:
        try:
            label = normalize(row[column])
        except CorpusError:
            label = ""
        if label in space.names:
            labels[space.task] = (label,)
            continue
        message = _(
            "The {column} '{value}' is no label of MELD; the utterance stays, without this label.",
            column=column,
            value=row[column],
        )
        issues.append(Issue("label_unknown", "problem", message, where))
    return labels, issues


def _duration(row: Mapping[str, str], where: str) -> tuple[float | None, list[Issue]]:
    start, end = _seconds(row["StartTime"]), _seconds(row["EndTime"])
    if start is not None and end is not None and end > start:
        return round(end - start, 3), []
    if start is None or end is None:
        message = _(
            "StartTime '{start}' and EndTime '{end}' are not written as 00:01:02,345, maybe changed by a "
            "spreadsheet; the utterance stays, without a duration: get the file again.",
            start=row["StartTime"],
            end=row["EndTime"],
        )
        return None, [Issue("times_unreadable", "problem", message, where)]
    message = _(
        "StartTime '{start}' and EndTime '{end}' give no duration; the utterance stays, without one.",
        start=row["StartTime"],
        end=row["EndTime"],
    )
    return None, [Issue("times_unusable", "warning", message, where)]


def _seconds(time: str) -> float | None:
    """Turn ``H:MM:SS,mmm`` into seconds; a short fraction is a decimal one (``,41`` is 0.41 s)."""
    match = _TIME.fullmatch(plain(time))
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _with_clips(
    clips: Clips, utterances: Sequence[Utterance], root: Path, twins: str
) -> tuple[list[Utterance], list[Issue]]:
    spare = clips.files
    if not clips.cuts:
        message = _("There are no clips in folders called {names}; text only.", names=", ".join(CLIP_FOLDERS))
        return list(utterances), [Issue("audio_absent", "note", message, root.name), *note_spare(spare, root)]
    found: list[Utterance] = []
    issues: list[Issue] = []
    for u in utterances:
        stem = "_".join(u.id.split("/")[-2:])
        cuts = clips.cuts.get((u.split, stem), {})
        spare -= len(cuts)
        path, odd = _choose(cuts, u, stem, twins)
        issues += odd
        found.append(replace(u, clip=Clip(path) if path else None))
    return found, [*issues, *note_spare(spare, root)]


def _choose(cuts: Cuts, u: Utterance, stem: str, twins: str) -> tuple[Path | None, list[Issue]]:
    if not cuts:
        message = _("There is no clip {stem}; the utterance stays, without sound.", stem=stem)
        return None, [Issue("audio_missing", "problem", message, u.id)]
    paths = [cuts[twin] for twin in (False, True) if twin in cuts]
    duration = u.numbers.get("duration")
    if twins == "nearest" and duration is not None and len(paths) > 1:
        paths.sort(key=lambda path: abs(_seconds_of(path) - duration))
    if paths[0] == cuts.get(False):
        return paths[0], []
    message = _("Its clip is {file}; the plain one is missing or farther from its length.", file=paths[0].name)
    return paths[0], [Issue("twin_taken", "note", message, u.id)]


def _seconds_of(clip: Path) -> float:
    try:
        return media_seconds(clip)
    except AudioError:
        return math.inf
