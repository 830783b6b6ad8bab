"""Plug-ins: Python files, and modules of installed packages, that register readers, backbones and more.

A file is run once per process, whatever form its path has; if its content has changed, it is run again. An
installed package names its module in the entry points of the group ``sentir.plugins``; they are loaded when a
name is looked up that is not registered otherwise.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from threading import RLock
from traceback import walk_tb
from types import ModuleType, TracebackType

from sentir.errors import PluginError, SentirError
from sentir.i18n import _
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.safe_text import to_single_line

ENTRY_POINT_GROUP = "sentir.plugins"


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a plug-in is identified by.

    Attributes:
        name: the name of the file, such as ``lines.py``, or of the entry point.
        sha256: of the file; ``""`` for an entry point.
        package: the package of the entry point and its version, such as ``sentir-lines 1.2``; ``""`` for a file.
        path: of the file, or of the module or package of the entry point; ``None`` if unknown.
    """

    name: str
    sha256: str = ""
    package: str = ""
    path: Path | None = None

    def describe(self) -> str:
        """Return the path of a file, or the name and the package of an entry point."""
        return f"{self.name} ({self.package})" if self.package else str(self.path or self.name)


PROGRAM = Plugin("")  # registers without being loaded as a plug-in, such as a notebook


class _Load:
    """A plug-in that is loaded, and how to undo what it registered."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self._undo: list[Callable[[], object]] = []

    def on_undo(self, action: Callable[[], object]) -> None:
        self._undo.append(action)

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


_lock = RLock()
_loads: dict[str, _Load] = {}  # by resolved path, or by the name of an entry point
_current_load: ContextVar[_Load | None] = ContextVar("plugin", default=None)
_are_entry_points_loaded = False


def current_plugin(undo: Callable[[], object] | None = None) -> Plugin | None:
    """Return the plug-in that is being loaded, if there is one.

    Args:
        undo: called if it cannot be loaded to its end, or is replaced by its changed file.
    """
    load = _current_load.get()
    if load is None:
        return None
    if undo is not None:
        load.on_undo(undo)
    return load.plugin


def load_plugin(file: PathLike) -> Plugin:
    """Run a Python file that registers readers, backbones, fusions, feature sets or metrics.

    Args:
        file: its path. A file that is loaded already is not run again unless it has changed.

    Raises:
        PluginError: if the file does not exist, is not Python, raises an exception, or registers a name that
            exists.
    """
    path, source = _read(Path(file))
    plugin = Plugin(path.name, hashlib.sha256(source).hexdigest(), path=path)
    with _lock:
        known = _loads.get(str(path))
        if known is not None and known.plugin == plugin:
            return plugin
        if known is not None:
            known.undo()
            del _loads[str(path)]
        with _Loading(str(path), plugin) as load:
            _run(path, source, load)
    return plugin


def load_plugins(files: PathLike | Iterable[PathLike]) -> None:
    """Load one or several files with `load_plugin`."""
    for file in [files] if isinstance(files, PathLike) else files:
        load_plugin(file)


def is_loaded(file: PathLike) -> bool:
    """Return whether a file is loaded as it is now."""
    path = Path(file).resolve()
    known = _loads.get(str(path))
    return (
        known is not None
        and path.is_file()
        and known.plugin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    )


def loaded_files() -> list[Path]:
    """Return the files that are loaded, in order, for a process that is to load them too."""
    return [load.plugin.path for load in _loads.values() if load.plugin.sha256 and load.plugin.path]


def load_installed_plugins() -> None:
    """Load the plug-ins of installed packages, once; one that cannot be loaded is left out with a warning."""
    global _are_entry_points_loaded
    with _lock:
        if _are_entry_points_loaded:
            return
        _are_entry_points_loaded = True  # before: a plug-in may itself look up names
        for entry_point in metadata.entry_points(group=ENTRY_POINT_GROUP):
            try:
                _load_entry_point(entry_point)
            except PluginError as error:
                logger.warning(str(error))


def explain_plugin_failure(error: BaseException) -> str:
    """Return which line of a plug-in an exception comes from, as a sentence; ``""`` if from none."""
    paths = [(load.plugin, load.plugin.path) for load in _loads.values() if load.plugin.path is not None]
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        file = Path(frame.f_code.co_filename)
        for plugin, path in paths:
            if file == path or path in file.parents:
                return _failure_sentence(plugin, file, line, error)
    return ""


def _read(file: Path) -> tuple[Path, bytes]:
    """Return the resolved path and the content of a plug-in.

    Raises:
        PluginError: if the file does not exist or is not Python.
    """
    if not file.is_file():
        raise PluginError(_("The plug-in {path} does not exist; give the path of a Python file.", path=file))
    if file.suffix != ".py":
        raise _not_python_error(file, _("its name does not end in .py"))
    path = file.resolve()
    try:
        source = path.read_bytes()
        compile(source, path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:  # ValueError: a binary file
        raise _not_python_error(file, error) from error
    return path, source


def _not_python_error(file: Path, why: object) -> PluginError:
    return PluginError(
        _("The plug-in {path} cannot be loaded ({why}); give a Python file that runs.", path=file, why=why)
    )


class _Loading:
    """Records what its block registers as a plug-in's, and undoes it if the block raises an exception.

    Raises:
        PluginError: in place of any exception of the plug-in.
    """

    def __init__(self, key: str, plugin: Plugin) -> None:
        self._key, self._load = key, _Load(plugin)

    def __enter__(self) -> _Load:
        _loads[self._key] = self._load
        self._token = _current_load.set(self._load)
        return self._load

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _current_load.reset(self._token)
        if error is None:
            return
        sentence = explain_plugin_failure(error) or _failure_sentence(self._load.plugin, None, None, error)
        self._load.undo()
        del _loads[self._key]
        if not isinstance(error, PluginError | KeyboardInterrupt):
            raise PluginError(sentence) from error


class PluginFailures:
    """Raises `PluginError` in place of an exception of the block that a line of a plug-in is part of."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, SentirError):
            return
        if sentence := explain_plugin_failure(error):
            raise PluginError(sentence) from error


def _failure_sentence(plugin: Plugin, file: Path | None, line: int | None, error: BaseException) -> str:
    exception = to_single_line(f"{type(error).__name__}: {error}".removesuffix(": "))
    where = plugin.describe() if file in (None, plugin.path) else f"{plugin.describe()}, {file}"
    if line is None:
        return _("The plug-in {plugin} cannot be loaded: {exception}.", plugin=where, exception=exception)
    return _("The plug-in {plugin} failed in line {line}: {exception}.",
             plugin=where, line=line, exception=exception)  # fmt: skip


def _run(path: Path, source: bytes, load: _Load) -> None:
    """Run the content of a file as a module of its own, which dataclasses find in `sys.modules`."""
    name = f"sentir_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    load.on_undo(lambda: sys.modules.pop(name))
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)


def _load_entry_point(entry_point: metadata.EntryPoint) -> None:
    package = "" if entry_point.dist is None else f"{entry_point.dist.name} {entry_point.dist.version}"
    plugin = Plugin(entry_point.name, package=package, path=_module_path(entry_point.module))
    with _Loading(f"{ENTRY_POINT_GROUP}:{entry_point.name}", plugin):
        loaded = entry_point.load()
        if callable(loaded) and not isinstance(loaded, ModuleType):
            loaded()


def _module_path(module: str) -> Path | None:
    """Return the file of a module, or the folder of the package it belongs to."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parent if spec.submodule_search_locations else Path(spec.origin).resolve()
