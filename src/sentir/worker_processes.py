"""Worker processes: how many, their start and their end."""

from __future__ import annotations

import ctypes
import math
import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.context import BaseContext
from pathlib import Path, PurePosixPath
from typing import Any

from sentir.i18n import set_language

_CGROUP, _GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_MAX_WINDOWS_PROCESSES = 60  # of a pool


def count_cores() -> int:
    """Return the number of processors that this process may use: of its affinity, and of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _MAX_WINDOWS_PROCESSES if os.name == "nt" else cores
    return max(1, math.ceil(min([cores, limit, *_processor_limits()])))


def count_memory() -> int:
    """Return the bytes of memory that this process may use, as far as known: of the machine, or its container."""
    return min([count_physical_memory(), *_memory_limits()])


def count_physical_memory() -> int:
    """Return the bytes of memory of the machine; a large number where it is unknown, as on Windows."""
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 2**40


def _memory_limits() -> Iterator[int]:
    for words in _read_limits("memory", "memory.max", "memory.limit_in_bytes"):
        with suppress(ValueError):  # "max": no limit
            yield int(words[0])


def _processor_limits() -> Iterator[float]:
    for words in _read_limits("cpu", "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"):
        with suppress(ValueError):
            quota, period = map(int, words)
            if quota > 0:  # -1: no limit
                yield quota / period


def _read_limits(controller: str, unified: str, *own: str) -> Iterator[list[str]]:
    """Yield the words of files of this process' control group and of those around it.

    Args:
        controller: whose files they are.
        unified: name of the file in version 2 of cgroups.
        own: names of the files in version 1.
    """
    lines: list[str] = []
    with suppress(OSError):
        lines = _GROUPS.read_text(encoding="utf-8").splitlines()
    fields = (line.split(":", 2) for line in lines)
    groups = {name: group for _n, names, group in fields for name in names.split(",")}
    for key, folder, files in (("", _CGROUP, (unified,)), (controller, _CGROUP / controller, own)):
        inner = PurePosixPath(groups.get(key, "/"))
        for group in (inner, *inner.parents):
            paths = [folder / group.relative_to("/") / file for file in files]
            with suppress(OSError):  # no such file: another version
                yield " ".join(path.read_text(encoding="utf-8") for path in paths).split()


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


class StopSignal:
    """Ends worker processes that were given it when they were started.

    Setting an ``Event`` of `multiprocessing` waits for all processes that wait for it, even for those killed.
    The end of a pipe, which each process sees when the only writer closes it, waits for nobody.
    """

    def __init__(self, context: BaseContext) -> None:
        """Make one for processes that ``context`` starts."""
        self._reader, self._writer = context.Pipe(duplex=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the writer to the process that made it."""
        return {"_reader": self._reader}

    def set(self) -> None:
        """End the processes; may be called twice."""
        self._writer.close()

    def wait(self) -> None:
        """Wait until it is set."""
        with suppress(OSError):  # on Windows the end of a pipe is an error
            self._reader.poll(None)


def initialize_worker(language_code: str, stop: StopSignal | None = None) -> None:
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


def _exit_when_set(stop: StopSignal) -> None:
    stop.wait()
    os._exit(1)
