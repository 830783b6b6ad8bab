"""From trials as Optuna keeps them to a `Tuning`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean

import optuna
from optuna.trial import FrozenTrial, TrialState

from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.results import gain
from sentir.i18n import _
from sentir.recipe import Recipe, Tune
from sentir.recognizer.recognizer import versions
from sentir.report.tuning_result import Tried, Tuning
from sentir.study.tuning.objective import SAME_AS, SCORES
from sentir.study.tuning.search_space import seeds, settings, trial_recipe
from sentir.study.tuning.storage import REASON, lost

ENOUGH = 10  # complete trials below which importances would be noise
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
}


def gather(study: optuna.Study, recipe: Recipe, corpus: Corpus, parts: Sequence[Corpus]) -> Tuning:
    """Gather what was tried so far.

    Raises:
        SentirError: if no trial is complete.
    """
    found = study.get_trials(deepcopy=False)
    kept = [trial for trial in found if not lost(trial)]
    numbers = {trial.number: n for n, trial in enumerate(kept, start=1)}
    metric = metric_name(corpus.space(recipe.data.task), recipe.evaluation.metric)
    trials = tuple(_tried(trial, recipe.tune, metric, numbers) for trial in kept)
    complete = [trial for trial in trials if trial.score is not None]
    if not complete:
        raise SentirError(_nothing(trials))
    best = max(complete, key=lambda trial: gain(metric, trial.score or 0.0))
    chosen = trial_recipe(recipe, best.settings, seeds(recipe)[0])
    return Tuning(
        name=recipe.name,
        titles=recipe.title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpus=corpus.name,
        synthetic=corpus.synthetic,
        metric=metric,
        folds=recipe.tune.folds,
        seeds=seeds(recipe),
        n_dev=round(fmean(sum(recipe.data.task in u.labels for u in part.dev) for part in parts)),
        trials=trials,
        interrupted=len(found) - len(kept),
        importances=_importances(study, [trial.score for trial in complete]),
        best=best,
        recipe=chosen.override({"name": f"{recipe.name}-tuned"}),
        tuned=recipe,
        versions=versions() | {"optuna": optuna.__version__},
    )


def _tried(trial: FrozenTrial, tune: Tune, metric: str, numbers: dict[int, int]) -> Tried:
    known, score = trial.user_attrs, trial.value if trial.state == TrialState.COMPLETE else None
    return Tried(
        number=numbers[trial.number],
        state=_STATES[trial.state],
        settings=settings(trial.params or trial.system_attrs.get("fixed_params", {}), tune.space),
        score=None if score is None else gain(metric, score),
        scores=tuple(gain(metric, one) for one in known.get(SCORES, ())),
        curve=tuple((step, gain(metric, one)) for step, one in sorted(trial.intermediate_values.items())),
        seconds=trial.duration.total_seconds() if trial.duration else None,
        reason=known.get(REASON, ""),
        same_as=numbers[known[SAME_AS]] if SAME_AS in known else None,
    )


def _nothing(trials: Sequence[Tried]) -> str:
    failed = [trial for trial in trials if trial.state == "failed"]
    if not failed:
        return _("No trial is complete yet; run the same command again, with more --timeout, and it goes on.")
    return _("None of {n} trials is complete, {failed} failed; the last one because: {why}",
             n=len(trials), failed=len(failed), why=failed[-1].reason)  # fmt: skip


def _importances(study: optuna.Study, scores: Sequence[float | None]) -> dict[str, float]:
    if len(scores) < ENOUGH or len(set(scores)) == 1:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(share) for key, share in found.items()}
