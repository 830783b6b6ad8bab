"""Timelines against known turns: measures in seconds, so that long turns count more than short ones.

Time is parted wherever a turn of either side starts or ends. In each part, with R true labels and P predicted
ones, C of which agree: missed are max(0, R - P), false alarms max(0, P - R), confusions min(R, P) - C, as in the
diarization error rate of NIST (2009), here with labels that need no mapping. Summed over time:

- ``emotion_diarization_error``: (missed + false alarm + confusion) / true time; may exceed 1;
- ``accuracy``: agreeing / true time, so that a missed second is a wrong one;
- ``macro_f1``: mean over labels with true time of 2 · agreeing / (true + predicted time of the label);
- ``speech_error``: time with speech on one side only / true time with speech.

Intervals leave out one recording after another; see `sentir.evaluation.jackknife`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import normalize_emotion
from sentir.errors import CorpusError, TimelineError
from sentir.evaluation.jackknife import jackknife_interval, leave_one_out_sums
from sentir.i18n import _
from sentir.timelines.document import Turn

Array = NDArray[np.float64]
_TOTALS = ("true", "missed", "false_alarm", "confusion", "agreeing", "true_speech", "speech_error")


@dataclass(frozen=True, slots=True)
class TimelineScore:
    """A measure with its interval over recordings; ``low`` and ``high`` are ``None`` with too few of them."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class LabelTime:
    """The seconds of a label: true, predicted, and in agreement; and its F1 by time."""

    true: float
    predicted: float
    agreeing: float
    f1: float


@dataclass(frozen=True, slots=True)
class TimelineScores:
    """How well timelines agree with known turns.

    Attributes:
        scores: measure → score; see `sentir.timelines.scoring`.
        labels: label → its times.
        recordings, turns: how many were scored.
        seconds: true time, with overlapping turns counted once each.
    """

    scores: Mapping[str, TimelineScore]
    labels: Mapping[str, LabelTime]
    recordings: int
    turns: int
    seconds: float


def score_timelines(pairs: Sequence[tuple[Sequence[Turn], Sequence[Turn]]]) -> TimelineScores:
    """Score recordings, each given as its true and its predicted turns.

    True turns without labels are speech without a known label: they count for ``speech_error`` only, and nothing
    that is predicted in them counts otherwise.

    Raises:
        TimelineError: if no true turn has a label, or turns have no times.
    """
    if any(turn.start is None for true, predicted in pairs for turn in (*true, *predicted)):
        raise TimelineError(_("Only turns with times can be scored."))
    labels = sorted({label for true, predicted in pairs for turn in (*true, *predicted) for label in turn.labels})
    if not any(turn.labels for true, _predicted in pairs for turn in true):
        raise TimelineError(_("The true turns have no labels."))
    sums = np.array([_measure(true, predicted, labels) for true, predicted in pairs])
    replicates = leave_one_out_sums(sums[None])[0]
    total = sums.sum(axis=0)
    scores = {}
    for name, measure in _MEASURES.items():
        value, left_out = float(measure(total[None])[0]), measure(replicates)
        low, high = jackknife_interval(value, left_out, is_proportion=name in ("accuracy", "macro_f1"))
        scores[name] = TimelineScore(value, None if low is None else max(0.0, low), high)
    by_label = total[len(_TOTALS) :].reshape(-1, 3)
    return TimelineScores(
        scores,
        {
            name: LabelTime(row[0], row[1], row[2], _f1(*row))
            for name, row in zip(labels, by_label.tolist(), strict=True)
        },
        len(pairs),
        sum(len(true) for true, _predicted in pairs),
        float(total[0]),
    )


def match_labels(turns: Sequence[Turn], labels: Sequence[str]) -> list[Turn]:
    """Return true turns with the labels of a model: synonyms are replaced, as ``happiness`` by ``joy``.

    If no turn has labels and all speakers are labels, as in RTTM files of emotions, the speakers are the labels.
    Other labels are kept: no prediction can agree with them.
    """
    if not any(turn.labels for turn in turns) and all(
        _match(turn.speaker or "", labels) in labels for turn in turns
    ):
        turns = [replace(turn, labels=(turn.speaker or "",), speaker=None) for turn in turns]
    return [replace(turn, labels=tuple(_match(label, labels) for label in turn.labels)) for turn in turns]


