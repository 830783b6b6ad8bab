"""Running the command line in tests."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import pytest

from sentir.cli import main


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def sentir(*arguments, env=None) -> Done:
    """Run the command line in this process, without importing torch each time."""
    out, err, code = StringIO(), StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["sentir", *map(str, arguments)])
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return Done(code, out.getvalue(), err.getvalue())
