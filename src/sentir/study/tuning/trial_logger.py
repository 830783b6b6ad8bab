"""Log lines of trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optuna.trial import FrozenTrial, TrialState

from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.i18n import _, format_decimal
from sentir.logs import logger
from sentir.study.tuning.storage import FAILURE_REASON


class TrialLogger:
    """Logs every finished trial once, also those of other processes.

    Args:
        advance: advances the progress bar by a number of trials.
        num_trials: of the tuning.
        metric: name of the metric of their scores.
    """

    def __init__(self, advance: Callable[[int], None], num_trials: int, metric: str) -> None:
        self._advance, self._num_trials, self._metric = advance, num_trials, metric
        self._logged: set[int] | None = None
        self._is_waiting = False

    def log_finished(self, trials: Sequence[FrozenTrial]) -> None:
        """Log the trials that have finished since the last call; of the first call, only how many."""
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
        """Log once that trials of other processes are waited for."""
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
