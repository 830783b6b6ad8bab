"""Which utterances are shown, what is said of them, and that nothing of test is."""

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
from sentir.study.candidates import TrainedModel
from sentir.study.collect import build_study_report
from sentir.study.examples import MAX_EXAMPLES, MAX_SECONDS, select_examples
from sentir.study.results import CorpusStudy, TaskResult

SECONDS = (0.6, 1.5, 2.0, 9.0, 2.5)  # of the clips of a dialogue, by turn


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A clip for every turn, and how each of them sounds."""
    folder = tmp_path_factory.mktemp("clips")
    for turn, seconds in enumerate(SECONDS):
        wave = 0.3 * np.sin(np.arange(round(seconds * 16_000)) * (0.1 + 0.1 * turn))
        soundfile.write(folder / f"{turn}.wav", wave, 16_000)
    return folder


@pytest.fixture
def spoken(clips):
    """Build the tiny corpus with clips; ``change`` may replace any utterance."""

    def build(change=lambda u: u):
        return tiny_corpus(lambda u: change(replace(u, clip=Clip(clips / f"{u.turn}.wav"))))

    return build


def entrant(corpus, task, name, kind, seeds):
    """A candidate that gives every dev utterance the same probabilities, other ones with each seed."""
    space, ids = corpus.label_space(task), tuple(u.id for u in corpus.dev)
    dev = tuple(Predictions(ids, np.tile(row, (len(ids), 1)), space) for row in seeds)
    cuts = tuple(np.full(len(space), 0.4 + 0.2 * n) if space.multilabel else None for n in range(len(seeds)))
    recipe = Recipe.parse({"name": "tiny", "data": {"reader": "table", "task": task}, "model": {"kind": kind}})
    return TrainedModel(name, "candidate", recipe, tuple(range(len(seeds))), (), dev, cuts)


def study_of(corpus):
    emotion = (
        entrant(corpus, "emotion", "reads", "hybrid_transformer", [(0.6, 0.3, 0.1), (0.2, 0.7, 0.1)]),
        entrant(corpus, "emotion", "hears", "emotion_model", [(0.1, 0.1, 0.8)]),
    )
    feelings = (entrant(corpus, "feelings", "hears", "emotion_model", [(0.8, 0.2), (0.3, 0.6)]),)
    tasks = tuple(
        TaskResult(task, metric, (), winners[0], winners, winners, (), ())
        for task, metric, winners in (("emotion", "weighted_f1", emotion), ("feelings", "macro_f1", feelings))
    )
    return CorpusStudy(emotion[0].recipe, corpus, tasks, (), ())


def test_there_is_one_example_for_each_label_of_dev_and_a_second_draw_gives_the_same(spoken):
    corpus = spoken()
    found = select_examples(study_of(corpus))
    assert [e.labels["emotion"] for e in found] == [("joy",), ("neutral",), ("sadness",)]
    assert len({e.id for e in found}) == 3
    for e in found:
        u = corpus.by_id[e.id]
        assert u.split == "dev"
        assert (e.corpus, e.speaker, e.text, e.labels) == ("tiny", u.speaker, u.text, u.labels)
    assert [e.id for e in select_examples(study_of(corpus))] == [e.id for e in found]


def test_clips_of_a_handy_length_are_preferred_and_others_taken_where_there_are_none(spoken):
    assert all(1 <= len(e.waveform) / decoding.SAMPLING_RATE <= 6 for e in select_examples(study_of(spoken())))
    short = spoken(lambda u: u if u.turn in (0, 3) else replace(u, clip=None))
    lengths = [len(e.waveform) / decoding.SAMPLING_RATE for e in select_examples(study_of(short))]
    assert len(lengths) == 3 and set(lengths) <= {0.6, MAX_SECONDS}


def test_sound_and_picture_are_of_the_same_clip_and_no_longer_than_they_may_be(spoken):
    long = spoken(lambda u: u if u.turn == 3 else replace(u, clip=None))
    found = select_examples(study_of(long))
    assert {(len(e.waveform), len(e.mel)) for e in found} == {(MAX_SECONDS * 16_000, MAX_SECONDS * 100 + 1)}
    for e in found:  # the last frames of the whole clip hear what the cut has left out
        assert np.abs(power_to_mel_db(compute_power_frames(e.waveform)) - e.mel)[:-2].max() < 0.1


def test_what_is_said_is_the_mean_of_the_seeds(spoken):
    said = {(a.task, a.model, a.family): a.predicted for a in select_examples(study_of(spoken()))[0].predictions}
    assert said == {
        ("emotion", "reads", "text"): {"neutral": pytest.approx(0.5)},
        ("emotion", "hears", "audio"): {"sadness": pytest.approx(0.8)},
        ("feelings", "hears", "audio"): {"joy": pytest.approx(0.55)},  # 0.4 for sadness is below the mean of 0.5
    }


def test_a_task_that_an_utterance_was_not_annotated_for_is_not_answered(spoken):
    corpus = spoken(lambda u: replace(u, labels={"emotion": u.labels["emotion"]}))
    assert {a.task for e in select_examples(study_of(corpus)) for a in e.predictions} == {"emotion"}


def test_nothing_of_test_is_shown_whatever_its_labels(spoken):
    swapped = spoken(lambda u: replace(u, labels={"emotion": ("joy",)}) if u.split == "test" else u)
    one, other = (select_examples(study_of(corpus)) for corpus in (spoken(), swapped))
    assert [(e.id, e.labels) for e in one] == [(e.id, e.labels) for e in other]
    assert all("/dev/" in e.id for e in one)


def test_what_cannot_be_decoded_is_left_out(spoken, clips):
    broken = clips / "broken.wav"
    broken.write_bytes(b"no sound")
    corpus = spoken(lambda u: replace(u, clip=Clip(broken)) if "joy" in u.labels["emotion"] else u)
    assert [e.labels["emotion"] for e in select_examples(study_of(corpus))] == [("neutral",), ("sadness",)]


def test_a_file_that_goes_after_it_was_listened_to_is_left_out(spoken, monkeypatch):
    gone = select_examples(study_of(spoken()))[0]
    decode = decoding.decode

    def decoded(clip: Clip):
        return decode(Clip(Path("gone.wav"))) if clip == corpus.by_id[gone.id].clip else decode(clip)

    corpus = spoken()
    monkeypatch.setattr("sentir.study.examples.decode", decoded)
    found = select_examples(study_of(corpus))
    assert gone.id not in {e.id for e in found} and len(found) < 3


def test_a_corpus_has_no_more_examples_than_a_page_can_hold(spoken, monkeypatch):
    monkeypatch.setattr("sentir.study.examples.MAX_EXAMPLES", 2)
    assert len(select_examples(study_of(spoken()))) == 2


def test_a_corpus_without_clips_has_no_examples_and_is_not_listened_to(monkeypatch):
    monkeypatch.setattr("sentir.study.examples.attach_audio", lambda utterances: pytest.fail("listened"))
    monkeypatch.setattr("sentir.report.corpus_summary.prepare_audio", lambda corpus, mel_kind: pytest.fail("listened"))
    monkeypatch.setattr(CorpusStudy, "best_training", lambda study, result: (None, {}))
    study = study_of(tiny_corpus())
    assert select_examples(study) == []
    report = build_study_report([study], seconds=1.0)
    assert report.examples == () and report.corpora[0].audio == ()


def test_the_report_of_a_study_counts_its_clips_and_knows_the_best_of_each_family(spoken, monkeypatch):
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
        ("tiny", "emotion"): ("reads", "hears"),
        ("tiny", "feelings"): ("hears",),
    }
    assert len(report.examples) == 3
