"""Training models of audio: seeds, batches, augmentation, pretrained parts and settings."""

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
from sentir.preprocessing import mel
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


# Reproducibility


@kinds
def test_weights_depend_on_the_seed(kind, spoken, weights):
    def weights_of(seed):
        recipe = spoken_recipe(weights, model=KINDS[kind], train={"seed": seed, "augment": AUGMENT, "epochs": 1})
        fitted = fit(recipe, spoken)
        return fitted.model.state_dict(), fitted

    (one, first), (same, again), (other, _third) = (weights_of(seed) for seed in (1, 1, 2))
    assert equal(one, same) and first.training == again.training
    np.testing.assert_array_equal(first.dev_predictions.probabilities, again.dev_predictions.probabilities)
    assert not equal(one, other)


def test_test_clips_do_not_matter(spoken, weights, tmp_path):
    clip = spoken.train[0].clip
    other = spoken_corpus(tmp_path / "spoken", lambda u: replace(u, clip=clip) if u.split == "test" else u)
    recipe = spoken_recipe(weights, model={"features": ["functionals"]}, train={"epochs": 1})
    one, two = fit(recipe, spoken), fit(recipe, other)
    np.testing.assert_array_equal(one.dev_predictions.probabilities, two.dev_predictions.probabilities)
    assert equal(one.model.state_dict(), two.model.state_dict())


def test_a_manifest_sorted_by_label_gives_batches_of_many_labels():
    """Batch statistics of batches of one label would erase what distinguishes the labels."""
    labels = np.repeat(np.arange(8), 120)
    lengths = np.tile([300, 300, 400, 300], 240)
    sampler = EqualLengthBatchSampler(lengths.tolist(), 32, seed=0)
    for batch in sampler:
        assert len(set(labels[batch])) >= min(len(batch), 5)


# Epochs


@pytest.fixture
def recorded(monkeypatch):
    """Record what a training does: rows and lengths of each batch, augmented clips, and epochs of the sampler."""
    seen = {"batches": [], "augmented": [], "epochs": []}
    batch, augment_mel, set_epoch = ModelInputs.batch, mel.augment_mel, EqualLengthBatchSampler.set_epoch

    def record_batch(self, rows, augmentation=None):
        tensors = batch(self, rows, augmentation)
        if augmentation is not None:
            lengths = tuple(tensors["mel_lengths"].tolist())
            seen["batches"].append((augmentation.epoch, tuple(rows), lengths))
        return tensors

    def record_augmented(spectrogram, settings, *, fill, seed, epoch, key):
        augmented = augment_mel(spectrogram, settings, fill=fill, seed=seed, epoch=epoch, key=key)
        seen["augmented"].append(((seed, epoch, key), augmented.tobytes()))
        return augmented

    def record_epoch(self, epoch):
        seen["epochs"].append(epoch)
        set_epoch(self, epoch)

    monkeypatch.setattr(ModelInputs, "batch", record_batch)
    monkeypatch.setattr(mel, "augment_mel", record_augmented)
    monkeypatch.setattr(EqualLengthBatchSampler, "set_epoch", record_epoch)
    return seen


def epochs_of(batches):
    return {epoch: [rows for number, rows, _lengths in batches if number == epoch] for epoch, *_rest in batches}


@pytest.mark.parametrize("kind", ["emotion_model", "multimodal"])
def test_each_epoch_has_other_batches_with_each_clip_once(kind, spoken, weights, recorded):
    fit(spoken_recipe(weights, model={"kind": kind}, train={"epochs": 3, "batch_size": 6, "patience": 3}), spoken)
    epochs = epochs_of(recorded["batches"])
    assert sorted(epochs) == [0, 1, 2] and {0, 1, 2} <= set(recorded["epochs"])
    for batches in epochs.values():
        assert sorted(row for rows in batches for row in rows) == list(range(len(spoken.train)))
    assert len({tuple(batches) for batches in epochs.values()}) == 3
    lengths = [set(lengths) for _epoch, _rows, lengths in recorded["batches"]]
    assert all(len(one) == 1 for one in lengths) and set.union(*lengths) == {100, 200}


def test_batches_depend_on_the_seed(spoken, weights, recorded):
    epochs = []
    for seed in (1, 1, 2):
        fit(spoken_recipe(weights, train={"epochs": 1, "seed": seed}), spoken)
        epochs.append(epochs_of(recorded["batches"]))
        recorded["batches"].clear()
    assert epochs[0] == epochs[1] != epochs[2]


