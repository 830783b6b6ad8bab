"""Baselines of a study: what is had for nothing, by counting words, and by measuring sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.cleaning import clean
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.types import Corpus, Utterance
from sentir.errors import CorpusError
from sentir.evaluation.metrics import score
from sentir.evaluation.results import gain
from sentir.evaluation.thresholds import tune_thresholds
from sentir.features import compute_features
from sentir.features.scaling import Scaler
from sentir.i18n import _, mark
from sentir.recipe import Recipe
from sentir.registry import Registry

# Inverse regularization strengths tried on dev.
_STRENGTHS = (0.3, 1.0, 3.0, 10.0)

Probabilities = Callable[[Sequence[Utterance]], NDArray[np.float64]]
Classifier = Callable[[Any], NDArray[np.float64]]  # (N, V) weighted words → (N, K) probabilities


def constant(recipe: Recipe, corpus: Corpus, metric: str) -> Probabilities:
    """Always the label most frequent on train; all labels, where several may hold; the mean, for a number."""
    space, _rows, truth = _train(recipe, corpus)
    row = _CONSTANTS[space.kind](truth, len(space))
    return lambda utterances: np.tile(row, (len(utterances), 1)).astype(np.float64)


def bag_of_words(recipe: Recipe, corpus: Corpus, metric: str) -> Probabilities:
    """Words and pairs of words, weighted by tf-idf, into logistic regression; its strength is chosen on dev.

    For a number it is ridge regression.

    Raises:
        CorpusError: if no word stands in two utterances of train.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    space, rows, truth = _train(recipe, corpus)
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b|[!?]"
    )
    try:
        words = vectorizer.fit_transform(_texts(recipe, rows))
    except ValueError as error:  # an empty vocabulary
        raise CorpusError(
            _("No word stands in two train utterances of '{name}'; leave 'bag of words' out of study.baselines.",
              name=corpus.name)
        ) from error  # fmt: skip

    def counts(utterances: Sequence[Utterance]) -> Any:
        return vectorizer.transform(_texts(recipe, utterances))

    fitted = (_REGRESSIONS[space.kind](strength, words, truth, len(space)) for strength in _STRENGTHS)
    return _best_on_dev(fitted, counts, space, corpus, metric)


def acoustic(recipe: Recipe, corpus: Corpus, metric: str) -> Probabilities:
    """Acoustic functionals, standardized, into a support vector machine; its strength is chosen on dev.

    Its "probabilities" grow with the margins and are good for ranking alone. For several labels, where such a
    machine takes hours, it is logistic regression, for a number ridge regression.
    """
    space, rows, truth = _train(recipe, corpus)
    table = compute_features(("functionals",), rows)
    scaler = Scaler.fit(table)

    def numbers(utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        return scaler.transform(compute_features(("functionals",), utterances))

    sounds = scaler.transform(table)
    fitted = (_MACHINES[space.kind](strength, sounds, truth, len(space)) for strength in _STRENGTHS)
    return _best_on_dev(fitted, numbers, space, corpus, metric)


BASELINES = Registry(mark("baseline"), {"majority": constant, "bag of words": bag_of_words, "acoustic": acoustic})


def predict_baseline(
    name: str, recipe: Recipe, corpus: Corpus, metric: str, splits: Sequence[str]
) -> dict[str, Predictions]:
    """Fit a baseline on train and predict whole splits, blind.

    Returns:
        Split → predictions.
    """
    space = corpus.space(recipe.data.task)
    probabilities = BASELINES.get(name)(recipe, corpus, metric)
    found = {}
    for split in splits:
        blind = [u.blind() for u in corpus.split(split)]
        found[split] = Predictions(tuple(u.id for u in blind), probabilities(blind), space, {"model": name})
    return found


def _train(recipe: Recipe, corpus: Corpus) -> tuple[LabelSpace, list[Utterance], NDArray]:
    space = corpus.space(recipe.data.task)
    rows = [u for u in corpus.train if space.task in u.labels]
    return space, rows, space.encode([u.labels[space.task] for u in rows])


def _best_on_dev(
    fitted: Iterable[Classifier],
    measure: Callable[[Sequence[Utterance]], Any],
    space: LabelSpace,
    corpus: Corpus,
    metric: str,
) -> Probabilities:
    """Return the one that dev scores highest, of what ``measure`` makes of utterances."""
    dev = [u for u in corpus.dev if space.task in u.labels]
    measured, truth = measure(dev), space.encode([u.labels[space.task] for u in dev])

    def dev_score(model: Classifier) -> float:
        p = model(measured)
        return gain(metric, score(space, truth, p, tune_thresholds(space, truth, p))[metric])

    best = max(fitted, key=dev_score)
    return lambda utterances: best(measure(utterances))


def _texts(recipe: Recipe, utterances: Sequence[Utterance]) -> list[str]:
    return [clean(u.text or "", recipe.data.cleaning) for u in utterances]


def _one_label(strength: float, words: Any, truth: NDArray, k: int) -> Classifier:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000).fit(words, truth)

    def probabilities(counts: Any) -> NDArray[np.float64]:
        p = model.predict_proba(counts)
        full = np.zeros((len(p), k))  # a label that train never has gets 0
        full[:, model.classes_] = p
        return full

    return probabilities


def _several_labels(strength: float, words: Any, truth: NDArray, k: int) -> Classifier:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    model = OneVsRestClassifier(LogisticRegression(C=strength, solver="liblinear")).fit(words, truth)
    return lambda counts: model.predict_proba(counts)


def _machine(strength: float, sounds: Any, truth: NDArray, k: int) -> Classifier:
    from scipy.special import softmax
    from sklearn.svm import SVC

    model = SVC(C=strength, class_weight="balanced", cache_size=1000).fit(sounds, truth)

    def margins(numbers: Any) -> NDArray[np.float64]:
        found = model.decision_function(numbers)
        found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
        full = np.full((len(found), k), -np.inf)  # a label that train never has gets 0
        full[:, model.classes_] = found
        return softmax(full, axis=1)

    return margins


def _number(strength: float, words: Any, truth: NDArray, k: int) -> Classifier:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / strength).fit(words, truth)
    return lambda counts: model.predict(counts)[:, None]


_CONSTANTS: dict[str, Callable[[NDArray, int], NDArray[np.float64]]] = {
    "single": lambda truth, k: np.bincount(truth, minlength=k) / len(truth),
    "multi": lambda truth, k: np.ones(k),
    "regression": lambda truth, k: truth.mean(keepdims=True),
}
_MACHINES = {"single": _machine, "multi": _several_labels, "regression": _number}
_REGRESSIONS = {"single": _one_label, "multi": _several_labels, "regression": _number}
