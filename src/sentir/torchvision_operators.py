"""Let ``import torchvision`` work where its compiled operators cannot load.

PyPI's torchvision is built against CUDA builds of torch. With a CPU build its shared library does not load, and
``import torchvision`` fails with "operator torchvision::nms does not exist", and with it the imports of timm and
transformers. Declaring the schemas of the missing operators is enough for the import; Sentir calls none of them.
Import this module before transformers or timm; it does nothing if torchvision is absent or complete.
"""

import importlib.util
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_LIBRARY_SUFFIXES = (".so", ".pyd")  # the second on Windows


def _declare_missing_operators() -> torch.library.Library | None:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return None
    try:
        for library in Path(spec.origin).parent.glob("_C*"):
            if library.suffix in _LIBRARY_SUFFIXES:
                torch.ops.load_library(str(library))
                return None
    except OSError:
        pass  # built for another torch, the case this module handles
    fragment = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        fragment.define(schema)
    return fragment


_fragment = _declare_missing_operators()  # keeps the declarations alive


def are_operators_declared() -> bool:
    """Return whether torchvision was built for another torch, so that its operators are declared."""
    return _fragment is not None
