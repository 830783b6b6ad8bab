"""Warnings about the language of texts, and about tokens outside the vocabulary of the encoder."""

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


def test_only_encoders_known_to_be_of_another_language_are_warned_of():
    assert "Spanish" in check_language("minilm", SAMPLES["es"]) and MULTILINGUAL_BACKBONE in check_language(
        "minilm", SAMPLES["es"]
    )
    assert check_language("minilm", SAMPLES["en"]) == check_language("minilm", ["hola"]) == ""
    for name in (MULTILINGUAL_BACKBONE, "xlm-roberta-base", "owner/model"):
        assert check_language(name, SAMPLES["es"]) == check_language(name, SAMPLES["CJK"]) == ""
    assert {TEXT_BACKBONES.get(name).hub_id for name in (MULTILINGUAL_BACKBONE, "xlm-roberta-base")} == {
        "jhu-clsp/mmBERT-small",
        "FacebookAI/xlm-roberta-base",
    }


@pytest.fixture
def messages(monkeypatch):
    lines = []
    monkeypatch.setattr(fitting, "log_once", lines.append)
    monkeypatch.setattr("sentir.logs.logger.warning", lines.append)
    return lines


def test_training_and_prediction_warn_of_the_language(weights, messages, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: in_spanish())
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, train={"epochs": 1})
    model, _scores = api.train(recipe, root=tmp_path, out=tmp_path / "model")
    assert [line for line in messages if "in Spanish, which 'roberta-base' was not trained on" in line]
    messages.clear()
    api.predict(model, SAMPLES["es"])
    (line,) = [line for line in messages if "in Spanish" in line]
    assert "Train a model of your own" in line
    messages.clear()
    api.predict(model, SAMPLES["en"])
    assert not messages


def test_an_audit_notes_another_language_without_a_worse_grade():
    (found,) = [f for f in audit(in_spanish()).findings if f.kind == "language"]
    assert (found.severity, found.grade) == ("note", "A") and "Spanish" in found.message
    assert not [f for f in audit(tiny_corpus()).findings if f.kind == "language"]


def test_tokens_outside_the_vocabulary_are_counted_and_noted(messages, tmp_path_factory):
    from sentir.testing import make_tiny_text_backbone

    weights = make_tiny_text_backbone("bert-base-uncased", tmp_path_factory.mktemp("bert"))
    recipe = tiny_recipe(weights, model={"backbone": "bert-base-uncased"}, train={"epochs": 1})
    corpus = tiny_corpus(lambda u: replace(u, text=u.text + " 🥴") if u.turn == 0 else u)
    model = fit_recognizer(recipe, corpus)[0]
    assert [line for line in messages if "such as emoji or another script: 6 of 30" in line]
    messages.clear()
    plain, strange, script = api.predict(model, ["I am happy.", "I am 🥴 happy 🥴", "我很高兴"])
    assert not any("outside the encoder's vocabulary" in note for note in plain.notes)
    assert any("such as emoji: 2." in note for note in strange.notes)
    assert any("outside the encoder's vocabulary" in note for note in script.notes)
