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
from sentir.safe_text import make_printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

T = TypeVar("T")
logger = logging.getLogger("sentir")
PROGRESS_VARIABLE = "SENTIR_PROGRESS"  # 0: no bars that nobody asked for
_DELAY_SECONDS = 1.0  # seconds after which a task has a bar
_current_progress: Progress | None = None


@contextmanager
def show_progress(enabled: bool = True) -> Iterator[None]:
    """Draw every `task` started inside this block on standard error, and print there what is said.

    Without it bars are drawn where a person looks, and what is said is left to the logger ``sentir``.

    Args:
        enabled: ``False`` for no bars inside the block, also where a person looks.
    """
    if not enabled:
        with _progress_display(_console(), False):
            yield
        return
    console = _console()
    with _logging_to_console(console), _progress_display(console, True):
        yield


@contextmanager
def progress_bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that advances a bar by so many steps; the bar goes when the block ends."""
    if _current_progress is None:
        if not _should_draw():
            yield lambda steps: None
            return
        with _progress_display(_console(), True), progress_bar(description, total) as advance:
            yield advance
        return
    bars, number = _current_progress, _current_progress.add_task(description, total=total)
    try:
        yield lambda steps: bars.advance(number, steps)
    finally:
        bars.remove_task(number)


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield ``items`` while a bar counts them."""
    with progress_bar(description, total) as advance:
        for item in items:
            yield item
            advance(1)


def log_info(message: str) -> None:
    """Tell what is being done, once for all processes of a training."""
    _log(logging.INFO, message)


def log_warning(message: str) -> None:
    """Tell what a user should know of a result, once for all processes of a training."""
    _log(logging.WARNING, message)


def _log(level: int, message: str) -> None:
    if rank() == 0:
        logger.log(level, "%s", make_printable(message))


def _should_draw() -> bool:
    """Tell whether a person looks on who did not switch bars off."""
    return os.environ.get(PROGRESS_VARIABLE) != "0" and rank() == 0 and _is_interactive(_console())


def _is_interactive(console: Console) -> bool:
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, quiet=rank() > 0)


@contextmanager
def _progress_display(console: Console, visible: bool) -> Iterator[None]:
    """Let tasks share one set of bars, which it takes no time to make where none is drawn."""
    global _current_progress
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Bars(Progress):
        def get_renderables(self) -> Iterator[object]:  # type: ignore[override]
            if late := [one for one in self.tasks if (one.elapsed or 0) >= _DELAY_SECONDS]:
                yield self.make_tasks_table(late)

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disabled = not (visible and _is_interactive(console))
    with Bars(*columns, console=console, transient=True, disable=disabled) as bars:
        before, _current_progress = _current_progress, bars
        try:
            yield
        finally:
            _current_progress = before


class _ConsoleHandler(logging.Handler):
    """Prints above the bars; a warning that comes again is not printed again."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console, self._seen_warnings = console, set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            if message in self._seen_warnings:
                return
            self._seen_warnings.add(message)
        self._console.print(message, highlight=False, markup=False, emoji=False)


@contextmanager
def _logging_to_console(console: Console) -> Iterator[None]:
    """Print what the logger is told, and let nobody else print it too."""
    level, propagate, handler = logger.level, logger.propagate, _ConsoleHandler(console)
    if any(isinstance(one, _ConsoleHandler) for one in logger.handlers):
        yield
        return
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)
