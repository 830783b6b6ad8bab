"""The objective of a trial: the mean dev score of its trainings, reported to the pruner after every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

from optuna import Study, Trial, TrialPruned
from optuna.trial import TrialState
from safetensors import SafetensorError

from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.recipe import Recipe
from sentir.study.candidates import cached_cross_predict
from sentir.study.stacking import assign_folds, train_recognizer
from sentir.study.stages import Stages
from sentir.study.tuning.search_space import suggest_settings, trial_recipe, trial_seeds
from sentir.study.tuning.storage import FAILURE_REASON, Worker

SCORES, DUPLICATE_OF = "scores", "duplicate_of"  # user attributes of a trial; others are in `storage`
# With these a trial fails and the others go on; out of GPU memory is a RuntimeError.
CAUGHT_ERRORS = (SentirError, RuntimeError, ValueError, ArithmeticError, MemoryError)


def make_training_corpora(corpus: Corpus, recipe: Recipe) -> list[Corpus]:
    """Return the corpus of each training of a trial: the train and dev that it uses, without test.

    Without folds these are train and dev; with k folds there are k corpora, each with one fold of train as dev.

    Raises:
        RecipeError: if train has fewer dialogues than folds.
    """
    folds = recipe.tune.folds
    if not folds:
        return [_build_corpus(corpus, [u for u in corpus if u.split != "test"])]
    fold_of = assign_folds(corpus.train, folds, recipe.tune.seed)
    return [
        _build_corpus(corpus, [replace(u, split="dev") if fold_of[u.id] == fold else u for u in corpus.train])
        for fold in range(folds)
    ]


def _build_corpus(corpus: Corpus, rows: list[Any]) -> Corpus:
    return Corpus.build(corpus.name, rows, corpus.label_spaces.values(), synthetic=corpus.synthetic)


class Objective:
    """Trains with the settings of a trial, on every corpus with every seed.

    Args:
        recipe: recipe with the search space.
        corpora: see `make_training_corpora`.
        worker: claims the trials.
        stages: cache of out-of-fold predictions, for all trials that stack on the same model.

    Attributes:
        fault: the error of a trial that the machine ended; as an interrupted one, it is repeated.
    """

    fault: Exception | None = None

    def __init__(self, recipe: Recipe, corpora: list[Corpus], worker: Worker, stages: Stages) -> None:
        self._recipe, self._corpora, self._worker = recipe, corpora, worker
        self._cross_predictor = partial(cached_cross_predict, stages)
        self._max_epochs = max_epochs(recipe)

    def __call__(self, trial: Trial) -> float:
        """Return the mean score.

        Raises:
            TrialPruned: if the trial is pruned.
            SentirError: if the settings cannot be trained; the trial records the reason.
        """
        settings = self._worker.claim(trial, lambda: suggest_settings(trial, self._recipe.tune.space))
        if (score := _duplicate_score(trial)) is not None:
            return score
        try:
            scores = self._train(trial, settings)
        except CAUGHT_ERRORS as error:
            if isinstance(error.__cause__, OSError | SafetensorError):  # such as a full disk
                self.fault = error
            else:
                trial.set_user_attr(FAILURE_REASON, _failure_reason(error))
            raise
        trial.set_user_attr(SCORES, scores)
        return fmean(scores)

    def _train(self, trial: Trial, settings: Mapping[str, Any]) -> list[float]:
        scores: list[float] = []
        for corpus in self._corpora:
            for seed in trial_seeds(self._recipe):
                recipe = trial_recipe(self._recipe, settings, seed)
                on_epoch = _PruningCallback(trial, tuple(scores), self._max_epochs)
                recognizer, _dev = train_recognizer(
                    recipe, corpus, cross_predictor=self._cross_predictor, on_epoch=on_epoch
                )
                scores.append(recognizer.facts["dev_score"])
        return scores


class _PruningCallback:
    """Reports the score of a trial so far to the pruner: the mean over its trainings at their best epochs."""

    def __init__(self, trial: Trial, previous_scores: tuple[float, ...], epochs_per_training: int) -> None:
        self._trial, self._previous_scores, self._best_score = trial, previous_scores, float("-inf")
        self._first_step = len(previous_scores) * epochs_per_training

    def __call__(self, point: Mapping[str, float]) -> None:
        self._best_score = max(self._best_score, point["score"])
        self._trial.report(
            fmean((*self._previous_scores, self._best_score)), self._first_step + round(point["epoch"])
        )
        if self._trial.should_prune():
            raise TrialPruned


def max_epochs(recipe: Recipe) -> int:
    """Return the maximum number of epochs of one training of a trial."""
    dimension = recipe.tune.space.get("train.epochs")
    return int(max(dimension.probe_values())) if dimension else recipe.train.epochs


def _duplicate_score(trial: Trial) -> float | None:
    """Return the score of an earlier trial with the same settings, which training again would reproduce."""
    study: Study = trial.study
    for other in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if other.params == trial.params:
            trial.set_user_attr(DUPLICATE_OF, other.user_attrs.get(DUPLICATE_OF, other.number))
            trial.set_user_attr(SCORES, other.user_attrs[SCORES])
            return other.value
    return None


def _failure_reason(error: Exception) -> str:
    return str(error) if isinstance(error, SentirError) else f"{type(error).__name__}: {error}".split("\n")[0]
