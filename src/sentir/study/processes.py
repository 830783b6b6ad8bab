"""Processes that train, each with its share of the cores: how they start, what they are given and return.

This process is not forked, which may hang: torch has threads. On Linux they are forked from a server process
that has imported what trainings need and computed nothing, so that it is imported once and its memory is shared;
elsewhere they are spawned. A process is given corpora without sealed labels and attaches their audio itself,
once. What it logs is logged where its result is awaited.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import torch

from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.errors import SentirError
from sentir.i18n import _, get_language
from sentir.logs import LogLine, collect_logs, logger, replay_logs
from sentir.models.device import get_best_device
from sentir.plugins import load_plugins, loaded_files
from sentir.progress import receive_bars, send_bars
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.training.checkpoints import checkpoint_to
from sentir.worker_processes import StopSignal, count_cores, count_memory, initialize_worker, tune_malloc

_MIN_UTTERANCES = 500  # of all corpora; less is trained before processes would have started
_BYTES_PER_PROCESS = 3 * 2**30
_IMPORTED_ONCE = ("sentir.study.processes", "sentir.training.recognizers", "timm")

Work = Callable[[AttachedAudio, Recipe], Any]
"""A function of a module, or a ``partial`` of one, that trains a recipe on a corpus."""
Submit = Callable[[Work, str, Recipe], Callable[..., Any]]
"""Starts work on a corpus, given by its name, and returns a function that waits for its result.

The function takes the seconds after which it raises ``TimeoutError``; by default it waits as long as it takes.
"""


def count_processes(workers: int | None, trainings: int, utterances: int) -> int:
    """Return how many processes train.

    Args:
        workers: as given by the user; by default one per core where there is memory for them and no accelerator,
            which several processes would have to share.
        trainings: to do.
        utterances: of all corpora.
    """
    if workers is None:
        is_worthwhile = get_best_device().type == "cpu" and utterances >= _MIN_UTTERANCES
        workers = max(1, min(count_cores(), count_memory() // _BYTES_PER_PROCESS)) if is_worthwhile else 1
    return min(workers, trainings)


@contextmanager
def training_pool(corpora: Iterable[Corpus], processes: int, checkpoints: Path) -> Iterator[Submit]:
    """Yield a function that starts work in a pool of processes.

    If the block fails, work that runs is finished and no other is started; if it is interrupted, all ends at once
    and trainings are resumed from their checkpoints next time.

    Args:
        corpora: that work may use.
        processes: number of processes.
        checkpoints: folder of the checkpoints of trainings.
    """
    context = _start_context()
    stop, bars = StopSignal(context), context.Queue()
    threads = max(1, min(torch.get_num_threads(), count_cores() // processes))
    sent = [_to_fields(corpus) for corpus in corpora]
    pool = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_initialize,
        initargs=(dict(os.environ), get_language(), stop, bars, threads, checkpoints, sent, loaded_files()),
    )  # fmt: skip

    def submit(work: Work, corpus: str, recipe: Recipe) -> Callable[..., Any]:
        return partial(_finish, pool.submit(_run, work, corpus, recipe.to_dict()))

    try:
        with receive_bars(bars):
            yield submit
    except SentirError:
        logger.info(_("Trainings that are running are finished and kept; Ctrl-C ends them."))
        raise
    except KeyboardInterrupt:
        stop.set()
        raise
    finally:
        _shut_down(pool, stop)


def _start_context() -> BaseContext:
    """Return how processes are started; see the module."""
    if sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([*_IMPORTED_ONCE])
    return context


def _shut_down(pool: ProcessPoolExecutor, stop: StopSignal) -> None:
    try:
        pool.shutdown(cancel_futures=True)
    except KeyboardInterrupt:
        stop.set()
        raise


@dataclass(frozen=True)
class _Outcome:
    """What work logged, its result, and its error if it failed."""

    logs: Sequence[LogLine]
    result: Any = None
    error: SentirError | None = None


def _finish(future: Future[_Outcome], timeout: float | None = None) -> Any:
    """Wait for work, log what it logged, and return its result or raise its error."""
    try:
        outcome = future.result(timeout)
    except BrokenProcessPool as error:
        raise SentirError(
            _("A training process was killed, often for lack of memory; run again with fewer workers: finished "
              "trainings are kept.")
        ) from error  # fmt: skip
    replay_logs(outcome.logs)
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


CorpusFields = Mapping[str, Any]


def _to_fields(corpus: Corpus) -> CorpusFields:
    """Return a corpus without its sealed labels, which cannot leave this process, and without audio."""
    values = {field.name: getattr(corpus, field.name) for field in fields(corpus) if field.name != "sealed"}
    return values | {"utterances": tuple(replace(u, audio=None) for u in corpus)}


def _from_fields(values: CorpusFields) -> Corpus:
    return Corpus(**values, sealed=SealedLabels(u for u in values["utterances"] if u.split == "test"))


# ------------------------------------------------------------------------------------------ in a process


@dataclass(frozen=True)
class _Process:
    """What a process keeps: its corpora by name, and where its bars are drawn."""

    corpora: Mapping[str, AttachedAudio]
    bars: Any


_process: ContextVar[_Process] = ContextVar("training_process")


def _initialize(
    environment: Mapping[str, str],
    language: str,
    stop: StopSignal,
    bars: Any,
    threads: int,
    checkpoints: Path,
    corpora: Sequence[CorpusFields],
    plugins: Sequence[Path],
) -> None:
    from threadpoolctl import threadpool_limits

    os.environ.clear()
    os.environ.update(environment)  # the server process has that of its start
    initialize_worker(language, stop)
    tune_malloc()
    load_plugins(plugins)
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    ExitStack().enter_context(checkpoint_to(checkpoints))  # never left: other processes use the folder too
    _process.set(_Process({values["name"]: AttachedAudio(_from_fields(values)) for values in corpora}, bars))


def _run(work: Work, corpus: str, settings: Mapping[str, Any]) -> _Outcome:
    """Do work in a process that `_initialize` has prepared."""
    process, recipe = _process.get(), Recipe.parse(settings)
    gc.collect()
    gc.freeze()  # every training collects garbage several times; modules and corpora are none
    with collect_logs() as logs, send_bars(process.bars, recipe.name):
        try:
            return _Outcome(logs, work(process.corpora[corpus], recipe))
        except SentirError as error:
            return _Outcome(logs, error=error)
