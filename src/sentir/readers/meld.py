"""MELD: utterances of the series *Friends*, from the three CSV files of the authors or of any known copy.

The CSVs are found by name, so the root may be the Kaggle download, the unpacked archive, its ``MELD.Raw``
folder, a parent of one of these, or a folder with the CSVs alone. `find_tables` and `read_rows` serve every
reader of a corpus that comes as CSV files of known names.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sentir.corpus.labels import EMOTIONS, SENTIMENTS, LabelSpace, normalize_emotion, normalize_sentiment
from sentir.corpus.types import SPLITS, Corpus, Issue, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
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
_TASKS: tuple[tuple[LabelSpace, str, Callable[[str], str]], ...] = (
    (LabelSpace("emotion", EMOTIONS), "Emotion", normalize_emotion),
    (LabelSpace("sentiment", SENTIMENTS), "Sentiment", normalize_sentiment),
)
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[,.](\d{1,3})")
_WRONG_ENCODING = re.compile("[\x80-\x9f]|â€|Ã[\xa0-\xbf]")
# Levels of folders below the root to look through; the train CSV lies four below `versions` of kagglehub.
_DEPTH = 6
_CLIP_FOLDERS = re.compile(r"(train|dev)_splits\w*|output_repeated_splits\w*|Audio\w*|WAV_\d+|__MACOSX")

Row = tuple[str, Mapping[str, str]]


def read(root: Path, data: Data) -> Corpus:
    """Read MELD for a recipe; see `read_tree`."""
    return read_tree(root)


def read_tree(root: Path, *, name: str = "meld", synthetic: bool = False) -> Corpus:
    """Read a MELD-shaped tree into a corpus with the tasks ``emotion`` (7 labels) and ``sentiment`` (3).

    The order of a dialogue is the order of its rows. ``numbers["duration"]`` is EndTime - StartTime in seconds
    where that is positive. A row without a known label stays in its dialogue, unlabelled for that task.

    Args:
        root: folder at or above the CSVs.
        name: name of the corpus, the first part of every id.
        synthetic: whether the tree was generated.

    Raises:
        CorpusError: if a file or column is missing, or a file is no CSV.
    """
    tables, issues = find_tables(root, [f"{split}_sent_emo.csv" for split in SPLITS])
    utterances: list[Utterance] = []
    for split, path in zip(SPLITS, tables, strict=True):
        found, odd = _read_split(path, f"{name}/{split}", split)
        utterances += found
        issues += odd
    spaces = [space for space, _column, _normalize in _TASKS]
    return Corpus.build(name, utterances, spaces, issues=issues, synthetic=synthetic)


def find_tables(root: Path, names: Sequence[str]) -> tuple[list[Path], list[Issue]]:
    """Find one file per name under ``root``, the nearest first, without walking into folders of clips.

    Returns:
        The paths in the order of ``names``, and a note for each other CSV beside them or of the same name.

    Raises:
        CorpusError: if ``root`` is no folder or a file is missing.
    """
    if not root.is_dir():
        raise CorpusError(_("{root} is not a folder; give the folder that holds the corpus.", root=root))
    seen: list[Path] = []
    level = [root]
    for _depth in range(_DEPTH + 1):
        listed = [_list_folder(folder) for folder in level]
        seen += [path for files, _folders in listed for path in files]
        if {path.name for path in seen} >= set(names):
            break
        level = [folder for _files, folders in listed for folder in folders]
    chosen = {path.name: path for path in reversed(seen) if path.name in names}
    missing = [name for name in names if name not in chosen]
    if missing:
        raise CorpusError(
            _(
                "Under {root} there is no {missing}; give the folder that holds {names} "
                "(unpack archives such as train.tar.gz first).",
                root=root,
                missing=_(" and no ").join(missing),
                names=", ".join(names),
            )
        )
    folders = {path.parent for path in chosen.values()}
    ignored = [
        path for path in seen if path != chosen.get(path.name) and (path.name in names or path.parent in folders)
    ]
    notes = [_note_ignored(path.relative_to(root).as_posix(), names) for path in ignored]
    return [chosen[name] for name in names], notes


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the CSV files of a folder, without AppleDouble ``._*``, and the folders to look into next."""
    try:
        with os.scandir(folder) as entries:
            visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError:
        return [], []
    files, folders = [], []
    for entry in visible:
        with suppress(OSError):  # what cannot even be looked at is not the corpus
            if entry.is_dir() and not _CLIP_FOLDERS.fullmatch(entry.name):
                folders.append(Path(entry.path))
            elif entry.name.endswith(".csv") and entry.is_file():
                files.append(Path(entry.path))
    return files, folders


