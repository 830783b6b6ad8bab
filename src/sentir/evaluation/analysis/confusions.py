"""Errors of a model: hardest examples, confusions by speaker, and label-noise candidates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.display_names import display_name
from sentir.evaluation.calibration.fitting import Array
from sentir.evaluation.metrics import compute_scores
from sentir.evaluation.results import GoldLabels, Run
from sentir.i18n import _

MAX_HARDEST_EXAMPLES, N_CONTEXT_TURNS = 10, 3
MAX_SPEAKERS, MAX_CONFUSIONS = 6, 3  # the latter per speaker


@dataclass(frozen=True, slots=True)
class ContextTurn:
    """A turn before an error."""

    speaker: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class HardExample:
    """One confidently wrong prediction.

    Attributes:
        labels: as annotated; in regression, the nearest step of the scale.
        predicted: by the model, likewise.
        probabilities: label → probability; in regression, name → number.
        error_score: probability of the wrong label; in multi-label tasks that of the wrong decision; in
            regression the absolute error.
        context: preceding turns, in order.
    """

    id: str
    speaker: str | None
    text: str | None
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    probabilities: Mapping[str, float]
    error_score: float
    context: tuple[ContextTurn, ...]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A label, the one predicted instead, and how often; in multi-label tasks one of the two is ``""``."""

    label: str
    predicted: str
    n: int

    @property
    def display_name(self) -> str:
        """The two labels and how often, in the current language."""
        label, predicted = display_name(self.label), display_name(self.predicted)
        if not self.predicted:
            return _("{label} missed ({n})", label=label, n=self.n)
        if not self.label:
            return _("{label} predicted wrongly ({n})", label=predicted, n=self.n)
        return f"{label} → {predicted} ({self.n})"


@dataclass(frozen=True, slots=True)
class SpeakerErrors:
    """One speaker: utterances, score in ``metric`` and most frequent confusions, means over seeds."""

    speaker: str
    n: int
    metric: str
    score: float
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True)
class LabelNoiseCandidate:
    """A train utterance whose label out-of-fold predictions confidently contradict.

    Attributes:
        labels: as annotated.
        predicted: out of fold.
        predicted_probability: of the prediction, where it differs from the annotation.
        label_probability: of the annotation there.
    """

    id: str
    text: str | None
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    predicted_probability: float
    label_probability: float


def find_hardest_examples(
    corpus: Corpus, predictions: Predictions, thresholds: NDArray[np.floating] | None, gold: GoldLabels
) -> tuple[HardExample, ...]:
    """Return the most confident errors of a model, in descending order of confidence.

    Args:
        corpus: of the utterances.
        predictions: for at least the utterances in ``gold``, means over seeds.
        thresholds: ``(K,)`` or none.
        gold: id → labels.
    """
    space, ids = predictions.label_space, sorted(gold)
    p = predictions.select(ids).probabilities
    truth = space.encode(gold[key] for key in ids)
    predicted, scores = space.decode(p, thresholds), _error_scores(space, truth, p, thresholds)
    rows = [n for n in np.argsort(-scores, kind="stable")[:MAX_HARDEST_EXAMPLES].tolist() if scores[n] > 0]
    return tuple(
        _make_hard_example(corpus, space, ids[n], gold[ids[n]], predicted[n], p[n], float(scores[n]))
        for n in rows
    )


def _make_hard_example(
    corpus: Corpus,
    space: LabelSpace,
    key: str,
    labels: tuple[Label, ...],
    predicted: tuple[Label, ...],
    p: Array,
    error_score: float,
) -> HardExample:
    u = corpus.by_id[key]
    context = tuple(ContextTurn(turn.speaker, turn.text) for turn in corpus.before(u, N_CONTEXT_TURNS))
    return HardExample(
        key, u.speaker, u.text, space.categorize(labels), space.categorize(predicted),
        dict(zip(space.names, p.tolist(), strict=True)), error_score, context,
    )  # fmt: skip


def _error_scores(space: LabelSpace, truth: NDArray, p: Array, thresholds: NDArray[np.floating] | None) -> Array:
    """Return the `HardExample.error_score` of each prediction, ``(N,)``; 0 for a correct one."""
    decisions = space.decide(p, thresholds)
    if space.kind == "regression":
        return np.abs(decisions - truth)
    if space.multilabel:
        return np.where(decisions != truth, np.where(decisions > 0, p, 1 - p), 0).max(axis=1)
    return np.where(decisions != truth, p.max(axis=1), 0)


