"""Distributed training: the processes that ``torchrun`` starts to train one model."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from sentir.errors import SentirError
from sentir.i18n import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

T = TypeVar("T")

_TORCHRUN_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def world_size() -> int:
    """Return the number of processes; 1 outside of ``torchrun``."""
    return _read_integer_variable("WORLD_SIZE", 1)


def rank() -> int:
    """Return the index of this process from 0; only the first writes files and logs."""
    return _read_integer_variable("RANK", 0) if world_size() > 1 else 0


def _read_integer_variable(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise SentirError(
            _("The environment sets {name}={value}, which is not a number; unset it.", name=name, value=value)
        )
    return int(value)


def require_complete_process_group() -> None:
    """Refuse an environment with only some of the variables that ``torchrun`` sets: training would wait forever.

    Raises:
        SentirError: naming the variables that are set.
    """
    variables = [name for name in _TORCHRUN_VARIABLES if name in os.environ]
    is_single = world_size() == 1 and _read_integer_variable("RANK", 0) == 0 and "LOCAL_RANK" not in os.environ
    if is_single or (
        len(variables) == len(_TORCHRUN_VARIABLES) and _read_integer_variable("RANK", 0) < world_size()
    ):
        return
    found = ", ".join(f"{name}={os.environ[name]}" for name in variables)
    raise SentirError(
        _("The environment says that this process is one of several ({found}), but torchrun did not start it; "
          "unset these variables, or start it with torchrun.", found=found)
    )  # fmt: skip


def require_single_process(command: str) -> None:
    """Refuse to run a command in several processes.

    Raises:
        SentirError: under ``torchrun``.
    """
    if world_size() > 1:
        raise SentirError(
            _("'sentir {command}' runs in one process; torchrun is only for 'sentir train'.", command=command)
        )


def is_distributed() -> bool:
    """Return whether the processes of a distributed training are connected, which the trainer does."""
    if world_size() == 1:
        return False
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()


@cache
def destroy_process_group_at_exit() -> None:
    """Leave the process group before the process exits; otherwise its threads sometimes abort it then."""
    from torch import distributed

    atexit.register(distributed.destroy_process_group)


def split_between_processes(items: Iterable[T]) -> Iterable[T]:
    """Return this process's part of the items."""
    return islice(items, rank(), None, world_size()) if is_distributed() else items


def all_gather(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows of all processes; in each process's own array the rows of the others are zeros."""
    if not is_distributed():
        return rows
    import torch
    from torch import distributed

    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    total = torch.from_numpy(rows).to(device)
    distributed.all_reduce(total)
    return total.cpu().numpy()


def broadcast_tensors(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors with those of the first process."""
    if is_distributed():
        from torch import distributed

        for tensor in tensors:
            distributed.broadcast(tensor, 0)


def of_first_process(number: float) -> float:
    """Return the number that the first process has."""
    return all_reduce(number if rank() == 0 else 0.0) if is_distributed() else number


def wait_for_all() -> None:
    """Wait until all processes have come here."""
    all_reduce(0.0)


def all_reduce(number: float) -> float:
    """Return the sum of a number over all processes."""
    import numpy as np

    return float(all_gather(np.array([number], dtype=np.float64))[0])
