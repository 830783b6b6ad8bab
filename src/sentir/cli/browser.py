"""Opening a page in the browser, if there is one."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path


def open_page(page: Path) -> None:
    """Open a page in the user's browser; do nothing without a display or a browser."""
    if has_display():
        with suppress(webbrowser.Error, OSError):
            webbrowser.open(page.resolve().as_uri())


def has_display() -> bool:
    """Return whether there may be a display: not over SSH, not in CI, on Linux only if one is set."""
    remote = {"CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"}
    displays = {"DISPLAY", "WAYLAND_DISPLAY"}
    known = {name for name in remote | displays if os.environ.get(name)}
    return not known & remote and (sys.platform != "linux" or bool(known & displays))
