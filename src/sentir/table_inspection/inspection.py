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
from sentir.corpus.neighbor_agreement import runs_of
from sentir.corpus.utterances import SPLITS, Issue
from sentir.errors import CorpusError
from sentir.files.clip_paths import ClipFinder
from sentir.files.folders import require_printable
from sentir.files.splits import split_named
from sentir.files.tables import load_rows
from sentir.i18n import _
from sentir.readers.table.labels import is_known, split_cells
from sentir.readers.table.reader import media_root
from sentir.table_inspection.columns import TASKS, Column, Labels, columns_of, determines
from sentir.table_inspection.groups import offer_groups
from sentir.table_inspection.roles import LABEL_LIKE, Roles, find_by_name, find_labels, find_text

_MOST_UNKNOWN = 30
_LOOKED_FOR = 100  # clips whose files are looked for


@dataclass(frozen=True)
class Seen:
    """What was made of one column.

    Attributes:
        column: its name.
        role: its setting in ``data.table``, ``""`` if it was left out.
        why: a clause in the current language.
        filled: rows in which it holds something.
        different: how many values it has.
        example: the first of them.
        warning: a sentence if a person should know it before it is used; ``""`` if not.
    """

    column: str
    role: str
    why: str
    filled: int
    different: int
    example: str
    warning: str = ""


@dataclass(frozen=True)
class Look:
    """What was seen in a table.

    Attributes:
        path: where it lies.
        rows: how many it has.
        columns: in the table's order.
        task: what its labels are of.
        sound: whether its clips are there.
        settings: the section ``data.table`` of a recipe, but for the file.
        unsure: setting → a question in the current language.
        offers: settings to take in where the answer to their question is yes.
        language: what the texts are in, in the current language, if it is not English; else ``""``.
        warnings: sentences in the current language.
    """

    path: Path
    rows: int
    columns: tuple[Seen, ...]
    task: str
    sound: bool
    settings: dict[str, Any]
    unsure: dict[str, str]
    warnings: tuple[str, ...]
    offers: dict[str, Any]
    language: str = ""


def look(path: Path) -> Look:
    """Look at a table and say which of its columns is what.

    Raises:
        CorpusError: if it cannot be read, or has no labels, or neither texts nor clips.
    """
    require_printable(path)
    issues: list[Issue] = []
    rows = load_rows(path, issues=issues)
    if len(rows) < len(SPLITS):
        raise CorpusError(_("Rows of {path}: {n}; train, dev and test need one each.", path=path, n=len(rows)))
    columns = columns_of(rows)
    warnings = [issue.message for issue in issues] + _doubtful_numbers(columns)
    roles = Roles()
    there, missing = _find_clips(path, columns, roles)
    warnings += missing
    for column in [c for c in roles.free(columns) if c.splits][:1]:
        roles.give("split", _("every row names train, dev or test"), column)
    warnings += _odd_splits(columns, roles)
    find_labels(path, columns, roles)
    find_text(columns, roles, sound=there)
    find_by_name(columns, roles)
    if not roles.column("text") and not there:
        raise CorpusError(" ".join([_("{path} has no column of texts and no clips.", path=path), *warnings]))
    warnings += _keep_groups(roles)
    labels = _labels_of(roles)
    warnings += _unnamed_dialogues(roles, labels)
    train = _train_rows(roles, len(rows))
    seen = tuple(_seen(column, roles, labels, train) for column in columns)
    warnings += [one.warning for one in seen if one.warning]
    settings = _settings(roles)
    telling = {one.column for one in seen if one.warning}
    offers = offer_groups(columns, roles, lambda c: c.name in telling or _named_as_label(c))
    if "group" in roles.unsure:
        offers["group"] = settings["speaker"]
    unsure = dict(roles.unsure)
    return Look(path, len(rows), seen, roles.task, there, settings, unsure, tuple(warnings), offers)


def _find_clips(path: Path, columns: Sequence[Column], roles: Roles) -> tuple[bool, list[str]]:
    """Find the column of clips; say whether the first of its files are there."""
    root = media_root(path)
    finder = ClipFinder(root)

    def there(column: Column) -> int:
        filled = (cell for cell in column.cells if not is_blank(cell))
        return sum(finder.has(cell) for cell in islice(filled, _LOOKED_FOR))

    found = sorted((c for c in columns if c.name.strip() and c.clips), key=there, reverse=True)
    if not found:
        return False, []
    column = found[0]
    roles.give("audio", _("names of sound or video files"), column)
    if there(column):
        return True, []
    example = root / next(iter(column.values))
    return False, [
        _("The files in '{column}' are not there ({path}); without them there is no sound.",
          column=column.name, path=example)
    ]  # fmt: skip


def _doubtful_numbers(columns: Sequence[Column]) -> list[str]:
    return [
        _("'{column}' holds '{cell}', where the mark may part thousands or decimals: none of it is taken as a "
          "number; write a decimal point.", column=column.name, cell=column.doubt)
        for column in columns if column.doubt
    ]  # fmt: skip


def _odd_splits(columns: Sequence[Column], roles: Roles) -> list[str]:
    """Warn of a column that names splits in most rows and something else in others."""
    if roles.column("split"):
        return []
    found = []
    for column in roles.free(columns):
        odd = {value: n for value, n in column.values.items() if split_named(value) is None}
        others = [*map("'{}'".format, odd), *([_("empty")] if column.filled < len(column.cells) else [])]
        if sum(odd.values()) * 2 < column.filled and 0 < len(others) <= _MOST_UNKNOWN:
            found.append(
                _("'{column}' names splits in most rows, but not in all ({others}), so a split is drawn without "
                  "it; correct these rows to use it.", column=column.name, others=", ".join(others))
            )  # fmt: skip
    return found


