"""How a worker process begins, and how it ends with the one that started it."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process

from sentir.i18n import set_language


def initialize_worker(language_code: str) -> None:
    """Speak the language ``language_code``, leave Ctrl-C to the parent, and end when the parent ends, even by kill -9."""
    set_language(language_code)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