def _match(label: str, labels: Sequence[str]) -> str:
    if label in labels:
        return label
    try:
        emotion = normalize_emotion(label)
    except CorpusError:
        return label
    return emotion if emotion in labels else label


def _measure(true: Sequence[Turn], predicted: Sequence[Turn], labels: Sequence[str]) -> Array:
    """Return seconds: those of `_TOTALS`, then true, predicted and agreeing of each label."""
    times = sorted({time for turn in (*true, *predicted) for time in (turn.start or 0.0, turn.end or 0.0)})
    totals, by_label = defaultdict[str, float](float), {name: np.zeros(3) for name in labels}
    for start, end, now, guessed in _parts(times, true, predicted):
        seconds = end - start
        totals["true_speech"] += seconds * bool(now)
        totals["speech_error"] += seconds * (bool(now) != bool(guessed))
        if any(not turn.labels for turn in now):
            continue
        truth, found = (Counter(label for turn in some for label in turn.labels) for some in (now, guessed))
        agreeing = truth & found
        n_true, n_found, n_agreeing = truth.total(), found.total(), agreeing.total()
        totals["true"] += seconds * n_true
        totals["agreeing"] += seconds * n_agreeing
        totals["missed"] += seconds * max(0, n_true - n_found)
        totals["false_alarm"] += seconds * max(0, n_found - n_true)
        totals["confusion"] += seconds * (min(n_true, n_found) - n_agreeing)
        for label in truth | found:
            by_label[label] += seconds * np.array([truth[label], found[label], agreeing[label]])
    return np.concatenate([[totals[name] for name in _TOTALS], *by_label.values()])


def _parts(
    times: Sequence[float], true: Sequence[Turn], predicted: Sequence[Turn]
) -> Iterator[tuple[float, float, list[Turn], list[Turn]]]:
    """Yield start and end of each part of time, and the turns of either side in it."""
    queues = [sorted(turns, key=lambda turn: turn.start or 0.0) for turns in (true, predicted)]
    positions, active = [0, 0], [list[Turn](), list[Turn]()]
    for start, end in pairwise(times):
        for side in (0, 1):
            active[side] = [turn for turn in active[side] if (turn.end or 0.0) > start]
            while positions[side] < len(queues[side]) and (queues[side][positions[side]].start or 0.0) <= start:
                active[side].append(queues[side][positions[side]])
                positions[side] += 1
        yield start, end, active[0], active[1]


def _ratio(numerators: Sequence[str], denominator: str) -> Callable[[Array], Array]:
    columns, divisor = [_TOTALS.index(name) for name in numerators], _TOTALS.index(denominator)

    def ratio(sums: Array) -> Array:
        return _divide(sums[:, columns].sum(axis=1), sums[:, divisor])

    return ratio


def _macro_f1(sums: Array) -> Array:
    by_label = sums[:, len(_TOTALS) :].reshape(len(sums), (sums.shape[1] - len(_TOTALS)) // 3, 3)
    f1 = _divide(2 * by_label[..., 2], by_label[..., 0] + by_label[..., 1])
    is_present = by_label[..., 0] > 0
    return _divide(np.where(is_present, np.nan_to_num(f1), 0).sum(axis=1), is_present.sum(axis=1))


def _divide(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)


def _f1(true: float, predicted: float, agreeing: float) -> float:
    return 2 * agreeing / (true + predicted) if true + predicted else 0.0


_MEASURES: dict[str, Callable[[Array], Array]] = {
    "emotion_diarization_error": _ratio(("missed", "false_alarm", "confusion"), "true"),
    "missed": _ratio(("missed",), "true"),
    "false_alarm": _ratio(("false_alarm",), "true"),
    "confusion": _ratio(("confusion",), "true"),
    "accuracy": _ratio(("agreeing",), "true"),
    "macro_f1": _macro_f1,
    "speech_error": _ratio(("speech_error",), "true_speech"),
}
