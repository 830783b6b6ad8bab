"""Every stage is watched while it works: none looks under the seal of test but the ledger and the audit."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_corpora import tiny_corpus, tiny_recipe, write_table

from sentir import api
from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.corpus.tables import to_frame
from sentir.evaluation.locked.ledger import list_openings, open_test
from sentir.readers import READERS
from sentir.report.sentences import openings_sentence
from sentir.training.recognizers import fit_recognizer

DOOR, AUDIT = "sentir.evaluation.locked.ledger.open_test", "sentir.audit.corpus_audit.audit"


@pytest.fixture
def looks(monkeypatch):
    """Who looks under the seal, and how often."""
    found, reveal = Counter(), SealedLabels._reveal

    def watched(self):
        caller = sys._getframe(1)
        found[f"{caller.f_globals['__name__']}.{caller.f_code.co_qualname}"] += 1
        return reveal(self)

    monkeypatch.setattr(SealedLabels, "_reveal", watched)
    return found


@pytest.fixture
def recipe(weights, corpus, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    space = {"train.lr": {"choices": [0.01, 0.02]}}
    study = {"candidates": {"plain": {}}, "baselines": ["majority"], "seeds": [0], "tasks": ["emotion"]}
    return tiny_recipe(weights, data={"reader": "tiny"}, study=study, tune={"space": space, "trials": 1})


@pytest.fixture(scope="module")
def model(weights, corpus, tmp_path_factory):

    folder = tmp_path_factory.mktemp("watched") / "model"
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, model={"features": ["dialogue"]})
    fit_recognizer(recipe, corpus)[0].save_pretrained(folder)
    return folder


def test_training_does_not_look(recipe, looks, tmp_path):
    api.train(recipe, root=tmp_path, out=tmp_path / "out")
    assert not looks


def test_tuning_does_not_look(recipe, looks, tmp_path):
    api.tune(recipe, root=tmp_path, out=tmp_path / "out")
    api.tune(recipe.override({"tune": {"folds": 2}}), root=tmp_path, out=tmp_path / "folds")
    assert not looks


@pytest.fixture
def undrawn(monkeypatch):
    from sentir.study import run

    monkeypatch.setattr(run, "save_report", lambda report, path: None)


@pytest.mark.usefixtures("undrawn")
def test_a_study_that_leaves_test_closed_looks_no_further_than_its_audit(recipe, corpus, looks, tmp_path):
    closed = recipe.override({"study": {"test": False}})
    report = api.run_study([closed], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert (
        set(looks) == {AUDIT} and list_openings(corpus) == () and {row.split for row in report.scores} == {"dev"}
    )


@pytest.mark.usefixtures("undrawn")
def test_a_study_looks_once_and_counts_once_and_remembers_it(recipe, corpus, looks, tmp_path, monkeypatch):
    api.run_study([recipe], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert looks == {DOOR: 1, AUDIT: 1} and len(list_openings(corpus)) == 1
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "fresh"))
    report = api.run_study([recipe], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert looks == {DOOR: 1, AUDIT: 2} and len(report.openings) == 1 and report.ledger.is_relocated
    assert report.openings[0].when[:10] == report.ledger.first_opening[:10]
    assert "SENTIR_STATE_DIR says where it is" in openings_sentence(report.ledger)


@pytest.mark.usefixtures("undrawn")
def test_an_old_folder_whose_test_is_scored_anew_is_counted_again(recipe, corpus, looks, tmp_path):
    api.run_study([recipe], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    other = recipe.override({"evaluation": {"resamples": 120}})
    report = api.run_study([other], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert looks == {DOOR: 2, AUDIT: 2} and [o.number for o in report.openings] == [1, 2]


def test_dev_is_scored_sliced_calibrated_compared_and_explained_without_a_look(model, recipe, looks, tmp_path):
    _scores, details = api.analyze(model, root=tmp_path, split="dev")
    assert details.slices and details.reliability
    api.evaluate(model, root=tmp_path, split="train")
    api.compare(model, model, root=tmp_path)
    api.explain_model(model, root=tmp_path, html=tmp_path / "model.html")
    api.explain(model, utterance_id="tiny/test/dia9/utt0", root=tmp_path, html=tmp_path / "why.html")
    api.predict(model, texts=["I am happy."], abstain=True)
    assert not looks


def test_each_score_on_test_is_one_counted_look(model, corpus, recipe, looks, tmp_path):
    for reason in ("one", "two"):
        api.evaluate(model, root=tmp_path, split="test", reason=reason)
    api.compare(model, model, root=tmp_path, split="test", reason="three")
    assert looks == {DOOR: 3} and [o.reason for o in list_openings(corpus)] == ["one", "two", "three"]


def test_an_audit_looks_to_count_and_says_so(recipe, corpus, looks, tmp_path):
    found = api.audit_corpus("tiny", root=tmp_path, html=tmp_path / "audit.html")
    assert set(looks) == {AUDIT} and list_openings(corpus) == ()
    assert any(finding.kind == "test_labels_counted" for finding in found.findings)
    assert "tiny/test/" not in str(found.to_dict()["findings"])


def test_showing_cleaning_exporting_and_drafting_do_not_look(recipe, corpus, looks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = api.inspect_utterance("tiny/test/dia9/utt0", corpus="tiny", root=tmp_path)
    assert shown.utterance.labels == {}
    api.preview_cleaning("tiny", root=tmp_path)
    api.export_corpus("tiny", tmp_path / "tiny.csv", root=tmp_path)
    api.init_recipe(
        write_table(corpus, tmp_path / "table.csv", {u.id: ("joy", "sadness")[u.turn % 2] for u in corpus})
    )
    assert to_frame(corpus).query("split == 'test'")["emotion"].isna().all()
    assert not looks


def test_a_model_does_not_depend_on_the_labels_of_test(recipe, corpus, tmp_path, monkeypatch):
    first, scores = api.train(recipe, root=tmp_path, out=tmp_path / "one")
    other = tiny_corpus(lambda u: replace(u, labels={"emotion": ("joy",)}) if u.split == "test" else u)
    assert other.test_fingerprint != corpus.test_fingerprint
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: other)
    second, again = api.train(recipe, root=tmp_path, out=tmp_path / "two")
    assert scores == again
    assert (
        first.predict_utterances(corpus.test).probabilities
        == second.predict_utterances(corpus.test).probabilities
    ).all()


def test_scores_and_the_audit_say_that_dev_is_a_known_test(monkeypatch, recipe):
    from sentir.evaluation.scorer import Scorer

    def built(name, dev, test):
        said = {split: [f"A long sentence of part {split}, number {n}" for n in range(20)] for split in "abc"}
        parts = {"train": said["a"], "dev": said[dev], "test": said[test]}
        rows = [
            replace(tiny_corpus().train[0], id=f"{split}/{n}", split=split, dialogue="", text=text)
            for split, texts in parts.items()
            for n, text in enumerate(texts)
        ]
        return Corpus.build(name, rows, tiny_corpus().label_spaces.values())

    honest, turned = built("honest", "b", "c"), built("turned", "c", "b")
    notes = [Scorer(turned, "dev", {}, recipe.evaluation)._notes]
    open_test(honest, reason="score")
    notes += [Scorer(turned, "dev", {}, recipe.evaluation)._notes]
    assert (
        notes[0] == () and notes[1][0].startswith("dev holds a test split") and notes[1][0].endswith(": honest")
    )
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: turned)
    reasons = [finding.kind for finding in api.audit_corpus("tiny", root=Path()).reasons]
    assert "test_contamination_in_dev" in reasons
