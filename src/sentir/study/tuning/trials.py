"""Running the trials of a tuning until all are claimed, in this process or in several."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sentir.corpus.corpus import Corpus
from sentir.file_locks import SILENCE_SECONDS
from sentir.i18n import _
from sentir.logs import logger, quiet_logger
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.study.processes import training_pool
from sentir.study.stages import Stages
from sentir.study.tuning.objective import CAUGHT_ERRORS, Objective, make_training_corpora, max_epochs
from sentir.study.tuning.sampling import ReproducibleSampler, make_pruner
from sentir.study.tuning.search_space import trial_seeds
from sentir.study.tuning.storage import Worker, database_errors, open_storage
from sentir.study.tuning.trial_logger import TrialLogger

POLL_SECONDS = 1.0  # between two checks of the trials of other processes
_SHORT_POLL_SECONDS = 0.1  # between two checks whether the earlier trial that the next one waits for has finished


def run_trials(
    study: optuna.Study,
    storage: BaseStorage,
    recipe: Recipe,
    corpora: list[Corpus],
    out: Path,
    *,
    deadline: float,
    trial_logger: TrialLogger | None = None,
    concurrency: int = 1,
) -> None:
    """Run trials until all are claimed, then wait for those of other processes, in case one of them dies.

    With a ``concurrency`` of n, the k-th trial is sampled, and pruned by the median, from the results of the
    first k - n trials alone, and starts when these have finished. It does not depend on which process is faster.

    Args:
        study, storage: of the trials.
        recipe: with the search space.
        corpora: see `make_training_corpora`.
        out: folder of the run.
        deadline: ``time.monotonic()`` after which no new trial starts.
        trial_logger: logs the trials; by default none are logged.
        concurrency: trials that run at a time, each in a process.
    """
    with Worker(study, storage, out, concurrency) as worker:
        study.sampler = ReproducibleSampler(recipe.tune, worker.trial_index, worker.visible_study)
        study.pruner = make_pruner(recipe.tune, _max_steps(recipe), worker.visible_study)
        objective = Objective(recipe, corpora, worker, Stages(out / "stages"))
        while time.monotonic() < deadline:
            with worker.claiming() as trials:
                if trial_logger is not None:
                    trial_logger.log_finished(trials)
                is_claimed = len(trials) >= recipe.tune.trials
                is_free = worker.is_ready(trials, can_add=not is_claimed)
                if is_free:
                    _run_trial(study, objective, worker)
            if is_claimed and not any(t.state in (TrialState.RUNNING, TrialState.WAITING) for t in trials):
                return
            if not is_free:
                if trial_logger is not None and is_claimed:
                    trial_logger.log_waiting()
                time.sleep(POLL_SECONDS if is_claimed else _SHORT_POLL_SECONDS)
        if trial_logger is not None:
            trial_logger.log_finished(worker.trials())


def _run_trial(study: optuna.Study, objective: Objective, worker: Worker) -> None:
    try:
        study.optimize(objective, n_trials=1, catch=CAUGHT_ERRORS, gc_after_trial=True)
        if objective.fault is not None:
            raise objective.fault
    except ValueError:  # Optuna's, for a trial that is no longer running
        if not worker.has_lost_trial():
            raise
        logger.warning(
            _("Nothing was heard of this process for {n} seconds, so another one repeats its trial.",
              n=SILENCE_SECONDS)
        )  # fmt: skip


def run_trials_in_processes(
    study: optuna.Study,
    storage: BaseStorage,
    recipe: Recipe,
    corpus: Corpus,
    out: Path,
    *,
    deadline: float,
    trial_logger: TrialLogger,
    url: str | None,
    workers: int,
) -> None:
    """Run trials as `run_trials` does, in several processes; this one logs them.

    Args:
        study, storage, recipe, out, deadline, trial_logger: see `run_trials`.
        corpus: that the recipe is tuned on.
        url: of the storage, if it is a database.
        workers: number of processes, and of trials at a time.
    """
    timeout = deadline - time.monotonic()
    work = partial(_run_trials_in_process, out, url, study.study_name, timeout, workers)
    list_trials: Callable[[], Sequence[FrozenTrial]] = Worker(study, storage, out).trials
    with training_pool([corpus], workers, out / "checkpoints") as submit:
        for wait in [submit(work, corpus.name, recipe) for _n in range(workers)]:
            while True:
                trial_logger.log_finished(list_trials())
                try:
                    wait(POLL_SECONDS)
                except TimeoutError:
                    continue
                break
    trial_logger.log_finished(list_trials())


def _run_trials_in_process(
    out: Path,
    url: str | None,
    study_name: str,
    timeout: float,
    workers: int,
    audio: AttachedAudio,
    recipe: Recipe,
) -> None:
    """Run trials in a process of `run_trials_in_processes`."""
    with quiet_logger("optuna", logging.CRITICAL), database_errors(url):
        storage = open_storage(out, url)
        study = optuna.load_study(study_name=study_name, storage=storage)
        corpora = make_training_corpora(audio.for_model(recipe.model), recipe)
        run_trials(study, storage, recipe, corpora, out, deadline=time.monotonic() + timeout, concurrency=workers)


def _max_steps(recipe: Recipe) -> int:
    """Return the maximum number of epochs of a trial, over all its trainings."""
    return max_epochs(recipe) * max(recipe.tune.folds, 1) * len(trial_seeds(recipe))
