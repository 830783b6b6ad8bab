"""Where a model is wrong: the errors it is surest of, what it mixes up with whom, and labels in doubt."""

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

MAX_HARDEST_EXAMPLES, MAX_SPEAKERS, MAX_CONFUSIONS, N_CONTEXT_TURNS = (
    10,
    6,
    3,
    3,
)  # errors, speakers, mix-ups of each, and turns that are shown


@dataclass(frozen=True, slots=True)
class ContextTurn:
    """What was said before an error."""

    speaker: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class HardExample:
    """One wrong answer.

    Attributes:
        labels: what is annotated; of a number, the nearest step of its scale.
        predicted: what the model says.
        probabilities: label → probability, or name → number.
        error_score: how sure the model was of what is wrong: the probability of the wrong label; of several
            labels that of the wrong decision; of a number, how far off it is.
        context: the turns before it, in order.
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
    """A label, what was said instead, and how often; of several labels one is ``""``: missed, or said wrongly."""

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
            return _("{label} said wrongly ({n})", label=predicted, n=self.n)
        return f"{label} → {predicted} ({self.n})"


@dataclass(frozen=True, slots=True)
class SpeakerErrors:
    """One speaker: utterances, the score in ``metric``, and the most frequent mix-ups, means over seeds."""

    speaker: str
    n: int
    metric: str
    score: float
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True)
class LabelNoiseCandidate:
    """A train utterance whose label is doubtful: models that did not learn from it surely say otherwise.

    Attributes:
        labels: what is annotated.
        predicted: what these models say.
        predicted_probability: of what they say, where they and the annotation differ.
        label_probability: of what is annotated there.
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
    """Return the errors that a model is surest of, the surest first.

    Args:
        corpus: that the utterances are from.
        predictions: of at least the utterances in ``gold``, means over seeds.
        thresholds: ``(K,)`` or none.
        gold: id → labels.
    """
    space, ids = predictions.label_space, sorted(gold)
    p = predictions.select(ids).probabilities
    truth = space.encode(gold[key] for key in ids)
    said, surprises = space.decode(p, thresholds), _error_scores(space, truth, p, thresholds)
    rows = [n for n in np.argsort(-surprises, kind="stable")[:MAX_HARDEST_EXAMPLES].tolist() if surprises[n] > 0]
    return tuple(
        _make_hard_example(corpus, space, ids[n], gold[ids[n]], said[n], p[n], float(surprises[n])) for n in rows
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
    before = tuple(ContextTurn(turn.speaker, turn.text) for turn in corpus.before(u, N_CONTEXT_TURNS))
    shares = dict(zip(space.names, p.tolist(), strict=True))
    return HardExample(
        key, u.speaker, u.text, space.categorize(labels), space.categorize(predicted), shares, error_score, before
    )


def _error_scores(space: LabelSpace, truth: NDArray, p: Array, thresholds: NDArray[np.floating] | None) -> Array:
    """Return how sure each answer is of what is wrong about it, ``(N,)``; 0 of a right one."""
    decided = space.decide(p, thresholds)
    if space.kind == "regression":
        return np.abs(decided - truth)
    if space.multilabel:
        return np.where(decided != truth, np.where(decided > 0, p, 1 - p), 0).max(axis=1)
    return np.where(decided != truth, p.max(axis=1), 0)


def analyze_speakers(
    space: LabelSpace,
    speakers: Sequence[str | None],
    truth: NDArray,
    runs: Sequence[Run],
    gold: Sequence[tuple[Label, ...]],
    metric: str,
) -> tuple[SpeakerErrors, ...]:
    """Return the errors with those who speak most, most first; none where no speaker is known.

    Args:
        space: of the labels.
        speakers: of N utterances.
        truth, runs: as `sentir.evaluation.scoring.joined` gives them.
        gold: the N labels themselves.
        metric: one of `sentir.evaluation.metrics.counted`.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for n, speaker in enumerate(speakers):
        if speaker:
            rows_of[speaker].append(n)
    most = sorted(rows_of.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_SPEAKERS]
    found = []
    for speaker, rows in most:
        value = np.mean([compute_scores(space, truth[rows], p[rows], cuts)[metric] for p, cuts in runs])
        counts: Counter[tuple[str, str]] = Counter()
        for p, cuts in runs:
            for n, said in zip(rows, space.decode(p[rows], cuts), strict=True):
                counts.update(_find_confusions(space, gold[n], said))
        means = [Confusion(*pair, round(n / len(runs))) for pair, n in counts.most_common(MAX_CONFUSIONS)]
        often = tuple(mixed for mixed in means if mixed.n)
        found.append(SpeakerErrors(speaker, len(rows), metric, float(value), often))
    return tuple(found)


def _find_confusions(
    space: LabelSpace, gold: tuple[Label, ...], predicted: tuple[Label, ...]
) -> list[tuple[str, str]]:
    held, found = space.categorize(gold), space.categorize(predicted)
    if space.multilabel:
        return [(name, "") for name in held if name not in found] + [("", n) for n in found if n not in held]
    return [(held[0], found[0])] if held != found else []


def find_label_noise_candidates(
    corpus: Corpus, predictions: Predictions, gold: GoldLabels
) -> tuple[LabelNoiseCandidate, ...]:
    """Return the utterances whose labels are doubtful, the most doubtful first; none where a number is annotated.

    Confident learning (Northcutt et al., "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR
    2021): another label is at least as probable as it is on average where it is annotated, and more probable than
    the annotated one; they are ranked by how much. Of several labels each is a question of its own, answered yes
    or no, and the most doubtful answer counts.

    Args:
        corpus: that the utterances are from.
        predictions: each by a model that did not learn from the utterance.
        gold: id → labels.
    """
    space, ids = predictions.label_space, sorted(gold)
    if space.kind == "regression" or not ids:
        return ()
    p, truth = predictions.select(ids).probabilities, space.encode(gold[key] for key in ids)
    doubts = _score_multilabel_noise(p, truth) if space.multilabel else [_score_label_noise(p, truth)]
    margins = np.stack([doubt.other_probability - doubt.label_probability for doubt in doubts], axis=1)
    at, most = margins.argmax(axis=1), margins.max(axis=1)
    found = []
    for n in np.argsort(-most, kind="stable").tolist():
        if most[n] <= 0:
            break
        doubt, labels = doubts[at[n]], tuple(map(str, gold[ids[n]]))
        said = _toggle_label(space, labels, int(at[n])) if space.multilabel else (space.names[doubt.said[n]],)
        text = corpus.by_id[ids[n]].text
        found.append(LabelNoiseCandidate(ids[n], text, labels, said, float(doubt.other[n]), float(doubt.own[n])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _LabelNoiseScores:
    """Of N answers: the probability of the annotated class, that of the surest other one, and which that is."""

    label_probability: Array
    other_probability: Array
    other_label: NDArray[np.intp]


def _score_multilabel_noise(p: Array, truth: NDArray) -> list[_LabelNoiseScores]:
    yes_or_no = np.stack([1 - p, p], axis=2)
    return [_score_label_noise(yes_or_no[:, k], truth[:, k].astype(np.intp)) for k in range(p.shape[1])]


def _score_label_noise(p: Array, truth: NDArray) -> _LabelNoiseScores:
    """Look for another class that is as probable as usual where it is annotated; minus infinity without one."""
    rows = np.arange(len(p))
    usual = np.array([p[truth == k, k].mean() if (truth == k).any() else np.inf for k in range(p.shape[1])])
    others = np.where(p >= usual, p, -np.inf)
    others[rows, truth] = -np.inf
    return _LabelNoiseScores(p[rows, truth], others.max(axis=1), others.argmax(axis=1))


def _toggle_label(space: LabelSpace, labels: tuple[str, ...], k: int) -> tuple[str, ...]:
    held = set(labels) ^ {space.names[k]}
    return tuple(name for name in space.names if name in held)
