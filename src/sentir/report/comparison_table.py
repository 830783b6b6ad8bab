"""The table of comparisons, sorted by what the two models differ in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sentir.display_names import display_name
from sentir.evaluation.results import Comparison
from sentir.i18n import _
from sentir.recipe import diff_settings
from sentir.report.task_sections import TaskSection

_MAX_NAMED_SETTINGS = 3  # of those that two models differ in


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A comparison and what it contrasts: ``text ↔ audio``, ``model.context: dialogue ↔ none``, …"""

    contrast: str
    comparison: Comparison


def comparison_rows(section: TaskSection) -> list[ComparisonRow]:
    """Return the comparisons of a task, sorted by contrast: families, settings, then baselines."""
    ranked = sorted(
        ((*_contrast(section, c), order, c) for order, c in enumerate(section.comparisons)),
        key=lambda row: row[:3],
    )
    return [ComparisonRow(contrast, c) for _rank, contrast, _order, c in ranked]


def _contrast(section: TaskSection, comparison: Comparison) -> tuple[int, str]:
    family = {row.model: row.family for row in (*section.test_rows, *section.dev_rows)}
    a, b = family.get(comparison.a, ""), family.get(comparison.b, "")
    if not a or not b:
        return 3, _("model vs. baseline")
    if a != b:
        return 0, f"{display_name(a)} ↔ {display_name(b)}"
    changed = diff_settings(section.settings.get(comparison.a, {}), section.settings.get(comparison.b, {}))
    if not changed:
        return 2, _("settings")
    if len(changed) == 1:
        ((key, (left, right)),) = changed.items()
        return 1, f"{key}: {format_setting(left)} ↔ {format_setting(right)}"
    names = ", ".join(list(changed)[:_MAX_NAMED_SETTINGS])
    more = _("{names} and {n} more", names=names, n=len(changed) - _MAX_NAMED_SETTINGS)
    return 2, names if len(changed) <= _MAX_NAMED_SETTINGS else more


def format_setting(value: Any) -> str:
    """Format the value of a setting."""
    if value is None or value == [] or value == "":
        return "–"
    if isinstance(value, list):
        return ", ".join(map(format_setting, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
