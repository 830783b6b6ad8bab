"""Worker processes: how many, their start and their end."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import threading
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.synchronize import Event
from pathlib import Path

from sentir.i18n import set_language

_CGROUP = Path("/sys/fs/cgroup")


def count_cores() -> int:
    """Return the number of processors that this process may use: of its affinity, and of its container."""
    from joblib import cpu_count

    return int(cpu_count())


def count_memory() -> int:
    """Return the bytes of memory that this process may use, as far as known: of the machine, or its container."""
    known = [2**40]
    with suppress(AttributeError, OSError, ValueError):  # not on Windows
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError):
        known.append(int((_CGROUP / "memory.max").read_text(encoding="utf-8")))
    return min(known)


def tune_malloc() -> None:
    """Let glibc's allocator reuse freed memory, if it is the one in use.

    By default it maps each large tensor anew, and the kernel clears the pages, a fifth of the time of a step of a
    small network. The numbers of the parameters are those of ``malloc.h``.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        trim_threshold, top_pad, mmap_threshold = -1, -2, -3
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 2**26)
        mallopt(mmap_threshold, 2**30) or mallopt(mmap_threshold, 2**25)  # the maximum before glibc 2.35


def initialize_worker(language_code: str, stop: Event | None = None) -> None:
    """Set the language, leave Ctrl-C to the parent, and exit when the parent exits, even by ``kill -9``.

    Args:
        language_code: of messages.
        stop: exit when it is set, too.
    """
    set_language(language_code)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    if stop is not None:
        threading.Thread(target=_exit_when_set, args=(stop,), daemon=True).start()


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _exit_when_set(stop: Event) -> None:
    stop.wait()
    os._exit(1)
