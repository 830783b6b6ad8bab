"""From the roles of a table's columns to the section ``data.table`` of a recipe."""

from __future__ import annotations

from typing import Any

from sentir.files.label_cells import is_known_label
from sentir.i18n import _
from sentir.table_inspection.columns import Column
from sentir.table_inspection.roles import ColumnRoles

MAX_UNKNOWN = 30  # unknown names listed for the user


def make_table_settings(roles: ColumnRoles) -> dict[str, Any]:
    """Return the section ``data.table``, without the file; questions on labels are added to ``roles``."""
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
    """Add the separator of labels, and the unknown label names for the user to map; they map to themselves."""
    separator = label.label_separator
    if separator:
        settings["label_separator"] = separator
        roles.questions["label_separator"] = _("some cells contain it: do they have several labels?")
    words = label.label_counts(separator)
    unknown = [word for word, _n in words.most_common() if not is_known_label(word, roles.task)]
    if len(unknown) > MAX_UNKNOWN:
        settings["normalize"] = False
        roles.questions["normalize"] = _(
            "most names are unknown, so all are kept unchanged: is this the label column?"
        )
    elif unknown:
        settings["names"] = {word: word for word in unknown}
        roles.questions["names"] = _(
            'which labels are {words}? Write a label on the right, or "" for no label; unchanged, each is a '
            "class of its own.",
            words=", ".join(f"{word} ({words[word]})" for word in unknown),
        )
