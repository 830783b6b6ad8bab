"""A look at a table: which column is what, why, and what a person should decide.

Nothing is guessed in silence: every decision comes with its reason, every doubt as a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.neighbor_agreement import measure_neighbor_agreement
from sentir.corpus.utterances import SPLITS, Issue
from sentir.errors import CorpusError
from sentir.files.clip_paths import ClipFinder, media_root
from sentir.files.folders import require_printable
from sentir.files.label_cells import is_known_label, split_label_cells
from sentir.files.splits import parse_split
from sentir.files.tables import load_rows
from sentir.i18n import _
from sentir.table_inspection.columns import TASKS, Column, Labels, leaks_label, make_columns
from sentir.table_inspection.groups import suggest_groups
from sentir.table_inspection.roles import LABEL_PREFIXES, ColumnRoles, find_by_name, find_labels, find_text

_MAX_UNKNOWN = 30
_MAX_CLIPS_CHECKED = 100  # clips whose files are looked for


@dataclass(frozen=True)
class ColumnReport:
    """What was made of one column.

    Attributes:
        name: its name.
        role: its setting in ``data.table``, ``""`` if it was left out.
        reason: a clause in the current language.
        num_filled: rows in which it holds something.
        num_unique: how many values it has.
        example: the first of them.
        warning: a sentence if a person should know it before it is used; ``""`` if not.
    """

    name: str
    role: str
    reason: str
    num_filled: int
    num_unique: int
    example: str
    warning: str = ""


@dataclass(frozen=True)
class TableInspection:
    """What was seen in a table.

    Attributes:
        path: where it lies.
        num_rows: how many it has.
        columns: in the table's order.
        task: what its labels are of.
        has_audio: whether its clips are there.
        settings: the section ``data.table`` of a recipe, but for the file.
        questions: setting → a question in the current language.
        suggestions: settings to take in where the answer to their question is yes.
        language: what the texts are in, in the current language, if it is not English; else ``""``.
        warnings: sentences in the current language.
    """

    path: Path
    num_rows: int
    columns: tuple[ColumnReport, ...]
    task: str
    has_audio: bool
    settings: dict[str, Any]
    questions: dict[str, str]
    warnings: tuple[str, ...]
    suggestions: dict[str, Any]
    language: str = ""


def inspect_table(path: Path) -> TableInspection:
    """Look at a table and say which of its columns is what.

    Raises:
        CorpusError: if it cannot be read, or has no labels, or neither texts nor clips.
    """
    require_printable(path)
    issues: list[Issue] = []
    rows = load_rows(path, issues=issues)
    if len(rows) < len(SPLITS):
        raise CorpusError(_("Rows of {path}: {n}; train, dev and test need one each.", path=path, n=len(rows)))
    columns = make_columns(rows)
    warnings = [issue.message for issue in issues] + _warn_ambiguous_numbers(columns)
    roles = ColumnRoles()
    there, missing = _find_clips(path, columns, roles)
    warnings += missing
    for column in [c for c in roles.unassigned(columns) if c.holds_splits][:1]:
        roles.assign("split", _("every row names train, dev or test"), column)
    warnings += _warn_invalid_splits(columns, roles)
    find_labels(path, columns, roles)
    find_text(columns, roles, has_audio=there)
    find_by_name(columns, roles)
    if not roles.column("text") and not there:
        raise CorpusError(" ".join([_("{path} has no column of texts and no clips.", path=path), *warnings]))
    warnings += _drop_unusable_groups(roles)
    labels = _row_labels(roles)
    warnings += _warn_unnamed_dialogues(roles, labels)
    train = _train_row_indices(roles, len(rows))
    seen = tuple(_report_column(column, roles, labels, train) for column in columns)
    warnings += [one.warning for one in seen if one.warning]
    settings = _table_settings(roles)
    telling = {one.name for one in seen if one.warning}
    offers = suggest_groups(columns, roles, lambda c: c.name in telling or _is_named_like_label(c))
    if "group" in roles.questions:
        offers["group"] = settings["speaker"]
    unsure = dict(roles.questions)
    return TableInspection(path, len(rows), seen, roles.task, there, settings, unsure, tuple(warnings), offers)


def _find_clips(path: Path, columns: Sequence[Column], roles: ColumnRoles) -> tuple[bool, list[str]]:
    """Find the column of clips; say whether the first of its files are there."""
    root = media_root(path)
    finder = ClipFinder(root)

    def there(column: Column) -> int:
        filled = (cell for cell in column.cells if not is_blank(cell))
        return sum(finder.exists(cell) for cell in islice(filled, _MAX_CLIPS_CHECKED))

    found = sorted((c for c in columns if c.name.strip() and c.holds_clips), key=there, reverse=True)
    if not found:
        return False, []
    column = found[0]
    roles.assign("audio", _("names of sound or video files"), column)
    if there(column):
        return True, []
    example = root / next(iter(column.value_counts))
    return False, [
        _("The files in '{column}' are not there ({path}); without them there is no sound.",
          column=column.name, path=example)
    ]  # fmt: skip


def _warn_ambiguous_numbers(columns: Sequence[Column]) -> list[str]:
    return [
        _("'{column}' holds '{cell}', where the mark may part thousands or decimals: none of it is taken as a "
          "number; write a decimal point.", column=column.name, cell=column.ambiguous_number)
        for column in columns if column.ambiguous_number
    ]  # fmt: skip


def _warn_invalid_splits(columns: Sequence[Column], roles: ColumnRoles) -> list[str]:
    """Warn of a column that names splits in most rows and something else in others."""
    if roles.column("split"):
        return []
    found = []
    for column in roles.unassigned(columns):
        odd = {value: n for value, n in column.value_counts.items() if parse_split(value) is None}
        others = [*map("'{}'".format, odd), *([_("empty")] if column.num_filled < len(column.cells) else [])]
        if sum(odd.values()) * 2 < column.num_filled and 0 < len(others) <= _MAX_UNKNOWN:
            found.append(
                _("'{column}' names splits in most rows, but not in all ({others}), so a split is drawn without "
                  "it; correct these rows to use it.", column=column.name, others=", ".join(others))
            )  # fmt: skip
    return found


def _warn_unnamed_dialogues(roles: ColumnRoles, labels: Sequence[Labels | None]) -> list[str]:
    """Ask for the dialogues of rows that come in runs."""
    if roles.column("dialogue") or roles.column("speaker"):
        return []
    if (found := measure_neighbor_agreement(labels)) is None:
        return []
    return [
        _("Neighboring rows have the same labels in {share} % of cases, by chance it would be {chance} %: if "
          "they are of one conversation, name its column, 'dialogue' (or 'group').",
          share=f"{100 * found.observed:.0f}", chance=f"{100 * found.expected:.0f}")
    ]  # fmt: skip


def _drop_unusable_groups(roles: ColumnRoles) -> list[str]:
    """Drop a dialogue or speaker column that the split cannot be drawn or kept by, and say so."""
    split, dialogue = roles.column("split"), roles.column("dialogue")
    warnings: list[str] = []
    if split and dialogue:
        split_of: dict[str, str | None] = {}
        pairs = zip(dialogue.cells, split.cells, strict=True)
        if any(split_of.setdefault(d, parse_split(s)) != parse_split(s) for d, s in pairs if not is_blank(d)):
            roles.unassign("dialogue", _("the same values in several splits; make them differ to use it"))
    if split:
        return warnings
    for role in ("dialogue", "speaker"):
        column = roles.column(role)
        if column and _num_groups(column) < 3:
            roles.unassign(role, _("{n} groups cannot fill train, dev and test", n=_num_groups(column)))
    dialogue, speaker = roles.column("dialogue"), roles.column("speaker")
    if (
        dialogue
        and speaker
        and len(set(zip(dialogue.cells, speaker.cells, strict=True))) == len(dialogue.value_counts)
    ):
        roles.questions["group"] = _("should nobody who speaks in train speak in dev or test? Then take this in.")
    return warnings


def _num_groups(column: Column) -> int:
    return len(column.value_counts) + len(column.cells) - column.num_filled


def _row_labels(roles: ColumnRoles) -> list[Labels | None]:
    """Return the labels of each row, ``None`` where there are none."""
    if column := roles.column("label"):
        cells, _several = split_label_cells(column.cells, column.label_separator)
        return [None if cell is None else frozenset(cell) for cell in cells]
    columns = roles.columns["labels"]
    rows = zip(*(column.numbers for column in columns), strict=True)
    return [
        frozenset(c.name for c, number in zip(columns, row, strict=True) if (number or 0) > 0) for row in rows
    ]


def _train_row_indices(roles: ColumnRoles, n: int) -> list[int]:
    split = roles.column("split")
    return [row for row in range(n) if split is None or parse_split(split.cells[row]) == "train"]


def _report_column(
    column: Column, roles: ColumnRoles, labels: Sequence[Labels | None], train: Sequence[int]
) -> ColumnReport:
    role = next((role for role, held in roles.columns.items() if column in held), "")
    free = role not in ("label", "labels", "text", "audio", "id")
    telling = free and leaks_label(column, labels, train)
    why = _("each of its values stands with one label alone") if telling and not role else ""
    example = next(iter(column.value_counts), "")
    return ColumnReport(
        name=column.name,
        role=role,
        reason=why or roles.reasons.get(column.name) or _reason_unused(column),
        num_filled=column.num_filled,
        num_unique=len(column.value_counts),
        example=example if len(example) <= 40 else example[:39] + "…",
        warning=_("'{column}' tells the label on train: never make it an input.", column=column.name)
        if telling
        else "",
    )


def _reason_unused(column: Column) -> str:
    if is_blank(column.name):
        return _("it has no name")
    if not column.is_varied:
        return _("the same in every row") if column.value_counts else _("empty")
    if column.is_unique:
        return _("another value in each row, as an id")
    if _is_named_like_label(column):
        return _("its name is that of labels; no input")
    if column.is_numeric:
        return _("numbers; a feature if known before the label")
    return _("nothing says what it is for")


def _is_named_like_label(column: Column) -> bool:
    return column.normalized_name.startswith(LABEL_PREFIXES) or any(
        is_known_label(column.name, task) for task in TASKS
    )


def _table_settings(roles: ColumnRoles) -> dict[str, Any]:
    order = ("text", "audio", "start", "end", "id", "speaker", "dialogue", "turn", "split", "label", "labels")
    settings: dict[str, Any] = {}
    for role in order:
        if role == "labels" and role in roles.columns:
            settings["labels"] = [column.name for column in roles.columns["labels"]]
            settings["threshold"] = 0.0
        elif column := roles.column(role):
            settings[role] = column.name
    if label := roles.column("label"):
        _add_label_settings(label, roles, settings)
    return settings


def _add_label_settings(label: Column, roles: ColumnRoles, settings: dict[str, Any]) -> None:
    """Add what parts several labels, and the unknown words for the user to explain; they stay as they are."""
    separator = label.label_separator
    if separator:
        settings["label_separator"] = separator
        roles.questions["label_separator"] = _("some cells hold it: do they hold several labels?")
    words = label.label_counts(separator)
    unknown = [word for word, _n in words.most_common() if not is_known_label(word, roles.task)]
    if len(unknown) > _MAX_UNKNOWN:
        settings["normalize"] = False
        roles.questions["normalize"] = _("most names are unknown, so all stay as they are: is it this column?")
    elif unknown:
        settings["names"] = {word: word for word in unknown}
        roles.questions["names"] = _(
            "what is meant by {words}? Write a label on the right, or nothing between the quotes if it is none; "
            "as it stands, each is a label of its own.",
            words=", ".join(f"{word} ({words[word]})" for word in unknown),
        )
