"""Validation errors of pydantic as translated advice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sentir.i18n import _

_UNION_MEMBER = re.compile(r"bool|int|float|str|.*\[.*\]")  # what pydantic adds to the path of a union of types


def format_validation_error(
    error: ValidationError, where: str, settings: type[BaseModel], section: Sequence[str] = ()
) -> str:
    """Return a sentence on the first invalid setting.

    Args:
        error: of the validation.
        where: the recipe.
        settings: the class that was validated.
        section: the path of its section in the recipe.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    path = path[:-1] if path and _UNION_MEMBER.fullmatch(path[-1]) else path
    key = ".".join((*section, *path)) or _("top level")
    if first["type"] == "extra_forbidden":
        near = get_close_matches(path[-1], _known_keys(settings, path[:-1]), n=1, cutoff=0.5)
        hint = _("did you mean '{name}'?", name=near[0]) if near else _("remove it.")
        return _("{where}: there is no setting '{key}'; {hint}", where=where, key=key, hint=hint)
    if first["type"] == "missing":
        return _("{where}: the setting '{key}' is missing.", where=where, key=key)
    why, value = describe_error(first), first["input"]
    if isinstance(value, Mapping):
        return _("{where}: '{key}' cannot be used: {why}.", where=where, key=key, why=why)
    return _("{where}: '{key}' cannot be {value!r}: {why}.", where=where, key=key, value=value, why=why)


def _known_keys(settings: type[BaseModel], path: list[str]) -> list[str]:
    section: Any = settings
    for part in path:  # names in a table of sections are not settings
        if part in (known := section.known_settings()):
            section = next(
                one
                for one in (known[part], *get_args(known[part]))
                if isinstance(one, type) and issubclass(one, BaseModel)
            )
    return list(section.known_settings())


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
    if kind == "too_long":
        return _("give a list of at most {n}", n=context["max_length"])
    if kind.startswith("int_"):
        return _("give a whole number")
    if kind.startswith(("float_", "finite_")):
        return _("give a number")
    if kind.startswith("bool_"):
        return _("give true or false")
    if kind == "string_type":
        return _("give a string")
    if kind == "string_too_short":
        return _("give a string that is not empty")
    if kind == "path_type":
        return _("give a path")
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
