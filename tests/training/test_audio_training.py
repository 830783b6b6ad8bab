"""Training what listens: it learns, the same seed gives the same weights, and every epoch hears something new."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from pipelines import Pipeline
from safetensors.torch import save_file
from tiny_corpora import TINY_NETWORK, spoken_corpus, spoken_recipe
from transformers import set_seed

from sentir.errors import CorpusError, RecipeError, UnknownNameError
from sentir.models.audio_backbones import load_audio_backbone
from sentir.preprocessing import mel as sound_input
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.training.batching import EqualLengthBatchSampler
from sentir.training.fitting import fit
from sentir.training.losses import class_weights, encode_targets, make_loss
from sentir.training.optim import parameter_groups
from sentir.training.trainer import train_model

pytestmark = pytest.mark.usefixtures("one_store")
AUGMENT = {"masks": 1, "gain_db": 3.0, "shift_seconds": 0.1, "speed": 0.1}
BOTH = {"kind": "multimodal", "modality_dropout": 0.3, "dropout": 0.2}
KINDS = {"emotion_model": {"dropout": 0.2}, "multimodal": BOTH, "dialogue": BOTH | {"context": "dialogue"}}
kinds = pytest.mark.parametrize("kind", KINDS)


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A file with weights for the tiny network."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("audio") / "weights.safetensors"
    save_file(load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict(), path)
    return path


# The same again


@kinds
def test_the_same_seed_gives_the_same_weights_and_another_others(kind, spoken, weights):
    def weights_of(seed):
        recipe = spoken_recipe(weights, model=KINDS[kind], train={"seed": seed, "augment": AUGMENT, "epochs": 1})
        fitted = fit(recipe, spoken)
        return fitted.model.state_dict(), fitted

    (one, first), (same, again), (other, _third) = (weights_of(seed) for seed in (1, 1, 2))
    assert equal(one, same) and first.training == again.training
    np.testing.assert_array_equal(first.dev_predictions.probabilities, again.dev_predictions.probabilities)
    assert not equal(one, other)


def test_other_test_clips_train_the_same_model(spoken, weights, tmp_path):
    clip = spoken.train[0].clip
    other = spoken_corpus(tmp_path / "spoken", lambda u: replace(u, clip=clip) if u.split == "test" else u)
    recipe = spoken_recipe(weights, model={"features": ["functionals"]}, train={"epochs": 1})
    one, two = fit(recipe, spoken), fit(recipe, other)
    np.testing.assert_array_equal(one.dev_predictions.probabilities, two.dev_predictions.probabilities)
    assert equal(one.model.state_dict(), two.model.state_dict())


# What an epoch is made of


@pytest.fixture
def watched(monkeypatch):
    """What a training does: rows and lengths of each batch, changes of each clip, and epochs it is told."""
    seen = {"batches": [], "changes": [], "epochs": []}
    batch, augment, set_epoch = ModelInputs.batch, sound_input.augment_mel, EqualLengthBatchSampler.set_epoch

    def watching(self, rows, change=None):
        found = batch(self, rows, change)
        if change is not None:
            seen["batches"].append((change.epoch, tuple(rows), tuple(found["mel_lengths"].tolist())))
        return found

    def changing(mel, settings, *, fill, seed, epoch, key):
        found = augment(mel, settings, fill=fill, seed=seed, epoch=epoch, key=key)
        seen["changes"].append(((seed, epoch, key), found.tobytes()))
        return found

    def told(self, epoch):
        seen["epochs"].append(epoch)
        set_epoch(self, epoch)

    monkeypatch.setattr(ModelInputs, "batch", watching)
    monkeypatch.setattr(sound_input, "augment_mel", changing)
    monkeypatch.setattr(EqualLengthBatchSampler, "set_epoch", told)
    return seen


def epochs_of(batches):
    return {epoch: [rows for number, rows, _lengths in batches if number == epoch] for epoch, *_rest in batches}


@pytest.mark.parametrize("kind", ["emotion_model", "multimodal"])
def test_every_epoch_is_drawn_anew_by_the_engine_and_holds_every_clip_once(kind, spoken, weights, watched):
    fit(spoken_recipe(weights, model={"kind": kind}, train={"epochs": 3, "batch_size": 6, "patience": 3}), spoken)
    epochs = epochs_of(watched["batches"])
    assert sorted(epochs) == [0, 1, 2] and {0, 1, 2} <= set(watched["epochs"])
    for batches in epochs.values():
        assert sorted(row for rows in batches for row in rows) == list(range(len(spoken.train)))
    assert len({tuple(batches) for batches in epochs.values()}) == 3
    lengths = [set(lengths) for _epoch, _rows, lengths in watched["batches"]]
    assert all(len(found) == 1 for found in lengths) and set.union(*lengths) == {100, 200}


def test_another_seed_draws_other_batches(spoken, weights, watched):
    drawn = []
    for seed in (1, 1, 2):
        fit(spoken_recipe(weights, train={"epochs": 1, "seed": seed}), spoken)
        drawn.append(epochs_of(watched["batches"]))
        watched["batches"].clear()
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_clip_is_changed_anew_in_every_epoch_and_alike_within_one(spoken, weights, watched):
    recipe = spoken_recipe(weights, train={"epochs": 2, "augment": AUGMENT, "seed": 5})
    fit(recipe, spoken)
    first = watched["changes"].copy()
    assert len(first) == 2 * len(spoken.train), "dev is not changed"
    assert {(seed, epoch) for (seed, epoch, _key), _mel in first} == {(5, 0), (5, 1)}
    heard = dict(first)
    for u in spoken.train:
        assert heard[5, 0, u.id] != heard[5, 1, u.id]
    watched["changes"].clear()
    fit(recipe.override({"train": {"batch_size": 4}}), spoken)
    assert dict(watched["changes"]) == heard, "batches have no part in it"


def test_with_dialogue_context_dialogues_stay_whole(spoken, weights, watched):
    fit(spoken_recipe(weights, model=KINDS["dialogue"], train={"epochs": 2, "batch_size": 10}), spoken)
    assert not watched["epochs"]
    for batches in epochs_of(watched["batches"]).values():
        assert sorted(map(len, batches)) == [10, 10, 10]
        assert all({row // 5 for row in rows[n : n + 5]} == {rows[n] // 5} for rows in batches for n in (0, 5))


# Pretrained parts


class Run:
    """A training of three epochs with scripted dev scores, which keeps the weights it is scored with."""

    def __init__(self, recipe, corpus):
        set_seed(recipe.train.seed)
        space = corpus.label_space("emotion")
        preparer = Pipeline(recipe, corpus.train)
        self.model = preparer.build(space)
        self.start, self.seen = copy.deepcopy(dict(self.model.named_parameters())), []

        def dev_score():
            self.seen.append(copy.deepcopy(dict(self.model.named_parameters())))
            return len(self.seen)

        targets = encode_targets(space, [u.labels["emotion"] for u in corpus.train])
        loss = make_loss(space, class_weights(space, targets, "none"))
        train_model(
            self.model, preparer.transform(corpus.train), targets,
            settings=recipe.train, loss=loss, dev_score=dev_score,
        )  # fmt: skip


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ({"audio": {"pretrained": False}}, ()),
        ({}, ("audio.backbone.",)),
        ({"kind": "multimodal"}, ("audio.backbone.",)),
        ({"kind": "multimodal", "encoder": "finetune"}, ("encoder.", "audio.backbone.")),
    ],
)
def test_pretrained_parts_have_their_own_rate_and_can_wait(model, parts, spoken, weights, pretrained):
    audio = {"audio": {"pretrained": True, "weights": str(pretrained)}} if parts else {}
    train = {"epochs": 2, "freeze_epochs": 1, "schedule": "constant", "warmup_ratio": 0.0}
    recipe = spoken_recipe(weights, model=model | audio, train=train)
    run = Run(recipe, spoken)
    assert run.model.pretrained_prefixes == parts
    rates = {id(p): group["lr"] for group in parameter_groups(run.model, recipe.train) for p in group["params"]}
    inside = {name for name in run.start if name.startswith(parts)}
    assert len(rates) == len(run.start) and bool(inside) == bool(parts)
    for name, parameter in run.model.named_parameters():
        assert rates[id(parameter)] == (recipe.train.encoder_lr if name in inside else recipe.train.lr), name
    early, late = moved(run.start, run.seen[0]), moved(run.seen[0], run.seen[1])
    assert early and not early & inside, "what is pretrained waits for an epoch"
    for part in parts:
        assert any(name.startswith(part) for name in late), part
    if not parts:
        assert any(name.startswith("audio.backbone.") for name in early)


def test_a_network_starts_from_the_weights_it_is_given(spoken, weights, pretrained):
    model = {"audio": {"pretrained": True, "weights": str(pretrained)}}
    recipe = spoken_recipe(weights, model=model)
    built = Pipeline(recipe, spoken.train).build(spoken.label_space("emotion"))
    torch.manual_seed(1)
    assert equal(
        built.audio.backbone.state_dict(), load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict()
    )


# Recipes that cannot be used


WRONG = {
    "unknown kind": ({"model": {"kind": "emotion_modl"}}, UnknownNameError, "did you mean emotion_model"),
    "unknown audio backbone": (
        {"model": {"audio": {"backbone": "efficientnet_bo"}}}, UnknownNameError, "did you mean efficientnet_b",
    ),
    "unknown fusion": (
        {"model": {"kind": "multimodal", "fusion": "gatd"}}, UnknownNameError, "did you mean gated"
    ),
    "unknown feature set": ({"model": {"features": ["functional"]}}, UnknownNameError, "functionals"),
    "dialogues without text": ({"model": {"context": "dialogue"}}, RecipeError, r"'model\.context' = 'dialogue'"),
}  # fmt: skip


@pytest.fixture
def nothing_is_prepared(monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("something was prepared")

    monkeypatch.setattr(Preprocessor, "fit", refuse)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_name_is_one_sentence_before_anything_is_decoded(case, spoken, weights, nothing_is_prepared):
    changes, error, words = WRONG[case]
    with pytest.raises(error, match=words) as caught:
        fit(spoken_recipe(weights, **changes), spoken)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "model",
    [{}, {"kind": "multimodal"}, {"kind": "hybrid_transformer", "features": ["thesis"]}],
    ids=["audio", "both", "features"],
)
def test_what_listens_needs_clips(model, corpus, weights, nothing_is_prepared):
    with pytest.raises(CorpusError, match="'tiny' has no clips in train, and the model listens"):
        fit(spoken_recipe(weights, model=model), corpus)
    with pytest.raises(RecipeError, match=r"set data\.audio=true"):
        fit(spoken_recipe(weights, model=model, data={"audio": False}), corpus)


def test_the_feature_set_stacked_needs_its_section(weights):
    with pytest.raises(RecipeError, match=r"the feature set 'stacked' needs the section 'model\.stacked'"):
        spoken_recipe(weights, model={"features": ["stacked"]})
