"""Two trainings: an encoder is fine-tuned, then a dialogue head is trained on its frozen embeddings."""

import shutil

import numpy as np
import pytest
import torch
from pipelines import Pipeline
from tiny_corpora import stacking_on_text, tiny_recipe

from sentir.errors import WeightsError
from sentir.models.device import to_tensors
from sentir.models.text_encoder import load_text_encoder
from sentir.recognizer.recognizer import Recognizer
from sentir.study.stacking import train_recognizer
from sentir.training.recognizers import fit_recognizer

HEAD = {"context": "dialogue", "dialogue": {"layer": "attention", "direction": "causal", "speakers": True}}


@pytest.fixture(scope="module")
def first(corpus, weights, tmp_path_factory):
    """Folder of a recognizer with an encoder that was fine-tuned on single utterances."""
    folder = tmp_path_factory.mktemp("first") / "model"
    fit_recognizer(tiny_recipe(weights, model={"encoder": "finetune"}), corpus)[0].save_pretrained(folder)
    return folder


@pytest.fixture
def second(corpus, first):
    """A recognizer with a dialogue head on the embeddings of that encoder."""
    return fit_recognizer(tiny_recipe(first / "encoder", model=HEAD), corpus)[0]


def text_states(recognizer, corpus):
    return recognizer.encoders.embed(recognizer.preprocessor.transform(corpus.dev)).arrays["text_states"]


def test_the_head_takes_embeddings_of_the_fine_tuned_encoder(second, first, weights, corpus):
    tuned, tokenizer, _spec = load_text_encoder("roberta-base", weights=str(first / "encoder"))
    found = text_states(second, corpus)
    batch = to_tensors(tokenizer.pad([tokenizer.encode(u.text) for u in corpus.dev]))
    with torch.no_grad():
        expected = tuned.eval()(**{k: v for k, v in batch.items() if k in tuned.input_names})
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5, rtol=0)
    untrained = tiny_recipe(weights, model=HEAD)
    plain = text_states(fit_recognizer(untrained, corpus)[0], corpus)
    assert np.abs(found - plain).max() > 1e-3
    assert not any(name.startswith("encoder.") for name, _p in second.model.named_parameters())


def test_a_saved_model_does_not_need_the_first_one(second, first, corpus, tmp_path):
    second.save_pretrained(tmp_path / "complete")
    second.save_pretrained(tmp_path / "light", skip_frozen_weights=True)
    shutil.move(first, tmp_path / "away")
    try:
        loaded = Recognizer.from_pretrained(tmp_path / "complete")
        with pytest.raises(WeightsError):
            Recognizer.from_pretrained(tmp_path / "light")
    finally:
        shutil.move(tmp_path / "away", first)
    for one in (loaded, Recognizer.from_pretrained(tmp_path / "light")):
        first_p, second_p = (model.predict_utterances(corpus.dev).probabilities for model in (one, second))
        np.testing.assert_allclose(first_p, second_p, atol=1e-6)


def test_an_encoder_retrained_in_the_same_folder_gives_new_embeddings(corpus, weights, tmp_path):
    embeddings = []
    for seed in (0, 1):
        tuned = tiny_recipe(weights, model={"encoder": "finetune"}, train={"seed": seed})
        fit_recognizer(tuned, corpus)[0].save_pretrained(tmp_path / "first")
        recipe = tiny_recipe(tmp_path / "first" / "encoder", model=HEAD)
        embeddings.append(Pipeline(recipe).transform(corpus.dev).arrays["text_states"])
    assert np.abs(embeddings[0] - embeddings[1]).max() > 1e-4


def test_later_turns_do_not_change_predictions_of_a_causal_head(second, corpus):
    whole = second.predict_utterances(corpus.dev[:5]).probabilities
    for end in range(1, 5):
        np.testing.assert_allclose(
            second.predict_utterances(corpus.dev[:end]).probabilities, whole[:end], atol=1e-5
        )


def test_a_dialogue_head_can_stack_on_a_fine_tuned_model(corpus, weights):
    stacked = stacking_on_text(weights, folds=2, model={"encoder": "finetune"})["model"]
    recipe = tiny_recipe(weights, model=HEAD | stacked)
    recognizer = train_recognizer(recipe, corpus)[0]
    assert recognizer.stacked.recipe.model.encoder == "finetune"
    assert recognizer.predict_utterances(corpus.dev).probabilities.shape == (15, 3)
