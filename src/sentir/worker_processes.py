"""Start and end of worker processes."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process

from sentir.i18n import set_language


def initialize_worker(language_code: str) -> None:
    """Set the language, leave Ctrl-C to the parent, and exit when the parent exits, even by ``kill -9``."""
    set_language(language_code)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
