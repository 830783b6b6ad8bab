"""Micro-batches: the utterances of concurrent requests are predicted together.

A batch is whatever waits when the model is free, so that a lone request never waits for others. It is allowed
because predictions do not depend on the batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from sentir.i18n import _
from sentir.serving.errors import RequestError

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Request(Generic[Key, Item, Result]):
    key: Key
    items: Sequence[Item]
    context: Context
    result: asyncio.Future[Sequence[Result]]


class MicroBatcher(Generic[Key, Item, Result]):
    """Calls a function with the items of several requests, in one thread; used from one event loop.

    Args:
        function: from items and the key that they share to as many results.
        max_batch: items of a call; a larger request is a call of its own.
        max_queue: items that may wait.
        on_batch: called with the number of items of each call.
    """

    def __init__(
        self,
        function: Callable[[Sequence[Item], Key], Sequence[Result]],
        *,
        max_batch: int,
        max_queue: int,
        on_batch: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._function, self._on_batch = function, on_batch
        self._max_batch, self._max_queue = max_batch, max_queue
        self._waiting: deque[_Request[Key, Item, Result]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._task: asyncio.Task[None] | None = None

    @property
    def queue_size(self) -> int:
        """The number of items that wait."""
        return sum(len(one.items) for one in self._waiting)

    async def submit(self, items: Sequence[Item], key: Key) -> Sequence[Result]:
        """Return the results of some items, in order.

        Args:
            items: of one request.
            key: only requests with equal keys share a call.

        Raises:
            RequestError: 503, if too many items wait.
        """
        if self._waiting and self.queue_size + len(items) > self._max_queue:
            message = _("The server is busy: {n} inputs are waiting; try again later.", n=self.queue_size)
            raise RequestError(503, "queue_full", message, {"Retry-After": "1"})
        result = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(key, items, copy_context(), result))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await result

    async def close(self) -> None:
        """Wait for the requests that were submitted, and end the thread."""
        if self._task is not None:
            await asyncio.wait([self._task])
        self._thread.shutdown()

    async def _run(self) -> None:
        while self._waiting:
            batch = self._take_batch()
            if batch and not await self._predict(batch, is_last_try=len(batch) == 1):
                for request in batch:  # so that a request fails for its own reasons only
                    await self._predict([request], is_last_try=True)

    def _take_batch(self) -> list[_Request[Key, Item, Result]]:
        """Remove the first request from the queue, and those with its key that fit into its batch."""
        live = [one for one in self._waiting if not one.result.done()]  # not cancelled
        batch, size = live[:1], len(live[0].items) if live else 0
        for request in live[1:]:
            if request.key == live[0].key and size + len(request.items) <= self._max_batch:
                batch.append(request)
                size += len(request.items)
        self._waiting = deque(one for one in live if one not in batch)
        return batch

    async def _predict(self, batch: Sequence[_Request[Key, Item, Result]], *, is_last_try: bool) -> bool:
        """Predict a batch; return whether its requests have their results, or errors."""
        items = [item for request in batch for item in request.items]
        self._on_batch(len(items))
        first = batch[0]
        call = self._thread.submit(first.context.run, self._function, items, first.key)
        future = asyncio.wrap_future(call)
        await asyncio.wait([future])
        error = future.exception()
        if error is not None and not is_last_try:
            return False
        start = 0
        for request in batch:
            end = start + len(request.items)
            if not request.result.done():
                if error is not None:
                    request.result.set_exception(error)
                else:
                    request.result.set_result(future.result()[start:end])
            start = end
        return True
