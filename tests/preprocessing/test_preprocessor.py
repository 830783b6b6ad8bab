"""From utterances to model inputs: rows by dialogue and turn, windows of turns, and no labels."""

import random
from dataclasses import replace

import numpy as np
import pytest
from pipelines import Pipeline
from tiny_corpora import tiny_corpus, tiny_recipe

from sentir.corpus.utterances import Utterance
from sentir.errors import PredictionsError, RecipeError, UnknownNameError
from sentir.features import FEATURE_SETS, FeatureSet

EMOTIONS = ("joy", "neutral", "sadness")
SETUPS = [
    {"encoder": encoder, "context": context, "features": ["lexical", "dialogue", "tabular"]}
    for encoder in ("frozen", "finetune")
    for context in ("none", "window", "dialogue")
]


def make_inputs(weights, corpus, split, **model):
    recipe = tiny_recipe(weights, model=model)
    return Pipeline(recipe, corpus.train).transform(corpus.split(split))


def other_labels(seed):
    """Return a function that gives utterances random labels and scores."""
    rng = random.Random(seed)

    def change(u):
        labels = {"emotion": (rng.choice(EMOTIONS),), "feelings": rng.choice([(), ("joy",)])}
        return replace(u, labels=labels, scores={"joy": rng.random()})

    return change


@pytest.mark.parametrize("model", SETUPS, ids=lambda model: f"{model['encoder']}-{model['context']}")
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_labels_do_not_change_inputs(model, split, corpus, weights):
    other = tiny_corpus(other_labels(1))
    assert [u.labels for u in other.train] != [u.labels for u in corpus.train]
    one, two = make_inputs(weights, corpus, split, **model), make_inputs(weights, other, split, **model)
    assert one.ids == two.ids and one.encodings == two.encodings and one.units == two.units
    assert one.arrays.keys() == two.arrays.keys() >= {"features", "dialogue", "turn"}
    for name, tensor in one.arrays.items():
        assert np.array_equal(tensor, two.arrays[name]), name


def test_features_are_computed_from_blind_utterances(corpus, weights, monkeypatch):
    seen = []
    spy = FeatureSet(lambda rows: seen.extend(rows) or {"n": np.ones(len(rows))})
    monkeypatch.setitem(FEATURE_SETS._entries, "spy", spy)
    make_inputs(weights, corpus, "dev", features=["spy"])
    assert {u.id for u in seen} == {u.id for u in (*corpus.train, *corpus.dev)}
    assert all(not u.labels and not u.scores for u in seen)


