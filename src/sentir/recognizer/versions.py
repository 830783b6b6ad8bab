"""The versions of packages that a result depends on."""

from __future__ import annotations

import platform
from importlib import metadata


def package_versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    names = ("sentir", "torch", "transformers", "scikit-learn", "numpy")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
