"""Progress bars with time left, shown by shells that ask for them and silent everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from sentir.characters import printable
from sentir.processes import rank

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")
_shown: Progress | None = None


@contextmanager
def show_progress() -> Iterator[None]:
    """Draw every `task` started inside this block on standard error."""
    global _shown
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, quiet=rank() > 0)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        before, _shown = _shown, bars
        try:
            yield
        finally:
            _shown = before


@contextmanager
def task(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that advances a bar by so many steps; the bar goes when the block ends."""
    if _shown is None:
        yield lambda steps: None
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
    """Print a line above the bars, if bars are shown."""
    if _shown is not None:
        _shown.console.print(printable(message), highlight=False, markup=False, emoji=False)