def test_the_scaler_is_fitted_on_train_only(corpus, weights):
    def extreme(u):
        return (
            u if u.split == "train" else replace(u, numeric_features={"duration": 1e6}, text=f"{u.text} {u.text}")
        )

    recipe = tiny_recipe(weights, model={"features": ["lexical", "tabular"]})
    scalers = [Pipeline(recipe, c.train).scaler for c in (corpus, tiny_corpus(extreme))]
    assert scalers[0] == scalers[1]
    train = make_inputs(weights, corpus, "train", features=["lexical", "tabular"]).arrays["features"]
    np.testing.assert_allclose(train.mean(0), np.zeros(train.shape[1]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("context", ["none", "window", "dialogue"])
def test_the_order_of_rows_does_not_matter(context, corpus, weights):
    recipe = tiny_recipe(weights, model={"context": context, "features": ["dialogue"]})
    pipeline = Pipeline(recipe, corpus.train)
    shuffled = random.Random(3).sample(corpus.dev, len(corpus.dev))
    one, two = pipeline.transform(corpus.dev), pipeline.transform(shuffled)
    rows = [two.ids.index(key) for key in one.ids]
    for name in ("text_states", "features", "turn"):
        np.testing.assert_allclose(one.arrays[name], two.arrays[name][rows])
    groups = [{frozenset(p.ids[n] for n in unit) for unit in p.units} for p in (one, two)]
    assert groups[0] == groups[1]


def test_a_unit_is_a_whole_dialogue_only_with_dialogue_context(corpus, weights):
    whole = make_inputs(weights, corpus, "dev", context="dialogue")
    assert [len(unit) for unit in whole.units] == [5, 5, 5]
    for unit in whole.units:
        assert len(set(whole.arrays["dialogue"][unit].tolist())) == 1
        assert whole.arrays["turn"][unit].tolist() == [0, 1, 2, 3, 4]
    assert [len(unit) for unit in make_inputs(weights, corpus, "dev", context="window").units] == [1] * 15


def test_an_utterance_without_a_dialogue_is_a_unit(weights):
    recipe = tiny_recipe(weights, model={"context": "dialogue"})
    outside = [Utterance(id=str(n), text="Hi!") for n in range(3)]
    assert Pipeline(recipe).transform(outside).units == [[0], [1], [2]]


def test_speaker_numbers_are_equal_only_for_one_speaker_of_one_dialogue(corpus, weights):
    recipe = tiny_recipe(weights, model={"context": "dialogue"})
    pipeline = Pipeline(recipe)
    nameless = [replace(u, speaker=None) if u.turn == 4 else replace(u, speaker="") if u.turn == 3 else u
                for u in corpus.dev]  # fmt: skip
    numbers = pipeline.transform(nameless).arrays["speaker"].tolist()
    rows = range(len(nameless))
    for a, b in ((a, b) for a in rows for b in rows if a < b):
        one, two = nameless[a], nameless[b]
        same = one.dialogue == two.dialogue and one.speaker == two.speaker and bool(one.speaker)
        assert (numbers[a] == numbers[b]) == same
    renamed = [replace(u, speaker=u.speaker and u.speaker[::-1]) for u in nameless]
    assert pipeline.transform(renamed).arrays["speaker"].tolist() == numbers


def test_a_window_with_separators_can_be_bidirectional(corpus, weights):
    window = {"window": 2, "window_right": 1, "window_separators": True, "window_speakers": False}
    recipe = tiny_recipe(weights, model={"context": "window", "encoder": "finetune", **window})
    pipeline, first = Pipeline(recipe), corpus.dev[:5]
    texts, encode = [u.text for u in first], pipeline.text.tokenizer.encode
    encodings = pipeline.transform(first).encodings
    assert encodings[0] == encode(texts[0], [], [texts[1]])
    assert encodings[3] == encode(texts[3], texts[1:3], [texts[4]])
    assert encodings[4] == encode(texts[4], texts[2:4])


def test_a_window_has_the_last_turns_with_their_speakers(corpus, weights):
    recipe = tiny_recipe(weights, model={"context": "window", "window": 2, "encoder": "finetune"})
    pipeline = Pipeline(recipe)
    first = corpus.dev[:5]
    encodings = pipeline.transform(first).encodings
    texts = [f"{u.speaker}: {u.text}" for u in first]
    encode = pipeline.text.tokenizer.encode
    assert encodings[0] == encode(texts[0])
    assert encodings[1] == encode(texts[1], [texts[0]])
    assert encodings[4] == encode(texts[4], [f"{texts[2]} {texts[3]}"])
    plain = tiny_recipe(weights, model={"context": "window", "encoder": "finetune", "window_speakers": False})
    unnamed = Pipeline(plain).transform(first)
    assert unnamed.encodings[1] == encode(first[1].text, [first[0].text])


def test_a_window_excludes_other_dialogues_and_later_turns(corpus, weights):
    recipe = tiny_recipe(weights, model={"context": "window", "encoder": "finetune"})
    pipeline = Pipeline(recipe)
    whole = pipeline.transform(corpus.dev)
    for start in (0, 5, 10):
        for turn in range(5):
            alone = pipeline.transform(corpus.dev[start : start + turn + 1])
            assert alone.encodings[turn] == whole.encodings[start + turn]


def test_text_is_cleaned_by_the_recipe(corpus, weights):
    messy = replace(corpus.dev[0], text="  Well,   I â€œam fine.  ")
    recipe = tiny_recipe(weights, model={"encoder": "finetune"})
    pipeline = Pipeline(recipe)
    assert pipeline.transform([messy]).encodings == [pipeline.text.tokenizer.encode('Well, I "am fine.')]


@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
def test_missing_and_empty_texts_are_the_same_input(encoder, corpus, weights):
    recipe = tiny_recipe(weights, model={"encoder": encoder, "context": "window"})
    pipeline = Pipeline(recipe)
    missing, empty = (
        pipeline.transform([replace(u, text=text, speaker=None) for u in corpus.dev]) for text in (None, " ")
    )
    assert missing.encodings == empty.encodings
    assert all(np.array_equal(missing.arrays[name], empty.arrays[name]) for name in missing.arrays)


def test_no_utterances_give_no_rows(weights):
    recipe = tiny_recipe(weights)
    assert Pipeline(recipe).transform([]).arrays["text_states"].shape == (0, 3, 32)


@pytest.mark.parametrize("context", ["none", "window", "dialogue"])
def test_duplicate_ids_are_refused(context, corpus, weights):
    recipe = tiny_recipe(weights, model={"context": context})
    with pytest.raises(PredictionsError, match="Two utterances have the same id"):
        Pipeline(recipe).transform([corpus.dev[0], corpus.dev[0]])


def test_a_frozen_encoder_needs_pretrained_weights(weights):
    recipe = tiny_recipe(weights, model={"pretrained": False})
    with pytest.raises(RecipeError, match=r"model\.encoder = frozen"):
        Pipeline(recipe)


def test_an_unknown_feature_set_suggests_the_nearest(corpus, weights):
    with pytest.raises(UnknownNameError, match="did you mean lexical"):
        make_inputs(weights, corpus, "dev", features=["lexcal"])


def test_a_batch_has_its_rows_and_pads_their_tokens(corpus, weights):
    tuned = make_inputs(weights, corpus, "dev", encoder="finetune", features=["lexical"])
    batch = tuned.batch([4, 2])
    assert np.array_equal(batch["features"], tuned.arrays["features"][[4, 2]])
    lengths = [len(tuned.encodings[n]["input_ids"]) for n in (4, 2)]
    assert batch["attention_mask"].sum(1).tolist() == lengths
    assert batch["input_ids"].shape == (2, max(lengths))
