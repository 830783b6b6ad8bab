"""All checks, in the order of the table."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from faults.frame import Check, group_of

MODULES = ("kills", "machine", "soak", "hostile_inputs")
"""Modules of this package, each with a list ``CHECKS``."""


def select_checks(names: Sequence[str] = ()) -> list[Check]:
    """Return the checks with these names or of these groups, or all.

    Raises:
        SystemExit: if there is no check of a name.
    """
    checks = [check for module in MODULES for check in import_module(f"faults.{module}").CHECKS]
    for name in names:
        if not any(_is_selected(check, name) for check in checks):
            raise SystemExit(f"No check is named {name}; there are {', '.join(check.name for check in checks)}.")
    return [check for check in checks if not names or any(_is_selected(check, name) for name in names)]


def _is_selected(check: Check, name: str) -> bool:
    return name in (check.name, group_of(check))
