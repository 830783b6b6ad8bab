"""Which utterances the report shows, with which predictions, and that none is of test."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_corpora import tiny_corpus

from sentir.audio import decoding
from sentir.audio.mel import compute_power_frames, power_to_mel_db
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Clip
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.study.candidates import TrainedModel
from sentir.study.collect import build_study_report
from sentir.study.examples import MAX_SECONDS, select_examples
from sentir.study.results import CorpusStudy, TaskResult

SECONDS = (0.6, 1.5, 2.0, 9.0, 2.5)  # of the clips of a dialogue, by turn


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder with a clip for every turn."""
    folder = tmp_path_factory.mktemp("clips")
    for turn, seconds in enumerate(SECONDS):
        waveform = 0.3 * np.sin(np.arange(round(seconds * 16_000)) * (0.1 + 0.1 * turn))
        soundfile.write(folder / f"{turn}.wav", waveform, 16_000)
    return folder


@pytest.fixture
def spoken(clips):
    """Build the tiny corpus with clips; ``change`` may replace any utterance."""

    def build(change=lambda u: u):
        return tiny_corpus(lambda u: change(replace(u, clip=Clip(clips / f"{u.turn}.wav"))))

    return build


def trained_model(corpus, task, name, kind, seeds):
    """A candidate that predicts the same probabilities for every dev utterance, different ones per seed."""
    space, ids = corpus.label_space(task), tuple(u.id for u in corpus.dev)
    dev = tuple(Predictions(ids, np.tile(row, (len(ids), 1)), space) for row in seeds)
    thresholds = tuple(
        np.full(len(space), 0.4 + 0.2 * n) if space.kind == "multi" else None for n in range(len(seeds))
    )
    recipe = Recipe.parse({"name": "tiny", "data": {"reader": "table", "task": task}, "model": {"kind": kind}})
    return TrainedModel(name, "candidate", recipe, tuple(range(len(seeds))), (), dev, thresholds)


def study_of(corpus):
    emotion = (
        trained_model(corpus, "emotion", "text", "hybrid_transformer", [(0.6, 0.3, 0.1), (0.2, 0.7, 0.1)]),
        trained_model(corpus, "emotion", "audio", "emotion_model", [(0.1, 0.1, 0.8)]),
    )
    feelings = (trained_model(corpus, "feelings", "audio", "emotion_model", [(0.8, 0.2), (0.3, 0.6)]),)
    tasks = tuple(
        TaskResult(task, metric, (), models[0], models, models, (), ())
        for task, metric, models in (("emotion", "weighted_f1", emotion), ("feelings", "macro_f1", feelings))
    )
    attached = AttachedAudio(corpus).corpus
    return CorpusStudy(emotion[0].recipe, attached, attached, tasks)


def test_there_is_one_example_per_label_of_dev_and_the_selection_is_deterministic(spoken):
    corpus = spoken()
    found = select_examples(study_of(corpus))
    assert [e.labels["emotion"] for e in found] == [("joy",), ("neutral",), ("sadness",)]
    assert len({e.id for e in found}) == 3
    for e in found:
        u = corpus.by_id[e.id]
        assert u.split == "dev"
        assert (e.corpus, e.speaker, e.text, e.labels) == ("tiny", u.speaker, u.text, u.labels)
    assert [e.id for e in select_examples(study_of(corpus))] == [e.id for e in found]


def test_clips_of_moderate_length_are_preferred(spoken):
    assert all(1 <= len(e.waveform) / decoding.SAMPLING_RATE <= 6 for e in select_examples(study_of(spoken())))
    short = spoken(lambda u: u if u.turn in (0, 3) else replace(u, clip=None))
    lengths = [len(e.waveform) / decoding.SAMPLING_RATE for e in select_examples(study_of(short))]
    assert len(lengths) == 3 and set(lengths) <= {0.6, MAX_SECONDS}


def test_audio_and_spectrogram_are_of_the_same_clip_and_limited_in_length(spoken):
    long = spoken(lambda u: u if u.turn == 3 else replace(u, clip=None))
    found = select_examples(study_of(long))
    assert {(len(e.waveform), len(e.mel)) for e in found} == {(MAX_SECONDS * 16_000, MAX_SECONDS * 100 + 1)}
    for e in found:  # the last frames of the whole clip include audio that was cut
        assert np.abs(power_to_mel_db(compute_power_frames(e.waveform)) - e.mel)[:-2].max() < 0.1


