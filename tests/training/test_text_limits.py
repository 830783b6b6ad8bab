"""Texts that are truncated are counted and warned of."""

from dataclasses import replace

import pytest
from pipelines import Pipeline
from tiny_corpora import tiny_corpus, tiny_recipe
from transformers import AutoTokenizer

from sentir import progress
from sentir.training import fitting
from sentir.training.recognizers import fit_recognizer


@pytest.fixture
def messages(monkeypatch):
    lines = []
    monkeypatch.setattr("sentir.logs.logger.warning", lines.append)
    monkeypatch.setattr("sentir.logs.logger.log", lambda level, message, **keywords: lines.append(message))
    fitting.log_once.cache_clear()
    return lines


def truncated(weights, texts, **model):
    pipeline = Pipeline(tiny_recipe(weights, model={"max_length": 12} | model))
    utterances = [replace(u, text=text) for u, text in zip(tiny_corpus().train, texts, strict=False)]
    utterances = [replace(u, dialogue="one", turn=n) for n, u in enumerate(utterances)]
    return pipeline.transform(utterances).arrays["is_truncated"].tolist()


@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
def test_a_text_is_truncated_if_it_has_too_many_tokens(weights, encoder):
    texts = ["", *("happy" + " glad" * n for n in range(12))]
    plain = AutoTokenizer.from_pretrained(weights)
    longer = [len(plain(text)["input_ids"]) > 12 for text in texts]
    assert truncated(weights, texts, encoder=encoder) == longer and set(longer) == {True, False}
    assert any(len(plain(text)["input_ids"]) == 12 for text in texts), "one just fits"


def test_dropped_turns_before_a_text_are_not_counted(weights):
    fits, long = " ".join(["happy"] * 4), " ".join(["happy"] * 30)
    assert truncated(weights, [fits, fits, fits, long], context="window", window=3) == [False, False, False, True]


def test_training_and_prediction_count_truncated_texts(weights, messages):
    corpus = tiny_corpus(lambda u: replace(u, text=u.text + " so" * 30) if u.turn == 0 else u)
    recognizer, _dev = fit_recognizer(tiny_recipe(weights, model={"max_length": 16}), corpus)
    assert recognizer.facts["truncated"] == {"train": 6, "dev": 3}
    assert messages == [f"Weights: text encoder from the folder {weights}."]
    recognizer.predict_utterances(corpus.dev)
    assert messages[1:] == ["3 texts were truncated to 16 tokens, the most that the model takes."]
    recognizer.predict_utterances([u for u in corpus.dev if u.turn])
    assert len(messages) == 2
    row = recognizer.predict("so " * 30)
    assert "16 tokens" in row.notes[0] and len(messages) == 2  # the note is enough
    assert progress._current_progress.get() is None
