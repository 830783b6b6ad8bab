"""Baselines of a study: what is had for nothing, by counting words, and by measuring sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.cleaning import clean
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import score
from sentir.evaluation.results import gain
from sentir.features import compute_features
from sentir.features.scaling import Scaler
from sentir.i18n import _, mark
from sentir.recipe import Recipe
from sentir.registry import Registry
from sentir.study.baseline_heads import Head, machine, number, one_label, several_labels

# Inverse regularization strengths tried on dev.
_STRENGTHS = (0.3, 1.0, 3.0, 10.0)
NEEDS = {"majority": frozenset({"text", "sound"}), "bag of words": frozenset({"text"})}
"""What a baseline takes, as `sentir.recognizer.modalities.meet_needs` has it; others take sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted baseline: how utterances become numbers, and these answers.

    Attributes:
        steps: of cleaning, before words are counted.
        words: word or pair of words → column, with its weight in ``weights``; ``None`` if none are counted.
        scaler: of acoustic functionals; ``None`` if none are measured.
    """

    head: Head
    steps: tuple[str, ...] = ()
    words: tuple[str, ...] | None = None
    weights: NDArray[np.float64] | None = None
    scaler: Scaler | None = None

    def measure(self, utterances: Sequence[Utterance]) -> Any:
        """Return ``(N, V)`` numbers; of a baseline that asks for none, the utterances."""
        if self.scaler is not None:
            return self.scaler.transform(compute_features(("functionals",), utterances))
        if self.words is None or self.weights is None:
            return utterances
        vectorizer = _vectorizer({word: n for n, word in enumerate(self.words)})
        vectorizer.idf_ = self.weights
        return vectorizer.transform(_texts(self.steps, utterances))

    def probabilities(self, utterances: Sequence[Utterance]) -> NDArray[np.float64]:
        """Return ``(N, K)`` probabilities, or the numbers ``(N, 1)``."""
        return self.head(self.measure(utterances))


def constant(recipe: Recipe, corpus: Corpus, metric: str) -> Fitted:
    """Always the label most frequent on train; all labels, where several may hold; the mean, for a number."""
    space, _rows, truth = _train(recipe, corpus)
    row = np.asarray(_CONSTANTS[space.kind](truth, len(space)), dtype=np.float64)
    return Fitted(Head("constant", {"row": row}))


def bag_of_words(recipe: Recipe, corpus: Corpus, metric: str) -> Fitted:
    """Words and pairs of words, weighted by tf-idf, into logistic regression; its strength is chosen on dev.

    For a number it is ridge regression.

    Raises:
        CorpusError: if no word stands in two utterances of train.
    """
    space, rows, truth = _train(recipe, corpus)
    vectorizer, steps = _vectorizer(), tuple(recipe.data.cleaning)
    try:
        counted = vectorizer.fit_transform(_texts(steps, rows))
    except ValueError as error:  # an empty vocabulary
        raise CorpusError(
            _("No word stands in two train utterances of '{name}'; leave 'bag of words' out of study.baselines.",
              name=corpus.name)
        ) from error  # fmt: skip
    words = tuple(map(str, vectorizer.get_feature_names_out()))
    heads = (_REGRESSIONS[space.kind](strength, counted, truth, len(space)) for strength in _STRENGTHS)
    fitted = (Fitted(head, steps, words, vectorizer.idf_) for head in heads)
    return _best_on_dev(fitted, space, corpus, metric)


def acoustic(recipe: Recipe, corpus: Corpus, metric: str) -> Fitted:
    """Acoustic functionals, standardized, into a support vector machine; its strength is chosen on dev.

    Its "probabilities" grow with the margins and are good for ranking alone. For several labels, where such a
    machine takes hours, it is logistic regression, for a number ridge regression.
    """
    space, rows, truth = _train(recipe, corpus)
    table = compute_features(("functionals",), rows)
    scaler = Scaler.fit(table)
    sounds = scaler.transform(table)
    heads = (_MACHINES[space.kind](strength, sounds, truth, len(space)) for strength in _STRENGTHS)
    return _best_on_dev((Fitted(head, scaler=scaler) for head in heads), space, corpus, metric)


BASELINES = Registry(mark("baseline"), {"majority": constant, "bag of words": bag_of_words, "acoustic": acoustic})


def fit_baseline(name: str, recipe: Recipe, corpus: Corpus, metric: str) -> Fitted:
    """Fit a baseline on train, its strength chosen on dev."""
    fitted: Fitted = BASELINES.get(name)(recipe, corpus, metric)
    return fitted


def predict_baseline(
    name: str, recipe: Recipe, corpus: Corpus, metric: str, splits: Sequence[str]
) -> dict[str, Predictions]:
    """Fit a baseline on train and predict whole splits, blind.

    Returns:
        Split → predictions.
    """
    fitted, space = fit_baseline(name, recipe, corpus, metric), corpus.space(recipe.data.task)
    return {split: answers(name, fitted, space, corpus.split(split)) for split in splits}


def answers(name: str, fitted: Fitted, space: LabelSpace, utterances: Sequence[Utterance]) -> Predictions:
    """Return the answers of a baseline to utterances without their labels."""
    blind = [u.blind() for u in utterances]
    return Predictions(tuple(u.id for u in blind), fitted.probabilities(blind), space, {"model": name})


def _train(recipe: Recipe, corpus: Corpus) -> tuple[LabelSpace, list[Utterance], NDArray]:
    space = corpus.space(recipe.data.task)
    rows = [u for u in corpus.train if space.task in u.labels]
    return space, rows, space.encode([u.labels[space.task] for u in rows])


def _best_on_dev(fitted: Iterable[Fitted], space: LabelSpace, corpus: Corpus, metric: str) -> Fitted:
    """Return the one that dev scores highest, of those that measure alike."""
    dev = [u for u in corpus.dev if space.task in u.labels]
    found, truth = list(fitted), space.encode([u.labels[space.task] for u in dev])
    measured = found[0].measure(dev)

    def dev_score(one: Fitted) -> float:
        p = one.head(measured)
        return gain(metric, score(space, truth, p, tune_thresholds(space, truth, p))[metric])

    return max(found, key=dev_score)


def _vectorizer(vocabulary: dict[str, int] | None = None) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2,
        sublinear_tf=True,
        token_pattern=r"(?u)\b\w+\b|[!?]",
        vocabulary=vocabulary,
    )


def _texts(steps: Sequence[str], utterances: Sequence[Utterance]) -> list[str]:
    return [clean(u.text or "", steps) for u in utterances]


_CONSTANTS: dict[str, Callable[[NDArray, int], NDArray]] = {
    "single": lambda truth, k: np.bincount(truth, minlength=k) / len(truth),
    "multi": lambda truth, k: np.ones(k),
    "regression": lambda truth, k: truth.mean(keepdims=True),
}
_MACHINES = {"single": machine, "multi": several_labels, "regression": number}
_REGRESSIONS = {"single": one_label, "multi": several_labels, "regression": number}
