"""Utterances to look at and to listen to: some of dev with what the best say of them, and the worst mistakes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.audio.mel import HOP_LENGTH
from sentir.audio.store import attach_audio
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import AudioError
from sentir.report.study_report import Example, ExamplePrediction
from sentir.study.candidates import TrainedModel
from sentir.study.results import CorpusStudy

MAX_EXAMPLES = 8  # examples of a corpus
MAX_SECONDS = 8  # seconds that are shown
PREFERRED_SECONDS = (1.0, 6.0)  # seconds


def select_examples(study: CorpusStudy) -> list[Example]:
    """Return one dev utterance for each label of the study's first task; none for a corpus without sound.

    They are drawn by the hash of their ids, so that a second run draws the same ones. What cannot be decoded is
    left out.

    Raises:
        SentirError: if the store of sounds cannot be written.
    """
    if not any(u.clip for u in study.corpus.dev):
        return []
    task = study.tasks[0].task
    drawn = _select_per_label(attach_audio(study.corpus.dev), study.corpus.label_space(task))
    return [example for u in drawn if (example := _make_example(study, u))]


def collect_error_examples(study: CorpusStudy) -> list[Example]:
    """Return the clips of the finalists' worst mistakes, each once; what cannot be decoded is left out.

    Raises:
        SentirError: if the store of sounds cannot be written.
    """
    ids = dict.fromkeys(mistake.id for one in study.analyses for mistake in one.hardest_examples)
    clips = [u for key in ids if (u := study.corpus.by_id[key]).clip]
    heard = attach_audio(clips) if clips else []
    usable = [u for u in heard if u.audio and u.audio.mel is not None]
    return [example for u in usable if (example := _make_example(study, u))]


def _select_per_label(utterances: Sequence[Utterance], space: LabelSpace) -> list[Utterance]:
    usable = [u for u in utterances if u.audio and u.audio.mel is not None and space.task in u.labels]
    usable.sort(key=lambda u: (not _has_preferred_duration(u), hashlib.sha256(u.id.encode()).digest()))
    drawn: list[Utterance] = []
    for name in space.categories[:MAX_EXAMPLES]:
        drawn += [u for u in usable if name in space.categorize(u.labels[space.task]) and u not in drawn][:1]
    return drawn


def _has_preferred_duration(u: Utterance) -> bool:
    assert u.audio is not None
    return PREFERRED_SECONDS[0] <= u.audio.seconds <= PREFERRED_SECONDS[1]


def _make_example(study: CorpusStudy, u: Utterance) -> Example | None:
    assert u.clip is not None and u.audio is not None and u.audio.mel is not None
    try:
        wave = decode(u.clip).waveform[: MAX_SECONDS * SAMPLING_RATE]
    except AudioError:  # its file went since the store listened to it
        return None
    answers = [
        _example_prediction(e, u.id, result.task)
        for result in study.tasks
        if result.task in u.labels
        for e in result.best_per_family
    ]
    mel = np.array(u.audio.mel[: len(wave) // HOP_LENGTH + 1])
    labels = {task: study.corpus.label_space(task).categorize(row) for task, row in u.labels.items()}
    return Example(study.corpus.name, u.id, u.speaker, u.text, labels, mel, wave, tuple(answers))


def _example_prediction(model: TrainedModel, utterance_id: str, task: str) -> ExamplePrediction:
    """Return what a candidate says: means over seeds, of probabilities, or numbers, and of thresholds."""
    mean = Predictions.mean([p.select([utterance_id]) for p in model.dev_predictions])
    cuts = [cut for cut in model.thresholds if cut is not None]
    labels, shares, values = mean.decode(np.mean(cuts, axis=0) if cuts else None)[utterance_id]
    steps = {mean.label_space.categorize((value,))[0]: value for value in values.values()}
    return ExamplePrediction(task, model.name, model.family, {name: shares[name] for name in labels} | steps)
