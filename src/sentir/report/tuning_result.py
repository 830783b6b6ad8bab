"""What a tuning comes to: plain values, gathered by `sentir.study.tuning`, drawn by `sentir.report.tuning_page`."""

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
        state: ``complete``, ``pruned`` (ended early), ``failed`` or ``running`` (in another process).
        settings: setting → the value tried.
        score: mean over the trial's trainings, in the metric; ``None`` unless it is complete.
        scores: one for each training.
        intermediate_scores: (epoch, score so far), the epochs of all trainings counted on.
        seconds: it took.
        failure_reason: why it failed.
        duplicate_of: the number of the trial that had these settings before, whose score this is.
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
    """All trials of a tuning, and the best of them.

    Attributes:
        name: of the recipe.
        titles: language → title, where the recipe gives one.
        created: UTC time, ISO 8601.
        corpus: its name.
        synthetic: whether no one said what is in it.
        metric: what the trials are compared by.
        folds: 0 if dev compared them, else how many parts of train.
        seeds: of every trial's trainings.
        n_dev: utterances that each score is over, with folds their mean.
        trials: in order; interrupted ones, which were repeated, are not among them.
        num_interrupted: how many these are.
        param_importances: setting → share of what the settings together explain of the scores (fANOVA), largest
            first; empty where too few trials are complete to tell, or all scores are the same.
        best_trial: the trial with the best score; the first of equals.
        best_recipe: its recipe, ready to be trained.
        search_recipe: the recipe with the search space.
        versions: that the scores depend on.
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
            "best": asdict(self.best_trial),
            "recipe": self.best_recipe.to_dict(),
            "tuned": self.search_recipe.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the trials as a table, a column for every setting."""
        import pandas as pd

        rows = [
            {"trial": t.number, "state": t.state, "score": t.score, **t.settings, "seconds": t.seconds,
             "epochs": len(t.intermediate_scores), "reason": t.failure_reason}
            for t in self.trials
        ]  # fmt: skip
        return pd.DataFrame(rows).set_index("trial")
