"""Progress bars with the time left, on standard error.

By default they are drawn if standard error is a terminal, or a notebook that can show them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from sentir.context_variables import set_in_block
from sentir.logs import log_to_console
from sentir.process_group import rank

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

T = TypeVar("T")
BarMessage = tuple[tuple[int, int], str, int]
"""Process and number of a bar; its description and total when it starts, else ``""`` and steps; 0 at its end."""
PROGRESS_VARIABLE = "SENTIR_PROGRESS"  # 0: no bars by default
_DELAY_SECONDS = 1.0  # before a bar is drawn
_current_progress: ContextVar[Progress | _SentBars | None] = ContextVar("progress", default=None)


@contextmanager
def show_progress(enabled: bool = True) -> Iterator[None]:
    """Draw every `progress_bar` of this block on standard error, and print above them what is logged.

    Args:
        enabled: ``False`` for no bars inside the block, also on a terminal.
    """
    if not enabled:
        with _progress_display(_console(), False):
            yield
        return
    console = _console()
    with log_to_console(console), _progress_display(console, True):
        yield


@contextmanager
def progress_bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a bar by a number of steps; the bar is removed at the end of the block."""
    bars = _current_progress.get()
    if bars is None:
        if total < 2 or not _should_draw():  # a bar of one step shows nothing, and asking takes a while
            yield lambda steps: None
            return
        with _progress_display(_console(), True), progress_bar(description, total) as advance:
            yield advance
        return
    number = bars.add_task(description, total=total)
    try:
        yield lambda steps: bars.advance(number, steps)
    finally:
        bars.remove_task(number)


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield ``items`` and advance a bar by one for each."""
    with progress_bar(description, total) as advance:
        for item in items:
            yield item
            advance(1)


def _should_draw() -> bool:
    """Return whether bars are drawn by default: on an interactive console, unless they are switched off."""
    return os.environ.get(PROGRESS_VARIABLE) != "0" and rank() == 0 and _is_interactive(_console())


def _is_interactive(console: Console) -> bool:
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, quiet=rank() > 0)


@contextmanager
def _progress_display(console: Console, visible: bool) -> Iterator[None]:
    """Let all bars of the block share one display."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Bars(Progress):
        def get_renderables(self) -> Iterator[object]:  # type: ignore[override]
            if late := [one for one in self.tasks if (one.elapsed or 0) >= _DELAY_SECONDS]:
                yield self.make_tasks_table(late)

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disabled = not (visible and _is_interactive(console))
    bars = Bars(*columns, console=console, transient=True, disable=disabled)
    with bars, set_in_block(_current_progress, bars):
        yield


class _SentBars:
    """Sends the bars of a worker process to its parent."""

    def __init__(self, queue: Any, name: str) -> None:
        self._queue, self._name, self._numbers = queue, name, count()

    def add_task(self, description: str, total: int) -> Any:
        number = next(self._numbers)
        self._queue.put(((os.getpid(), number), f"{self._name}: {description}", total))
        return number

    def advance(self, number: Any, steps: int) -> None:
        if steps:
            self._queue.put(((os.getpid(), number), "", steps))

    def remove_task(self, number: Any) -> None:
        self._queue.put(((os.getpid(), number), "", 0))


@contextmanager
def send_bars(queue: Any, name: str) -> Iterator[None]:
    """Draw the bars of this block in the parent process, inside its `receive_bars`.

    Args:
        queue: ``multiprocessing.Queue`` of the parent.
        name: what this process does; shown before the description of every bar.
    """
    queue.cancel_join_thread()  # the parent may have stopped reading
    with set_in_block(_current_progress, _SentBars(queue, name)):
        yield


@contextmanager
def receive_bars(queue: Any) -> Iterator[None]:
    """Draw inside the block the bars that worker processes send to ``queue``."""
    thread = threading.Thread(target=_draw_received, args=(queue, _current_progress.get()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        queue.put(None)
        thread.join()


def _draw_received(queue: Any, bars: Any) -> None:
    numbers: dict[tuple[int, int], Any] = {}
    while (message := queue.get()) is not None:
        key, description, steps = message
        if bars is None:
            continue
        if description:
            numbers[key] = bars.add_task(description, total=steps)
        elif steps:
            bars.advance(numbers[key], steps)
        else:
            bars.remove_task(numbers.pop(key))
    for number in numbers.values():  # of processes that were killed
        bars.remove_task(number)
