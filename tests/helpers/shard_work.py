"""Work on shards for tests, which can kill its process."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentir.audio.store import Extraction
from sentir.engines.shards import Receipt, Shard
from sentir.errors import CorpusError
from sentir.logs import logger


@dataclass(frozen=True)
class Squaring:
    """Writes the squares of a shard's numbers, a line each.

    Attributes:
        folder: of parts and receipts.
        deadly: numbers that kill the process that works on them.
        refused: a number that is an error.
    """

    folder: Path
    deadly: tuple[int, ...] = ()
    refused: int = -1

    def open(self) -> Callable[[Shard], Receipt]:
        with (self.folder / "opened").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return self._run

    def _run(self, shard: Shard) -> Receipt:
        numbers = shard.references[shard.start : shard.stop]
        with (self.folder / "worked").open("a") as file:
            file.write(f"{shard.id}\n")
        if {*numbers} & {*self.deadly}:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.refused in numbers:
            raise CorpusError(f"{self.refused} is refused.")
        logger.warning("worked on %s", shard.id)
        return self._write(shard, [n * n for n in numbers])

    def _write(self, shard: Shard, squares: list[int], problems: tuple[str, ...] = ()) -> Receipt:
        (self.folder / f"{shard.id}.json").write_text(json.dumps(squares), encoding="utf-8")
        return Receipt(shard.id, counts={"numbers": len(squares)}, problems=problems)

    def count_units(self, shard: Shard) -> int:
        return len(shard.references)

    def give_up(self, shard: Shard, why: str) -> Receipt:
        return self._write(shard, [-1], (why,))


class KillingExtraction(Extraction):
    """Extracts audio; a file called clip07 kills the process."""

    def _extract(self, shard: Shard) -> Receipt:
        if any(file.path.stem == "clip07" for file in shard.references[shard.start : shard.stop]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._extract(shard)


def make_shards(*groups: tuple[int, ...]) -> list[Shard]:
    return [Shard(f"s{n}", group) for n, group in enumerate(groups)]


def read_squares(folder: Path, receipts: list[Receipt]) -> list[list[int]]:
    return [json.loads((folder / f"{one.shard}.json").read_text(encoding="utf-8")) for one in receipts]
