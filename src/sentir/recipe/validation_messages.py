"""Validation errors of pydantic as translated advice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sentir.i18n import _


def describe_error(error: Mapping[str, Any]) -> str:
    """Return what to give instead, for an entry of `pydantic.ValidationError.errors`."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind == "literal_error":
        return _("give one of {names}", names=", ".join(re.findall("'([^']*)'", context["expected"])))
    if kind == "missing":
        return _("it is missing")
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return _("no such setting is known")
    if kind in ("tuple_type", "list_type"):
        return _("give a list")
    if kind == "too_short":
        return _("give a list of at least {n}", n=context["min_length"])
    if kind.startswith("int_"):
        return _("give a whole number")
    if kind.startswith(("float_", "finite_")):
        return _("give a number")
    if kind.startswith("bool_"):
        return _("give true or false")
    if kind == "string_type":
        return _("give a string")
    if kind in ("model_type", "dict_type", "mapping_type", "dataclass_type"):
        return _("give a section of settings")
    return _describe_bound(kind, context) or str(error["msg"]).removeprefix("Value error, ")


def _describe_bound(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "greater_than":
        return _("give more than {bound}", bound=f"{context['gt']:g}")
    if kind == "greater_than_equal":
        return _("give at least {bound}", bound=f"{context['ge']:g}")
    if kind == "less_than":
        return _("give less than {bound}", bound=f"{context['lt']:g}")
    if kind == "less_than_equal":
        return _("give at most {bound}", bound=f"{context['le']:g}")
    return ""
