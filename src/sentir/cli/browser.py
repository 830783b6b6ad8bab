"""Opening a page where there is a browser for it, and nothing where there is none."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path


def open_page(page: Path) -> None:
    """Open a page in the user's browser; nobody is told where there is no screen or no browser for it."""
    if has_display():
        with suppress(webbrowser.Error, OSError):
            webbrowser.open(page.resolve().as_uri())


def has_display() -> bool:
    """Return whether a person may sit at a screen: not from afar, not in CI, on Linux only with a display."""
    remote = {"CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"}
    displays = {"DISPLAY", "WAYLAND_DISPLAY"}
    known = {name for name in remote | displays if os.environ.get(name)}
    return not known & remote and (sys.platform != "linux" or bool(known & displays))
