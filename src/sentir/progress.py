"""Progress bars with time left, and what is said beside them.

Bars are drawn where a person looks: standard error is a terminal, or a notebook that can show them. What is said
goes to the logger ``sentir``, and inside `show_progress` it is printed above the bars too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from sentir.process_group import rank
from sentir.safe_text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

T = TypeVar("T")
LOGGER = logging.getLogger("sentir")
SWITCH = "SENTIR_PROGRESS"  # 0: no bars that nobody asked for
_PATIENCE = 1.0  # seconds after which a task has a bar
_shown: Progress | None = None


@contextmanager
def show_progress(shown: bool = True) -> Iterator[None]:
    """Draw every `task` started inside this block on standard error, and print there what is said.

    Without it bars are drawn where a person looks, and what is said is left to the logger ``sentir``.

    Args:
        shown: ``False`` for no bars inside the block, also where a person looks.
    """
    if not shown:
        with _bars(_console(), False):
            yield
        return
    console = _console()
    with _printed_on(console), _bars(console, True):
        yield


@contextmanager
def task(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that advances a bar by so many steps; the bar goes when the block ends."""
    if _shown is None:
        if not _is_wanted():
            yield lambda steps: None
            return
        with _bars(_console(), True), task(description, total) as advance:
            yield advance
        return
    bars, number = _shown, _shown.add_task(description, total=total)
    try:
        yield lambda steps: bars.advance(number, steps)
    finally:
        bars.remove_task(number)


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield ``items`` while a bar counts them."""
    with task(description, total) as advance:
        for item in items:
            yield item
            advance(1)


def say(message: str) -> None:
    """Tell what is being done, once for all processes of a training."""
    _tell(logging.INFO, message)


def warn(message: str) -> None:
    """Tell what a user should know of a result, once for all processes of a training."""
    _tell(logging.WARNING, message)


def _tell(level: int, message: str) -> None:
    if rank() == 0:
        LOGGER.log(level, "%s", printable(message))


def _is_wanted() -> bool:
    """Tell whether a person looks on who did not switch bars off."""
    return os.environ.get(SWITCH) != "0" and rank() == 0 and _has_eyes(_console())


def _has_eyes(console: Console) -> bool:
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, quiet=rank() > 0)


@contextmanager
def _bars(console: Console, drawn: bool) -> Iterator[None]:
    """Let tasks share one set of bars, which it takes no time to make where none is drawn."""
    global _shown
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Bars(Progress):
        def get_renderables(self) -> Iterator[object]:  # type: ignore[override]
            if late := [one for one in self.tasks if (one.elapsed or 0) >= _PATIENCE]:
                yield self.make_tasks_table(late)

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disabled = not (drawn and _has_eyes(console))
    with Bars(*columns, console=console, transient=True, disable=disabled) as bars:
        before, _shown = _shown, bars
        try:
            yield
        finally:
            _shown = before


class _Above(logging.Handler):
    """Prints above the bars; a warning that comes again is not printed again."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console, self._warned = console, set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            if message in self._warned:
                return
            self._warned.add(message)
        self._console.print(message, highlight=False, markup=False, emoji=False)


@contextmanager
def _printed_on(console: Console) -> Iterator[None]:
    """Print what the logger is told, and let nobody else print it too."""
    level, propagate, handler = LOGGER.level, LOGGER.propagate, _Above(console)
    if any(isinstance(one, _Above) for one in LOGGER.handlers):
        yield
        return
    LOGGER.addHandler(handler)
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.propagate = propagate
        LOGGER.setLevel(level)
