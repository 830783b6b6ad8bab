"""The trainings of a study in processes of their own, each with its share of the cores.

A process trains one candidate with one seed into its stage; the study then reads it as it does after a restart.
What a training logs is logged when the study comes to it, so that the order is that of the recipes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.errors import SentirError
from sentir.i18n import _, get_language
from sentir.logs import LogLine, collect_logs, replay_logs
from sentir.models.device import get_best_device
from sentir.plugins import load_plugins, loaded_files
from sentir.preprocessing.kinds import input_modalities
from sentir.progress import receive_bars, send_bars
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.study.candidates import TRAINING, produce_training, training_cache_key
from sentir.study.stages import Stages
from sentir.training.checkpoints import checkpoint_to
from sentir.worker_processes import count_cores, count_memory, initialize_worker

_MIN_UTTERANCES = 500  # of all corpora; less is trained before processes would have started
_BYTES_PER_PROCESS = 3 * 2**30
CorpusFields = Mapping[str, Any]


@dataclass(frozen=True)
class _Process:
    """What a process keeps between trainings: its corpora with their audio, stages, and where bars are drawn."""

    corpora: Mapping[str, AttachedAudio]
    stages: Stages
    bars: Any


_process: ContextVar[_Process] = ContextVar("training_process")


@dataclass(frozen=True)
class _Outcome:
    """What a training logged, and its error if it failed."""

    logs: Sequence[LogLine]
    error: SentirError | None = None


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
def train_in_processes(
    stages: Stages, trainings: Sequence[tuple[AttachedAudio, Recipe]], checkpoints: Path, workers: int | None
) -> Iterator[None]:
    """Train the unfinished stages of a study in several processes inside the block.

    Reading a stage inside the block waits for its training. With one process nothing is started: a stage is then
    trained when it is read. If the block fails, trainings that run are finished and no others are started; if it
    is interrupted, they end at once and are resumed from their checkpoints next time.

    Args:
        stages: of the study.
        trainings: corpus and recipe of each candidate with each seed, in the order in which they are read.
        checkpoints: folder of the checkpoints.
        workers: number of processes, see `count_processes`.
    """
    paths = [_stage_path(stages, audio, recipe) for audio, recipe in trainings]
    todo = {path: one for path, one in zip(paths, trainings, strict=True) if not path.is_dir()}
    corpora = {audio.corpus.name: audio.corpus for audio, _recipe in todo.values()}
    processes = count_processes(workers, len(todo), sum(map(len, corpora.values())))
    if processes < 2:
        yield
        return
    context = get_context("spawn")
    stop, bars = context.Event(), context.Queue()
    threads = max(1, min(torch.get_num_threads(), count_cores() // processes))
    sent = list(map(_to_fields, corpora.values()))
    pool = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_initialize,
        initargs=(get_language(), stop, bars, threads, stages.folder, checkpoints, sent, loaded_files()),
    )  # fmt: skip
    try:
        with receive_bars(bars):
            by_cost = sorted(todo, key=lambda path: _cost_rank(todo[path][1]))
            futures = {path: pool.submit(_train, *_describe(*todo[path])) for path in by_cost}
            stages.pending |= {path: partial(_finish, future) for path, future in futures.items()}
            yield
    except KeyboardInterrupt:
        stop.set()
        raise
    finally:
        stages.pending.clear()
        pool.shutdown(cancel_futures=True)


def _stage_path(stages: Stages, audio: AttachedAudio, recipe: Recipe) -> Path:
    return stages.path(TRAINING, training_cache_key(recipe, audio.for_model(recipe.model)))


def _cost_rank(recipe: Recipe) -> tuple[bool, bool]:
    """Sort what takes longest first: stacking models, then those of audio."""
    return not recipe.model.uses_stacking, "audio" not in input_modalities(recipe.model)


def _describe(audio: AttachedAudio, recipe: Recipe) -> tuple[str, Mapping[str, Any]]:
    return audio.corpus.name, recipe.to_dict()


def _finish(future: Future[_Outcome]) -> None:
    """Wait for a training, log what it logged, and raise its error."""
    try:
        outcome = future.result()
    except BrokenProcessPool as error:
        raise SentirError(
            _("A training process was killed, often for lack of memory; run again with fewer workers: finished "
              "trainings are kept.")
        ) from error  # fmt: skip
    replay_logs(outcome.logs)
    if outcome.error is not None:
        raise outcome.error


def _to_fields(corpus: Corpus) -> CorpusFields:
    """Return a corpus without its sealed labels, which cannot leave this process, and without audio."""
    values = {field.name: getattr(corpus, field.name) for field in fields(corpus) if field.name != "sealed"}
    return values | {"utterances": tuple(replace(u, audio=None) for u in corpus)}


def _from_fields(values: CorpusFields) -> Corpus:
    return Corpus(**values, sealed=SealedLabels(u for u in values["utterances"] if u.split == "test"))


def _initialize(
    language: str,
    stop: Any,
    bars: Any,
    threads: int,
    stages: Path,
    checkpoints: Path,
    corpora: Sequence[CorpusFields],
    plugins: Sequence[Path],
) -> None:
    from threadpoolctl import threadpool_limits

    initialize_worker(language, stop)
    load_plugins(plugins)
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    ExitStack().enter_context(checkpoint_to(checkpoints))  # never left: other processes use the folder too
    attached = {values["name"]: AttachedAudio(_from_fields(values)) for values in corpora}
    _process.set(_Process(attached, Stages(stages), bars))
    gc.freeze()  # every training collects garbage; modules and corpora are none


def _train(corpus: str, settings: Mapping[str, Any]) -> _Outcome:
    """Train one candidate with one seed into its stage, in a process that `_initialize` has prepared."""
    process, recipe = _process.get(), Recipe.parse(settings)
    with collect_logs() as logs, send_bars(process.bars, recipe.name):
        try:
            produce_training(process.stages, process.corpora[corpus].for_model(recipe.model), recipe)
        except SentirError as error:
            return _Outcome(logs, error)
    return _Outcome(logs)
