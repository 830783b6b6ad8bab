"""A worker of an engine: opens its work once, and does it shard by shard."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sentir.engines.shards import Receipt, Shard, Work
from sentir.i18n import set_language
from sentir.logs import LogLine, collect_logs
from sentir.plugins import load_plugins


class Worker:
    """Does the work of one process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._run: Callable[[Shard], Receipt] | None = None

    def run(self, shard: Shard) -> Receipt:
        """Do the work of a shard, and keep its receipt."""
        self._run = self._run or self._work.open()
        start = time.perf_counter()
        receipt = replace(self._run(shard), seconds=time.perf_counter() - start)
        if self._work.folder is not None:
            receipt.save(self._work.folder)
        return receipt


class RemoteWorker:
    """Does the work of a process of its own, with one thread, as there is one such process per core.

    Args:
        work: to do.
        language: of messages.
        plugins: to load before.
    """

    def __init__(self, work: Work, language: str, plugins: Sequence[Path]) -> None:
        set_language(language)
        load_plugins(plugins)
        self._worker = Worker(work)

    def run(self, shard: Shard) -> tuple[Receipt, list[LogLine]]:
        """Return the receipt of a shard, and what was logged."""
        from threadpoolctl import threadpool_limits

        with collect_logs() as lines, threadpool_limits(1):
            return self._worker.run(shard), lines