def _note_ignored(file: str, names: Sequence[str]) -> Issue:
    message = _("{file} was not read; the corpus is one file each of {names}.", file=file, names=", ".join(names))
    return Issue("file_ignored", "note", message, file)


def read_rows(path: Path, columns: Sequence[str]) -> tuple[list[Row], list[Issue]]:
    """Read a comma-separated file in UTF-8 (with or without BOM) or cp1252.

    Returns:
        For each row where it stands and its cells by column, and the issues: rows with too few or too many
        cells, which are left out, and a file that is not UTF-8.

    Raises:
        CorpusError: if the file is no CSV or lacks one of ``columns``.
    """
    text, encoding = _decode(path)
    issues = []
    if encoding == "cp1252":
        message = _("{file} is not UTF-8 and was read as cp1252.", file=path.name)
        issues.append(Issue("file_encoding", "note", message, path.name))
    rows: list[Row] = []
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        _check_columns(path, columns, reader.fieldnames)
        for cells in reader:
            where = _("{file}, line {line}", file=path.name, line=reader.line_num)
            if None in cells or None in cells.values():
                issues.append(unusable(where, _("it has not as many cells as the header")))
            else:
                rows.append((where, cells))
    except csv.Error as error:
        raise CorpusError(
            _(
                "{file} is no readable CSV at line {line} ({reason}); "
                "get the file again or save it as comma-separated UTF-8 text.",
                file=path,
                line=reader.line_num,
                reason=error,
            )
        ) from error
    return rows, issues


def _decode(path: Path) -> tuple[str, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(_("{file} cannot be read: {reason}.", file=path, reason=error.strerror)) from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding
    raise CorpusError(
        _("{file} is no CSV text; get the file again or save it as comma-separated UTF-8 text.", file=path)
    )


def _check_columns(path: Path, wanted: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise CorpusError(
            _(
                "{file} has no column {missing} (its first line reads: {present}); "
                "use the file as its authors published it, separated by commas.",
                file=path,
                missing=", ".join(missing),
                present=", ".join(present)[:200],
            )
        )


def unusable(where: str, reason: str) -> Issue:
    """Return the issue of a row that was left out; ``reason`` is a clause such as "it has no video"."""
    return Issue("row_unusable", "problem", _("The row was left out: {reason}.", reason=reason), where)


def check_text(text: str, where: str) -> list[Issue]:
    """Return a note if a text shows the marks of a wrong encoding; the text itself stays as it is."""
    if not _WRONG_ENCODING.search(text):
        return []
    message = _("The text holds marks of a wrong encoding; the cleaning step 'repair_encoding' mends them.")
    return [Issue("text_encoding", "note", message, where)]


def _read_split(path: Path, prefix: str, split: str) -> tuple[list[Utterance], list[Issue]]:
    rows, issues = read_rows(path, _COLUMNS)
    utterances: list[Utterance] = []
    turns: Counter[str] = Counter()
    taken: set[str] = set()
    for where, row in rows:
        dialogue = f"{prefix}/dia{row['Dialogue_ID'].strip()}"
        key = f"{dialogue}/utt{row['Utterance_ID'].strip()}"
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
                turn=turns[dialogue],
                speaker=row["Speaker"].strip() or None,
                text=row["Utterance"] if row["Utterance"].strip() else None,
                labels=labels,
                numbers={} if duration is None else {"duration": duration},
            )
        )
        taken.add(key)
        turns[dialogue] += 1
    return utterances, issues


def _why_unusable(row: Mapping[str, str], key: str, taken: set[str]) -> str | None:
    for column in ("Dialogue_ID", "Utterance_ID"):
        value = row[column].strip()
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
    message = _(
        "StartTime '{start}' and EndTime '{end}' give no duration; the utterance stays, without one.",
        start=row["StartTime"],
        end=row["EndTime"],
    )
    return None, [Issue("times_unusable", "warning", message, where)]


def _seconds(time: str) -> float | None:
    """Turn ``H:MM:SS,mmm`` into seconds; a short fraction is a decimal one (``,41`` is 0.41 s)."""
    match = _TIME.fullmatch(time.strip())
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")
