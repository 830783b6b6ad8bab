"""The sampler of settings and the pruner of trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from optuna import Study, pruners
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from sentir.recipe import TuneSettings

_N_STARTUP_TRIALS = 5  # trials that must have reached an epoch before the median pruner prunes there
_N_WARMUP_STEPS = 3  # epochs in which it prunes no trial


class ReproducibleSampler(BaseSampler):
    """Samples the n-th settings from the seed, n, and the earlier trials, the same in every process.

    Optuna's samplers depend on the state of their process: two processes with one seed, or one that was killed
    and restarted, would sample the same settings again.

    Args:
        tune: settings with the name of the sampler and the seed.
        trial_index: returns the n of a trial.
    """

    def __init__(self, tune: TuneSettings, trial_index: Callable[[FrozenTrial], int]) -> None:
        self._tune, self._trial_index = tune, trial_index
        self._sampler: BaseSampler = RandomSampler()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Create a new sampler for this trial."""
        seed = int(np.random.SeedSequence([self._tune.seed, self._trial_index(trial)]).generate_state(1)[0])
        self._sampler = TPESampler(seed=seed) if self._tune.sampler == "tpe" else RandomSampler(seed=seed)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the settings that are sampled jointly."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample them."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample a setting independently."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any = None) -> None:
        """Pass the result of the trial to the sampler."""
        self._sampler.after_trial(study, trial, state, values)


def make_pruner(tune: TuneSettings, max_steps: int) -> pruners.BasePruner:
    """Return the pruner; ``max_steps`` is the maximum number of epochs of a trial, over all its trainings."""
    if tune.pruner == "median":
        return pruners.MedianPruner(_N_STARTUP_TRIALS, _N_WARMUP_STEPS, n_min_trials=_N_STARTUP_TRIALS)
    if tune.pruner == "hyperband":
        return pruners.HyperbandPruner(min_resource=1, max_resource=max_steps)
    return pruners.NopPruner()
