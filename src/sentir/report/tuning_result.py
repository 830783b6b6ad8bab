"""The result of a tuning: plain values, rendered by `sentir.report.tuning_page`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from sentir.evaluation.metrics import get_metric
from sentir.recipe import Recipe
from sentir.repr_mixin import ReprMixin

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial.

    Attributes:
        number: in the order of trials, from 1.
        state: ``complete``, ``pruned`` (stopped early), ``failed`` or ``running`` (in another process).
        settings: setting → value.
        score: value of the metric, mean over the trial's trainings; ``None`` unless the trial is complete.
        scores: one for each training.
        intermediate_scores: (epoch, score so far); epochs are numbered on over all trainings.
        seconds: duration.
        failure_reason: error message, if it failed.
        duplicate_of: number of an earlier trial with the same settings, whose score is reused.
    """

    number: int
    state: str
    settings: Mapping[str, Any]
    score: float | None = None
    scores: tuple[float, ...] = ()
    intermediate_scores: tuple[tuple[int, float], ...] = ()
    seconds: float | None = None
    failure_reason: str = ""
    duplicate_of: int | None = None


@dataclass(frozen=True, repr=False)
class TuningResult(ReprMixin):
    """All trials of a tuning, and the best one.

    Attributes:
        name: name of the recipe.
        titles: language → title, where the recipe has one.
        created: UTC time, ISO 8601.
        corpus: name of the corpus.
        synthetic: whether the corpus is synthetic.
        metric: the metric that is optimized.
        folds: number of folds of train that trials are scored on; 0 if they are scored on dev.
        seeds: seeds of every trial's trainings.
        n_dev: utterances behind each score; with folds, their mean.
        trials: in order, without interrupted ones, which were repeated.
        num_interrupted: number of interrupted trials.
        param_importances: setting → its share of the variance in score (fANOVA), largest first; empty if too few
            trials are complete, or all scores are equal.
        best_trial: the trial with the best score; the first of equals.
        best_recipe: its recipe, ready to be trained.
        search_recipe: the recipe with the search space.
        versions: package → version.
    """

    name: str
    titles: Mapping[str, str]
    created: str
    corpus: str
    synthetic: bool
    metric: str
    folds: int
    seeds: tuple[int, ...]
    n_dev: int
    trials: tuple[TrialResult, ...]
    num_interrupted: int
    param_importances: Mapping[str, float]
    best_trial: TrialResult
    best_recipe: Recipe
    search_recipe: Recipe
    versions: Mapping[str, str]

    @property
    def state_counts(self) -> dict[str, int]:
        """State → number of trials."""
        return dict(Counter(trial.state for trial in self.trials))

    @property
    def ranked_trials(self) -> tuple[TrialResult, ...]:
        """The complete trials, best first."""
        complete = [trial for trial in self.trials if trial.score is not None]
        return tuple(sorted(complete, key=lambda trial: -get_metric(self.metric).sign * (trial.score or 0.0)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {
            "trials": [asdict(trial) for trial in self.trials],
            "best_trial": asdict(self.best_trial),
            "best_recipe": self.best_recipe.to_dict(),
            "search_recipe": self.search_recipe.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for every trial and a column for every setting."""
        import pandas as pd

        rows = [
            {"trial": t.number, "state": t.state, "score": t.score, **t.settings, "seconds": t.seconds,
             "epochs": len(t.intermediate_scores), "failure_reason": t.failure_reason}
            for t in self.trials
        ]  # fmt: skip
        return pd.DataFrame(rows).set_index("trial")