def analyze_speakers(
    space: LabelSpace,
    speakers: Sequence[str | None],
    truth: NDArray,
    runs: Sequence[Run],
    gold: Sequence[tuple[Label, ...]],
    metric: str,
) -> tuple[SpeakerErrors, ...]:
    """Return the errors of the speakers with most utterances, in descending order; none without known speakers.

    Args:
        space: of the task.
        speakers: of N utterances.
        truth, runs: from `sentir.evaluation.scoring.align_by_id`.
        gold: the labels of the N utterances.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
    """
    rows_by_speaker: dict[str, list[int]] = defaultdict(list)
    for n, speaker in enumerate(speakers):
        if speaker:
            rows_by_speaker[speaker].append(n)
    most_frequent = sorted(rows_by_speaker.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_SPEAKERS]
    errors = []
    for speaker, rows in most_frequent:
        score = np.mean([compute_scores(space, truth[rows], p[rows], cut)[metric] for p, cut in runs])
        counts: Counter[tuple[str, str]] = Counter()
        for p, cut in runs:
            for n, predicted in zip(rows, space.decode(p[rows], cut), strict=True):
                counts.update(_find_confusions(space, gold[n], predicted))
        means = [Confusion(*pair, round(n / len(runs))) for pair, n in counts.most_common(MAX_CONFUSIONS)]
        frequent = tuple(confusion for confusion in means if confusion.n)
        errors.append(SpeakerErrors(speaker, len(rows), metric, float(score), frequent))
    return tuple(errors)


def _find_confusions(
    space: LabelSpace, gold: tuple[Label, ...], predicted: tuple[Label, ...]
) -> list[tuple[str, str]]:
    truth, decided = space.categorize(gold), space.categorize(predicted)
    if space.multilabel:
        missed = [(name, "") for name in truth if name not in decided]
        return missed + [("", name) for name in decided if name not in truth]
    return [(truth[0], decided[0])] if truth != decided else []


def find_label_noise_candidates(
    corpus: Corpus, predictions: Predictions, gold: GoldLabels
) -> tuple[LabelNoiseCandidate, ...]:
    """Return the label-noise candidates, ranked by margin; none in regression.

    Confident learning (Northcutt et al., "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR
    2021): another label is at least as probable as it is on average where it is annotated, and more probable than
    the annotated one. The margin is the difference of these two probabilities. In multi-label tasks each label is
    a binary decision, and the largest margin counts.

    Args:
        corpus: of the utterances.
        predictions: out of fold.
        gold: id → labels.
    """
    space, ids = predictions.label_space, sorted(gold)
    if space.kind == "regression" or not ids:
        return ()
    p, truth = predictions.select(ids).probabilities, space.encode(gold[key] for key in ids)
    decisions = _score_multilabel_noise(p, truth) if space.multilabel else [_score_label_noise(p, truth)]
    margins = np.stack([one.other_probability - one.label_probability for one in decisions], axis=1)
    widest, margin = margins.argmax(axis=1).tolist(), margins.max(axis=1)
    candidates = []
    for n in np.argsort(-margin, kind="stable").tolist():
        if margin[n] <= 0:
            break
        k, labels = widest[n], tuple(map(str, gold[ids[n]]))
        scores = decisions[k]
        predicted = _toggle_label(space, labels, k) if space.multilabel else (space.names[scores.other_label[n]],)
        probabilities = float(scores.other_probability[n]), float(scores.label_probability[n])
        candidates.append(
            LabelNoiseCandidate(ids[n], corpus.by_id[ids[n]].text, labels, predicted, *probabilities)
        )
    return tuple(candidates)


@dataclass(frozen=True, slots=True)
class _LabelNoiseScores:
    """For N utterances: the probability of the annotated class, of the likeliest other class, and which it is."""

    label_probability: Array
    other_probability: Array
    other_label: NDArray[np.intp]


def _score_multilabel_noise(p: Array, truth: NDArray) -> list[_LabelNoiseScores]:
    binary = np.stack([1 - p, p], axis=2)
    return [_score_label_noise(binary[:, k], truth[:, k].astype(np.intp)) for k in range(p.shape[1])]


def _score_label_noise(p: Array, truth: NDArray) -> _LabelNoiseScores:
    """Score other classes that reach their mean probability where annotated; minus infinity if there is none."""
    rows = np.arange(len(p))
    class_means = np.array([p[truth == k, k].mean() if (truth == k).any() else np.inf for k in range(p.shape[1])])
    others = np.where(p >= class_means, p, -np.inf)
    others[rows, truth] = -np.inf
    return _LabelNoiseScores(p[rows, truth], others.max(axis=1), others.argmax(axis=1))


def _toggle_label(space: LabelSpace, labels: tuple[str, ...], k: int) -> tuple[str, ...]:
    toggled = set(labels) ^ {space.names[k]}
    return tuple(name for name in space.names if name in toggled)
