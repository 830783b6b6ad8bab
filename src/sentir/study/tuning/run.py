"""`tune`: hyperparameter search with Optuna, by one process or by several that share its trials."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError
from sentir.evaluation.locked.test_contamination import find_contamination
from sentir.evaluation.metrics import get_metric, metric_display_name, resolve_metric
from sentir.i18n import _, format_decimal
from sentir.logs import logger, quiet_logger
from sentir.paths import PathLike
from sentir.preprocessing.kinds import attach_required_audio
from sentir.process_group import require_single_process
from sentir.progress import progress_bar
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.report.tuning_result import TuningResult
from sentir.study.candidates import training_cache_key
from sentir.study.stages import Stages
from sentir.study.tuning.objective import CAUGHT_ERRORS, Objective, make_training_corpora, max_epochs
from sentir.study.tuning.results import collect_tuning_result
from sentir.study.tuning.sampling import ReproducibleSampler, make_pruner
from sentir.study.tuning.saving import save_tuning
from sentir.study.tuning.search_space import check_search_space, trial_seeds
from sentir.study.tuning.storage import FAILURE_REASON, Worker, database_errors, open_storage
from sentir.training.fitting import check_training

_POLL_SECONDS = 1.0  # between two checks of the trials of other processes


def tune(
    recipe: Recipe,
    *,
    root: PathLike | None = None,
    out: Path,
    timeout: float | None = None,
    storage: str | None = None,
) -> TuningResult:
    """Search ``tune.space`` for the best settings and write the results; test is never read.

    Processes that tune the same recipe into the same folder, or with the same storage, share the trials. Finished
    trials are not repeated; a trial whose process was killed is.

    Args:
        recipe: recipe with the section ``tune``.
        root: folder of the corpus.
        out: receives ``best.toml``, ``tuning.html``, ``tuning.json``, ``recipe.toml`` and, without ``storage``,
            the trials.
        timeout: seconds after which no new trial starts.
        storage: URL of a database for the trials.

    Returns:
        All trials, including those of other processes.

    Raises:
        SentirError: if the recipe, the corpus or the storage cannot be used, or no trial is complete.
    """
    require_single_process("tune")
    start = time.monotonic()
    corpus = read_corpus(recipe.data, root)
    for known in find_contamination(corpus):
        logger.warning(known.sentence())
    checked = make_training_corpora(corpus, recipe)
    for one in checked:
        check_training(recipe, one)
    check_search_space(recipe, checked[0])
    corpus = attach_required_audio(corpus, recipe.model)
    corpora = make_training_corpora(corpus, recipe)
    out.mkdir(parents=True, exist_ok=True)
    with quiet_logger("optuna", logging.CRITICAL), database_errors(storage):  # failures are logged here
        trial_storage = open_storage(out, storage)
        study = _load_or_create_study(recipe, corpus, trial_storage, out, own_folder=storage is None)
        stages = Stages(out / "stages")
        stages.delete_unfinished()
        with Worker(study, trial_storage, out) as worker:
            study.sampler = ReproducibleSampler(recipe.tune, worker.trial_index)
            objective = Objective(recipe, corpora, worker, stages)
            metric = resolve_metric(corpus.label_space(recipe.data.task), recipe.evaluation.metric)
            _run_trials(study, worker, objective, recipe.tune.trials, metric, start + (timeout or float("inf")))
        result = collect_tuning_result(study, recipe, corpus, corpora)
    save_tuning(result, out, fingerprint=corpus.fingerprint)
    return result


def _load_or_create_study(
    recipe: Recipe, corpus: Corpus, storage: BaseStorage, out: Path, *, own_folder: bool
) -> optuna.Study:
    """Load the Optuna study of this recipe and corpus, or create it."""
    tree = recipe.to_dict()["tune"] | {"trials": None}
    key = json.dumps([training_cache_key(recipe, corpus), tree], sort_keys=True, default=str)
    name = f"{recipe.name} {hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if own_folder and any(known != name for known in optuna.get_all_study_names(storage)):
        raise RecipeError(
            _("The folder {folder} holds the tuning of another recipe or corpus; give another --out.", folder=out)
        )  # fmt: skip
    steps = max_epochs(recipe) * max(recipe.tune.folds, 1) * len(trial_seeds(recipe))
    return optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=make_pruner(recipe.tune, steps),
    )


def _run_trials(
    study: optuna.Study, worker: Worker, objective: Objective, num_trials: int, metric: str, deadline: float
) -> None:
    """Run trials until all are claimed, then wait for those of other processes, in case one of them dies."""
    with progress_bar(_("Tuning"), num_trials) as advance:
        trial_logger = _TrialLogger(advance, num_trials, metric)
        while time.monotonic() < deadline:
            with worker.claiming() as trials:
                trial_logger.log_finished(trials)
                is_free = len(trials) < num_trials or any(t.state == TrialState.WAITING for t in trials)
                if is_free:
                    study.optimize(objective, n_trials=1, catch=CAUGHT_ERRORS, gc_after_trial=True)
            if not is_free:
                if not any(t.state == TrialState.RUNNING for t in trials):
                    return
                trial_logger.log_waiting()
                time.sleep(_POLL_SECONDS)
        trial_logger.log_finished(worker.trials())


class _TrialLogger:
    """Logs every finished trial once, also those of other processes."""

    def __init__(self, advance: Callable[[int], None], num_trials: int, metric: str) -> None:
        self._advance, self._num_trials, self._metric = advance, num_trials, metric
        self._logged: set[int] | None = None
        self._is_waiting = False

    def log_finished(self, trials: Sequence[FrozenTrial]) -> None:
        finished = [trial for trial in trials if trial.state.is_finished()]
        if self._logged is None and finished:
            logger.info(
                _("{n} of {total} trials were already finished.", n=len(finished), total=self._num_trials)
            )
        logged = {trial.number for trial in finished} if self._logged is None else self._logged
        best = max(
            (t.value for t in finished if t.state == TrialState.COMPLETE and t.value is not None), default=0.0
        )
        for n, trial in enumerate(trials, start=1):
            if trial.state.is_finished() and trial.number not in logged:
                logger.info(f"  {_format_trial(trial, n, self._metric, best)}")
        self._advance(len(finished) - (0 if self._logged is None else len(self._logged)))
        self._logged = {trial.number for trial in finished}

    def log_waiting(self) -> None:
        if not self._is_waiting:
            logger.info(_("All trials are taken; waiting for other processes to finish theirs."))
        self._is_waiting = True


def _format_trial(trial: FrozenTrial, n: int, metric: str, best: float) -> str:
    if trial.state == TrialState.FAIL:
        return _("trial {n} failed: {why}", n=n, why=trial.user_attrs[FAILURE_REASON])
    score, top = (format_decimal(get_metric(metric).sign * one, 3) for one in (trial.value or 0.0, best))
    values = {"metric": metric_display_name(metric), "score": score}
    if trial.state == TrialState.PRUNED:
        return _("trial {n}: pruned, {metric} {score}", n=n, **values)
    return _("trial {n}: {metric} {score} (best {best})", n=n, best=top, **values)
