"""Versions of Python and of the packages that decide what works."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from sentir.doctor.finding import Finding
from sentir.i18n import _
from sentir.optional_dependencies import EXTRAS, is_installed

_RUNTIME = ("numpy", "av", "soundfile", "tokenizers")


def check_python() -> Iterator[Finding]:
    """Python, Sentir and the packages of the runtime."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _RUNTIME)
    yield Finding(
        "python", "ok",
        f"Sentir {_version('sentir')}, Python {platform.python_version()}, {platform.platform()}; {packages}",
    )  # fmt: skip


def check_ranges() -> Iterator[Finding]:
    """Installed packages whose versions Sentir does not work with; of those of extras, too."""
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(line) for line in requires("sentir") or ()]
    except PackageNotFoundError:  # a checkout on the path
        return
    for one in needed:
        installed = _version(one.name)
        if installed == "?" or one.name == "sentir" or one.specifier.contains(installed, prereleases=True):
            continue
        yield Finding(
            "ranges", "warning" if "extra" in str(one.marker) else "problem",
            _("{name} {version} is installed; Sentir needs {range}",
              name=one.name, version=installed, range=one.specifier),
            f"pip install '{one.name}{one.specifier}'",
        )  # fmt: skip


def check_onnxruntime() -> Iterator[Finding]:
    """onnxruntime, which predicts with exported models, and its execution providers."""
    import onnxruntime

    from sentir.runtime.sessions import PROVIDERS

    available = onnxruntime.get_available_providers()
    names = ", ".join(name for name, provider in PROVIDERS.items() if provider in available)
    yield Finding(
        "onnxruntime", "ok", _("{version}; providers: {names}", version=_version("onnxruntime"), names=names)
    )


def check_torch() -> Iterator[Finding]:
    """torch, and whether torchvision beside it was built for it."""
    if not is_installed("torch"):
        yield Finding(
            "torch", "note", _("not installed: exported models predict, nothing is trained"),
            "pip install 'sentir[train]'",
        )  # fmt: skip
        return
    import torch

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else _("CPU build")
    yield Finding("torch", "ok", f"{torch.__version__} ({build}); transformers {_version('transformers')}")
    if is_installed("torchvision"):
        yield _check_torchvision()


def _check_torchvision() -> Finding:
    from sentir.torchvision_operators import are_operators_declared

    if are_operators_declared():
        return Finding(
            "torchvision", "note",
            _("{version} was built for another torch; Sentir needs none of it and works",
              version=_version("torchvision")),
            _("Other programs may fail at 'import torchvision': install the build for your torch from "
              "pytorch.org, or uninstall it."),
        )  # fmt: skip
    return Finding("torchvision", "ok", _version("torchvision"))


def check_extras() -> Iterator[Finding]:
    """Extras of Sentir whose packages are all installed, and the others."""
    complete = [extra for extra, names in EXTRAS.items() if all(map(is_installed, names))]
    others = [extra for extra in EXTRAS if extra not in complete]
    yield Finding("extras", "ok", _("installed: {names}", names=", ".join(complete) or _("none")))
    if others:
        yield Finding(
            "extras", "note", _("not installed: {names}", names=", ".join(others)),
            _("Only if you need them: {command}", command=f"pip install 'sentir[{','.join(others)}]'"),
        )  # fmt: skip


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a checkout on the path, or a package of another name
        return str(getattr(sys.modules.get(package), "__version__", "?"))
