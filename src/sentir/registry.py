"""Registries of named objects, and plug-ins that add to them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sentir.errors import SentirError, UnknownNameError
from sentir.i18n import _


class Registry:
    """Named objects of one kind; an entry may be ``"module:attribute"``, imported on first use."""

    def __init__(self, kind: str, entries: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, Any] = dict(entries or {})

    def register(self, name: str) -> Callable[[Any], Any]:
        """Return a decorator that registers an object as ``name``."""

        def add(entry: Any) -> Any:
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> Any:
        """Return the object called ``name``.

        Raises:
            UnknownNameError: if there is none; the message suggests the nearest names.
        """
        if name not in self._entries:
            raise UnknownNameError(self._unknown_name_message(name))
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _colon, attribute = entry.partition(":")
            entry = self._entries[name] = getattr(importlib.import_module(module), attribute)
        return entry

    def _unknown_name_message(self, name: str) -> str:
        near = get_close_matches(name, self._entries, n=2, cutoff=0.5)
        hint = _("did you mean {names}?", names=_(" or ").join(near)) + " " if near else ""
        return _(
            "There is no {kind} called '{name}'; {hint}Known: {known}.",
            kind=_(self.kind),
            name=name,
            hint=hint,
            known=", ".join(sorted(self._entries)),
        )

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))


def load_plugin(path: Path) -> None:
    """Import a Python file that registers its own readers, backbones or feature sets.

    Raises:
        SentirError: if the file does not exist, is not Python, or imports what cannot be imported.
    """
    if not path.is_file():
        raise SentirError(_("The plug-in {path} does not exist; give the path of a Python file.", path=path))
    spec = importlib.util.spec_from_file_location(f"sentir_plugin_{path.stem}", path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise _plugin_error(path, _("its name does not end in .py"))
    try:
        compile(path.read_bytes(), path, "exec")
    except (SyntaxError, ValueError) as error:  # ValueError: a binary file
        raise _plugin_error(path, error) from error
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except (ImportError, SyntaxError) as error:
        raise _plugin_error(path, error) from error


def _plugin_error(path: Path, why: object) -> SentirError:
    return SentirError(
        _("The plug-in {path} cannot be loaded ({why}); give a Python file that runs.", path=path, why=why)
    )
