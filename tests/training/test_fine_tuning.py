"""Fine-tuning: learning rates by depth, frozen parts, memory, precision, LoRA and settings without effect."""

import copy
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from pipelines import Pipeline
from safetensors.torch import load_file
from tiny_corpora import TINY_NETWORK, spoken_recipe, tiny_corpus, tiny_recipe
from transformers import set_seed

from sentir import api
from sentir.corpus.corpus import Corpus
from sentir.errors import MissingDependencyError, RecipeError, SentirError
from sentir.models.audio_backbones import load_audio_backbone
from sentir.models.text_encoder import load_text_encoder
from sentir.readers import READERS
from sentir.recipe import ModelSettings, Recipe, TrainSettings
from sentir.recognizer.model_checks import check_model
from sentir.recognizer.recognizer import Recognizer
from sentir.testing import make_tiny_text_backbone
from sentir.training import callbacks, hardware
from sentir.training.fitting import fit
from sentir.training.losses import class_weights, encode_targets, make_loss
from sentir.training.optim import layer_lr_scales, parameter_groups
from sentir.training.recognizers import fit_recognizer
from sentir.training.setting_checks import check_settings, unused_settings
from sentir.training.trainer import train_model

pytestmark = pytest.mark.usefixtures("one_store")
TUNED = {"encoder": "finetune"}


def trained(corpus, weights, *, model=None, recipe=None, **train):
    """Train with an increasing dev score; return the model, its weights in each epoch, and the results."""
    recipe = recipe or tiny_recipe(weights, model=TUNED | (model or {}), train=train)
    set_seed(recipe.train.seed)
    space = corpus.label_space("emotion")
    pipeline = Pipeline(recipe, corpus.train)
    network = pipeline.build(space)
    seen = [copy.deepcopy(network.state_dict())]

    def dev_score():
        seen.append(copy.deepcopy(network.state_dict()))
        return float(len(seen))

    targets = encode_targets(space, [u.labels.get("emotion") for u in corpus.train])
    loss = make_loss(space, class_weights(space, targets, "none"))
    training = train_model(
        network, pipeline.transform(corpus.train), targets, settings=recipe.train, loss=loss, dev_score=dev_score
    )
    return network, seen, training


def close(one, other, tolerance=1e-5):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, atol=tolerance, rtol=tolerance)


# Learning rates


def test_learning_rates_decrease_towards_the_input():
    names = [
        "e.embeddings.weight",
        "e.layer.0.a",
        "e.layer.0.b.1.w",
        "e.layer.1.a",
        "e.layer.10.a",
        "e.norm.weight",
    ]
    scales = layer_lr_scales(names, 0.5)
    assert list(scales.values()) == [1 / 8, 1 / 4, 1 / 4, 1 / 2, 1, 1]
    assert set(layer_lr_scales(names, 1.0).values()) == {1.0}


@pytest.mark.parametrize("name", ["bert-base-uncased", "roberta-base", "xlnet-base-cased"])
def test_layers_of_each_kind_of_encoder_are_found(name, tmp_path):
    folder = make_tiny_text_backbone(name, tmp_path)
    encoder, _tokenizer, _spec = load_text_encoder(name, weights=str(folder))
    scales = layer_lr_scales([name for name, _parameter in encoder.named_parameters()], 0.5)
    by_scale = {scale: {n for n in scales if scales[n] == scale} for scale in scales.values()}
    assert sorted(by_scale) == [1 / 4, 1 / 2, 1]
    assert all("layer.0." in n for n in by_scale[1 / 2]) and all("layer.1." in n for n in by_scale[1])


def test_blocks_of_a_convolutional_network_are_layers():
    backbone = load_audio_backbone(TINY_NETWORK, pretrained=False)[0]
    scales = layer_lr_scales([name for name, _parameter in backbone.named_parameters()], 0.9)
    blocks = [next(scales[n] for n in scales if n.startswith(f"blocks.{k}.")) for k in range(3)]
    assert scales["conv_stem.weight"] == min(scales.values()) < blocks[0] < blocks[1] < blocks[2] <= 1


