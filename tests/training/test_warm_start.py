"""Training a saved model on other data: its network and labels stay, and its card names both trainings."""

from dataclasses import replace

import pytest
import torch
from tiny_corpora import spoken_recipe, stacking_on_text, tiny_corpus, tiny_recipe

from sentir import api
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.errors import PredictionsError, RecipeError
from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer

pytestmark = pytest.mark.usefixtures("one_store")


def other_corpus(labels=("joy", "sadness"), rename=None):
    """Return a corpus of the utterances with these labels, with other ids and texts."""
    rows = []
    for u in tiny_corpus():
        if u.split == "test" or not set(u.labels["emotion"]) <= set(labels):
            continue
        label = tuple((rename or {}).get(name, name) for name in u.labels["emotion"])
        rows.append(replace(u, id=f"other/{u.id}", text=f"Well. {u.text}", labels={"emotion": label}))
    names = sorted({name for u in rows for name in u.labels["emotion"]})
    return Corpus.build("other", rows, [SingleLabelSpace("emotion", tuple(names))])


@pytest.fixture
def corpora(monkeypatch):
    corpora = {"tiny": tiny_corpus(), "other": other_corpus()}
    for name, corpus in corpora.items():
        monkeypatch.setitem(READERS._entries, name, lambda root, data, corpus=corpus: corpus)
    return corpora


def state(model):
    return {name: tensor.clone() for name, tensor in model.model.state_dict().items()}


@pytest.mark.parametrize("encoder", ["frozen", "finetune", "lora"])
def test_it_starts_with_the_saved_weights_and_keeps_the_labels(encoder, corpora, weights, tmp_path):
    model = {"encoder": encoder, "features": ["lexical"]}
    first = tiny_recipe(weights, data={"reader": "tiny"}, model=model)
    api.train(first, root=tmp_path, out=tmp_path / "first")
    before = Recognizer.from_pretrained(tmp_path / "first")
    small = {"epochs": 1, "lr": 1e-9, "encoder_lr": 1e-9}
    second = first.override({"name": "corrections", "data": {"reader": "other"}, "train": small})
    after, _scores = api.train(second, root=tmp_path, out=tmp_path / "second", init_from=tmp_path / "first")
    assert after.space == before.space and len(corpora["other"].label_space("emotion")) == 2
    assert after.preprocessor.scaler == before.preprocessor.scaler
    for name, tensor in state(before).items():
        torch.testing.assert_close(after.model.state_dict()[name], tensor, rtol=0, atol=1e-5)
    loaded = Recognizer.from_pretrained(tmp_path / "second")
    rows = corpora["tiny"].dev
    assert loaded.predict_utterances(rows).labels().keys() == before.predict_utterances(rows).labels().keys()
    assert not (tmp_path / "first" / "checkpoints").exists()


def test_earlier_trainings_are_in_facts_and_card(corpora, weights, tmp_path):
    recipe = tiny_recipe(weights, data={"reader": "tiny"})
    api.train(recipe, root=tmp_path, out=tmp_path / "a")
    other = recipe.override({"name": "corrections", "data": {"reader": "other"}})
    api.train(other, root=tmp_path, out=tmp_path / "b", init_from=tmp_path / "a")
    third, _scores = api.train(other, root=tmp_path, out=tmp_path / "c", init_from=tmp_path / "b")
    seen = [(one["recipe"], one["corpus"], one["fingerprint"]) for one in third.facts["previous_trainings"]]
    prints = {name: corpus.fingerprint for name, corpus in corpora.items()}
    assert seen == [("tiny", "tiny", prints["tiny"]), ("corrections", "other", prints["other"])]
    card = (tmp_path / "c" / "README.md").read_text(encoding="utf-8")
    assert f"trained on the corpus tiny (recipe tiny, fingerprint {prints['tiny']})" in card
    assert "may contain utterances of the splits" in card


def test_it_learns_from_the_new_data(corpora, weights, tmp_path, monkeypatch):
    swapped = other_corpus(rename={"joy": "sadness", "sadness": "joy"})
    monkeypatch.setitem(READERS._entries, "other", lambda root, data: swapped)
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, train={"epochs": 8})
    first, _scores = api.train(recipe, root=tmp_path, out=tmp_path / "a")
    other = recipe.override({"data": {"reader": "other"}, "train": {"epochs": 30, "patience": 30}})
    _second, scores = api.train(other, root=tmp_path, out=tmp_path / "b", init_from=tmp_path / "a")
    old = first.predict_utterances(swapped.dev).labels(first.thresholds)
    right = sum(old[u.id] == u.labels["emotion"] for u in swapped.dev) / len(swapped.dev)
    assert scores.metrics["accuracy"].value > right


def test_labels_that_the_model_lacks_are_an_error(corpora, weights, tmp_path, monkeypatch):
    recipe = tiny_recipe(weights, data={"reader": "tiny"})
    api.train(recipe, root=tmp_path, out=tmp_path / "a")
    renamed = other_corpus(rename={"joy": "delight"})
    monkeypatch.setitem(READERS._entries, "other", lambda root, data: renamed)
    with pytest.raises(PredictionsError, match="does not have these labels of 'emotion': delight; it has joy"):
        other = recipe.override({"data": {"reader": "other"}})
        api.train(other, root=tmp_path, out=tmp_path / "b", init_from=tmp_path / "a")


def test_another_task_and_a_stacking_model_are_refused(spoken, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: spoken)
    recipe = tiny_recipe(weights, data={"reader": "tiny"})
    api.train(recipe, root=tmp_path, out=tmp_path / "a")
    with pytest.raises(RecipeError, match=r"'data.task' is 'feelings'; set it to 'emotion'"):
        task = recipe.override({"data": {"task": "feelings"}})
        api.train(task, root=tmp_path, out=tmp_path / "b", init_from=tmp_path / "a")
    stacks = spoken_recipe(weights, data={"reader": "tiny"}, **stacking_on_text(weights))
    api.train(stacks, root=tmp_path, out=tmp_path / "c")
    with pytest.raises(RecipeError, match="uses stacking cannot be trained further"):
        api.train(recipe, root=tmp_path, out=tmp_path / "d", init_from=tmp_path / "c")
