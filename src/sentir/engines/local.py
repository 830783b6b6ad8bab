"""The engine of this machine: this process, or worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from sentir.engines.shards import Receipt, Shard, Work
from sentir.engines.worker import RemoteWorker, Worker
from sentir.i18n import get_language
from sentir.logs import replay_logs
from sentir.plugins import loaded_files
from sentir.worker_processes import StopSignal, initialize_worker


@dataclass(frozen=True)
class LocalEngine:
    """Works in this process, or in several of its own.

    Each process has a pool of its own: if it is killed, so it is known on which shard, and the others go on.
    Processes are spawned, as a fork may hang when torch has threads; a script so needs ``if __name__ ==
    "__main__":``.

    Args:
        workers: processes; 1 is this one.
    """

    workers: int = 1

    def map(self, shards: list[Shard], work: Work) -> Iterator[tuple[Shard, Receipt | None]]:
        """Yield each shard with its receipt; see `Engine`."""
        if self.workers > 1:
            yield from self._map_in_processes(shards, work)
            return
        worker = Worker(work)
        for shard in shards:
            yield shard, worker.run(shard)

    def _map_in_processes(self, shards: list[Shard], work: Work) -> Iterator[tuple[Shard, Receipt | None]]:
        context = get_context("spawn")
        stop = StopSignal(context)

        def start() -> ProcessPoolExecutor:
            return ProcessPoolExecutor(1, context, _start, (work, get_language(), tuple(loaded_files()), stop))

        waiting = deque(shards)
        idle = [start() for _n in range(min(self.workers, len(shards)))]
        busy: dict[Future[Any], tuple[ProcessPoolExecutor, Shard]] = {}
        try:
            while waiting or busy:
                while waiting and idle:
                    pool, shard = idle.pop(), waiting.popleft()
                    busy[pool.submit(_run, shard)] = pool, shard
                for future in wait(busy, return_when=FIRST_COMPLETED).done:
                    pool, shard = busy.pop(future)
                    try:
                        receipt, lines = future.result()
                    except BrokenProcessPool:
                        pool.shutdown()
                        idle.append(start())
                        yield shard, None
                        continue
                    idle.append(pool)
                    replay_logs(lines)
                    yield shard, receipt
        finally:
            stop.set()
            for pool in (*idle, *(pool for pool, _shard in busy.values())):
                pool.shutdown(cancel_futures=True)


# ------------------------------------------------------------------------------------------ in a process

_process: list[Any] = []  # the arguments of its worker, and the worker once there is one


def _start(work: Work, language: str, plugins: Any, stop: StopSignal) -> None:
    initialize_worker(language, stop)
    _process[:] = [(work, language, plugins)]


def _run(shard: Shard) -> Any:
    if len(_process) == 1:  # not when the process starts, where an error would look as if it had been killed
        _process.append(RemoteWorker(*_process[0]))
    return _process[1].run(shard)
