"""The device that networks run on."""

from __future__ import annotations

import torch


def get_best_device() -> torch.device:
    """Return the accelerator where there is one (CUDA, MPS), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
