"""A closer look at one model on one split: can it be trusted, where is it good, where is it wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.analysis.confusions import Mistake, SpeakerErrors, Suspect, by_speaker, worst
from sentir.evaluation.analysis.slices import Slice, cut_split, score_slices
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.calibration.reliability import Reliability, decide, decide_in_halves, measure
from sentir.evaluation.intervals import Run
from sentir.evaluation.scoring import joined
from sentir.repr_mixin import Brief

MOST_SUSPECTS = 100


@dataclass(frozen=True, slots=True, repr=False)
class Details(Brief):
    """One model on one split of one corpus: a row of ``details.json``.

    Attributes:
        reliability: ``None`` where a number is recognized, and for a model that was saved uncalibrated.
        mistakes: the errors it is surest of, the surest first.
        doubtful: how many train utterances have a doubtful label; ``None`` where nobody looked.
        suspects: the most doubtful of them, at most `MOST_SUSPECTS`.
    """

    model: str
    corpus: str
    task: str
    split: str
    reliability: Reliability | None
    slices: tuple[Slice, ...]
    speakers: tuple[SpeakerErrors, ...]
    mistakes: tuple[Mistake, ...]
    doubtful: int | None = None
    suspects: tuple[Suspect, ...] = ()


def look_closer(
    corpus: Corpus,
    space: LabelSpace,
    labels: Mapping[str, tuple[Label, ...]],
    predictions: Sequence[Predictions],
    thresholds: Sequence[NDArray[np.floating] | None],
    calibrations: Sequence[Calibration | None],
    groups: Mapping[str, str],
    *,
    model: str,
    split: str,
    metric: str,
    how: str,
    resamples: int,
    confidence: float,
) -> Details:
    """Look at one model, trained with one or more seeds, on exactly the utterances in ``labels``.

    Args:
        corpus: that they are from.
        space: of the task.
        labels: id → label names of the task, or its number.
        predictions, thresholds, calibrations: one per seed; ``None`` without a calibration.
        groups: id → dialogue or speaker; the intervals are over these.
        model: its name.
        split: of the utterances.
        metric: one of `sentir.evaluation.metrics.counted`.
        how: what the utterances taught the model, as `Reliability` keeps it.
        resamples: behind the interval of the calibration error.
        confidence: mass of the intervals.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    ids, truth, runs, drawn = joined(space, labels, predictions, thresholds, groups)
    judged: dict[str, Any] = {"metric": metric, "confidence": confidence}
    speakers = [corpus.by_id[key].speaker for key in ids]
    mean = Predictions.mean([p.select(ids) for p in predictions])
    cuts = [cut for cut in thresholds if cut is not None]
    return Details(
        model=model,
        corpus=corpus.name,
        task=space.task,
        split=split,
        reliability=_reliability(
            space, truth, runs, calibrations, drawn, how, {**judged, "resamples": resamples}
        ),
        slices=score_slices(space, ids, truth, runs, drawn, cut_split(corpus, split, labels, space), **judged),
        speakers=by_speaker(space, speakers, truth, runs, [labels[key] for key in ids], metric),
        mistakes=worst(corpus, mean, np.mean(cuts, axis=0) if cuts else None, labels),
    )  # fmt: skip


def _reliability(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Run],
    calibrations: Sequence[Calibration | None],
    groups: Sequence[str],
    how: str,
    judged: Mapping[str, Any],
) -> Reliability | None:
    known = [one for one in calibrations if one is not None]
    if len(known) < len(runs):
        return None
    if how == "dev_halves" and len(set(groups)) > 1:
        decided = [
            decide_in_halves(space, truth, p, groups, method=own.method)
            for (p, _cuts), own in zip(runs, known, strict=True)
        ]
    else:
        how = "learned" if how == "dev_halves" else how
        decided = [decide(space, p, cuts, own.sure) for (p, cuts), own in zip(runs, known, strict=True)]
    return measure(space, truth, decided, groups, how=how, **judged)
