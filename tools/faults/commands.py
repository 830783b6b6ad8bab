"""Commands of Sentir as processes that start at once: forks of this one, which has imported everything."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

_PRELOADED = (
    "matplotlib.figure", "onnxruntime", "optuna", "pyarrow.parquet", "sentir.api.timelines", "sentir.cli.app",
    "sentir.cli.scores_output", "sentir.recognizer.recognizer", "sentir.serving.app", "sentir.study.run",
    "sentir.training.recognizers", "sklearn.linear_model", "soundfile", "soxr", "timm", "uvicorn",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """A command that has ended.

    Attributes:
        code: exit code; the negative number of the signal that ended it.
        output: standard output and standard error.
        seconds: wall time.
        cpu_seconds: of the process and those that it waited for.
        memory_mb: the largest resident memory of one of them.
    """

    code: int
    output: str
    seconds: float
    cpu_seconds: float
    memory_mb: float


class Running:
    """A command in a process of its own.

    Args:
        arguments: of the command line.
        folder: working folder; home, state, cache and audio store are in `home_folder`.
        environment: variables besides.
        before: called in the process before the command.
    """

    def __init__(
        self,
        arguments: Sequence[object],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._output = folder.with_name(f"{folder.name}.output.txt")
        variables = home_variables(folder) | dict(environment or {})
        self._start = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            _become(list(map(str, arguments)), folder, self._output, variables, before)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process so far, without its children."""
        return time.clock_gettime((~self.pid << 3) | 2)  # its CPUCLOCK_SCHED, as clock_getcpuclockid computes it

    def has_ended(self) -> bool:
        """Return whether the process has ended; it is still to be waited for."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill(self) -> None:
        """Kill the process, not its children, as the out-of-memory killer does."""
        os.kill(self.pid, signal.SIGKILL)

    def output(self) -> str:
        """Return what was printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace") if self._output.exists() else ""

    def wait(self) -> Done:
        """Wait for the end."""
        _pid, status, usage = os.wait4(self.pid, 0)
        seconds, cpu = time.monotonic() - self._start, usage.ru_utime + usage.ru_stime
        return Done(os.waitstatus_to_exitcode(status), self.output(), seconds, cpu, usage.ru_maxrss / 1024)


def preload() -> None:
    """Import what commands need, and compute nothing: forks share it."""
    for name in _PRELOADED:
        import_module(name)
    gc.freeze()


def run(arguments: Sequence[object], folder: Path, **options: object) -> Done:
    """Run a command; see `Running`."""
    return Running(arguments, folder, **options).wait()  # type: ignore[arg-type]


def home_variables(folder: Path) -> dict[str, str]:
    """Return the variables that put everything that Sentir writes besides its results beside ``folder``."""
    home, names = home_folder(folder), ("STATE", "CACHE", "AUDIO")
    return {f"SENTIR_{name}_DIR": str(home / name.lower()) for name in names} | {"HOME": str(home)}


def home_folder(folder: Path) -> Path:
    """Return the home of a command that runs in ``folder``."""
    return folder.with_name(f"{folder.name}.home")


def _become(
    arguments: list[str], folder: Path, output: Path, variables: Mapping[str, str], before: Callable[[], object]
) -> None:
    """Turn a fork into a run of the command line; never returns."""
    code = 1
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
        os.chdir(folder)
        os.environ.update(variables)
        sys.argv = ["sentir", *arguments]
        before()
        code = _run_command_line()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  (a fork must never return into the code of its parent)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run_command_line() -> int:
    from sentir.cli import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
