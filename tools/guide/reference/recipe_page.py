"""The settings of a recipe, from its pydantic models."""

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import griffe
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sentir.recipe import Recipe, Section
from sentir.recipe.data import READER_SETTINGS
from sentir.recipe.toml import dump_toml

TEXTS = {
    "en": {
        "title": "Settings of a recipe",
        "introduction": "A recipe is a TOML file; `--set section.key=value` changes a setting in place. A "
        "setting without a default can be left out, unless it is *required*.",
        "top": "Top level",
        "columns": "| setting | type | default | meaning |",
        "required": "*required*",
    },
    "es": {
        "title": "Ajustes de una receta",
        "introduction": "Una receta es un archivo TOML; `--set sección.clave=valor` cambia un ajuste al vuelo. "
        "Un ajuste sin valor por defecto se puede omitir, salvo que sea *obligatorio*. El significado, tomado "
        "del código, está en inglés.",
        "top": "Nivel superior",
        "columns": "| ajuste | tipo | por defecto | significado |",
        "required": "*obligatorio*",
    },
}
TYPE_NAMES = {str: "string", int: "integer", float: "number", bool: "true, false", Path: "path", Any: "any"}
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def write_recipe_keys(language: str) -> str:
    """Return the page."""
    texts = TEXTS[language]
    parts = [f"# {texts['title']}", texts["introduction"]]
    for name, section in list_sections():
        heading = f"`[{name}]`" if name else texts["top"]
        rows = [_to_row(section, key, field, texts) for key, field in own_fields(section)]
        parts += [
            f"## {heading}",
            first_sentence(section),
            "\n".join([texts["columns"], "|---|---|---|---|", *rows]),
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def list_sections() -> Iterator[tuple[str, type[Section]]]:
    """Yield the sections of a recipe by their name in TOML, outer ones first."""
    queue: list[tuple[str, type[Section]]] = [("", Recipe)]
    while queue:
        name, section = queue.pop(0)
        yield name, section
        for key, field in section.model_fields.items():
            queue += [(f"{name}.{key}".lstrip("."), inner) for inner in _inner_sections(field.annotation)]
        if name == "data":
            queue += [(f"data.{reader}", READER_SETTINGS.get(reader)) for reader in READER_SETTINGS]


def own_fields(section: type[Section]) -> list[tuple[str, FieldInfo]]:
    """Return the settings of a section that are no sections themselves."""
    return [(key, field) for key, field in section.model_fields.items() if not _inner_sections(field.annotation)]


def meanings(section: type[Section]) -> dict[str, str]:
    """Return setting → meaning, from the docstrings of the class and its bases."""
    found: dict[str, str] = {}
    for cls in reversed(section.__mro__):
        if not issubclass(cls, Section):
            continue
        for part in griffe.Docstring(cls.__doc__ or "").parse("google", warnings=False):
            if part.kind is griffe.DocstringSectionKind.attributes:
                for one in part.value:
                    found |= {name.strip(): one.description for name in one.name.split(",")}
    return found


def first_sentence(section: type[Section]) -> str:
    """Return the summary of a section."""
    return _one_line((section.__doc__ or "").strip().split("\n\n")[0])


def _inner_sections(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for one in get_args(annotation) for inner in _inner_sections(one)]
    return []


def _to_row(section: type[Section], key: str, field: FieldInfo, texts: dict[str, str]) -> str:
    meaning = _one_line(meanings(section).get(key, ""))
    cells = (f"`{key}`", _to_type(field), _to_default(key, field, texts), meaning)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _to_type(field: FieldInfo) -> str:
    bounds = [f"{sign} {getattr(one, name):g}" for one in field.metadata for name, sign in SIGNS.items()
              if getattr(one, name, None) is not None]  # fmt: skip
    return " ".join([_type_name(field.annotation), ", ".join(bounds)]).strip()


def _type_name(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _type_name(annotation.__origin__)
    if origin is Literal:
        return ", ".join(f'`"{value}"`' for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type_name(one) for one in inner if one is not type(None)))
    if origin in (tuple, list):
        return f"list of {_type_name(inner[0])}"
    if origin is dict or annotation is dict:
        return "table"
    return TYPE_NAMES.get(annotation, getattr(annotation, "__name__", "table"))


def _to_default(key: str, field: FieldInfo, texts: dict[str, str]) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return texts["required"]
    if value is None or (isinstance(value, dict) and not value):
        return ""
    text = dump_toml({key: list(value) if isinstance(value, tuple) else value}).split(" = ", 1)[1].strip()
    return f"`{' '.join(text.split()).replace('[ ', '[').replace(', ]', ']')}`"


def _one_line(text: str) -> str:
    return re.sub(r"`{2}(.*?)`{2}", r"`\1`", " ".join(text.split()))