def test_layer_decay_applies_to_pretrained_layers_only(corpus, weights):
    recipe = tiny_recipe(weights, model=TUNED, train={"layer_decay": 0.1, "encoder_lr": 1e-3, "lr": 1e-2})
    pipeline = Pipeline(recipe, corpus.train)
    model = pipeline.build(corpus.label_space("emotion"))
    rates = {id(p): group["lr"] for group in parameter_groups(model, recipe.train) for p in group["params"]}
    for name, parameter in model.named_parameters():
        depth = 0 if "embeddings" in name else 1 if "layer.0." in name else 2
        expected = 1e-3 * 0.1 ** (2 - depth) if name.startswith("encoder.") else 1e-2
        assert rates[id(parameter)] == pytest.approx(expected), name


# Frozen parts


def test_weights_and_batch_statistics_of_a_frozen_part_change_only_after_it(spoken, weights, tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(1)
    path = tmp_path / "weights.safetensors"
    save_file(load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict(), path)
    audio = {"pretrained": True, "weights": str(path)}
    recipe = spoken_recipe(weights, model={"audio": audio}, train={"epochs": 2, "freeze_epochs": 1})
    _model, (start, frozen, unfrozen), _training = trained(spoken, weights, recipe=recipe)
    inside = [name for name in start if name.startswith("audio.backbone.")]
    assert any("running_mean" in name for name in inside)
    assert all(torch.equal(start[name], frozen[name]) for name in inside)
    assert not torch.equal(start["head.1.weight"], frozen["head.1.weight"])
    moved = [name for name in inside if not torch.equal(frozen[name], unfrozen[name])]
    assert any("running_mean" in name for name in moved) and any("conv" in name for name in moved)


# Memory


@pytest.fixture
def sgd(monkeypatch):
    """Use SGD: Adam makes rounding errors of gradients near 0 into full steps."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda groups, lr, fused: torch.optim.SGD(groups, lr=lr))


def uneven(u):
    """Dialogues of 1 to 5 turns, some without a label, so that micro-batches differ in both."""
    is_kept = u.turn < 1 + int(u.dialogue.rpartition("dia")[2]) % 5
    return None if not is_kept else replace(u, labels={}) if u.turn == 1 else u


@pytest.mark.parametrize("parts", [2, 3, 4, 7])
@pytest.mark.parametrize("context", ["none", "dialogue"])
@pytest.mark.usefixtures("sgd")
def test_micro_batches_give_the_same_weights(context, parts, no_dropout):
    full = tiny_corpus()
    rows = [*filter(None, map(uneven, full.train)), *full.dev]
    corpus = Corpus.build("uneven", rows, full.label_spaces.values())
    (_m, whole, first), (_n, split, second) = (
        trained(
            corpus, no_dropout, model={"context": context}, batch_size=9, micro_batches=n, lr=0.1, encoder_lr=0.1
        )
        for n in (1, parts)
    )
    close(whole[-1], split[-1])
    assert not torch.equal(whole[0]["head.1.weight"], whole[-1]["head.1.weight"])
    assert [p["loss"] for p in second.history] == pytest.approx([p["loss"] for p in first.history], abs=1e-5)


@pytest.mark.usefixtures("sgd")
def test_micro_batches_of_batches_by_length_give_the_same_weights(corpus, no_dropout):
    (_m, whole, _t), (_n, parts, _u) = (
        trained(corpus, no_dropout, batch_size=8, group_by_length=True, micro_batches=n, lr=0.1, encoder_lr=0.1)
        for n in (1, 2)
    )
    close(whole[-1], parts[-1])


def test_gradient_checkpointing_gives_the_same_weights(corpus, weights):
    (_m, plain, _t), (_n, checkpointed, _u) = (
        trained(corpus, weights, model={"dropout": 0.2}, gradient_checkpointing=on) for on in (False, True)
    )
    close(plain[-1], checkpointed[-1], 1e-6)


# Precision


def test_bfloat16_is_used_in_training_and_not_for_dev(corpus, weights, tmp_path):
    dtypes = set()

    class RecordTypes(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            found = function(*args, **(kwargs or {}))
            if function is torch.nn.functional.linear:
                dtypes.add((found.dtype, torch.is_grad_enabled()))
            return found

    recipe = tiny_recipe(weights, model=TUNED, train={"precision": "bfloat16", "epochs": 2})
    with RecordTypes():
        recognizer, dev = fit_recognizer(recipe, corpus)
    assert (torch.bfloat16, True) in dtypes and (torch.bfloat16, False) not in dtypes
    recognizer.save_pretrained(tmp_path)
    found = Recognizer.from_pretrained(tmp_path).predict_utterances(corpus.dev)
    np.testing.assert_allclose(found.probabilities, dev.probabilities, atol=1e-6)
    plain, _dev = fit_recognizer(recipe.override({"train": {"precision": "auto"}}), corpus)
    assert not torch.equal(*(r.model.state_dict()["head.1.weight"] for r in (recognizer, plain)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_an_unsupported_precision_is_an_error(corpus, weights):
    with pytest.raises(
        RecipeError, match=r"'train\.precision = float16' is not supported on this machine \(cpu\)"
    ):
        fit(tiny_recipe(weights, train={"precision": "float16"}), corpus)
    assert hardware.resolve_mixed_precision("auto") == "no"


def test_deterministic_algorithms_are_used_in_training_and_give_the_same_on_a_cpu(corpus, weights, monkeypatch):
    seen, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self, *a, **k: seen.append(torch.are_deterministic_algorithms_enabled()) or step(self, *a, **k),
    )
    plain, deterministic = (trained(corpus, weights, deterministic=on)[1][-1] for on in (False, True))
    assert set(seen[: len(seen) // 2]) == {False} and set(seen[len(seen) // 2 :]) == {True}
    assert not torch.are_deterministic_algorithms_enabled()
    close(plain, deterministic, 0)


def test_an_operation_that_is_not_deterministic_is_an_error():
    with (
        pytest.raises(SentirError, match=r"train\.deterministic=false"),
        hardware.use_deterministic_algorithms(True),
    ):
        raise RuntimeError("thing_cuda does not have a deterministic implementation. More. Text.")
    assert not torch.are_deterministic_algorithms_enabled()


# LoRA


def test_only_adapters_are_trained_and_merged_before_dev_is_predicted(corpus, weights, tmp_path, monkeypatch):
    train = {"epochs": 2, "encoder_lr": 0.01}
    recipe = tiny_recipe(weights, model={"encoder": "lora", "lora": {"rank": 2}}, train=train)
    recognizer, dev = fit_recognizer(recipe, corpus)
    assert not any("lora" in name for name in recognizer.model.state_dict())
    before, after = load_file(weights / "model.safetensors"), recognizer.model.encoder.transformer.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("query" in name for name in moved)
    assert all(name.endswith("weight") and before[name].ndim == 2 for name in moved)
    assert not any("embeddings" in name for name in moved)
    rank = torch.linalg.matrix_rank(after[(name := min(moved))] - before[name], rtol=1e-3)
    assert rank <= 2
    recognizer.save_pretrained(tmp_path)
    monkeypatch.setitem(sys.modules, "peft", None)
    loaded = Recognizer.from_pretrained(tmp_path).predict_utterances(corpus.dev)
    np.testing.assert_allclose(loaded.probabilities, dev.probabilities, atol=1e-6)


@pytest.mark.parametrize("name", ["bert-base-uncased", "xlnet-base-cased"])
def test_other_kinds_of_encoders_have_adapters(name, corpus, tmp_path):
    folder = make_tiny_text_backbone(name, tmp_path, [u.text for u in corpus])
    model = {"backbone": name, "encoder": "lora"}
    recipe = tiny_recipe(folder, model=model, train={"epochs": 1, "gradient_checkpointing": name[0] == "b"})
    assert fit(recipe, corpus).training.history


def test_lora_without_peft_is_an_error(corpus, weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingDependencyError, match=r"needs peft; install with: pip install 'sentir\[lora\]'"):
        fit(tiny_recipe(weights, model={"encoder": "lora"}), corpus)


# Settings without effect


@pytest.mark.parametrize(
    ("train", "what"),
    [
        ({"layer_decay": 0.9}, "a fine-tuned pretrained part"),
        ({"freeze_epochs": 1}, "a fine-tuned pretrained part"),
        ({"gradient_checkpointing": True}, "a fine-tuned text or speech encoder"),
        ({"group_by_length": True}, "a fine-tuned text encoder"),
    ],
)
def test_a_train_setting_without_effect_is_refused(train, what, corpus, weights):
    (key,) = train
    with pytest.raises(RecipeError, match=f"'train.{key}' has no effect here: it needs {what}; remove it"):
        fit(tiny_recipe(weights, train=train), corpus)
    check_settings(tiny_recipe(weights, model=TUNED, train=train), corpus.label_space("emotion"))


@pytest.mark.parametrize(
    ("model", "what", "required"),
    [
        ({"window": 5}, "model.context = window", {"context": "window"}),
        ({"window_speakers": False}, "model.context = window", {"context": "window"}),
        ({"dialogue": {"direction": "causal"}}, "model.context = dialogue", {"context": "dialogue"}),
        ({"fusion": "concat"}, "a model of text and audio", {"kind": "multimodal"}),
        ({"modality_dropout": 0.3}, "a model of text and audio", {"kind": "multimodal"}),
        ({"lora": {"rank": 4}}, "model.encoder = lora", {"encoder": "lora"}),
    ],
)
def test_a_model_setting_without_effect_is_refused(model, what, required, corpus, weights):
    (key,) = model
    with pytest.raises(RecipeError, match=f"'model.{key}' has no effect here: it needs {what}; remove it"):
        fit(tiny_recipe(weights, model=model), corpus)
    check_settings(tiny_recipe(weights, model=model | required), corpus.label_space("emotion"))


def test_token_pooling_is_refused_for_a_model_of_audio():
    model = {"token_pooling": ["mean", "max"]}
    unused = unused_settings(ModelSettings(kind="emotion_model", **model), TrainSettings())
    assert unused == {"model.token_pooling": "a model of text"}
    assert not unused_settings(ModelSettings(**model), TrainSettings())


def test_a_causal_context_refuses_features_of_later_turns(corpus, weights):
    model = {"context": "dialogue", "dialogue": {"direction": "causal"}, "features": ["dialogue", "lexical"]}
    with pytest.raises(RecipeError, match=r"counts them; remove it from 'model\.features'"):
        fit(tiny_recipe(weights, model=model), corpus)


USE_LATER_TURNS = (
    {"context": "dialogue"},
    {"features": ["dialogue"]},
    {"context": "window", "window_right": 1, "window_separators": True},
    {"features": ["stacked"], "stacked": {"model": {"context": "dialogue"}}},
)


@pytest.mark.parametrize("inner", USE_LATER_TURNS)
def test_a_causal_context_refuses_a_stacked_model_that_uses_later_turns(inner, corpus, weights):
    model = {"context": "dialogue", "dialogue": {"direction": "causal"}, "features": ["stacked"]}
    with pytest.raises(RecipeError, match="later turns, but the stacked model uses them"):
        fit(tiny_recipe(weights, model=model | {"stacked": {"model": inner}}), corpus)


@pytest.mark.parametrize(
    "inner", [{}, {"context": "dialogue", "dialogue": {"direction": "causal"}}, {"context": "window"}]
)
def test_a_causal_context_may_stack_on_a_causal_model(inner):
    stacked = {"features": ["stacked"], "stacked": {"model": inner}}
    check_model(ModelSettings(context="dialogue", dialogue={"direction": "causal"}, **stacked))


def test_a_batch_has_no_more_micro_batches_than_utterances(corpus, weights):
    with pytest.raises(RecipeError, match=r"'train.micro_batches' = 9 is more than 'train.batch_size' = 8"):
        fit(tiny_recipe(weights, train={"batch_size": 8, "micro_batches": 9}), corpus)


def test_augmentation_is_refused_for_a_model_of_text(corpus, weights):
    recipe = tiny_recipe(weights, train={"augment": {"gain_db": 3.0}})
    with pytest.raises(
        RecipeError, match=r"'train\.augment' has no effect here: it needs a fine-tuned network on mel"
    ):
        check_settings(recipe, corpus.label_space("emotion"))


def test_rdrop_without_dropout_is_refused(corpus, weights):
    same = tiny_recipe(weights, model={"dropout": 0.0}, train={"rdrop": 1.0})
    with pytest.raises(RecipeError, match=r"'train\.rdrop' has no effect here: it needs model\.dropout > 0"):
        fit(same, corpus)
    check_settings(same.override({"model": {"dropout": 0.1}}), corpus.label_space("emotion"))


def test_rdrop_changes_the_model_reproducibly(corpus, weights):
    plain, rdrop, repeated = (
        fit(tiny_recipe(weights, model={"dropout": 0.5}, train=train), corpus).dev_predictions.probabilities
        for train in ({}, {"rdrop": 4.0}, {"rdrop": 4.0})
    )
    np.testing.assert_array_equal(rdrop, repeated)
    assert not np.allclose(plain, rdrop)


def test_logit_adjustment_is_refused_for_a_multi_label_task(corpus, weights):
    recipe = tiny_recipe(weights, data={"task": "feelings"}, train={"logit_adjustment": 1.0})
    with pytest.raises(RecipeError, match="a single-label task"):
        fit(recipe, corpus)


# All settings, and facts


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_all_settings_can_be_used_together(task, corpus, weights):
    train = {
        "loss": "focal",
        "label_smoothing": 0.1,
        "class_weights": "sqrt",
        "sampling": "balanced",
        "layer_decay": 0.8,
        "freeze_epochs": 1,
        "micro_batches": 2,
        "group_by_length": True,
        "gradient_checkpointing": True,
        "precision": "bfloat16",
        "deterministic": True,
        "ema_decay": 0.9,
        "rdrop": 1.0,
    }
    train |= {"logit_adjustment": 1.0} if task == "emotion" else {}
    recipe = tiny_recipe(weights, data={"task": task}, model=TUNED | {"context": "dialogue"}, train=train)
    assert len(fit(recipe, corpus).training.history) == 2


def test_each_setting_changes_the_digest(weights):
    recipe = tiny_recipe(weights)
    changes = ({"loss": "focal"}, {"micro_batches": 2}, {"group_by_length": True}, {"sampling": "balanced"})
    assert len({recipe.digest(), *(recipe.override({"train": change}).digest() for change in changes)}) == 5


def test_facts_have_throughput_and_missing_modalities(spoken, weights):
    incomplete = {u.id for u in spoken.train[:2]}
    utterances = tuple(replace(u, clip=None, text="") if u.id in incomplete else u for u in spoken)
    corpus = replace(spoken, utterances=utterances)
    model = {"kind": "multimodal", "encoder": "frozen"}
    recognizer, _dev = fit_recognizer(spoken_recipe(weights, model=model), corpus)
    assert recognizer.facts["missing_modalities"] == {"train": {"text": 2, "audio": 2}, "dev": {}}
    throughput = recognizer.facts["throughput"]
    assert throughput["utterances_per_second"] == pytest.approx(60 / throughput["seconds"], rel=0.1)
    assert throughput["peak_memory_mb"] > 50
    json.dumps(recognizer.facts)


def test_curves_are_logged_for_tensorboard(corpus, weights, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, train={"epochs": 3})
    recognizer, _scores = api.train(
        recipe, root=tmp_path, out=tmp_path / "model", tensorboard=tmp_path / "curves"
    )
    (folder,) = (tmp_path / "curves").iterdir()
    events = EventAccumulator(str(folder))
    events.Reload()
    scores = [(event.step, event.value) for event in events.Scalars("score")]
    assert scores == [(one["epoch"], pytest.approx(one["score"])) for one in recognizer.facts["history"]]
    assert {"loss", "learning_rate", "utterances_per_second"} <= set(events.Tags()["scalars"])


def test_missing_tensorboard_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with (
        pytest.raises(MissingDependencyError, match=r"pip install 'sentir\[tensorboard\]'"),
        callbacks.log_to_tensorboard(tmp_path),
    ):
        pass


def test_the_losses_of_the_thesis_recipes(pytestconfig):
    recipes = pytestconfig.rootpath / "recipes"
    meld, mosei = (Recipe.load(recipes / f"thesis-{name}.toml") for name in ("meld", "mosei"))
    assert (meld.train.loss, meld.train.class_weights) == ("focal", "inverse")
    assert (mosei.train.loss, mosei.train.class_weights) == ("cross_entropy", "inverse")
