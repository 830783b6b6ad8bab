"""What an attempt at an input must not do: files elsewhere, processes, connections, pickles; and its memory."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hostile.mutation import SECRET

_STARTS = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty"})
_FORBIDDEN = _STARTS | {"pickle.find_class", "socket.connect", "socket.getaddrinfo", "urllib.Request"}
_CHANGES = frozenset({
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate",
    "os.utime",
    "shutil.rmtree", "shutil.move",
})  # fmt: skip
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Guard:
    """Records forbidden events of this process while it is active, by Python's audit hooks.

    Args:
        folders: that files may be written in.
        starts_processes: whether processes may be started.
    """

    def __init__(self, folders: list[Path], *, starts_processes: bool = False) -> None:
        self._forbidden = _FORBIDDEN - (_STARTS if starts_processes else frozenset())
        self._folders = tuple(f"{os.path.realpath(folder)}/" for folder in folders)
        self.is_active = False
        self.violations: list[str] = []
        sys.addaudithook(self._observe)

    def _observe(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_active:
            return
        if event in self._forbidden:
            self.violations.append(f"{event} {arguments[:2]!r}"[:200])
        elif event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & _WRITE_FLAGS
            self._check(event, path, writes=bool(writes))
        elif event in _CHANGES:
            changed = {"os.rename": slice(2), "os.link": slice(1, 2), "os.symlink": slice(1, 2)}.get(
                event, slice(1)
            )
            for path in arguments[changed]:
                folder = next((one for one in arguments[1:] if isinstance(one, int) and one >= 0), None)
                if event in ("os.remove", "os.rmdir") and folder is not None:  # of a folder that is removed
                    path = f"/proc/self/fd/{folder}/{os.fsdecode(path)}"
                self._check(event, path, writes=True)

    def _check(self, event: str, path: Any, *, writes: bool) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.fsdecode(path)
        if "\0" in name or name == os.devnull:
            return
        self.is_active = False  # realpath is audited too
        real = os.path.realpath(name)
        self.is_active = True
        if os.path.basename(real) == SECRET or (writes and not f"{real}/".startswith(self._folders)):
            self.violations.append(f"{event} {name}"[:200])


def reset_peak_memory() -> int:
    """Start measuring this process's peak memory anew, where the system allows it, and return what it is now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return 0
    return read_peak_memory()


def read_peak_memory() -> int:
    """Return this process's peak resident memory in bytes; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) * 1024


def scratch_folder() -> str | None:
    """Return where cases are written: memory, if it has room for what a bomb may become, else the default."""
    has_room = os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 4 * 10**9
    return "/dev/shm" if has_room else None
