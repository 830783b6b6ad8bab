"""Several processes of one program that train one model together, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from sentir.errors import SentirError
from sentir.i18n import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

_TORCHRUN_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def world_size() -> int:
    """Return how many processes there are; 1 outside of ``torchrun``."""
    return _read_integer_variable("WORLD_SIZE", 1)


def rank() -> int:
    """Return which of them this one is, from 0; the first writes and speaks for all."""
    return _read_integer_variable("RANK", 0) if world_size() > 1 else 0


def _read_integer_variable(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise SentirError(
            _("The environment sets {name}={value}, which is no number; unset it.", name=name, value=value)
        )
    return int(value)


def require_complete_process_group() -> None:
    """Refuse an environment that has only a part of what ``torchrun`` sets: others would be waited for in vain.

    Raises:
        SentirError: naming what is set and what is missing.
    """
    stated = [name for name in _TORCHRUN_VARIABLES if name in os.environ]
    alone = world_size() == 1 and _read_integer_variable("RANK", 0) == 0 and "LOCAL_RANK" not in os.environ
    if alone or (len(stated) == len(_TORCHRUN_VARIABLES) and _read_integer_variable("RANK", 0) < world_size()):
        return
    found = ", ".join(f"{name}={os.environ[name]}" for name in stated)
    raise SentirError(
        _("The environment says that this process is one of several ({found}), but torchrun did not start it; "
          "unset these variables, or start it with torchrun.", found=found)
    )  # fmt: skip


def require_single_process(command: str) -> None:
    """Refuse what several processes would only do several times.

    Raises:
        SentirError: under ``torchrun``.
    """
    if world_size() > 1:
        raise SentirError(
            _("'sentir {command}' runs in one process; torchrun is for 'sentir train' alone.", command=command)
        )


def is_distributed() -> bool:
    """Return whether this training is shared, which it is once the trainer has joined the processes."""
    if world_size() == 1:
        return False
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()


def split_between_processes(items: Iterable[T]) -> Iterable[T]:
    """Return what falls to this process."""
    return islice(items, rank(), None, world_size()) if is_distributed() else items


def all_gather(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows that all processes computed, each of which has zeros for those of others."""
    if not is_distributed():
        return rows
    import torch
    from torch import distributed

    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    total = torch.from_numpy(rows).to(device)
    distributed.all_reduce(total)
    return total.cpu().numpy()


def all_reduce(number: float) -> float:
    """Add up a number of all processes."""
    import numpy as np

    return float(all_gather(np.array([number]))[0])
