"""Exported models whose graphs or other files are damaged, and graphs with data in files elsewhere."""

from __future__ import annotations

from pathlib import Path

from hostile.checks import models
from hostile.running import Attempt


def prepare(home: Path) -> Attempt:
    """Return an attempt at a damaged folder."""
    return models.prepare(home, "onnx")
