"""What two models of a comparison differ in, and a table of comparisons sorted by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sentir.evaluation.results import Comparison
from sentir.i18n import _
from sentir.recipe import differences
from sentir.report.task_sections import TaskSection
from sentir.report.words import word

_NAMED = 3  # settings that are named, if two models differ in more


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, and what is compared in it: ``text ↔ sound``, ``model.context: dialogue ↔ none`` …"""

    what: str
    comparison: Comparison


def compared(section: TaskSection) -> list[Compared]:
    """Return the comparisons of a task, sorted by what is compared: families, settings, then baselines."""
    ranked = sorted(
        ((*_what(section, c), order, c) for order, c in enumerate(section.comparisons)), key=lambda row: row[:3]
    )
    return [Compared(what, c) for _rank, what, _order, c in ranked]


def _what(section: TaskSection, c: Comparison) -> tuple[int, str]:
    family = {row.model: row.family for row in (*section.test, *section.dev)}
    a, b = family.get(c.a, ""), family.get(c.b, "")
    if not a or not b:
        return 3, _("model vs. baseline")
    if a != b:
        return 0, f"{word(a)} ↔ {word(b)}"
    found = differences(section.settings.get(c.a, {}), section.settings.get(c.b, {}))
    if not found:
        return 2, _("settings")
    if len(found) == 1:
        ((key, (left, right)),) = found.items()
        return 1, f"{key}: {value_text(left)} ↔ {value_text(right)}"
    names = ", ".join(list(found)[:_NAMED])
    more = _("{names} and {n} more", names=names, n=len(found) - _NAMED)
    return 2, names if len(found) <= _NAMED else more


def value_text(value: Any) -> str:
    """Write the value of a setting."""
    if value is None or value == [] or value == "":
        return "–"
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