def test_predictions_are_means_over_seeds(spoken):
    predictions = select_examples(study_of(spoken()))[0].predictions
    assert {(one.task, one.model, one.family): one.predicted for one in predictions} == {
        ("emotion", "text", "text"): {"neutral": pytest.approx(0.5)},
        ("emotion", "audio", "audio"): {"sadness": pytest.approx(0.8)},
        ("feelings", "audio", "audio"): {"joy": pytest.approx(0.55)},  # 0.4 for sadness is below the mean of 0.5
    }


def test_a_task_without_annotation_has_no_prediction(spoken):
    corpus = spoken(lambda u: replace(u, labels={"emotion": u.labels["emotion"]}))
    assert {a.task for e in select_examples(study_of(corpus)) for a in e.predictions} == {"emotion"}


def test_nothing_of_test_is_shown_whatever_its_labels(spoken):
    swapped = spoken(lambda u: replace(u, labels={"emotion": ("joy",)}) if u.split == "test" else u)
    one, other = (select_examples(study_of(corpus)) for corpus in (spoken(), swapped))
    assert [(e.id, e.labels) for e in one] == [(e.id, e.labels) for e in other]
    assert all("/dev/" in e.id for e in one)


def test_undecodable_clips_are_left_out(spoken, clips):
    broken = clips / "broken.wav"
    broken.write_bytes(b"no audio")
    corpus = spoken(lambda u: replace(u, clip=Clip(broken)) if "joy" in u.labels["emotion"] else u)
    assert [e.labels["emotion"] for e in select_examples(study_of(corpus))] == [("neutral",), ("sadness",)]


def test_a_file_removed_after_its_audio_was_stored_is_left_out(spoken, monkeypatch):
    gone = select_examples(study_of(spoken()))[0]
    decode = decoding.decode

    def decoded(clip: Clip):
        return decode(Clip(Path("gone.wav"))) if clip == corpus.by_id[gone.id].clip else decode(clip)

    corpus = spoken()
    monkeypatch.setattr("sentir.study.examples.decode", decoded)
    found = select_examples(study_of(corpus))
    assert gone.id not in {e.id for e in found} and len(found) < 3


def test_the_number_of_examples_is_limited(spoken, monkeypatch):
    monkeypatch.setattr("sentir.study.examples.MAX_EXAMPLES", 2)
    assert len(select_examples(study_of(spoken()))) == 2


def test_a_corpus_without_clips_has_no_examples_and_its_audio_is_not_analyzed(monkeypatch):
    monkeypatch.setattr(
        "sentir.report.corpus_summary.prepare_audio", lambda corpus, mel_kind: pytest.fail("audio was analyzed")
    )
    monkeypatch.setattr(CorpusStudy, "best_training", lambda study, result: (None, {}))
    study = study_of(tiny_corpus())
    assert select_examples(study) == []
    report = build_study_report([study], seconds=1.0)
    assert report.examples == () and report.corpora[0].audio == ()


def test_the_report_has_clip_counts_and_the_best_of_each_family(spoken, monkeypatch):
    monkeypatch.setattr(CorpusStudy, "best_training", lambda study, result: (None, {}))
    corpus = spoken(lambda u: replace(u, clip=None) if u.turn == 0 else u)
    report = build_study_report([study_of(corpus)], seconds=1.0)
    counts = {row.split: (row.utterances, row.clips, row.usable, row.problems) for row in report.corpora[0].audio}
    assert counts == {
        "train": (30, 24, 24, {"missing": 6}),
        "dev": (15, 12, 12, {"missing": 3}),
        "test": (15, 12, 12, {"missing": 3}),
    }
    assert report.corpora[0].audio[1].seconds == pytest.approx(3 * sum(SECONDS[1:]))
    assert report.best_per_family == {
        ("tiny", "emotion"): ("text", "audio"),
        ("tiny", "feelings"): ("audio",),
    }
    assert len(report.examples) == 3
