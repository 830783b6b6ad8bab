"""Errors of a model: hardest examples, confusions by speaker, and label-noise candidates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label
from sentir.corpus.predictions import Predictions
from sentir.display_names import display_name
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.calibration.kinds import Array
from sentir.evaluation.metrics import compute_score
from sentir.evaluation.results import GoldLabels
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
    p, truth = predictions.select(ids).probabilities, space.encode(gold[key] for key in ids)
    predicted = space.decode(p, thresholds)
    scores = _ERRORS[space.kind].error_scores(truth, space.decide(p, thresholds), p)
    examples = []
    for n in np.argsort(-scores, kind="stable")[:MAX_HARDEST_EXAMPLES].tolist():
        u = corpus.by_id[ids[n]]
        context = tuple(ContextTurn(turn.speaker, turn.text) for turn in corpus.before(u, N_CONTEXT_TURNS))
        labels, probabilities = space.categorize(gold[u.id]), dict(zip(space.names, p[n].tolist(), strict=True))
        error = space.categorize(predicted[n]), probabilities, float(scores[n])
        examples.append(HardExample(u.id, u.speaker, u.text, labels, *error, context))
    return tuple(example for example in examples if example.error_score > 0)


def analyze_speakers(
    aligned: AlignedRuns, speakers: Sequence[str | None], gold: Sequence[tuple[Label, ...]], metric: str
) -> tuple[SpeakerErrors, ...]:
    """Return the errors of the speakers with most utterances, in descending order; none without known speakers.

    Args:
        aligned: labels and predictions of N utterances.
        speakers, gold: the speakers and the labels of the N utterances.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
    """
    space = aligned.space
    rows_by_speaker: dict[str, list[int]] = defaultdict(list)
    for n, speaker in enumerate(speakers):
        if speaker:
            rows_by_speaker[speaker].append(n)
    most_frequent = sorted(rows_by_speaker.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_SPEAKERS]
    errors = []
    for speaker, rows in most_frequent:
        own = aligned.select(np.array(rows))
        score = np.mean([compute_score(space, metric, own.truth, *run) for run in own.runs])
        counts: Counter[tuple[str, str]] = Counter()
        for p, cut in own.runs:
            for n, predicted in zip(rows, space.decode(p, cut), strict=True):
                labels = space.categorize(gold[n]), space.categorize(predicted)
                counts.update(_ERRORS[space.kind].confusions(*labels))
        means = [Confusion(*pair, round(n / len(own.runs))) for pair, n in counts.most_common(MAX_CONFUSIONS)]
        frequent = tuple(confusion for confusion in means if confusion.n)
        errors.append(SpeakerErrors(speaker, len(rows), metric, float(score), frequent))
    return tuple(errors)


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
    p, truth = predictions.select(ids).probabilities, space.encode(gold[key] for key in ids)
    kind = _ERRORS[space.kind]
    scored = [_score_label_noise(*decision) for decision in kind.exclusive_decisions(truth, p)]
    if not scored or not ids:
        return ()
    own, other, other_class = (np.stack(columns, axis=1) for columns in zip(*scored, strict=True))
    widest, margin = (other - own).argmax(axis=1), (other - own).max(axis=1)
    candidates = []
    for n in np.argsort(-margin, kind="stable").tolist():
        if margin[n] <= 0:
            break
        k, labels = int(widest[n]), tuple(map(str, gold[ids[n]]))
        predicted = kind.relabel(space.names, labels, k, int(other_class[n, k]))
        text, probabilities = corpus.by_id[ids[n]].text, (float(other[n, k]), float(own[n, k]))
        candidates.append(LabelNoiseCandidate(ids[n], text, labels, predicted, *probabilities))
    return tuple(candidates)


def _score_label_noise(truth: NDArray, p: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return the probabilities of the annotated class and of the likeliest other one, and which that is.

    Only classes count that reach their mean probability where annotated; minus infinity if there is none.
    """
    rows = np.arange(len(p))
    class_means = np.array([p[truth == k, k].mean() if (truth == k).any() else np.inf for k in range(p.shape[1])])
    others = np.where(p >= class_means, p, -np.inf)
    others[rows, truth] = -np.inf
    return p[rows, truth], others.max(axis=1), others.argmax(axis=1)


def _missed_and_added(truth: tuple[str, ...], predicted: tuple[str, ...]) -> list[tuple[str, str]]:
    missed = [(name, "") for name in truth if name not in predicted]
    return missed + [("", name) for name in predicted if name not in truth]


def _binary_decisions(truth: NDArray, p: Array) -> list[tuple[NDArray, Array]]:
    return [(t.astype(np.intp), np.stack([1 - q, q], axis=1)) for t, q in zip(truth.T, p.T, strict=True)]


def _toggle_label(names: tuple[str, ...], labels: tuple[str, ...], k: int, _class: int) -> tuple[str, ...]:
    toggled = set(labels) ^ {names[k]}
    return tuple(name for name in names if name in toggled)


class _KindErrors(NamedTuple):
    """How the errors of one kind of label space are described.

    Attributes:
        error_scores: truth, decisions and probabilities → `HardExample.error_score`, 0 for a correct one.
        confusions: labels and predicted ones → pairs of a label and the one predicted instead.
        exclusive_decisions: truth and probabilities → those of each decision between exclusive classes.
        relabel: all names, labels, a decision and its other class → labels with that class.
    """

    error_scores: Callable[[NDArray, NDArray, Array], Array]
    confusions: Callable[[tuple[str, ...], tuple[str, ...]], list[tuple[str, str]]]
    exclusive_decisions: Callable[[NDArray, Array], list[tuple[NDArray, Array]]]
    relabel: Callable[[tuple[str, ...], tuple[str, ...], int, int], tuple[str, ...]]


_SINGLE_LABEL_ERRORS = _KindErrors(
    lambda truth, decided, p: np.where(decided != truth, p.max(axis=1), 0),
    lambda truth, predicted: [(truth[0], predicted[0])] if truth != predicted else [],
    lambda truth, p: [(truth, p)],
    lambda names, _labels, _decision, k: (names[k],),
)
_ERRORS = {
    "single": _SINGLE_LABEL_ERRORS,
    "multi": _KindErrors(
        lambda truth, decided, p: np.where(decided != truth, np.where(decided > 0, p, 1 - p), 0).max(axis=1),
        _missed_and_added,
        _binary_decisions,
        _toggle_label,
    ),
    "regression": _SINGLE_LABEL_ERRORS._replace(
        error_scores=lambda truth, decided, _p: np.abs(decided - truth),
        exclusive_decisions=lambda _truth, _p: [],
    ),
}