def test_augmentation_differs_between_epochs_and_not_within_one(spoken, weights, recorded):
    recipe = spoken_recipe(weights, train={"epochs": 2, "augment": AUGMENT, "seed": 5})
    fit(recipe, spoken)
    first = recorded["augmented"].copy()
    assert len(first) == 2 * len(spoken.train), "dev is not augmented"
    assert {(seed, epoch) for (seed, epoch, _key), _mel in first} == {(5, 0), (5, 1)}
    augmented = dict(first)
    for u in spoken.train:
        assert augmented[5, 0, u.id] != augmented[5, 1, u.id]
    recorded["augmented"].clear()
    fit(recipe.override({"train": {"batch_size": 4}}), spoken)
    assert dict(recorded["augmented"]) == augmented, "whatever the batches"


def test_dialogues_stay_whole_with_dialogue_context(spoken, weights, recorded):
    fit(spoken_recipe(weights, model=KINDS["dialogue"], train={"epochs": 2, "batch_size": 10}), spoken)
    assert not recorded["epochs"]
    for batches in epochs_of(recorded["batches"]).values():
        assert sorted(map(len, batches)) == [10, 10, 10]
        assert all({row // 5 for row in rows[n : n + 5]} == {rows[n] // 5} for rows in batches for n in (0, 5))


# Pretrained parts


class Run:
    """A training with increasing dev scores, which records the weights that are scored."""

    def __init__(self, recipe, corpus):
        set_seed(recipe.train.seed)
        space = corpus.label_space("emotion")
        pipeline = Pipeline(recipe, corpus.train)
        self.model = pipeline.build(space)
        self.start, self.seen = copy.deepcopy(dict(self.model.named_parameters())), []

        def dev_score():
            self.seen.append(copy.deepcopy(dict(self.model.named_parameters())))
            return len(self.seen)

        targets = encode_targets(space, [u.labels["emotion"] for u in corpus.train])
        loss = make_loss(space, class_weights(space, targets, "none"))
        train_model(
            self.model, pipeline.transform(corpus.train), targets,
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
def test_pretrained_parts_have_their_own_learning_rate_and_can_be_frozen(
    model, parts, spoken, weights, pretrained
):
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
    assert early and not early & inside, "pretrained parts are frozen for an epoch"
    for part in parts:
        assert any(name.startswith(part) for name in late), part
    if not parts:
        assert any(name.startswith("audio.backbone.") for name in early)


def test_a_network_starts_from_given_weights(spoken, weights, pretrained):
    model = {"audio": {"pretrained": True, "weights": str(pretrained)}}
    recipe = spoken_recipe(weights, model=model)
    built = Pipeline(recipe, spoken.train).build(spoken.label_space("emotion"))
    torch.manual_seed(1)
    assert equal(
        built.audio.backbone.state_dict(), load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict()
    )


# Invalid recipes


INVALID = {
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
def no_preprocessing(monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("something was preprocessed")

    monkeypatch.setattr(Preprocessor, "fit", refuse)


@pytest.mark.parametrize("case", INVALID)
def test_an_unknown_name_is_an_error_before_anything_is_decoded(case, spoken, weights, no_preprocessing):
    changes, error, words = INVALID[case]
    with pytest.raises(error, match=words) as caught:
        fit(spoken_recipe(weights, **changes), spoken)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "model",
    [{}, {"kind": "multimodal"}, {"kind": "hybrid_transformer", "features": ["thesis"]}],
    ids=["audio", "both", "features"],
)
def test_models_of_audio_need_clips(model, corpus, weights, no_preprocessing):
    with pytest.raises(CorpusError, match="'tiny' has no clips in train, but the model takes audio"):
        fit(spoken_recipe(weights, model=model), corpus)
    with pytest.raises(RecipeError, match=r"set data\.audio=true"):
        fit(spoken_recipe(weights, model=model, data={"audio": False}), corpus)


def test_the_feature_set_stacked_needs_its_section(weights):
    with pytest.raises(RecipeError, match=r"the feature set 'stacked' needs the section 'model\.stacked'"):
        spoken_recipe(weights, model={"features": ["stacked"]})
