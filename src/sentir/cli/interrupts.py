"""Interruption of long commands by Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sentir.i18n import _
from sentir.process_group import rank


class _TerminatedError(KeyboardInterrupt):
    """The process received SIGTERM."""


@contextmanager
def handle_interrupts(message: str = "") -> Iterator[None]:
    """Print how to resume if Ctrl-C or SIGTERM stops the block, and exit with 130 or 143, as shells expect.

    Nothing is written on the way out, as if the process had been killed.

    Args:
        message: how to resume, if not by the same command.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except KeyboardInterrupt as stopped:
        if rank() == 0:
            print(message or _("Stopped. Run the same command again to resume."), file=sys.stderr)
        raise SystemExit(143 if isinstance(stopped, _TerminatedError) else 130) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def resume_message() -> str:
    """Return how to resume a command that takes ``--resume``."""
    return _("Stopped. Run the same command with --resume to go on.")


def _raise_terminated(_number: int, _frame: FrameType | None) -> None:
    raise _TerminatedError
