"""Utterances that the report shows with audio: examples from dev with predictions, and confident errors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.audio.mel import HOP_LENGTH
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import AudioError
from sentir.report.study_report import Example, ExamplePrediction
from sentir.study.candidates import TrainedModel
from sentir.study.results import CorpusStudy

MAX_EXAMPLES = 8  # of a corpus
MAX_SECONDS = 8  # of an example; the rest is cut
PREFERRED_SECONDS = (1.0, 6.0)  # shortest and longest clip that is preferred


def select_examples(study: CorpusStudy) -> list[Example]:
    """Return one dev utterance for each label of the study's first task; none for a corpus without clips.

    They are selected by a hash of their ids, so that a second run selects the same ones. Clips that cannot be
    decoded are left out.

    Args:
        study: of a corpus with its audio attached.
    """
    task = study.tasks[0].task
    selected = _select_per_label(study.corpus.dev, study.corpus.label_space(task))
    return [example for u in selected if (example := _make_example(study, u))]


def collect_error_examples(study: CorpusStudy) -> list[Example]:
    """Return the clips of the most confident errors, each once; those that cannot be decoded are left out."""
    ids = dict.fromkeys(error.id for one in study.analyses for error in one.hardest_examples)
    utterances = [u for key in ids if (u := study.corpus.by_id[key]).clip]
    return [example for u in utterances if _is_usable(u) and (example := _make_example(study, u))]


def _select_per_label(utterances: Sequence[Utterance], space: LabelSpace) -> list[Utterance]:
    usable = [u for u in utterances if _is_usable(u) and space.task in u.labels]
    usable.sort(key=lambda u: (not _has_preferred_duration(u), hashlib.sha256(u.id.encode()).digest()))
    selected: list[Utterance] = []
    for name in space.categories[:MAX_EXAMPLES]:
        selected += [u for u in usable if name in space.categorize(u.labels[space.task]) and u not in selected][
            :1
        ]
    return selected


def _is_usable(u: Utterance) -> bool:
    return u.audio is not None and u.audio.mel is not None


def _has_preferred_duration(u: Utterance) -> bool:
    assert u.audio is not None
    return PREFERRED_SECONDS[0] <= u.audio.seconds <= PREFERRED_SECONDS[1]


def _make_example(study: CorpusStudy, u: Utterance) -> Example | None:
    assert u.clip is not None and u.audio is not None and u.audio.mel is not None
    try:
        waveform = decode(u.clip).waveform[: MAX_SECONDS * SAMPLING_RATE]
    except AudioError:  # its file was removed after its audio was stored
        return None
    predictions = [
        _example_prediction(model, u.id, result.task)
        for result in study.tasks
        if result.task in u.labels
        for model in result.best_per_family
    ]
    mel = np.array(u.audio.mel[: len(waveform) // HOP_LENGTH + 1])
    labels = {task: study.corpus.label_space(task).categorize(row) for task, row in u.labels.items()}
    return Example(study.corpus.name, u.id, u.speaker, u.text, labels, mel, waveform, tuple(predictions))


def _example_prediction(model: TrainedModel, utterance_id: str, task: str) -> ExamplePrediction:
    """Return a candidate's prediction: means over seeds of probabilities, or values, and of thresholds."""
    mean = Predictions.mean([p.select([utterance_id]) for p in model.dev_predictions])
    thresholds = [one for one in model.thresholds if one is not None]
    labels, probabilities, values = mean.decode(np.mean(thresholds, axis=0) if thresholds else None)[utterance_id]
    steps = {mean.label_space.categorize((value,))[0]: value for value in values.values()}
    return ExamplePrediction(
        task, model.name, model.family, {name: probabilities[name] for name in labels} | steps
    )
