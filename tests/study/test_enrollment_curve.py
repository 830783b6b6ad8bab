"""The enrollment curve: which clips are enrolled, and where its scores are shown, never among the others."""

import json
from dataclasses import replace

import numpy as np
import pytest
from study_parts import rows, stages
from tiny_corpora import spoken_corpus, spoken_recipe

from sentir.evaluation.locked.ledger import get_labels
from sentir.readers import READERS
from sentir.report.markdown import render_markdown
from sentir.study import run
from sentir.study.enrollment_curve import (
    ENROLLMENT_SIZES,
    EnrollmentSample,
    draw_clips,
    make_samples,
    predict_enrolled,
)

pytestmark = pytest.mark.usefixtures("one_store")


def labels_of(corpus):
    return {key: own["emotion"] for key, own in get_labels(corpus, "dev").items()}


def test_samples_are_nested_and_never_hold_the_utterance_itself(spoken):
    utterances, labels = spoken.dev, labels_of(spoken)
    before = [set()] * len(utterances)
    for sample in make_samples(())[: len(ENROLLMENT_SIZES)]:
        drawn = draw_clips(utterances, sample, labels)
        for n, found in enumerate(drawn):
            same = [k for k, u in enumerate(utterances) if u.speaker == utterances[n].speaker and k != n]
            assert set(found) <= set(same) and before[n] <= set(found)
            assert len(found) == len(same) if sample.clips is None else min(sample.clips, len(same))
        before = [set(found) for found in drawn]
    skewed = draw_clips(utterances, EnrollmentSample(8, "joy"), labels)
    assert {labels[utterances[k].id] for found in skewed for k in found} == {("joy",)}


def test_the_draw_depends_on_nothing_but_the_utterances(spoken):
    utterances, sample = list(spoken.dev), EnrollmentSample(2)
    drawn = draw_clips(utterances, sample, {})
    by_id = {u.id: {utterances[k].id for k in own} for u, own in zip(utterances, drawn, strict=True)}
    backwards = utterances[::-1]
    again = draw_clips(backwards, sample, {})
    assert by_id == {u.id: {backwards[k].id for k in own} for u, own in zip(backwards, again, strict=True)}
    unknown = [replace(u, speaker=None) for u in utterances]
    assert not any(len(own) for own in draw_clips(unknown, sample, {}))


def test_predictions_are_those_of_predict_with_the_same_clips(spoken, trained_models):
    recognizer = trained_models.load("multimodal", "torch")
    utterances, sample = [u.blind() for u in spoken.dev], EnrollmentSample(2)
    found = predict_enrolled(recognizer, utterances, [sample], {})[sample]
    drawn = draw_clips(utterances, sample, {})
    for n in (0, 6):
        one = replace(utterances[n], dialogue=utterances[n].id)
        expected = recognizer.predict(one, enroll=[replace(utterances[k], dialogue="") for k in drawn[n]])
        np.testing.assert_allclose(found.probabilities[n], list(expected.probabilities.values()), atol=1e-5)


CANDIDATES = {
    "plain": {"model": {"features": ["functionals"]}},
    "normalized": {"model": {"features": ["functionals"], "speaker_normalization": True}},
}


def run_study(recipe, folder):
    return run.run_study([recipe], root=folder, out=folder / "out", accept_grade=True)


def shape(row):
    return [(one.clips, bool(one.label)) for one in row.enrollment]


RANDOM = [(n, False) for n in ENROLLMENT_SIZES]


@pytest.mark.slow
def test_a_study_shows_the_curves_beside_its_scores(spoken, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: spoken)
    study = {"candidates": CANDIDATES, "baselines": ["majority"], "always_report": list(CANDIDATES)}
    recipe = spoken_recipe(weights, data={"reader": "tiny"}, train={"epochs": 1}, study=study)
    report = run_study(recipe, tmp_path)
    for split, expected in (("dev", [*RANDOM, (8, True)]), ("test", RANDOM)):
        by_name = {row.model: row for row in rows(report.scores, split=split)}
        assert by_name["plain"].enrollment == by_name["majority"].enrollment == ()
        row = by_name["normalized"]
        assert shape(row) == expected, "a skewed sample needs labels, which nobody has on test"
        assert all(one.metric == next(iter(row.metrics)) for one in row.enrollment)
    assert len(stages(tmp_path / "out", "enrollment")) == 2 and len(report.openings) == 1
    saved = json.loads((tmp_path / "out" / "results.json").read_text())
    sizes = [[one["clips"] for one in row["enrollment"]] for row in saved if row["model"] == "normalized"]
    assert sorted(sizes, key=len) == [[*ENROLLMENT_SIZES], [*ENROLLMENT_SIZES, 8]]
    page, text = (tmp_path / "out" / "report.html").read_text(), render_markdown(report)
    for shown in (page, text):
        assert shown.count("clips of each speaker") == 2 and "They do not compare with scores that" in shown
        assert "The last column has only clips of the label that misleads most." in shown
    again = run_study(recipe, tmp_path)
    assert again.scores == report.scores and again.openings == report.openings


@pytest.mark.slow
def test_the_curve_of_a_cross_validation_pools_its_folds(spoken, weights, tmp_path, monkeypatch, no_report):
    whole = spoken_corpus(tmp_path / "clips", lambda u: replace(u, split="train"))
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: whole)
    study = {"candidates": CANDIDATES, "baselines": ["majority"], "always_report": list(CANDIDATES)}
    recipe = spoken_recipe(weights, data={"reader": "tiny", "folds": {"k": 3}}, train={"epochs": 1}, study=study)
    report = run_study(recipe, tmp_path)
    assert len(report.openings) == 1 and len(stages(tmp_path / "out", "enrollment")) == 6
    for split, expected in (("dev", [*RANDOM, (8, True)]), ("test", RANDOM)):
        (row,) = (row for row in rows(report.scores, split=split) if row.model == "normalized")
        assert shape(row) == expected and row.n == len(whole) == sum(fold.n for fold in row.folds)
