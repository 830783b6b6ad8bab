"""Error analysis of one model on one split: reliability, slices, speakers, hardest examples."""

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
    """Error analysis of one model on one split of one corpus: a row of ``analyses.json``.

    Attributes:
        reliability: ``None`` in regression, and for a model without calibration.
        hardest_examples: its most confident errors, in descending order.
        num_label_noise_candidates: train utterances with a doubtful label; ``None`` if not searched for.
        label_noise_candidates: the first of them by margin, at most `MAX_LABEL_NOISE_CANDIDATES`.
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
    """Analyze one model, trained with one or more seeds, on exactly the utterances in ``labels``.

    Args:
        corpus: of the utterances.
        space: of the task.
        labels: id → labels, or number, of the task.
        predictions, thresholds, calibrations: one per seed; ``None`` without thresholds or calibration.
        groups: id → dialogue or speaker, over which intervals are computed.
        model: its name.
        split: of the utterances.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
        protocol: ``cross_fit``, ``in_sample`` or ``held_out``, as in `Reliability`.
        resamples: bootstrap resamples for the interval of the calibration error.
        confidence_level: mass of the intervals.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    ids, truth, runs, clusters = align_by_id(space, labels, predictions, thresholds, groups)
    options: dict[str, Any] = {"metric": metric, "confidence_level": confidence_level}
    speakers = [corpus.by_id[key].speaker for key in ids]
    slicings = define_slices(corpus, split, labels, space)
    mean = Predictions.mean([p.select(ids) for p in predictions])
    tuned = [own for own in thresholds if own is not None]
    return ErrorAnalysis(
        model=model,
        corpus=corpus.name,
        task=space.task,
        split=split,
        reliability=_measure_reliability(
            space, truth, runs, calibrations, clusters, protocol, {**options, "resamples": resamples}
        ),
        slices=score_slices(space, ids, truth, runs, clusters, slicings, **options),
        speakers=analyze_speakers(space, speakers, truth, runs, [labels[key] for key in ids], metric),
        hardest_examples=find_hardest_examples(corpus, mean, np.mean(tuned, axis=0) if tuned else None, labels),
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
        decisions = [
            cross_fit_decisions(space, truth, p, groups, method=calibration.method)
            for (p, _thresholds), calibration in zip(runs, known, strict=True)
        ]
    else:
        protocol = "in_sample" if protocol == "cross_fit" else protocol
        decisions = [
            decide_with_confidence(space, p, thresholds, calibration.confidence_threshold)
            for (p, thresholds), calibration in zip(runs, known, strict=True)
        ]
    return measure_reliability(space, truth, decisions, groups, protocol=protocol, **options)
