"""Error analysis of one model on one split: reliability, slices, speakers, hardest examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.evaluation.aligned import AlignedRuns
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
from sentir.evaluation.results import GoldLabels
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
    aligned: AlignedRuns,
    gold: GoldLabels,
    calibrations: Sequence[Calibration | None],
    *,
    model: str,
    split: str,
    metric: str,
    protocol: str,
    resamples: int,
) -> ErrorAnalysis:
    """Analyze one model, trained with one or more seeds.

    Args:
        corpus: of the utterances.
        aligned: their labels, and the predictions of the model.
        gold: id → labels, or number, of the task.
        calibrations: one per seed; ``None`` without.
        model: its name.
        split: of the utterances.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
        protocol: ``cross_fit``, ``in_sample`` or ``held_out``, as in `Reliability`.
        resamples: bootstrap resamples for the interval of the calibration error.
    """
    space, ids = aligned.space, aligned.ids
    mean = Predictions(ids, np.mean([p for p, _thresholds in aligned.runs], axis=0), space)
    tuned = [own for _p, own in aligned.runs if own is not None]
    speakers, labels = [corpus.by_id[key].speaker for key in ids], [gold[key] for key in ids]
    return ErrorAnalysis(
        model=model,
        corpus=corpus.name,
        task=space.task,
        split=split,
        reliability=_measure_reliability(aligned, calibrations, protocol, metric, resamples),
        slices=score_slices(aligned, define_slices(corpus, split, gold, space), metric),
        speakers=analyze_speakers(aligned, speakers, labels, metric),
        hardest_examples=find_hardest_examples(corpus, mean, np.mean(tuned, axis=0) if tuned else None, gold),
    )


def _measure_reliability(
    aligned: AlignedRuns, calibrations: Sequence[Calibration | None], protocol: str, metric: str, resamples: int
) -> Reliability | None:
    known = [one for one in calibrations if one is not None]
    if len(known) < len(aligned.runs):
        return None
    pairs = list(zip(aligned.runs, known, strict=True))
    if protocol == "cross_fit" and len(set(aligned.groups)) > 1:
        decisions = [
            cross_fit_decisions(aligned.space, aligned.truth, p, aligned.groups, method=calibration.method)
            for (p, _thresholds), calibration in pairs
        ]
    else:
        protocol = "in_sample" if protocol == "cross_fit" else protocol
        decisions = [
            decide_with_confidence(aligned.space, *run, calibration.confidence_threshold)
            for run, calibration in pairs
        ]
    return measure_reliability(aligned, decisions, protocol=protocol, metric=metric, resamples=resamples)
