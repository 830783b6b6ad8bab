"""One result of `sentir.doctor.examine`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        name: of what was examined, a stable key.
        status: ``ok``; ``note``: absent and not needed by everybody; ``warning``: it works, slowly or in part;
            ``problem``: something does not work.
        found: one line.
        remedy: what to do; ``""`` if nothing.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""

    def to_row(self) -> dict[str, str]:
        """Return the fields by name."""
        return asdict(self)
