"""No stage reveals sealed test labels except the ledger and the audit."""

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

OPEN_TEST, AUDIT = "sentir.evaluation.locked.ledger.open_annotations", "sentir.audit.corpus_audit.audit"


@pytest.fixture
def reveals(monkeypatch):
    """Callers that reveal sealed labels, and how often."""
    found, reveal = Counter(), SealedLabels._reveal

    def counted(self):
        caller = sys._getframe(1)
        found[f"{caller.f_globals['__name__']}.{caller.f_code.co_qualname}"] += 1
        return reveal(self)

    monkeypatch.setattr(SealedLabels, "_reveal", counted)
    return found


@pytest.fixture
def recipe(weights, corpus, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    space = {"train.lr": {"choices": [0.01, 0.02]}}
    study = {"candidates": {"plain": {}}, "baselines": ["majority"], "seeds": [0], "tasks": ["emotion"]}
    return tiny_recipe(weights, data={"reader": "tiny"}, study=study, tune={"space": space, "trials": 1})


@pytest.fixture(scope="module")
def model(weights, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, model={"features": ["dialogue"]})
    fit_recognizer(recipe, corpus)[0].save_pretrained(folder)
    return folder


def test_training_does_not_reveal_test_labels(recipe, reveals, tmp_path):
    api.train(recipe, root=tmp_path, out=tmp_path / "out")
    assert not reveals


def test_tuning_does_not_reveal_test_labels(recipe, reveals, tmp_path):
    api.tune(recipe, root=tmp_path, out=tmp_path / "out")
    api.tune(recipe.override({"tune": {"folds": 2}}), root=tmp_path, out=tmp_path / "folds")
    assert not reveals


@pytest.mark.usefixtures("no_report")
def test_a_study_without_test_reveals_labels_to_its_audit_only(recipe, corpus, reveals, tmp_path):
    without_test = recipe.override({"study": {"test": False}})
    report = api.run_study([without_test], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert set(reveals) == {AUDIT} and list_openings(corpus) == ()
    assert {row.split for row in report.scores} == {"dev"}


@pytest.mark.usefixtures("no_report")
def test_a_study_opens_test_once_and_remembers_it(recipe, corpus, reveals, tmp_path, monkeypatch):
    api.run_study([recipe], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert reveals == {OPEN_TEST: 1, AUDIT: 1} and len(list_openings(corpus)) == 1
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "fresh"))
    report = api.run_study([recipe], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert reveals == {OPEN_TEST: 1, AUDIT: 2} and len(report.openings) == 1 and report.ledger.is_relocated
    assert report.openings[0].when[:10] == report.ledger.first_opening[:10]
    assert "SENTIR_STATE_DIR" in openings_sentence(report.ledger)


@pytest.mark.usefixtures("no_report")
def test_evaluating_an_old_folder_on_test_again_is_counted_again(recipe, corpus, reveals, tmp_path):
    api.run_study([recipe], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    other = recipe.override({"evaluation": {"resamples": 120}})
    report = api.run_study([other], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert reveals == {OPEN_TEST: 2, AUDIT: 2} and [o.number for o in report.openings] == [1, 2]


def test_evaluation_and_explanation_on_dev_do_not_reveal_test_labels(model, recipe, reveals, tmp_path):
    _scores, details = api.analyze(model, root=tmp_path, split="dev")
    assert details.slices and details.reliability
    api.evaluate(model, root=tmp_path, split="train")
    api.compare(model, model, root=tmp_path)
    api.explain_model(model, root=tmp_path, html=tmp_path / "model.html")
    api.explain(model, utterance_id="tiny/test/dia9/utt0", root=tmp_path, html=tmp_path / "why.html")
    api.predict(model, ["I am happy."], abstain=True)
    assert not reveals


def test_each_evaluation_on_test_is_one_counted_opening(model, corpus, recipe, reveals, tmp_path):
    for reason in ("one", "two"):
        api.evaluate(model, root=tmp_path, split="test", reason=reason)
    api.compare(model, model, root=tmp_path, split="test", reason="three")
    assert reveals == {OPEN_TEST: 3} and [o.reason for o in list_openings(corpus)] == ["one", "two", "three"]


def test_an_audit_reveals_labels_to_count_them_and_reports_it(recipe, corpus, reveals, tmp_path):
    found = api.audit_corpus("tiny", root=tmp_path, html=tmp_path / "audit.html")
    assert set(reveals) == {AUDIT} and list_openings(corpus) == ()
    assert any(finding.kind == "test_labels_counted" for finding in found.findings)
    assert "tiny/test/" not in str(found.to_dict()["findings"])


def test_inspection_cleaning_export_and_drafts_do_not_reveal_test_labels(
    recipe, corpus, reveals, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    inspected = api.inspect_utterance("tiny/test/dia9/utt0", corpus="tiny", root=tmp_path)
    assert inspected.utterance.labels == {}
    api.preview_cleaning("tiny", root=tmp_path)
    api.export_corpus("tiny", tmp_path / "tiny.csv", root=tmp_path)
    api.init_recipe(
        write_table(corpus, tmp_path / "table.csv", {u.id: ("joy", "sadness")[u.turn % 2] for u in corpus})
    )
    assert to_frame(corpus).query("split == 'test'")["emotion"].isna().all()
    assert not reveals


def test_a_model_does_not_depend_on_test_labels(recipe, corpus, tmp_path, monkeypatch):
    first, scores = api.train(recipe, root=tmp_path, out=tmp_path / "one")
    other = tiny_corpus(lambda u: replace(u, labels={"emotion": ("joy",)}) if u.split == "test" else u)
    assert other.test_fingerprint != corpus.test_fingerprint
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: other)
    second, other_scores = api.train(recipe, root=tmp_path, out=tmp_path / "two")
    assert scores == other_scores
    one, two = (model.predict_utterances(corpus.test).probabilities for model in (first, second))
    assert (one == two).all()


def test_scores_and_audit_report_that_dev_is_a_known_test(monkeypatch, recipe):
    from sentir.evaluation.scorer import Scorer

    def make_corpus(name, dev, test):
        texts_by_part = {
            split: [f"A long sentence of part {split}, number {n}" for n in range(20)] for split in "abc"
        }
        parts_by_split = {"train": texts_by_part["a"], "dev": texts_by_part[dev], "test": texts_by_part[test]}
        rows = [
            replace(tiny_corpus().train[0], id=f"{split}/{n}", split=split, dialogue="", text=text)
            for split, texts in parts_by_split.items()
            for n, text in enumerate(texts)
        ]
        return Corpus.build(name, rows, tiny_corpus().label_spaces.values())

    clean, contaminated = make_corpus("clean", "b", "c"), make_corpus("contaminated", "c", "b")
    notes = [Scorer(contaminated, "dev", {}, recipe.evaluation)._notes]
    open_test(clean, reason="score")
    notes += [Scorer(contaminated, "dev", {}, recipe.evaluation)._notes]
    assert notes[0] == ()
    assert notes[1][0].startswith("dev contains a test split") and notes[1][0].endswith(": clean")
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: contaminated)
    reasons = [finding.kind for finding in api.audit_corpus("tiny", root=Path()).reasons]
    assert "test_contamination_in_dev" in reasons
