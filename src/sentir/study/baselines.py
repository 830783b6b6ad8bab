"""Baselines of a study: majority class, bag of words, and acoustic functionals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_score, get_metric
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler
from sentir.i18n import _, gettext_noop
from sentir.recipe import Recipe
from sentir.registry import Registry
from sentir.study.baseline_heads import (
    Head,
    fit_logistic_regression,
    fit_multilabel_logistic_regression,
    fit_ridge,
    fit_svm,
)
from sentir.study.tfidf import TfidfFeatures, texts_in_dialogues

_C_GRID = (0.3, 1.0, 3.0, 10.0)  # inverse regularization strengths, selected on dev
_MODALITIES = {"majority": frozenset({"text", "audio"}), "bag of words": frozenset({"text"})}


@dataclass(frozen=True, slots=True, eq=False)
class FittedBaseline:
    """A fitted baseline: its features and its head.

    Attributes:
        text: features of text; ``None`` without any.
        scaler: scaler of acoustic functionals; ``None`` without audio features.
    """

    head: Head
    text: TfidfFeatures | None = None
    scaler: FeatureScaler | None = None

    def transform(self, utterances: Sequence[Utterance]) -> Any:
        """Return ``(N, V)`` features; the utterances themselves for a baseline without features.

        Give whole dialogues to a baseline with features of text, which uses the turn before each.
        """
        if self.scaler is not None:
            return self.scaler.transform(compute_features(("functionals",), utterances))
        if self.text is None:
            return utterances
        pairs = texts_in_dialogues(self.text.cleaning, utterances)
        return self.text.transform([pairs[u.id] for u in utterances])

    def predict_proba(self, utterances: Sequence[Utterance]) -> NDArray[np.float64]:
        """Return ``(N, K)`` probabilities, or ``(N, 1)`` values in regression."""
        return self.head(self.transform(utterances))


def fit_majority(recipe: Recipe, corpus: Corpus, metric: str) -> FittedBaseline:
    """Fit the majority class of train; all labels in a multi-label task; the mean in regression."""
    space, _rows, truth = _training_data(recipe, corpus)
    row = np.asarray(_FITTERS[space.kind].constant(truth, len(space)), dtype=np.float64)
    return FittedBaseline(Head("constant", {"row": row}))


def fit_bag_of_words(recipe: Recipe, corpus: Corpus, metric: str) -> FittedBaseline:
    """Fit logistic regression on tf-idf of words, characters and the previous turn; ridge in a regression task.

    The regularization is selected on dev.

    Raises:
        CorpusError: if no word occurs in two utterances of train.
    """
    space, rows, truth = _training_data(recipe, corpus)
    pairs = texts_in_dialogues(recipe.data.cleaning, corpus.train)
    texts = [pairs[u.id] for u in rows]
    try:
        text = TfidfFeatures.fit(recipe.data.cleaning, texts)
    except ValueError as error:  # an empty vocabulary
        raise CorpusError(
            _("No word occurs in two train utterances of '{name}'; remove 'bag of words' from study.baselines.",
              name=corpus.name)
        ) from error  # fmt: skip
    features = text.transform(texts).to_scipy()
    heads = (_FITTERS[space.kind].linear(c, features, truth, len(space)) for c in _C_GRID)
    return _select_on_dev((FittedBaseline(head, text) for head in heads), space, corpus, metric)


def fit_acoustic(recipe: Recipe, corpus: Corpus, metric: str) -> FittedBaseline:
    """Fit an SVM on standardized acoustic functionals; its regularization is selected on dev.

    Its "probabilities" are a softmax of the margins and only useful for ranking. In a multi-label task, where an
    SVM would take hours, it is logistic regression; in a regression task, ridge regression.
    """
    space, rows, truth = _training_data(recipe, corpus)
    table = compute_features(("functionals",), rows)
    scaler = FeatureScaler.fit(table)
    features = scaler.transform(table)
    heads = (_FITTERS[space.kind].svm(c, features, truth, len(space)) for c in _C_GRID)
    return _select_on_dev((FittedBaseline(head, scaler=scaler) for head in heads), space, corpus, metric)


BASELINES = Registry(
    gettext_noop("baseline"),
    {"majority": fit_majority, "bag of words": fit_bag_of_words, "acoustic": fit_acoustic},
)


def baseline_modalities(name: str) -> frozenset[str]:
    """Return the modalities of a baseline, as for `sentir.recognizer.modalities.check_modalities`."""
    return _MODALITIES.get(name, frozenset({"audio"}))


def fit_baseline(name: str, recipe: Recipe, corpus: Corpus, metric: str) -> FittedBaseline:
    """Fit a baseline on train; its regularization is selected on dev."""
    fitted: FittedBaseline = BASELINES.get(name)(recipe, corpus, metric)
    return fitted


def fit_predict_baseline(
    name: str, recipe: Recipe, corpus: Corpus, metric: str, splits: Sequence[str]
) -> dict[str, Predictions]:
    """Fit a baseline on train and predict whole splits, without their labels.

    Returns:
        Split → predictions.
    """
    fitted, space = fit_baseline(name, recipe, corpus, metric), corpus.label_space(recipe.data.task)
    return {split: predict_fitted_baseline(name, fitted, space, corpus.split(split)) for split in splits}


def predict_fitted_baseline(
    name: str, fitted: FittedBaseline, space: LabelSpace, utterances: Sequence[Utterance]
) -> Predictions:
    """Return a baseline's predictions of utterances, whose labels it does not see."""
    blind = [u.blind() for u in utterances]
    return Predictions(tuple(u.id for u in blind), fitted.predict_proba(blind), space, {"model": name})


def _training_data(recipe: Recipe, corpus: Corpus) -> tuple[LabelSpace, list[Utterance], NDArray]:
    space = corpus.label_space(recipe.data.task)
    rows = [u for u in corpus.train if space.task in u.labels]
    return space, rows, space.encode([u.labels[space.task] for u in rows])


def _select_on_dev(
    candidates: Iterable[FittedBaseline], space: LabelSpace, corpus: Corpus, metric: str
) -> FittedBaseline:
    """Return the candidate with the best score on dev; all of them have the same features."""
    dev = [u for u in corpus.dev if space.task in u.labels]
    fitted, truth = list(candidates), space.encode([u.labels[space.task] for u in dev])
    is_labeled = [space.task in u.labels for u in corpus.dev]
    features = fitted[0].transform(corpus.dev)

    def dev_score(one: FittedBaseline) -> float:
        p = one.head(features)[is_labeled]
        return get_metric(metric).sign * compute_score(space, metric, truth, p, tune_thresholds(space, truth, p))

    return max(fitted, key=dev_score)


class _KindFitters(NamedTuple):
    """The fitters of one kind of label space: of the constant prediction, and of the two trained heads."""

    constant: Callable[[NDArray, int], NDArray]
    linear: Callable[[float, Any, NDArray, int], Head]
    svm: Callable[[float, Any, NDArray, int], Head]


_FITTERS = {
    "single": _KindFitters(
        lambda truth, k: np.bincount(truth, minlength=k) / len(truth), fit_logistic_regression, fit_svm
    ),
    "multi": _KindFitters(
        lambda truth, k: np.ones(k), fit_multilabel_logistic_regression, fit_multilabel_logistic_regression
    ),
    "regression": _KindFitters(lambda truth, k: truth.mean(keepdims=True), fit_ridge, fit_ridge),
}
