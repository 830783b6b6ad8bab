"""Jobs: work that outlives its request, with progress and cancellation, in a thread of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.progress import BarMessage, send_bars
from sentir.serving.errors import RequestError
from sentir.serving.logging import log_job, logger

JobStatus = Literal["waiting", "running", "done", "failed", "cancelled"]


class JobCancelledError(SentirError):
    """The job was cancelled."""


@dataclass
class Job:
    """Work in the background.

    Attributes:
        id: in addresses.
        status: of it.
        progress: from 0 to 1.
        result: once it is done.
        problem: why it failed.
        finished_at: time of `time.monotonic`; ``None`` before.
        on_removed: called when it is forgotten.
    """

    id: str = field(default_factory=lambda: uuid4().hex)
    status: JobStatus = "waiting"
    progress: float = 0.0
    result: Any = None
    problem: str = ""
    finished_at: float | None = None
    on_removed: Callable[[], None] = lambda: None
    is_cancelled: bool = False
    _bars: dict[tuple[int, int], int] = field(default_factory=dict)

    def put(self, message: BarMessage) -> None:
        """Take a message of a progress bar; the first bar is that of the job.

        Raises:
            JobCancelledError: if the job was cancelled.
        """
        if self.is_cancelled:
            raise JobCancelledError(_("The job was cancelled."))
        key, description, steps = message
        if description:
            self._bars.setdefault(key, max(1, steps))
        elif key == next(iter(self._bars), None):
            self.progress = min(1.0, self.progress + steps / self._bars[key])

    def cancel_join_thread(self) -> None:
        """Do nothing: it takes the place of a queue of bars."""


class Jobs:
    """Runs jobs one after another, and keeps finished ones for a while.

    Args:
        max_open: jobs that may wait or run; as many finished ones are kept.
        ttl: seconds that a finished one is kept.
    """

    def __init__(self, max_open: int, ttl: float) -> None:
        self._max_open, self._ttl = max_open, ttl
        self._jobs: dict[str, Job] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")

    def check_room(self) -> None:
        """Refuse a job if as many as may be are waiting or running.

        Raises:
            RequestError: 429.
        """
        self._forget_old()
        if sum(job.finished_at is None for job in self._jobs.values()) >= self._max_open:
            message = _("{n} jobs are waiting or running; try again later.", n=self._max_open)
            raise RequestError(429, "too_many_jobs", message, {"Retry-After": "10"})

    def start(self, work: Callable[[], Any], on_removed: Callable[[], None]) -> Job:
        """Start a job.

        Args:
            work: returns its result; its first progress bar is the job's.
            on_removed: called when the job is forgotten.
        """
        job = Job(on_removed=on_removed)
        self._jobs[job.id] = job
        self._thread.submit(copy_context().run, self._run, job, work)
        return job

    def find(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            RequestError: 404 if there is none.
        """
        self._forget_old()
        if job_id not in self._jobs:
            raise RequestError(404, "unknown_job", _("There is no such job; finished ones are kept for a while."))
        return self._jobs[job_id]

    def remove(self, job_id: str) -> None:
        """Cancel a job, or forget a finished one; see `find`."""
        job = self.find(job_id)
        job.is_cancelled = True
        if job.finished_at is not None:
            self._forget(job)

    def close(self) -> None:
        """Cancel all jobs, wait for the one that runs to notice, and forget them all."""
        for job in list(self._jobs.values()):
            job.is_cancelled = True
        self._thread.shutdown()
        for job in list(self._jobs.values()):
            self._forget(job)

    def _run(self, job: Job, work: Callable[[], Any]) -> None:
        finished: JobStatus = "failed"
        started_at = time.monotonic()
        try:
            if not job.is_cancelled:
                job.status = "running"
                with send_bars(job, ""):
                    job.result = work()
            finished = "cancelled" if job.is_cancelled else "done"
        except JobCancelledError:
            finished = "cancelled"
        except SentirError as error:
            job.problem = str(error)
        finally:
            if finished == "failed" and not job.problem:
                job.problem = _("The server failed at this job; its log says why.")
                logger.error("job failed", exc_info=True)
            job.progress = 1.0 if finished == "done" else job.progress
            job.finished_at, job.status = time.monotonic(), finished
            log_job(job.id, finished, job.finished_at - started_at)
            if finished == "cancelled":
                self._forget(job)

    def _forget(self, job: Job) -> None:
        if self._jobs.pop(job.id, None) is not None:
            job.on_removed()

    def _forget_old(self) -> None:
        finished = [job for job in list(self._jobs.values()) if job.finished_at is not None]
        finished.sort(key=lambda job: job.finished_at or 0.0)
        oldest = time.monotonic() - self._ttl
        for n, job in enumerate(finished):
            if (job.finished_at or 0.0) < oldest or n < len(finished) - self._max_open:
                self._forget(job)
