"""Word attributions: they sum to the score, belong to the right turn, and words keep their spelling."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_corpora import WORDS
from torch import nn

from sentir.errors import CorpusError, SentirError
from sentir.explanation.score_function import ScoreFunction
from sentir.explanation.text_attribution import COMPLETENESS_TOLERANCE, merge_subwords, restore_spelling
from sentir.explanation.utterance import explain_utterance
from sentir.models.text_encoder import load_text_encoder
from sentir.testing import SENTENCES, make_tiny_text_backbone

FAMILIES = (
    "bert-base-uncased",
    "roberta-base",
    "bertweet-base-sentiment-analysis",
    "xlnet-base-cased",
)
KEY = "tiny/dev/dia7/utt3"


def test_the_score_is_the_log_odds_of_the_predicted_probability(any_trained, dialogue_of):
    recognizer, corpus = any_trained
    dialogue = dialogue_of(corpus, KEY)
    found = explain_utterance(recognizer, dialogue, utterance_id=KEY)
    p = found.probabilities[found.label]
    assert found.score == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
    assert found.label == max(found.probabilities, key=found.probabilities.get)
    served = recognizer.predict_utterances(dialogue)[KEY]
    assert list(found.probabilities.values()) == pytest.approx(served.tolist())
    assert (found.text_attribution is None) == (recognizer.preprocessor.text is None)
    assert (found.audio_attribution is None) == (recognizer.preprocessor.mel is None)


@pytest.mark.parametrize("setup", ["frozen", "dialogue", "window", "several labels", "everything"])
def test_attributions_sum_to_the_difference_from_the_baseline(setup, trained, dialogue_of, one_store):
    recognizer, corpus = trained(setup)
    found = explain_utterance(recognizer, dialogue_of(corpus, KEY), utterance_id=KEY)
    change = found.score - found.text_attribution.baseline_score
    assert abs(change) > 1e-3
    assert found.text_attribution.values.sum() == pytest.approx(
        change + found.text_attribution.convergence_delta, abs=1e-4
    )
    delta = abs(found.text_attribution.convergence_delta)
    assert delta <= COMPLETENESS_TOLERANCE * max(1, abs(change)) and delta < abs(change) / 5


def test_an_explanation_does_not_change_the_recognizer(any_trained, dialogue_of):
    recognizer, corpus = any_trained
    before = recognizer.predict_utterances(corpus.dev).probabilities
    explain_utterance(recognizer, dialogue_of(corpus, KEY), utterance_id=KEY)
    np.testing.assert_array_equal(recognizer.predict_utterances(corpus.dev).probabilities, before)


def test_the_words_that_determine_a_label_have_the_largest_attribution(trained, dialogue_of, one_store):
    recognizer, corpus = trained("frozen")
    label_words, strongest = set(" ".join(WORDS.values()).split()), []
    for u in corpus.dev:
        found = explain_utterance(recognizer, dialogue_of(corpus, u.id), utterance_id=u.id)
        if found.labels == found.gold:
            best = max((w for p in found.text_attribution.passages for w in p.words), key=lambda w: w.value)
            strongest.append(best.text.strip(".,!") in label_words)
    assert len(strongest) > 8 and np.mean(strongest) > 0.6


def test_passages_are_the_turns_in_the_context_of_the_model(trained, dialogue_of, one_store):
    seen = {}
    for setup in ("frozen", "window", "dialogue"):
        recognizer, corpus = trained(setup)
        dialogue = dialogue_of(corpus, KEY)
        passages = explain_utterance(recognizer, dialogue, utterance_id=KEY).text_attribution.passages
        seen[setup] = [(p.position, p.id) for p in passages]
        own = next(p for p in passages if p.position == "own")
        spelled = "".join(("" if w.follows_without_space else " ") + w.text for w in own.words).strip()
        assert spelled.removeprefix("Ben: ") == corpus.by_id[KEY].text
        if setup != "frozen":
            assert any(abs(p.total) > 0 for p in passages if p.position == "before")
    assert seen["frozen"] == [("own", KEY)]
    assert seen["window"] == [("before", ""), ("own", KEY)]
    ids = [u.id for u in dialogue]
    assert seen["dialogue"] == list(zip(["before"] * 3 + ["own", "after"], ids, strict=True))


def test_a_window_with_separators_has_a_passage_per_turn_on_either_side(trained, dialogue_of):
    recognizer, corpus = trained("wide window")
    dialogue = dialogue_of(corpus, KEY)
    passages = explain_utterance(recognizer, dialogue, utterance_id=KEY).text_attribution.passages
    assert [(p.position, p.id) for p in passages] == [("before", ""), ("before", ""), ("own", KEY), ("after", "")]
    turns = [" ".join(w.text for w in p.words) for p in passages]
    assert [text.split(":")[0] for text in turns] == [u.speaker for u in dialogue[1:]]


def test_the_first_turn_of_a_window_has_nothing_before_it(trained, dialogue_of):
    recognizer, corpus = trained("window")
    key = KEY[:-1] + "0"
    found = explain_utterance(recognizer, dialogue_of(corpus, key), utterance_id=key)
    assert [p.position for p in found.text_attribution.passages] == ["own"]


def test_another_label_can_be_explained(trained, dialogue_of):
    recognizer, corpus = trained("frozen")
    dialogue = dialogue_of(corpus, KEY)
    scores = {name: explain_utterance(recognizer, dialogue, utterance_id=KEY, label=name).score for name in WORDS}
    probabilities = {name: 1 / (1 + np.exp(-score)) for name, score in scores.items()}
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    with pytest.raises(CorpusError, match="'rage'; its labels are: joy, neutral, sadness"):
        explain_utterance(recognizer, dialogue, utterance_id=KEY, label="rage")
    with pytest.raises(CorpusError, match="no utterance 'nobody'"):
        explain_utterance(recognizer, dialogue, utterance_id="nobody")


def test_blank_text_has_no_words(trained, one_store, dialogue_of):
    recognizer, corpus = trained("frozen")
    u = replace(corpus.by_id[KEY], text="")
    assert explain_utterance(recognizer, [u], utterance_id=KEY).text_attribution is None


def test_without_captum_the_error_names_what_to_install(trained, dialogue_of, monkeypatch):
    recognizer, corpus = trained("frozen")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(SentirError, match=r"pip install 'sentir\[explain\]'"):
        explain_utterance(recognizer, dialogue_of(corpus, KEY), utterance_id=KEY)


@pytest.mark.parametrize("family", FAMILIES)
def test_subwords_of_every_tokenizer_are_merged(family, tmp_path):
    _encoder, tokenizer, _spec = load_text_encoder(family, weights=str(make_tiny_text_backbone(family, tmp_path)))
    for text in SENTENCES:
        plain = tokenizer.tokenizer
        (ids,) = plain.tokenize([tokenizer.normalize(text)])
        words = merge_subwords(plain, ids, np.ones(len(ids)))
        assert sum(value for _word, value in words) == pytest.approx(len(ids))
        spelled = list(restore_spelling([word for word, _value in words], text))
        assert len(spelled) == len(words) <= len(ids)
        if text.isascii() and "@" not in text:
            joined = "".join(("" if follows else " ") + word for word, follows in spelled)
            assert joined.split() == text.split()


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_words_of_the_text_keep_their_spelling(text):
    words = text.split()
    spelled = list(restore_spelling([word.lower() for word in words], text))
    assert len(spelled) == len(words)
    if text.isascii():
        assert [word for word, _follows in spelled] == words and not any(follows for _word, follows in spelled)


def test_regression_is_explained_in_the_units_of_its_scale():
    class Double(nn.Module):
        input_names = ("x",)

        def forward(self, x):
            return 2 * x

    inputs = {"x": torch.tensor([[0.25]]), "dialogue": torch.zeros(1)}
    function = ScoreFunction(Double(), None, inputs, 0, 0, kind="regression", temperature=1.0, scale=(-2.0, 4.0))
    assert function.score().tolist() == [2.5]
