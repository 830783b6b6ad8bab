"""The enrollment curve: how a model with speaker normalization scores, by what is known of each speaker.

An utterance is normalized by other clips of its speaker, never by itself: the first 2, 4, 8 … of a fixed random
order, all, or on dev the first 8 that have one label, as when a speaker is enrolled in one mood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.enrollment_scores import EnrollmentScore
from sentir.evaluation.metrics import get_metric
from sentir.evaluation.results import ModelScores
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.features.speaker_normalization import SpeakerMoments, SpeakerNormalizer
from sentir.recognizer.enrollment import normalize_by
from sentir.recognizer.inference import predict_task
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.study.attached_audio import AttachedAudio
from sentir.study.baseline_model import BaselineModel
from sentir.study.candidates import TrainedModel, load_model
from sentir.study.ensemble import Ensemble
from sentir.study.folds import pool_models
from sentir.study.stages import Stages, stage_read_errors

ENROLLMENT_SIZES: tuple[int | None, ...] = (2, 4, 8, 16, 32, None)
SKEWED_CLIPS = 8  # of one label
_CURVE_VERSION = 1


@dataclass(frozen=True, slots=True)
class EnrollmentSample:
    """Which clips of a speaker are enrolled: as many, all (``None``), or as many with one label."""

    clips: int | None
    label: str = ""


def make_samples(labels: Sequence[str]) -> list[EnrollmentSample]:
    """Return the samples of a curve for a task with these labels; there are none in regression."""
    skewed = [EnrollmentSample(SKEWED_CLIPS, label) for label in labels]
    return [*(EnrollmentSample(n) for n in ENROLLMENT_SIZES), *skewed]


def draw_clips(
    utterances: Sequence[Utterance], sample: EnrollmentSample, labels: Mapping[str, Sequence[object]]
) -> list[NDArray[np.int64]]:
    """Return the rows that are enrolled for each of N utterances; none without a speaker.

    Args:
        utterances: of a split.
        sample: which other clips of the same speaker.
        labels: id → labels; used for samples of one label only.
    """
    order = sorted(range(len(utterances)), key=lambda n: hashlib.sha256(utterances[n].id.encode()).hexdigest())
    by_speaker: dict[str, list[int]] = {}
    for row in order:
        u = utterances[row]
        if u.speaker and (not sample.label or sample.label in labels.get(u.id, ())):
            by_speaker.setdefault(u.speaker, []).append(row)
    drawn = []
    for row, u in enumerate(utterances):
        others = [n for n in by_speaker.get(u.speaker or "", ()) if n != row]
        drawn.append(np.array(others[: sample.clips], dtype=np.int64))
    return drawn


def predict_enrolled(
    model: Recognizer | BaselineModel | Ensemble,
    utterances: Sequence[Utterance],
    samples: Sequence[EnrollmentSample],
    labels: Mapping[str, Sequence[object]],
) -> dict[EnrollmentSample, Predictions]:
    """Predict the main task of utterances once for each sample; see `draw_clips`.

    A model without speaker normalization, a member of an ensemble, predicts the same for all.
    """
    if isinstance(model, Ensemble):
        by_member = [predict_enrolled(one, utterances, samples, labels) for one in model.models]
        return {sample: model.average([own[sample] for own in by_member]) for sample in samples}
    if isinstance(model, BaselineModel) or model.speaker_normalizer is None:
        return dict.fromkeys(samples, model.predict_utterances(utterances))
    return _predict_normalized(model, model.speaker_normalizer, utterances, samples, labels)


def _predict_normalized(
    recognizer: Recognizer,
    normalizer: SpeakerNormalizer,
    utterances: Sequence[Utterance],
    samples: Sequence[EnrollmentSample],
    labels: Mapping[str, Sequence[object]],
) -> dict[EnrollmentSample, Predictions]:
    columns = recognizer.preprocessor.speaker_columns
    if recognizer.stacked is not None:
        utterances = with_stacked(utterances, recognizer.stacked.predict_utterances(utterances))
    inputs = recognizer.preprocess(utterances)
    moments = normalizer.moments(columns.take(inputs.arrays))
    found = {}
    for sample in samples:
        drawn = [moments.total(rows) for rows in draw_clips(utterances, sample, labels)]
        enrolled = normalize_by(normalizer, columns, inputs, SpeakerMoments.stack(drawn))
        found[sample] = recognizer.tasks[0].apply(predict_task(recognizer.backend, enrolled, recognizer.space))
    return found


def score_on_dev(
    stages: Stages, scorer: Scorer, corpora: Sequence[AttachedAudio], model: TrainedModel, metric: str
) -> ModelScores:
    """Return the scores of a model, with the enrollment curve of one with speaker normalization."""
    row = scorer.score(model.predictions_on("dev"), model.role)
    if not model.normalizes_speakers:
        return row
    task = model.recipe.data.task
    labels = {key: own[task] for key, own in scorer.labels.items() if task in own}
    curve = predict_enrollment(stages, model, corpora, "dev", labels=labels)
    return replace(row, enrollment=score_enrollment(scorer, curve, metric))


def predict_enrollment(
    stages: Stages,
    model: TrainedModel,
    corpora: Sequence[AttachedAudio],
    split: str,
    *,
    labels: Mapping[str, Sequence[object]] | None = None,
) -> dict[EnrollmentSample, ModelPredictions]:
    """Predict dev or test once for each sample of the curve of a model with speaker normalization.

    Args:
        stages: of the study; predictions are cached.
        model: in a cross-validation that of all folds; has its predictions of the split without enrollment.
        corpora: of each fold, or the only one.
        split: ``dev`` or ``test``.
        labels: id → labels, for the samples of one label; without them there are none.
    """
    space = model.predictions_on(split).predictions[0].label_space
    samples = make_samples(() if labels is None else space.classes)
    parts = list(zip(model.parts or (model,), corpora, strict=True))
    predicted = [_predict_part(stages, part, audio, split, samples, labels or {}) for part, audio in parts]
    curve = {}
    for n, sample in enumerate(samples):
        enrolled = [
            replace(part, test_predictions=own[n]) if split == "test" else replace(part, dev_predictions=own[n])
            for (part, _audio), own in zip(parts, predicted, strict=True)
        ]
        curve[sample] = pool_models(model.name, enrolled).predictions_on(split)
    return curve


def score_enrollment(
    scorer: Scorer, curve: Mapping[EnrollmentSample, ModelPredictions], metric: str
) -> tuple[EnrollmentScore, ...]:
    """Return the scores of a curve, with the worst of the samples of one label last.

    Args:
        scorer: of the split.
        curve: predictions for each sample.
        metric: the metric of the task.
    """
    scores = []
    for sample, predictions in curve.items():
        score = scorer.score(predictions, "candidate").metrics[metric]
        scores.append(
            EnrollmentScore(sample.clips, sample.label, metric, score.value, score.low, score.high, score.sd)
        )
    skewed = [one for one in scores if one.label]
    worst = sorted(skewed, key=lambda one: get_metric(metric).sign * one.value)[:1]
    return (*(one for one in scores if not one.label), *worst)


def _predict_part(
    stages: Stages,
    model: TrainedModel,
    audio: AttachedAudio,
    split: str,
    samples: Sequence[EnrollmentSample],
    labels: Mapping[str, Sequence[object]],
) -> list[tuple[Predictions, ...]]:
    """Return the predictions of each sample, one for each seed."""
    if not model.normalizes_speakers:  # the selected model of a fold
        return [model.predictions_on(split).predictions] * len(samples)

    def produce(folder: Path) -> None:
        utterances = audio.for_model(model.recipe.model).split(split)
        for seed, trained in enumerate(model.stage_folders):
            found = predict_enrolled(load_model(trained), utterances, samples, labels)
            for n, sample in enumerate(samples):
                found[sample].save(folder / f"{seed}-{n}.parquet")

    key = {"trained": [folder.name for folder in model.stage_folders], "version": _CURVE_VERSION,
           "samples": [repr(one) for one in samples], "split": split}  # fmt: skip
    stage = stages.run("enrollment", key, produce)
    with stage_read_errors(stage):
        return [
            tuple(Predictions.load(stage / f"{seed}-{n}.parquet") for seed in range(len(model.stage_folders)))
            for n in range(len(samples))
        ]
