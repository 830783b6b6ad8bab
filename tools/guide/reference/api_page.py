"""The public names of the package, from their docstrings."""

import logging
import re
from importlib import import_module
from pathlib import Path
from types import FunctionType

import griffe
from griffe2md import default_config, render_object_docs

import sentir

INTRODUCTIONS = {
    "en": "# Python\n\nEverything that `import sentir` offers, from its docstrings.",
    "es": "# Python\n\nTodo lo que ofrece `import sentir`, según la documentación del código, en inglés.",
}
CONFIG = {
    **default_config,
    "show_object_full_path": False,
    "show_root_full_path": False,
    "show_root_members_full_path": False,
    "show_signature_annotations": False,
    "show_if_no_docstring": False,
    "show_bases": False,
    "show_docstring_functions": False,
    "summary": False,
    "line_length": 100,
}
MODULES = ("sentir.models", "sentir.testing")
"""Packages whose public names are listed besides those of `sentir`."""


def write_api(language: str) -> str:
    """Return the page."""
    logging.getLogger("griffe").setLevel(logging.ERROR)  # several parameters in one entry, which it warns of
    package = griffe.load(
        "sentir",
        search_paths=[Path(sentir.__file__).parents[1]],
        docstring_parser="google",
        docstring_options={"warnings": False},
    )
    names = {f"sentir.{name}": getattr(sentir, name) for name in sentir.__all__ if name != "__version__"}
    for module in MODULES:
        loaded = import_module(module)
        names |= {f"{module}.{name}": getattr(loaded, name) for name in loaded.__all__}
    parts = [INTRODUCTIONS[language]]
    for name, value in names.items():
        if not isinstance(value, type | FunctionType):
            continue
        path = f"{value.__module__}.{value.__qualname__}"
        parts.append(_to_markdown(name, package[path.removeprefix("sentir.")]))
    return "\n\n".join(parts) + "\n"


def _to_markdown(name: str, found: griffe.Object) -> str:
    """Return the documentation of an object, without links and tags that griffe2md writes for its pages."""
    text = render_object_docs(found, CONFIG)
    text = re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*?)\]\(#[^)]*\)", r"\1", text)
    text = re.sub(r"<code>(.*?)</code>", lambda match: f"`{match[1].replace('**', '')}`", text)
    text = re.sub(r"(?<!`)``(?!`)", "`", text)
    text = re.sub(r"^### `", f"### `{found.name}.", text, flags=re.MULTILINE)
    return re.sub(r"^## .*", f"## `{name}`", text, count=1).rstrip()
