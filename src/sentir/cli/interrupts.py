"""Interruption of long commands by Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sentir.i18n import _
from sentir.process_group import rank, world_size


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
            print(message or _interrupt_message(), file=sys.stderr)
        raise SystemExit(143 if isinstance(stopped, _TerminatedError) else 130) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _raise_terminated(_number: int, _frame: FrameType | None) -> None:
    raise _TerminatedError


def _interrupt_message() -> str:
    if world_size() > 1:
        return _("Stopped. Training on several processes saves no checkpoints; the same command starts over.")
    return _("Stopped. Run the same command again to resume.")
