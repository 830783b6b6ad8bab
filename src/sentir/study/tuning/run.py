"""`tune`: try sets of settings, alone or beside other processes, until enough are tried."""

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
from sentir.evaluation.locked.test_contamination import known_tests
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.results import gain
from sentir.i18n import _, decimal
from sentir.paths import Place
from sentir.process_group import require_alone
from sentir.progress import say, task, warn
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.report.tuning_result import Tuning
from sentir.report.words import word
from sentir.study.candidates import training_key
from sentir.study.stages import Stages
from sentir.study.tuning.objective import FAILURES, Objective, most_epochs, parts
from sentir.study.tuning.results import gather
from sentir.study.tuning.sampling import FixedDraws, make_pruner
from sentir.study.tuning.saving import save_tuning
from sentir.study.tuning.search_space import check_space, seeds
from sentir.study.tuning.storage import REASON, Worker, database_errors, open_storage
from sentir.training.fitting import check_training

_LOOK = 1.0  # seconds between two looks at what other processes do


def tune(
    recipe: Recipe,
    *,
    root: Place | None = None,
    out: Path,
    timeout: float | None = None,
    storage: str | None = None,
) -> Tuning:
    """Try the settings of ``tune.space`` and write what came of it; test is never read.

    Processes that tune the same recipe into the same folder, or by the same storage, share the trials. What was
    tried before is not tried again; a trial whose process was killed is.

    Args:
        recipe: with the section ``tune``.
        root: where the corpus lies.
        out: receives ``best.toml``, ``tuning.html``, ``tuning.json``, ``recipe.toml`` and, without ``storage``,
            the trials.
        timeout: seconds after which no trial begins.
        storage: URL of a database for the trials.

    Returns:
        All trials, those of other processes too.

    Raises:
        SentirError: if the recipe, the corpus or the storage cannot be used, or no trial is complete.
    """
    require_alone("tune")
    start = time.monotonic()
    corpus = read_corpus(recipe.data, root)
    for known in known_tests(corpus):
        warn(known.sentence())
    corpora = parts(corpus, recipe)
    for part in corpora:
        check_training(recipe, part)
    check_space(recipe, corpora[0])
    logging.getLogger("optuna").setLevel(logging.CRITICAL)  # failures and progress are ours to tell
    out.mkdir(parents=True, exist_ok=True)
    with database_errors(storage):
        place = open_storage(out, storage)
        study = _open_study(recipe, corpus, place, out, own_folder=storage is None)
        stages = Stages(out / "stages")
        stages.sweep()
        with Worker(study, place, out) as worker:
            study.sampler = FixedDraws(recipe.tune, worker.number)
            objective = Objective(recipe, corpora, worker, stages)
            metric = metric_name(corpus.space(recipe.data.task), recipe.evaluation.metric)
            _run(study, worker, objective, recipe.tune.trials, metric, start + (timeout or float("inf")))
        found = gather(study, recipe, corpus, corpora)
    save_tuning(found, out, fingerprint=corpus.fingerprint)
    return found


def _open_study(
    recipe: Recipe, corpus: Corpus, storage: BaseStorage, out: Path, *, own_folder: bool
) -> optuna.Study:
    """Find the study of this recipe and corpus, or begin it."""
    tree = recipe.tree()["tune"] | {"trials": None}
    key = json.dumps([training_key(recipe, corpus), tree], sort_keys=True, default=str)
    name = f"{recipe.name} {hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if own_folder and any(known != name for known in optuna.get_all_study_names(storage)):
        raise RecipeError(
            _("The folder {folder} holds the tuning of another recipe or corpus; give another --out.", folder=out)
        )  # fmt: skip
    steps = most_epochs(recipe) * max(recipe.tune.folds, 1) * len(seeds(recipe))
    return optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=make_pruner(recipe.tune, steps),
    )


def _run(study: optuna.Study, worker: Worker, objective: Objective, wanted: int, metric: str, end: float) -> None:
    """Take trials until all are taken, then wait for those of other processes, in case one of them dies."""
    with task(_("Tuning"), wanted) as advance:
        tell = _Teller(advance, wanted, metric)
        while time.monotonic() < end:
            with worker.claiming() as trials:
                tell.news(trials)
                free = len(trials) < wanted or any(t.state == TrialState.WAITING for t in trials)
                if free:
                    study.optimize(objective, n_trials=1, catch=FAILURES, gc_after_trial=True)
            if not free:
                if not any(t.state == TrialState.RUNNING for t in trials):
                    return
                tell.waiting()
                time.sleep(_LOOK)
        tell.news(worker.trials())


class _Teller:
    """Tells of every trial once it is over, whichever process made it."""

    def __init__(self, advance: Callable[[int], None], wanted: int, metric: str) -> None:
        self._advance, self._wanted, self._metric = advance, wanted, metric
        self._told: set[int] | None = None
        self._waits = False

    def news(self, trials: Sequence[FrozenTrial]) -> None:
        over = [trial for trial in trials if trial.state.is_finished()]
        if self._told is None and over:
            say(_("{n} of {wanted} trials were made before.", n=len(over), wanted=self._wanted))
        told = {trial.number for trial in over} if self._told is None else self._told
        best = max((t.value for t in over if t.state == TrialState.COMPLETE and t.value is not None), default=0.0)
        for n, trial in enumerate(trials, start=1):
            if trial.state.is_finished() and trial.number not in told:
                say(f"  {_line(trial, n, self._metric, best)}")
        self._advance(len(over) - (0 if self._told is None else len(self._told)))
        self._told = {trial.number for trial in over}

    def waiting(self) -> None:
        if not self._waits:
            say(_("All trials are taken; waiting for those of other processes."))
        self._waits = True


def _line(trial: FrozenTrial, n: int, metric: str, best: float) -> str:
    if trial.state == TrialState.FAIL:
        return _("trial {n} failed: {why}", n=n, why=trial.user_attrs[REASON])
    score, top = (decimal(gain(metric, one), 3) for one in (trial.value or 0.0, best))
    values = {"metric": word(metric), "score": score}
    if trial.state == TrialState.PRUNED:
        return _("trial {n}: pruned, {metric} {score}", n=n, **values)
    return _("trial {n}: {metric} {score} (best {best})", n=n, best=top, **values)
