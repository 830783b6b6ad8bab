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
from sentir.evaluation.analysis.confusions import (
    HardExample,
    LabelNoiseCandidate,
    SpeakerErrors,
    analyze_speakers,
    find_hardest_examples,
)
from sentir.evaluation.analysis.slices import SliceScore, define_slices, score_slices
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.calibration.reliability import (
    Reliability,
    cross_fit_decisions,
    decide_with_confidence,
    measure_reliability,
)
from sentir.evaluation.results import Run
from sentir.evaluation.scoring import align_by_id
from sentir.repr_mixin import ReprMixin

MAX_LABEL_NOISE_CANDIDATES = 100


@dataclass(frozen=True, slots=True, repr=False)
class ErrorAnalysis(ReprMixin):
    """One model on one split of one corpus: a row of ``analyses.json``.

    Attributes:
        reliability: ``None`` where a number is recognized, and for a model that was saved uncalibrated.
        hardest_examples: the errors it is surest of, the surest first.
        num_label_noise_candidates: how many train utterances have a doubtful label; ``None`` where nobody looked.
        label_noise_candidates: the most doubtful of them, at most `MOST_SUSPECTS`.
    """

    model: str
    corpus: str
    task: str
    split: str
    reliability: Reliability | None
    slices: tuple[SliceScore, ...]
    speakers: tuple[SpeakerErrors, ...]
    hardest_examples: tuple[HardExample, ...]
    num_label_noise_candidates: int | None = None
    label_noise_candidates: tuple[LabelNoiseCandidate, ...] = ()


def analyze_errors(
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
    protocol: str,
    resamples: int,
    confidence_level: float,
) -> ErrorAnalysis:
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
        protocol: what the utterances taught the model, as `Reliability` keeps it.
        resamples: behind the interval of the calibration error.
        confidence_level: mass of the intervals.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    ids, truth, runs, drawn = align_by_id(space, labels, predictions, thresholds, groups)
    judged: dict[str, Any] = {"metric": metric, "confidence": confidence_level}
    speakers = [corpus.by_id[key].speaker for key in ids]
    mean = Predictions.mean([p.select(ids) for p in predictions])
    cuts = [cut for cut in thresholds if cut is not None]
    return ErrorAnalysis(
        model=model,
        corpus=corpus.name,
        task=space.task,
        split=split,
        reliability=_measure_reliability(
            space, truth, runs, calibrations, drawn, protocol, {**judged, "resamples": resamples}
        ),
        slices=score_slices(space, ids, truth, runs, drawn, define_slices(corpus, split, labels, space), **judged),
        speakers=analyze_speakers(space, speakers, truth, runs, [labels[key] for key in ids], metric),
        hardest_examples=find_hardest_examples(corpus, mean, np.mean(cuts, axis=0) if cuts else None, labels),
    )  # fmt: skip


def _measure_reliability(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Run],
    calibrations: Sequence[Calibration | None],
    groups: Sequence[str],
    protocol: str,
    options: Mapping[str, Any],
) -> Reliability | None:
    known = [one for one in calibrations if one is not None]
    if len(known) < len(runs):
        return None
    if protocol == "cross_fit" and len(set(groups)) > 1:
        decided = [
            cross_fit_decisions(space, truth, p, groups, method=own.method)
            for (p, _cuts), own in zip(runs, known, strict=True)
        ]
    else:
        protocol = "learned" if protocol == "cross_fit" else protocol
        decided = [
            decide_with_confidence(space, p, cuts, own.confidence_threshold)
            for (p, cuts), own in zip(runs, known, strict=True)
        ]
    return measure_reliability(space, truth, decided, groups, protocol=protocol, **options)
