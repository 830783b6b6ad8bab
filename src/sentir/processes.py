"""Several processes of one program that train one model together, as ``torchrun`` starts them."""

from __future__ import annotations

import os

from sentir.errors import SentirError
from sentir.i18n import _


def world() -> int:
    """Return how many processes there are; 1 outside of ``torchrun``."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Return which of them this one is, from 0; the first writes and speaks for all."""
    return int(os.environ.get("RANK", "0"))


def require_alone(command: str) -> None:
    """Refuse what several processes would only do several times.

    Raises:
        SentirError: under ``torchrun``.
    """
    if world() > 1:
        raise SentirError(
            _("'sentir {command}' runs in one process; torchrun is for 'sentir train' alone.", command=command)
        )
