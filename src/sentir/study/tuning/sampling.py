"""The sampler of settings and the pruner of trials."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import numpy as np
from optuna import Study, pruners
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from sentir.recipe import TuneSettings

VisibleStudy = Callable[[Study, FrozenTrial], Study]
"""Returns a study with only the trials that may influence a trial."""

_N_STARTUP_TRIALS = 5  # trials that must have reached an epoch before the median pruner prunes there
_N_WARMUP_STEPS = 3  # epochs in which it prunes no trial


class ReproducibleSampler(BaseSampler):
    """Samples the n-th settings from the seed, n, and the earlier trials, the same in every process.

    Optuna's samplers depend on the state of their process: two processes with one seed, or one that was killed
    and restarted, would sample the same settings again.

    Args:
        tune: settings with the name of the sampler and the seed.
        trial_index: returns the n of a trial.
        visible_study: returns the study with those earlier trials.
    """

    def __init__(
        self, tune: TuneSettings, trial_index: Callable[[FrozenTrial], int], visible_study: VisibleStudy
    ) -> None:
        self._tune, self._trial_index, self._visible_study = tune, trial_index, visible_study
        self._sampler: BaseSampler = RandomSampler()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Create a new sampler for this trial."""
        seed = int(np.random.SeedSequence([self._tune.seed, self._trial_index(trial)]).generate_state(1)[0])
        self._sampler = TPESampler(seed=seed) if self._tune.sampler == "tpe" else RandomSampler(seed=seed)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the settings that are sampled jointly."""
        return self._sampler.infer_relative_search_space(self._visible_study(study, trial), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample them."""
        return self._sampler.sample_relative(self._visible_study(study, trial), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample a setting independently."""
        visible = self._visible_study(study, trial)
        return self._sampler.sample_independent(visible, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any = None) -> None:
        """Pass the result of the trial to the sampler."""
        self._sampler.after_trial(study, trial, state, values)


class EarlierTrialsPruner(pruners.MedianPruner):
    """The median pruner over only the trials that may influence a trial.

    Args:
        visible_study: returns the study with these.
    """

    def __init__(self, visible_study: VisibleStudy) -> None:
        super().__init__(_N_STARTUP_TRIALS, _N_WARMUP_STEPS, n_min_trials=_N_STARTUP_TRIALS)
        self._visible_study = visible_study

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether the trial is worse than the median of the visible ones at its last epoch."""
        return super().prune(self._visible_study(study, trial), trial)


def make_pruner(tune: TuneSettings, max_steps: int, visible_study: VisibleStudy) -> pruners.BasePruner:
    """Return the pruner.

    Args:
        tune: settings with its name.
        max_steps: the maximum number of epochs of a trial, over all its trainings.
        visible_study: for the median pruner; Hyperband compares with all trials, also with those that still run.
    """
    if tune.pruner == "median":
        return EarlierTrialsPruner(visible_study)
    if tune.pruner == "hyperband":
        return pruners.HyperbandPruner(min_resource=1, max_resource=max_steps)
    return pruners.NopPruner()


class EarlierTrials(Study):
    """A study without the trials from a number on.

    Args:
        study: the study.
        end: the number.
    """

    def __init__(self, study: Study, end: int) -> None:
        super().__init__(study.study_name, study._storage, study.sampler, study.pruner)
        self._end = end

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the trials before the number."""
        return [trial for trial in super().get_trials(deepcopy, states) if trial.number < self._end]

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        """Return them to Optuna's samplers."""
        return [trial for trial in super()._get_trials(deepcopy, states, use_cache) if trial.number < self._end]
