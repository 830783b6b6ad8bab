"""What is said when a person, or the system, stops a long command."""

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
    """The system asked the process to end."""


@contextmanager
def handle_interrupts() -> Iterator[None]:
    """Say how to go on where Ctrl-C or SIGTERM stops the block, and exit with 130 or 143, as shells expect.

    What was done is kept as if the process had been killed: nothing is written on the way out.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except KeyboardInterrupt as stopped:
        if rank() == 0:
            print(_interrupt_message(), file=sys.stderr)
        raise SystemExit(143 if isinstance(stopped, _TerminatedError) else 130) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _raise_terminated(_number: int, _frame: FrameType | None) -> None:
    raise _TerminatedError


def _interrupt_message() -> str:
    if world_size() > 1:
        return _("Stopped. A training of several processes keeps no checkpoints; the same command begins anew.")
    return _("Stopped. Run the same command again: it goes on from there.")
