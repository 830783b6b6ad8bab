"""Versions of the packages that results depend on."""

from __future__ import annotations

import platform
from importlib import metadata


def package_versions() -> dict[str, str]:
    """Return package → version, of Python and the packages that results depend on."""
    names = ("sentir", "torch", "transformers", "scikit-learn", "numpy")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
