"""Faults of the machine, each under every command: see `faults.every_command`."""

from __future__ import annotations

import ctypes
import os
import pwd
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from faults.commands import home_folder
from faults.every_command import COMMANDS, Scene, run_under
from faults.frame import Check, UnavailableError

_PAGE = 4096
_CAPABILITIES_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_NO_HOME = "/proc/nobody"  # neither exists nor can be created


@contextmanager
def full_disk(scene: Scene) -> Iterator[None]:
    """Let the output be a disk on which a random share of what the command writes has room."""
    older = scene.whole.num_bytes if scene.has_older else 0
    with _small_disk(scene.work, older + round(scene.rng.random() * scene.whole.num_bytes)):
        scene.named = scene.outputs()
        yield


@contextmanager
def full_home(scene: Scene) -> Iterator[None]:
    """Let state, caches and audio store be on a disk that is too small."""
    home = home_folder(scene.work)
    home.mkdir()
    older = scene.whole.num_older_home_bytes
    with _small_disk(home, older + round(scene.rng.random() * max(0, scene.whole.num_home_bytes - older))):
        scene.named = (str(home),)
        yield


@contextmanager
def full_temporary(scene: Scene) -> Iterator[None]:
    """Let the folder of temporary files be on a disk with room for a page."""
    folder = scene.work.with_name("tmp")
    folder.mkdir()
    with _small_disk(folder, _PAGE):
        scene.before, scene.named = partial(setattr, tempfile, "tempdir", str(folder)), (str(folder),)
        yield


@contextmanager
def _small_disk(folder: Path, num_bytes: int) -> Iterator[None]:
    size = max(1, num_bytes // _PAGE) * _PAGE
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"a small disk cannot be mounted ({done.stderr.strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def file_limit(scene: Scene) -> Iterator[None]:
    """Let no file be larger than a random size, up to that of the largest; what is printed is one of them."""
    sizes = [path.stat().st_size for path in scene.whole.work.rglob("*") if path.is_file()]
    limit = 2 * _PAGE + round(scene.rng.random() * max(sizes, default=0))
    scene.before = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    scene.named = (*scene.outputs(), str(home_folder(scene.work)), tempfile.gettempdir())
    yield


@contextmanager
def read_only_output(scene: Scene) -> Iterator[None]:
    """Let the working folder, and every folder in it, be one that the user may not write to."""
    scene.named, scene.before = scene.outputs(), _drop_privileges
    yield from _read_only(scene, scene.work)


@contextmanager
def read_only_home(scene: Scene) -> Iterator[None]:
    """Let state, caches and audio store be in a home that the user may not write to, or not even list."""
    home = home_folder(scene.work)
    home.mkdir()
    scene.named, scene.before = (str(home),), _drop_privileges
    yield from _read_only(scene, home, scene.rng.choice([0o555, 0o000]))


def _read_only(scene: Scene, folder: Path, mode: int = 0o555) -> Iterator[None]:
    scene.close = lambda: [path.chmod(mode) for path in (folder, *folder.rglob("*")) if path.is_dir()]
    yield
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)


def _drop_privileges() -> None:
    """Give up what lets root ignore permissions."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


@contextmanager
def no_home(scene: Scene) -> Iterator[None]:
    """Let there be no home: ``HOME`` names a folder that cannot exist, or is missing for an unknown user."""
    scene.before = partial(_forget_home, is_unset=scene.rng.random() < 0.5)
    yield


def _forget_home(is_unset: bool) -> None:
    for name in ("STATE", "CACHE", "AUDIO"):
        del os.environ[f"SENTIR_{name}_DIR"]
    os.environ["HOME"] = _NO_HOME
    if is_unset:
        del os.environ["HOME"]
        pwd.getpwuid = _unknown_user


def _unknown_user(uid: int) -> Any:
    raise KeyError(f"getpwuid(): uid not found: {uid}")


@contextmanager
def vanished_files(scene: Scene) -> Iterator[None]:
    """Delete an input just before it is opened, or another while one is opened."""
    inputs = scene.copy_inputs()
    scene.before = partial(_delete_at, inputs, scene.rng.randrange(1, 40), scene.rng)
    yield


def _delete_at(folder: Path, operation: int, rng: random.Random) -> None:
    """Delete a file below a folder before the n-th time that one is opened there, from now on."""
    numbers = count(1)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] if event == "open" else None
        if isinstance(path, (str, Path)) and str(path).startswith(str(folder)) and next(numbers) == operation:
            files = [Path(path), *sorted(one for one in folder.rglob("*") if one.is_file())]
            rng.choice([files[0], rng.choice(files)]).unlink(missing_ok=True)

    sys.addaudithook(watch)


@contextmanager
def little_memory(scene: Scene) -> Iterator[None]:
    """Let the process have a random amount of memory more than when it starts: 1 MB to 1 GB."""
    scene.before = partial(_limit_memory, round(2 ** (20 + 10 * scene.rng.random())))
    yield


def _limit_memory(num_bytes: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + num_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


_FAULTS = {
    "full-disk": (full_disk, "output on a full disk (tmpfs)"),
    "full-home": (full_home, "state and caches on a full disk (tmpfs)"),
    "full-temporary": (full_temporary, "temporary files on a full disk (tmpfs)"),
    "file-limit": (file_limit, "files limited in size (RLIMIT_FSIZE)"),
    "read-only": (read_only_output, "output that may not be written"),
    "read-only-home": (read_only_home, "state and caches that may not be written"),
    "no-home": (no_home, "no home"),
    "vanished": (vanished_files, "inputs that vanish while they are read"),
    "memory": (little_memory, "little memory (RLIMIT_AS)"),
}
CHECKS = [
    Check(f"faults.{name}", f"every command: {title}", 2 * len(COMMANDS), 2, partial(run_under, fault))
    for name, (fault, title) in _FAULTS.items()
]
