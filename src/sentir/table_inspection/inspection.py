"""Inspecting a table: the role of each column, with its reason, and questions for the user.

Nothing is guessed silently: every decision has a reason, every doubt becomes a question.
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
from sentir.table_inspection.roles import LABEL_PREFIXES, ColumnRoles, find_by_name, find_labels, find_text
from sentir.table_inspection.settings import MAX_UNKNOWN, make_table_settings, suggest_groups

_MAX_CLIPS_CHECKED = 100  # clips whose files are searched for


@dataclass(frozen=True)
class ColumnReport:
    """The role of one column.

    Attributes:
        name: its name.
        role: its setting in ``data.table``, ``""`` if it is unused.
        reason: a clause in the current language.
        num_filled: number of cells that are not empty.
        num_unique: number of different values.
        example: the first value.
        warning: a sentence to read before using it; ``""`` if there is none.
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
    """The result of inspecting a table.

    Attributes:
        path: of the table.
        num_rows: number of rows.
        columns: in the table's order.
        task: of its labels.
        has_audio: whether its clips exist.
        settings: the section ``data.table`` of a recipe, without the file.
        questions: setting → a question in the current language.
        warnings: sentences in the current language.
        suggestions: settings to add if the answer to their question is yes.
        language: the name of the texts' language, in the current language, if it is not English; else ``""``.
        reader: ``table``, or the reader of a published corpus; then ``settings`` only says whether it has texts
            and dialogues.
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
    reader: str = "table"


def inspect_table(path: Path) -> TableInspection:
    """Inspect a table and return the roles of its columns.

    Raises:
        CorpusError: if it cannot be read, or has no labels, or neither texts nor clips.
    """
    require_printable(path)
    issues: list[Issue] = []
    rows = load_rows(path, issues=issues)
    if len(rows) < len(SPLITS):
        raise CorpusError(
            _(
                "{path} needs three rows or more, one each for train, dev and test; it has {n}.",
                path=path,
                n=len(rows),
            )
        )
    columns = make_columns(rows)
    warnings = [issue.message for issue in issues]
    warnings += [
        _("'{column}' contains '{cell}', whose mark may be decimal or separate thousands, so the column is not "
          "numeric; write a decimal point.", column=column.name, cell=column.ambiguous_number)
        for column in columns if column.ambiguous_number
    ]  # fmt: skip
    roles = ColumnRoles()
    has_audio, clip_warnings = _find_clips(path, columns, roles)
    warnings += clip_warnings
    for column in [c for c in roles.unassigned(columns) if c.holds_splits][:1]:
        roles.assign("split", _("train, dev or test in every row"), column)
    warnings += _warn_invalid_splits(columns, roles)
    find_labels(path, columns, roles)
    find_text(columns, roles, has_audio=has_audio)
    find_by_name(columns, roles)
    if not roles.column("text") and not has_audio:
        raise CorpusError(" ".join([_("{path} has no column of texts and no clips.", path=path), *warnings]))
    _unassign_unusable_groups(roles)
    labels = _row_labels(roles)
    warnings += _warn_unnamed_dialogues(roles, labels)
    split = roles.column("split")
    train = [n for n in range(len(rows)) if split is None or parse_split(split.cells[n]) == "train"]
    reports = tuple(_report_column(column, roles, labels, train) for column in columns)
    warnings += [report.warning for report in reports if report.warning]
    settings = make_table_settings(roles)
    leaky = {report.name for report in reports if report.warning}
    suggestions = suggest_groups(columns, roles, lambda c: c.name in leaky or _is_named_like_label(c))
    if "group" in roles.questions:
        suggestions["group"] = settings["speaker"]
    return TableInspection(
        path,
        len(rows),
        reports,
        roles.task,
        has_audio,
        settings,
        dict(roles.questions),
        tuple(warnings),
        suggestions,
    )


def _find_clips(path: Path, columns: Sequence[Column], roles: ColumnRoles) -> tuple[bool, list[str]]:
    """Assign the clip column; return whether any of its first files exists, and warnings."""
    root = media_root(path)
    finder = ClipFinder(root)

    def num_existing(column: Column) -> int:
        not_empty = (cell for cell in column.cells if not is_blank(cell))
        return sum(finder.exists(cell) for cell in islice(not_empty, _MAX_CLIPS_CHECKED))

    candidates = sorted((c for c in columns if c.name.strip() and c.holds_clips), key=num_existing, reverse=True)
    if not candidates:
        return False, []
    column = candidates[0]
    roles.assign("audio", _("names of audio or video files"), column)
    if num_existing(column):
        return True, []
    example = root / next(iter(column.value_counts))
    return False, [
        _("The files in '{column}' do not exist ({path}); without them there is no audio.",
          column=column.name, path=example)
    ]  # fmt: skip


def _warn_invalid_splits(columns: Sequence[Column], roles: ColumnRoles) -> list[str]:
    """Warn about a column that names splits in most rows but not in all."""
    if roles.column("split"):
        return []
    warnings = []
    for column in roles.unassigned(columns):
        invalid = {value: n for value, n in column.value_counts.items() if parse_split(value) is None}
        others = [*map("'{}'".format, invalid), *([_("empty")] if column.num_filled < len(column.cells) else [])]
        if sum(invalid.values()) * 2 < column.num_filled and 0 < len(others) <= MAX_UNKNOWN:
            warnings.append(
                _("'{column}' names splits in most rows, but not in all ({others}), so the split is random "
                  "instead; correct these rows to use it.", column=column.name, others=", ".join(others))
            )  # fmt: skip
    return warnings


def _warn_unnamed_dialogues(roles: ColumnRoles, labels: Sequence[Labels | None]) -> list[str]:
    """Warn if adjacent rows agree in their labels as in dialogues, but no column names these."""
    if roles.column("dialogue") or roles.column("speaker"):
        return []
    if (agreement := measure_neighbor_agreement(labels)) is None:
        return []
    return [
        _("Adjacent rows have the same labels in {share}% of cases, where {chance}% is expected by chance: if "
          "they belong to a conversation, name its column in 'dialogue' (or 'group').",
          share=f"{100 * agreement.observed:.0f}", chance=f"{100 * agreement.expected:.0f}")
    ]  # fmt: skip


def _unassign_unusable_groups(roles: ColumnRoles) -> None:
    """Unassign a dialogue or speaker column that cannot be kept within splits; ask about grouping by speaker."""
    split, dialogue = roles.column("split"), roles.column("dialogue")
    if split and dialogue:
        split_of: dict[str, str | None] = {}
        pairs = zip(dialogue.cells, split.cells, strict=True)
        if any(split_of.setdefault(d, parse_split(s)) != parse_split(s) for d, s in pairs if not is_blank(d)):
            roles.unassign("dialogue", _("same values in several splits; make them differ to use it"))
    if split:
        return
    for role in ("dialogue", "speaker"):
        column = roles.column(role)
        if column and _num_groups(column) < 3:
            roles.unassign(role, _("{n} groups are too few for train, dev and test", n=_num_groups(column)))
    dialogue, speaker = roles.column("dialogue"), roles.column("speaker")
    if (
        dialogue
        and speaker
        and len(set(zip(dialogue.cells, speaker.cells, strict=True))) == len(dialogue.value_counts)
    ):
        roles.questions["group"] = _("should dev and test have no speaker of train? Then uncomment this line.")


def _num_groups(column: Column) -> int:
    return len(column.value_counts) + len(column.cells) - column.num_filled


def _row_labels(roles: ColumnRoles) -> list[Labels | None]:
    """Return the labels of each row, ``None`` if it has none."""
    if column := roles.column("label"):
        cells, _multilabel = split_label_cells(column.cells, column.label_separator)
        return [None if cell is None else frozenset(cell) for cell in cells]
    columns = roles.columns["labels"]
    rows = zip(*(column.numbers for column in columns), strict=True)
    return [
        frozenset(c.name for c, number in zip(columns, row, strict=True) if (number or 0) > 0) for row in rows
    ]


def _report_column(
    column: Column, roles: ColumnRoles, labels: Sequence[Labels | None], train: Sequence[int]
) -> ColumnReport:
    role = next((role for role, assigned in roles.columns.items() if column in assigned), "")
    may_leak = role not in ("label", "labels", "text", "audio", "id")
    leaks = may_leak and leaks_label(column, labels, train)
    leak_reason = _("each value has one label only") if leaks and not role else ""
    example = next(iter(column.value_counts), "")
    return ColumnReport(
        name=column.name,
        role=role,
        reason=leak_reason or roles.reasons.get(column.name) or _reason_unused(column),
        num_filled=column.num_filled,
        num_unique=len(column.value_counts),
        example=example if len(example) <= 40 else example[:39] + "…",
        warning=_(
            "'{column}' reveals the label on train (leakage): never use it as an input.", column=column.name
        )
        if leaks
        else "",
    )


def _reason_unused(column: Column) -> str:
    if is_blank(column.name):
        return _("it has no name")
    if not column.is_varied:
        return _("constant") if column.value_counts else _("empty")
    if column.is_unique:
        return _("a different value in every row, like an id")
    if _is_named_like_label(column):
        return _("its name suggests labels; not an input")
    if column.is_numeric:
        return _("numeric; may be a feature if known before the label")
    return _("purpose unknown")


def _is_named_like_label(column: Column) -> bool:
    return column.normalized_name.startswith(LABEL_PREFIXES) or any(
        is_known_label(column.name, task) for task in TASKS
    )
