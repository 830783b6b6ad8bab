"""From the trials of an Optuna study to a `TuningResult`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean

import optuna
from optuna.trial import FrozenTrial, TrialState

from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.evaluation.metrics import get_metric, resolve_metric
from sentir.i18n import _
from sentir.recipe import Recipe, TuneSettings
from sentir.recognizer.versions import package_versions
from sentir.report.tuning_result import TrialResult, TuningResult
from sentir.study.tuning.objective import DUPLICATE_OF, SCORES
from sentir.study.tuning.search_space import decode_settings, trial_recipe, trial_seeds
from sentir.study.tuning.storage import FAILURE_REASON, is_interrupted

MIN_TRIALS_FOR_IMPORTANCES = 10  # complete trials; with fewer, importances would be noise
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
}


def collect_tuning_result(
    study: optuna.Study, recipe: Recipe, corpus: Corpus, corpora: Sequence[Corpus]
) -> TuningResult:
    """Collect the trials so far.

    Raises:
        SentirError: if no trial is complete.
    """
    all_trials = study.get_trials(deepcopy=False)
    uninterrupted = [trial for trial in all_trials if not is_interrupted(trial)]
    numbers = {trial.number: n for n, trial in enumerate(uninterrupted, start=1)}
    metric = resolve_metric(corpus.label_space(recipe.data.task), recipe.evaluation.metric)
    trials = tuple(_trial_result(trial, recipe.tune, metric, numbers) for trial in uninterrupted)
    complete = [trial for trial in trials if trial.score is not None]
    if not complete:
        raise SentirError(_no_complete_trial_message(trials))
    best = max(complete, key=lambda trial: get_metric(metric).sign * (trial.score or 0.0))
    best_recipe = trial_recipe(recipe, best.settings, trial_seeds(recipe)[0])
    return TuningResult(
        name=recipe.name,
        titles=recipe.title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpus=corpus.name,
        synthetic=corpus.synthetic,
        metric=metric,
        folds=recipe.tune.folds,
        seeds=trial_seeds(recipe),
        n_dev=round(fmean(sum(recipe.data.task in u.labels for u in one.dev) for one in corpora)),
        trials=trials,
        num_interrupted=len(all_trials) - len(uninterrupted),
        param_importances=_importances(study, [trial.score for trial in complete]),
        best_trial=best,
        best_recipe=best_recipe.override({"name": f"{recipe.name}-tuned"}),
        search_recipe=recipe,
        versions=package_versions() | {"optuna": optuna.__version__},
    )


def _trial_result(trial: FrozenTrial, tune: TuneSettings, metric: str, numbers: dict[int, int]) -> TrialResult:
    attributes, score = trial.user_attrs, trial.value if trial.state == TrialState.COMPLETE else None
    return TrialResult(
        number=numbers[trial.number],
        state=_STATES[trial.state],
        settings=decode_settings(trial.params or trial.system_attrs.get("fixed_params", {}), tune.space),
        score=None if score is None else get_metric(metric).sign * score,
        scores=tuple(get_metric(metric).sign * one for one in attributes.get(SCORES, ())),
        intermediate_scores=tuple(
            (step, get_metric(metric).sign * one) for step, one in sorted(trial.intermediate_values.items())
        ),
        seconds=trial.duration.total_seconds() if trial.duration else None,
        failure_reason=attributes.get(FAILURE_REASON, ""),
        duplicate_of=numbers[attributes[DUPLICATE_OF]] if DUPLICATE_OF in attributes else None,
    )


def _no_complete_trial_message(trials: Sequence[TrialResult]) -> str:
    failed = [trial for trial in trials if trial.state == "failed"]
    if not failed:
        return _("No trial is complete yet; run the same command again with a longer --timeout to continue.")
    return _("None of {n} trials is complete, {failed} failed; the last error: {why}",
             n=len(trials), failed=len(failed), why=failed[-1].failure_reason)  # fmt: skip


def _importances(study: optuna.Study, scores: Sequence[float | None]) -> dict[str, float]:
    if len(scores) < MIN_TRIALS_FOR_IMPORTANCES or len(set(scores)) == 1:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        importances = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(share) for key, share in importances.items()}
