"""Texts that an encoder did not learn to read are told: their language, and pieces that it does not know."""

from dataclasses import replace

import pytest
from language_samples import SAMPLES
from tiny_corpora import tiny_corpus, tiny_recipe

from sentir import api
from sentir.audit import audit
from sentir.models.text_backbones import MULTILINGUAL_BACKBONE, TEXT_BACKBONES, check_language
from sentir.readers import READERS
from sentir.training import fitting
from sentir.training.recognizers import fit_recognizer


def in_spanish():
    return tiny_corpus(lambda u: replace(u, text=f"{SAMPLES['es'][u.turn % 3]} {u.id}"))


def test_an_encoder_of_english_is_told_from_one_of_many_languages_and_from_unknown_ones():
    assert "Spanish" in check_language("minilm", SAMPLES["es"]) and MULTILINGUAL_BACKBONE in check_language(
        "minilm", SAMPLES["es"]
    )
    assert check_language("minilm", SAMPLES["en"]) == check_language("minilm", ["hola"]) == ""
    for name in (MULTILINGUAL_BACKBONE, "xlm-roberta-base", "owner/model"):
        assert check_language(name, SAMPLES["es"]) == check_language(name, SAMPLES["CJK"]) == ""
    assert {TEXT_BACKBONES.get(name).hub_id for name in (MULTILINGUAL_BACKBONE, "xlm-roberta-base")} == {
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "FacebookAI/xlm-roberta-base",
    }


@pytest.fixture
def told(monkeypatch):
    lines = []
    monkeypatch.setattr(fitting, "_log_once", lines.append)
    monkeypatch.setattr("sentir.logs.logger.warning", lines.append)
    return lines


def test_training_and_predicting_say_it(weights, told, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: in_spanish())
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, train={"epochs": 1})
    model, _scores = api.train(recipe, root=tmp_path, out=tmp_path / "model")
    assert [line for line in told if "in Spanish, which 'roberta-base' did not learn" in line]
    told.clear()
    api.predict(model, texts=SAMPLES["es"])
    assert [line for line in told if "in Spanish" in line]
    told.clear()
    api.predict(model, texts=SAMPLES["en"])
    assert not told


def test_an_audit_notes_a_language_that_is_not_english_and_costs_nothing_for_it():
    (found,) = [f for f in audit(in_spanish()).findings if f.kind == "language"]
    assert (found.severity, found.grade) == ("note", "A") and "Spanish" in found.message
    assert not [f for f in audit(tiny_corpus()).findings if f.kind == "language"]


def test_pieces_that_the_vocabulary_lacks_are_counted_and_noted_with_their_text(told, tmp_path_factory):
    from sentir.testing import make_tiny_text_backbone

    weights = make_tiny_text_backbone("bert-base-uncased", tmp_path_factory.mktemp("bert"))
    recipe = tiny_recipe(weights, model={"backbone": "bert-base-uncased"}, train={"epochs": 1})
    corpus = tiny_corpus(lambda u: replace(u, text=u.text + " 🥴") if u.turn == 0 else u)
    model = fit_recognizer(recipe, corpus)[0]
    assert [line for line in told if "such as emoji or another script: 6 of 30" in line]
    told.clear()
    plain, strange, script = api.predict(model, texts=["I am happy.", "I am 🥴 happy 🥴", "我很高兴"])
    assert not any("does not know" in note for note in plain.notes)
    assert any("such as emoji: 2." in note for note in strange.notes)
    assert any("does not know" in note for note in script.notes)
