"""`tune`: hyperparameter search with Optuna, by one process or by several that share its trials."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path

import optuna
from optuna.storages import BaseStorage

from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError
from sentir.evaluation.locked.test_contamination import find_contamination
from sentir.evaluation.metrics import resolve_metric
from sentir.i18n import _
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
from sentir.study.tuning.objective import make_training_corpora
from sentir.study.tuning.results import collect_tuning_result
from sentir.study.tuning.saving import save_tuning
from sentir.study.tuning.search_space import check_search_space
from sentir.study.tuning.storage import database_errors, open_storage
from sentir.study.tuning.trial_logger import TrialLogger
from sentir.study.tuning.trials import run_trials, run_trials_in_processes
from sentir.training.fitting import check_training


def tune(
    recipe: Recipe,
    *,
    root: PathLike | None = None,
    out: Path,
    timeout: float | None = None,
    storage: str | None = None,
    workers: int = 1,
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
        workers: processes that train, and so trials at a time; see `run_trials` for what is sampled then.

    Returns:
        All trials, including those of other processes.

    Raises:
        SentirError: if the recipe, the corpus or the storage cannot be used, or no trial is complete.
    """
    require_single_process("tune")
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    corpus = attach_required_audio(_read_checked_corpus(recipe, root), recipe.model)
    corpora = make_training_corpora(corpus, recipe)
    out.mkdir(parents=True, exist_ok=True)
    with quiet_logger("optuna", logging.CRITICAL), database_errors(storage):  # failures are logged here
        trial_storage = open_storage(out, storage)
        study = _load_or_create_study(recipe, corpus, trial_storage, out, own_folder=storage is None)
        Stages(out / "stages").delete_unfinished()
        metric = resolve_metric(corpus.label_space(recipe.data.task), recipe.evaluation.metric)
        with progress_bar(_("Tuning"), recipe.tune.trials) as advance:
            trial_logger = TrialLogger(advance, recipe.tune.trials, metric)
            if workers == 1:
                run_trials(
                    study, trial_storage, recipe, corpora, out, deadline=deadline, trial_logger=trial_logger
                )
            else:
                run_trials_in_processes(
                    study, trial_storage, recipe, corpus, out,
                    deadline=deadline, trial_logger=trial_logger, url=storage, workers=workers,
                )  # fmt: skip
        result = collect_tuning_result(study, recipe, corpus, corpora)
    save_tuning(result, out, fingerprint=corpus.fingerprint)
    return result


def _read_checked_corpus(recipe: Recipe, root: PathLike | None) -> Corpus:
    """Return the corpus of a recipe that can be tuned on it; audio is not decoded yet."""
    if recipe.data.folds is not None:
        raise RecipeError(
            _("'data.folds': settings tuned on all folds would have seen the test data of each; tune a recipe "
              "with train, dev and test, or compare the settings as 'study.candidates'.")
        )  # fmt: skip
    corpus = read_corpus(recipe.data, root)
    for known in find_contamination(corpus):
        logger.warning(known.sentence())
    corpora = make_training_corpora(corpus, recipe)
    for one in corpora:
        check_training(recipe, one)
    check_search_space(recipe, corpora[0])
    return corpus


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
    return optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
