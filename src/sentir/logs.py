"""The logger ``sentir``, and how the command line prints what it logs.

Where several processes train together only the first one logs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from sentir.process_group import rank
from sentir.safe_text import make_printable

if TYPE_CHECKING:
    from rich.console import Console

logger = logging.getLogger("sentir")
LogLine = tuple[int, str, bool]
"""Level, message, and whether it is logged once only."""


@cache
def log_once(message: str, level: int = logging.INFO) -> None:
    """Log a message, unless this process has logged it before."""
    logger.log(level, message, extra={"is_once": True})


@contextmanager
def quiet_logger(name: str, level: int) -> Iterator[None]:
    """Let another package's logger drop what is below ``level`` inside a ``with`` block."""
    other = logging.getLogger(name)
    before = other.level
    if before >= level:  # set by the user, or by another thread, which also restores it
        yield
        return
    other.setLevel(level)
    try:
        yield
    finally:
        other.setLevel(before)


class _FirstProcessFilter(logging.Filter):
    """Drops the records of all processes but the first, and makes messages printable."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = make_printable(record.getMessage()), None
        return rank() == 0


logger.addFilter(_FirstProcessFilter())


class _ConsoleHandler(logging.Handler):
    """Prints messages on a console, above its progress bars; a repeated warning is printed once."""

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
def log_to_console(console: Console) -> Iterator[None]:
    """Print the messages of the block on ``console`` only, or on the console of an enclosing block."""
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


class _CollectingHandler(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelno, record.getMessage(), getattr(record, "is_once", False)))


@contextmanager
def collect_logs() -> Iterator[list[LogLine]]:
    """Collect the messages of the block in a worker process, for `replay_logs` in its parent."""
    handler = _CollectingHandler()
    log_once.cache_clear()  # so that they do not depend on what the process did before
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)


def replay_logs(lines: Iterable[LogLine]) -> None:
    """Log messages that a worker process collected."""
    for level, message, is_once in lines:
        if is_once:
            log_once(message, level)
        else:
            logger.log(level, message)
