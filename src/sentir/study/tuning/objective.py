"""What a trial is worth: the mean dev score of its trainings, told epoch by epoch to the pruner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

from optuna import Study, Trial, TrialPruned
from optuna.trial import TrialState

from sentir.corpus.corpus import Corpus
from sentir.errors import SentirError
from sentir.recipe import Recipe
from sentir.study.candidates import crossed
from sentir.study.stacking import draw_folds, train_recognizer
from sentir.study.stages import Stages
from sentir.study.tuning.search_space import draw, seeds, trial_recipe
from sentir.study.tuning.storage import REASON, Worker

SCORES, SAME_AS = "scores", "same_as"  # what a trial remembers, beside its worker's name and why it failed
FAILURES = (SentirError, RuntimeError, ValueError, ArithmeticError, MemoryError)  # a full GPU is a RuntimeError


def parts(corpus: Corpus, recipe: Recipe) -> list[Corpus]:
    """Return what each training of a trial learns from and is scored on, as train and dev, without test.

    Without folds that is train and dev; with k folds it is k times train, a kth of which is dev.

    Raises:
        RecipeError: if train has fewer dialogues than folds.
    """
    folds = recipe.tune.folds
    if not folds:
        return [_build(corpus, [u for u in corpus if u.split != "test"])]
    fold_of = draw_folds(corpus.train, folds, recipe.tune.seed)
    return [
        _build(corpus, [replace(u, split="dev") if fold_of[u.id] == fold else u for u in corpus.train])
        for fold in range(folds)
    ]


def _build(corpus: Corpus, rows: list[Any]) -> Corpus:
    return Corpus.build(corpus.name, rows, corpus.spaces.values(), synthetic=corpus.synthetic)


class Objective:
    """Trains what a trial draws, once on every part with every seed.

    Args:
        recipe: with the search space.
        corpora: `parts` of the corpus.
        worker: takes the trials.
        stages: where out-of-fold predictions are kept, for all trials that stack on the same model.
    """

    def __init__(self, recipe: Recipe, corpora: list[Corpus], worker: Worker, stages: Stages) -> None:
        self._recipe, self._corpora, self._worker = recipe, corpora, worker
        self._cross = partial(crossed, stages)
        self._epochs = most_epochs(recipe)

    def __call__(self, trial: Trial) -> float:
        """Return the mean score.

        Raises:
            TrialPruned: if the trial is hopeless.
            SentirError: if the settings cannot be trained; the trial remembers why.
        """
        chosen = self._worker.take(trial, lambda: draw(trial, self._recipe.tune.space))
        if (score := _known(trial)) is not None:
            return score
        try:
            scores = self._train(trial, chosen)
        except FAILURES as error:
            trial.set_user_attr(REASON, _reason(error))
            raise
        trial.set_user_attr(SCORES, scores)
        return fmean(scores)

    def _train(self, trial: Trial, chosen: Mapping[str, Any]) -> list[float]:
        scores: list[float] = []
        for corpus in self._corpora:
            for seed in seeds(self._recipe):
                recipe = trial_recipe(self._recipe, chosen, seed)
                tell = _Teller(trial, tuple(scores), self._epochs)
                recognizer, _dev = train_recognizer(recipe, corpus, cross=self._cross, on_epoch=tell)
                scores.append(recognizer.facts["dev_score"])
        return scores


class _Teller:
    """Tells the pruner what a trial is worth so far: the mean over its trainings, each at its best epoch."""

    def __init__(self, trial: Trial, before: tuple[float, ...], epochs: int) -> None:
        self._trial, self._before, self._best = trial, before, float("-inf")
        self._first = len(before) * epochs

    def __call__(self, point: Mapping[str, float]) -> None:
        self._best = max(self._best, point["score"])
        self._trial.report(fmean((*self._before, self._best)), self._first + round(point["epoch"]))
        if self._trial.should_prune():
            raise TrialPruned


def most_epochs(recipe: Recipe) -> int:
    """Return the most epochs that one training of a trial may take."""
    dimension = recipe.tune.space.get("train.epochs")
    return int(max(dimension.probes())) if dimension else recipe.train.epochs


def _known(trial: Trial) -> float | None:
    """Return the score of an earlier trial with the same settings: training again would give it again."""
    study: Study = trial.study
    for other in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if other.params == trial.params:
            trial.set_user_attr(SAME_AS, other.user_attrs.get(SAME_AS, other.number))
            trial.set_user_attr(SCORES, other.user_attrs[SCORES])
            return other.value
    return None


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SentirError) else f"{type(error).__name__}: {error}".split("\n")[0]