def _unnamed_dialogues(roles: Roles, labels: Sequence[Labels | None]) -> list[str]:
    """Ask for the dialogues of rows that come in runs."""
    if roles.column("dialogue") or roles.column("speaker"):
        return []
    if (found := runs_of(labels)) is None:
        return []
    return [
        _("Neighboring rows have the same labels in {share} % of cases, by chance it would be {chance} %: if "
          "they are of one conversation, name its column, 'dialogue' (or 'group').",
          share=f"{100 * found.share:.0f}", chance=f"{100 * found.chance:.0f}")
    ]  # fmt: skip


def _keep_groups(roles: Roles) -> list[str]:
    """Drop a dialogue or speaker column that the split cannot be drawn or kept by, and say so."""
    split, dialogue = roles.column("split"), roles.column("dialogue")
    warnings: list[str] = []
    if split and dialogue:
        split_of: dict[str, str | None] = {}
        pairs = zip(dialogue.cells, split.cells, strict=True)
        if any(split_of.setdefault(d, split_named(s)) != split_named(s) for d, s in pairs if not is_blank(d)):
            roles.drop("dialogue", _("the same values in several splits; make them differ to use it"))
    if split:
        return warnings
    for role in ("dialogue", "speaker"):
        column = roles.column(role)
        if column and _groups(column) < 3:
            roles.drop(role, _("{n} groups cannot fill train, dev and test", n=_groups(column)))
    dialogue, speaker = roles.column("dialogue"), roles.column("speaker")
    if dialogue and speaker and len(set(zip(dialogue.cells, speaker.cells, strict=True))) == len(dialogue.values):
        roles.unsure["group"] = _("should nobody who speaks in train speak in dev or test? Then take this in.")
    return warnings


def _groups(column: Column) -> int:
    return len(column.values) + len(column.cells) - column.filled


def _labels_of(roles: Roles) -> list[Labels | None]:
    """Return the labels of each row, ``None`` where there are none."""
    if column := roles.column("label"):
        cells, _several = split_cells(column.cells, column.separator)
        return [None if cell is None else frozenset(cell) for cell in cells]
    columns = roles.of["labels"]
    rows = zip(*(column.numbers for column in columns), strict=True)
    return [
        frozenset(c.name for c, number in zip(columns, row, strict=True) if (number or 0) > 0) for row in rows
    ]


def _train_rows(roles: Roles, n: int) -> list[int]:
    split = roles.column("split")
    return [row for row in range(n) if split is None or split_named(split.cells[row]) == "train"]


def _seen(column: Column, roles: Roles, labels: Sequence[Labels | None], train: Sequence[int]) -> Seen:
    role = next((role for role, held in roles.of.items() if column in held), "")
    free = role not in ("label", "labels", "text", "audio", "id")
    telling = free and determines(column, labels, train)
    why = _("each of its values stands with one label alone") if telling and not role else ""
    example = next(iter(column.values), "")
    return Seen(
        column=column.name,
        role=role,
        why=why or roles.why.get(column.name) or _why_left_out(column),
        filled=column.filled,
        different=len(column.values),
        example=example if len(example) <= 40 else example[:39] + "…",
        warning=_("'{column}' tells the label on train: never make it an input.", column=column.name)
        if telling
        else "",
    )


def _why_left_out(column: Column) -> str:
    if is_blank(column.name):
        return _("it has no name")
    if not column.varied:
        return _("the same in every row") if column.values else _("empty")
    if column.unique:
        return _("another value in each row, as an id")
    if _named_as_label(column):
        return _("its name is that of labels; no input")
    if column.numeric:
        return _("numbers; a feature if known before the label")
    return _("nothing says what it is for")


def _named_as_label(column: Column) -> bool:
    return column.key.startswith(LABEL_LIKE) or any(is_known(column.name, task) for task in TASKS)


def _settings(roles: Roles) -> dict[str, Any]:
    order = ("text", "audio", "start", "end", "id", "speaker", "dialogue", "turn", "split", "label", "labels")
    settings: dict[str, Any] = {}
    for role in order:
        if role == "labels" and role in roles.of:
            settings["labels"] = [column.name for column in roles.of["labels"]]
            settings["threshold"] = 0.0
        elif column := roles.column(role):
            settings[role] = column.name
    if label := roles.column("label"):
        _explain_words(label, roles, settings)
    return settings


def _explain_words(label: Column, roles: Roles, settings: dict[str, Any]) -> None:
    """Add what parts several labels, and the unknown words for the user to explain; they stay as they are."""
    separator = label.separator
    if separator:
        settings["label_separator"] = separator
        roles.unsure["label_separator"] = _("some cells hold it: do they hold several labels?")
    words = label.words(separator)
    unknown = [word for word, _n in words.most_common() if not is_known(word, roles.task)]
    if len(unknown) > _MOST_UNKNOWN:
        settings["normalize"] = False
        roles.unsure["normalize"] = _("most names are unknown, so all stay as they are: is it this column?")
    elif unknown:
        settings["names"] = {word: word for word in unknown}
        roles.unsure["names"] = _(
            "what is meant by {words}? Write a label on the right, or nothing between the quotes if it is none; "
            "as it stands, each is a label of its own.",
            words=", ".join(f"{word} ({words[word]})" for word in unknown),
        )
