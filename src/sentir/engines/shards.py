"""Shards of work, and the receipts of what became of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import write_errors, write_text

T = TypeVar("T")
_RECEIPT_SUFFIX = ".receipt.json"


@dataclass(frozen=True, slots=True)
class Shard:
    """Work of about half an hour of audio.

    Attributes:
        id: a hash of what it refers to, a file name.
        references: what it is about, which its work can read on any machine; no content.
        start, stop: the range of its units that are worked on; a unit, such as a clip or a dialogue, is what
            cannot be halved.
    """

    id: str
    references: Any
    start: int = 0
    stop: int | None = None

    def halve(self, units: int) -> tuple[Shard, Shard]:
        """Return two shards with half of the units each, of ``units`` in the whole shard."""
        stop = units if self.stop is None else self.stop
        middle = (self.start + stop) // 2
        return self._cut(self.start, middle), self._cut(middle, stop)

    def _cut(self, start: int, stop: int) -> Shard:
        return replace(self, id=f"{self.id.partition('.')[0]}.{start}-{stop}", start=start, stop=stop)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a shard.

    Attributes:
        shard: its id.
        seconds: of work.
        counts: what → how many.
        problems: what could not be done, a sentence each.
        facts: further plain JSON values.
    """

    shard: str
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write it to a folder; after its part, so that a shard with a receipt is finished.

        Raises:
            SentirError: if it cannot be written.
        """
        path = folder / f"{self.shard}{_RECEIPT_SUFFIX}"
        with write_errors(path):
            write_text(path, json.dumps(asdict(self)))


def load_receipts(folder: Path) -> Iterator[Receipt]:
    """Yield the receipts in a folder, without damaged ones."""
    for path in sorted(folder.glob(f"*{_RECEIPT_SUFFIX}")):
        try:
            tree = json.loads(path.read_bytes())
            yield Receipt(**tree | {"problems": tuple(tree["problems"])})
        except (ValueError, TypeError, KeyError):
            continue


class Work(Protocol):
    """What is done with shards; it is sent to the workers, and opened once in each."""

    @property
    def folder(self) -> Path | None:
        """Where receipts are kept; ``None`` for work that finds out by itself what is finished."""

    def open(self) -> Callable[[Shard], Receipt]:
        """Return the function that works on a shard, such as with a loaded model."""

    def count_units(self, shard: Shard) -> int:
        """Return the number of units of a whole shard."""

    def give_up(self, shard: Shard, why: str) -> Receipt:
        """Record the problem of a shard of one unit, whose workers were killed."""


class Engine(Protocol):
    """Where work is done."""

    def map(self, shards: list[Shard], work: Work) -> Iterator[tuple[Shard, Receipt | None]]:
        """Yield each shard, when it is finished, with its receipt, or ``None`` if its worker was killed."""


@dataclass(frozen=True, slots=True)
class Share:
    """Part ``index`` of ``count`` of some work, from 1, for the jobs of an array."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Share:
        """Return the share ``I/N``.

        Raises:
            SentirError: if it is none.
        """
        if text is None:
            return cls()
        match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
        if match is None or int(match[1]) > int(match[2]):
            raise SentirError(
                _("'{text}' is no share of the work; give one such as 1/8, from 1/8 to 8/8.", text=text)
            )
        return cls(int(match[1]), int(match[2]))

    @property
    def is_all(self) -> bool:
        """Whether nothing is left to other jobs."""
        return self.count == 1

    def of(self, items: list[T]) -> list[T]:
        """Return the items of this share."""
        return items[self.index - 1 :: self.count]
