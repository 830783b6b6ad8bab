"""Worker processes: how many, their start and their end."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process

from sentir.i18n import set_language


def available_cpus() -> int:
    """Return the number of processors that this process may use: of its affinity, and of its container."""
    from joblib import cpu_count

    return int(cpu_count())


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
