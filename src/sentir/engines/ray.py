"""The engine of a Ray cluster: actors that open their work once."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sentir.engines.shards import Receipt, Shard, Work
from sentir.engines.worker import RemoteWorker
from sentir.errors import SentirError
from sentir.i18n import _, get_language
from sentir.logs import replay_logs
from sentir.optional_dependencies import require_extra
from sentir.plugins import loaded_files


@dataclass(frozen=True)
class RayEngine:
    """Works in actors of a Ray cluster, whose machines see the same files under the same paths.

    Args:
        address: of the cluster; ``None`` for the one of the environment, or else a new one on this machine.
        workers: actors; ``None`` for one per core or, if they need some, for as many as there are GPUs.
        num_gpus: GPUs, or the share of one, that an actor needs.

    Raises:
        MissingDependencyError: if Ray is not installed.
    """

    address: str | None = None
    workers: int | None = None
    num_gpus: float = 0.0

    def __post_init__(self) -> None:
        require_extra("ray", _("The engine 'ray'"))

    def map(self, shards: list[Shard], work: Work) -> Iterator[tuple[Shard, Receipt | None]]:
        """Yield each shard with its receipt; see `Engine`."""
        import ray

        if not ray.is_initialized():
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR)
        actor_class: Any = ray.remote(num_cpus=1, num_gpus=self.num_gpus)(RemoteWorker)
        arguments = work, get_language(), tuple(loaded_files())
        waiting, idle = deque(shards), list[Any]()
        busy: dict[Any, tuple[Any, Shard]] = {}
        try:
            while waiting or busy:
                while waiting and (idle or len(busy) < self._count_actors()):
                    actor = idle.pop() if idle else actor_class.remote(*arguments)
                    shard = waiting.popleft()
                    busy[actor.run.remote(shard)] = actor, shard
                while idle:  # a new actor may wait for the place of one that has nothing left to do
                    ray.kill(idle.pop())
                done, _rest = ray.wait(list(busy), num_returns=1)
                actor, shard = busy.pop(done[0])
                try:
                    receipt, lines = ray.get(done[0])
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
                    if getattr(error, "actor_init_failed", False):
                        raise _cannot_start(error) from None
                    yield shard, None
                    continue
                idle.append(actor)
                replay_logs(lines)
                yield shard, receipt
        finally:
            for actor in (*idle, *(actor for actor, _shard in busy.values())):
                ray.kill(actor)

    def _count_actors(self) -> int:
        """Return how many actors there may be now; nodes come and go."""
        import ray

        resources = ray.cluster_resources()
        fitting = [resources.get("CPU", 1.0)]
        if self.num_gpus:
            fitting.append(resources.get("GPU", 0.0) / self.num_gpus)
        return max(1, min(int(min(fitting)), self.workers or int(min(fitting))))


def _cannot_start(error: Exception) -> SentirError:
    why = str(error).rstrip().rpartition("\n")[2].strip().rstrip(".")
    return SentirError(
        _("The workers of the Ray cluster cannot start: {why}. Install the same packages on all of its machines.",
          why=why)
    )  # fmt: skip
