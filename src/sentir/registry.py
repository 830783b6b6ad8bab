"""Registries of named objects, to which plug-ins add."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from types import FunctionType
from typing import Any

from sentir.errors import PluginError, UnknownNameError
from sentir.i18n import _
from sentir.plugins import PROGRAM, Plugin, current_plugin, load_installed_plugins


class Registry:
    """Named objects of one kind; an entry may be ``"module:attribute"``, imported on first use."""

    def __init__(self, kind: str, entries: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, Any] = dict(entries or {})
        self._plugins: dict[str, Plugin] = {}  # of names that are not Sentir's own

    def register(self, name: str) -> Callable[[Any], Any]:
        """Return a decorator that registers an object as ``name``.

        Raises:
            PluginError: if the name exists.
        """

        def add(entry: Any) -> Any:
            self._refuse_existing(name)
            if not _is_own_function(entry):
                self._plugins[name] = current_plugin(lambda: self._remove(name)) or PROGRAM
            self._entries[name] = entry
            return entry

        return add

    def _refuse_existing(self, name: str) -> None:
        if name not in self._entries:
            return
        old = _describe(self._plugins[name]) if name in self._plugins else "Sentir"
        raise PluginError(
            _("The {kind} '{name}' of {new} exists already: {old} has registered it; rename one of them.",
              kind=_(self.kind), name=name, new=_describe(current_plugin() or PROGRAM), old=old)
        )  # fmt: skip

    def _remove(self, name: str) -> None:
        self._entries.pop(name, None)
        self._plugins.pop(name, None)

    def get(self, name: str) -> Any:
        """Return the object called ``name``.

        Raises:
            UnknownNameError: if there is none; the message suggests the nearest names.
        """
        if name not in self:
            raise UnknownNameError(self._unknown_name_message(name))
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _colon, attribute = entry.partition(":")
            entry = self._entries[name] = getattr(importlib.import_module(module), attribute)
        return entry

    def plugin_of(self, name: str) -> Plugin | None:
        """Return the plug-in that registered ``name``; ``None`` if it is Sentir's own."""
        return self._plugins.get(name)

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
        if name not in self._entries:
            load_installed_plugins()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        load_installed_plugins()
        return iter(sorted(self._entries))


def _describe(plugin: Plugin) -> str:
    return _("this program") if plugin == PROGRAM else _("the plug-in {plugin}", plugin=plugin.describe())


def _is_own_function(entry: object) -> bool:
    """Return whether a function is Sentir's, which may be imported first by a plug-in."""
    return isinstance(entry, FunctionType) and entry.__module__.startswith("sentir.")
