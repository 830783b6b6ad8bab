"""Fine-tuning: rates by depth, parts that stay still, less memory for the same result, adapters, curves."""

import copy
import json
import shutil
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
from sentir.errors import RecipeError, SentirError
from sentir.models import lora
from sentir.models.audio_backbones import load_audio_backbone
from sentir.models.text_encoder import load_text_encoder
from sentir.preprocessing.kinds import check_model
from sentir.readers import READERS
from sentir.recipe import ModelSettings, Recipe, TrainSettings
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
    """Train with a dev score that only counts; return the model, its weights by epoch, and facts."""
    recipe = recipe or tiny_recipe(weights, model=TUNED | (model or {}), train=train)
    set_seed(recipe.train.seed)
    space = corpus.label_space("emotion")
    preparer = Pipeline(recipe, corpus.train)
    network = preparer.build(space)
    seen = [copy.deepcopy(network.state_dict())]

    def dev_score():
        seen.append(copy.deepcopy(network.state_dict()))
        return float(len(seen))

    targets = encode_targets(space, [u.labels.get("emotion") for u in corpus.train])
    loss = make_loss(space, class_weights(space, targets, "none"))
    training = train_model(
        network, preparer.transform(corpus.train), targets, settings=recipe.train, loss=loss, dev_score=dev_score
    )
    return network, seen, training


def close(one, other, tolerance=1e-5):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, atol=tolerance, rtol=tolerance)


# Rates


def test_rates_fall_from_layer_to_layer_towards_the_input():
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
def test_every_kind_of_encoder_has_its_layers_found(name, tmp_path):
    folder = make_tiny_text_backbone(name, tmp_path)
    encoder, _tokenizer, _spec = load_text_encoder(name, weights=str(folder))
    scales = layer_lr_scales([name for name, _parameter in encoder.named_parameters()], 0.5)
    by_scale = {scale: {n for n in scales if scales[n] == scale} for scale in scales.values()}
    assert sorted(by_scale) == [1 / 4, 1 / 2, 1]
    assert all("layer.0." in n for n in by_scale[1 / 2]) and all("layer.1." in n for n in by_scale[1])


def test_the_blocks_of_a_convolutional_network_are_its_layers():
    backbone = load_audio_backbone(TINY_NETWORK, pretrained=False)[0]
    scales = layer_lr_scales([name for name, _parameter in backbone.named_parameters()], 0.9)
    blocks = [next(scales[n] for n in scales if n.startswith(f"blocks.{k}.")) for k in range(3)]
    assert scales["conv_stem.weight"] == min(scales.values()) < blocks[0] < blocks[1] < blocks[2] <= 1


def test_layer_decay_moves_low_layers_less_and_leaves_new_layers_their_rate(corpus, weights):
    recipe = tiny_recipe(weights, model=TUNED, train={"layer_decay": 0.1, "encoder_lr": 1e-3, "lr": 1e-2})
    preparer = Pipeline(recipe, corpus.train)
    model = preparer.build(corpus.label_space("emotion"))
    rates = {id(p): group["lr"] for group in parameter_groups(model, recipe.train) for p in group["params"]}
    for name, parameter in model.named_parameters():
        depth = 0 if "embeddings" in name else 1 if "layer.0." in name else 2
        expected = 1e-3 * 0.1 ** (2 - depth) if name.startswith("encoder.") else 1e-2
        assert rates[id(parameter)] == pytest.approx(expected), name


# Frozen parts


def test_batch_statistics_and_weights_of_a_frozen_part_do_not_move_and_do_afterwards(spoken, weights, tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(1)
    path = tmp_path / "weights.safetensors"
    save_file(load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict(), path)
    audio = {"pretrained": True, "weights": str(path)}
    recipe = spoken_recipe(weights, model={"audio": audio}, train={"epochs": 2, "freeze_epochs": 1})
    _model, (start, frozen, thawed), _training = trained(spoken, weights, recipe=recipe)
    inside = [name for name in start if name.startswith("audio.backbone.")]
    assert any("running_mean" in name for name in inside)
    assert all(torch.equal(start[name], frozen[name]) for name in inside)
    assert not torch.equal(start["head.1.weight"], frozen["head.1.weight"])
    moved = [name for name in inside if not torch.equal(frozen[name], thawed[name])]
    assert any("running_mean" in name for name in moved) and any("conv" in name for name in moved)


# The same in less memory


@pytest.fixture(scope="module")
def still(weights, tmp_path_factory):
    """The tiny encoder without its own dropout."""
    folder = shutil.copytree(weights, tmp_path_factory.mktemp("still") / "weights")
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def plain_descent(monkeypatch):
    """Steps as large as the gradient: Adam makes rounding of a gradient near 0 into whole steps."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda groups, lr, fused: torch.optim.SGD(groups, lr=lr))


def uneven(u):
    """Dialogues of 1 to 5 turns, and turns without a label, so that parts hold unlike many of both."""
    kept = u.turn < 1 + int(u.dialogue.rpartition("dia")[2]) % 5
    return None if not kept else replace(u, labels={}) if u.turn == 1 else u


@pytest.mark.parametrize("parts", [2, 3, 4, 7])
@pytest.mark.parametrize("context", ["none", "dialogue"])
@pytest.mark.usefixtures("plain_descent")
def test_a_batch_in_parts_teaches_what_it_teaches_whole(context, parts, still):
    every = tiny_corpus()
    rows = [*filter(None, map(uneven, every.train)), *every.dev]
    corpus = Corpus.build("uneven", rows, every.label_spaces.values())
    (_m, whole, first), (_n, cut, second) = (
        trained(corpus, still, model={"context": context}, batch_size=9, micro_batches=n, lr=0.1, encoder_lr=0.1)
        for n in (1, parts)
    )
    close(whole[-1], cut[-1])
    assert not torch.equal(whole[0]["head.1.weight"], whole[-1]["head.1.weight"])
    assert [p["loss"] for p in second.history] == pytest.approx([p["loss"] for p in first.history], abs=1e-5)


@pytest.mark.usefixtures("plain_descent")
def test_sorted_batches_in_parts_are_the_same_steps(corpus, still):
    (_m, whole, _t), (_n, parts, _u) = (
        trained(corpus, still, batch_size=8, group_by_length=True, micro_batches=n, lr=0.1, encoder_lr=0.1)
        for n in (1, 2)
    )
    close(whole[-1], parts[-1])


def test_checkpointed_activations_give_the_same_gradients(corpus, weights):
    (_m, kept, _t), (_n, again, _u) = (
        trained(corpus, weights, model={"dropout": 0.2}, gradient_checkpointing=on) for on in (False, True)
    )
    close(kept[-1], again[-1], 1e-6)


# Precision


def test_bfloat16_trains_in_it_and_scores_dev_as_the_saved_model_will(corpus, weights, tmp_path):
    kinds = set()

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            found = function(*args, **(kwargs or {}))
            if function is torch.nn.functional.linear:
                kinds.add((found.dtype, torch.is_grad_enabled()))
            return found

    recipe = tiny_recipe(weights, model=TUNED, train={"precision": "bfloat16", "epochs": 2})
    with Watch():
        recognizer, dev = fit_recognizer(recipe, corpus)
    assert (torch.bfloat16, True) in kinds and (torch.bfloat16, False) not in kinds
    recognizer.save_pretrained(tmp_path)
    found = Recognizer.from_pretrained(tmp_path).predict_utterances(corpus.dev)
    np.testing.assert_allclose(found.probabilities, dev.probabilities, atol=1e-6)
    plain, _dev = fit_recognizer(recipe.override({"train": {"precision": "auto"}}), corpus)
    assert not torch.equal(*(r.model.state_dict()["head.1.weight"] for r in (recognizer, plain)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_precision_that_the_machine_has_not_is_one_sentence(corpus, weights):
    with pytest.raises(RecipeError, match=r"'train\.precision = float16' cannot be used on this machine \(cpu\)"):
        fit(tiny_recipe(weights, train={"precision": "float16"}), corpus)
    assert hardware.resolve_mixed_precision("auto") == "no"


def test_the_determinism_switch_holds_while_it_trains_and_gives_the_same_on_a_cpu(corpus, weights, monkeypatch):
    seen, hold = [], torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self, *a, **k: seen.append(torch.are_deterministic_algorithms_enabled()) or hold(self, *a, **k),
    )
    plain, switched = (trained(corpus, weights, deterministic=on)[1][-1] for on in (False, True))
    assert set(seen[: len(seen) // 2]) == {False} and set(seen[len(seen) // 2 :]) == {True}
    assert not torch.are_deterministic_algorithms_enabled()
    close(plain, switched, 0)


def test_an_operation_that_is_never_deterministic_is_one_sentence():
    with (
        pytest.raises(SentirError, match=r"train\.deterministic=false"),
        hardware.use_deterministic_algorithms(True),
    ):
        raise RuntimeError("thing_cuda does not have a deterministic implementation. Set this. Or that.")
    assert not torch.are_deterministic_algorithms_enabled()


# Adapters


def test_adapters_alone_learn_and_are_merged_before_dev_is_predicted(corpus, weights, tmp_path, monkeypatch):
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
    monkeypatch.setattr(lora, "require_peft", lambda: pytest.fail("peft was asked for"))
    again = Recognizer.from_pretrained(tmp_path).predict_utterances(corpus.dev)
    np.testing.assert_allclose(again.probabilities, dev.probabilities, atol=1e-6)


@pytest.mark.parametrize("name", ["bert-base-uncased", "xlnet-base-cased"])
def test_other_kinds_of_encoders_take_adapters(name, corpus, tmp_path):
    folder = make_tiny_text_backbone(name, tmp_path, [u.text for u in corpus])
    model = {"backbone": name, "encoder": "lora"}
    recipe = tiny_recipe(folder, model=model, train={"epochs": 1, "gradient_checkpointing": name[0] == "b"})
    assert fit(recipe, corpus).training.history


def test_without_peft_adapters_are_one_sentence(corpus, weights, monkeypatch):
    monkeypatch.setattr(lora.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        RecipeError, match=r"needs the package peft; install it with: pip install 'sentir\[lora\]'"
    ):
        fit(tiny_recipe(weights, model={"encoder": "lora"}), corpus)


# Settings that do nothing


@pytest.mark.parametrize(
    ("train", "what"),
    [
        ({"layer_decay": 0.9}, "a pretrained part that is fine-tuned"),
        ({"freeze_epochs": 1}, "a pretrained part that is fine-tuned"),
        ({"gradient_checkpointing": True}, "a text or speech encoder that is fine-tuned"),
        ({"group_by_length": True}, "a text encoder that is fine-tuned"),
    ],
)
def test_a_setting_without_anything_to_do_is_refused(train, what, corpus, weights):
    (key,) = train
    with pytest.raises(RecipeError, match=f"'train.{key}' does nothing here: it needs {what}; remove it"):
        fit(tiny_recipe(weights, train=train), corpus)
    check_settings(tiny_recipe(weights, model=TUNED, train=train), corpus.label_space("emotion"))


@pytest.mark.parametrize(
    ("model", "what", "works"),
    [
        ({"window": 5}, "model.context = window", {"context": "window"}),
        ({"window_speakers": False}, "model.context = window", {"context": "window"}),
        ({"dialogue": {"direction": "causal"}}, "model.context = dialogue", {"context": "dialogue"}),
        ({"fusion": "concat"}, "a model that reads and listens", {"kind": "multimodal"}),
        ({"modality_dropout": 0.3}, "a model that reads and listens", {"kind": "multimodal"}),
        ({"lora": {"rank": 4}}, "model.encoder = lora", {"encoder": "lora"}),
    ],
)
def test_a_part_of_the_network_without_anything_to_do_is_refused(model, what, works, corpus, weights):
    (key,) = model
    with pytest.raises(RecipeError, match=f"'model.{key}' does nothing here: it needs {what}; remove it"):
        fit(tiny_recipe(weights, model=model), corpus)
    check_settings(tiny_recipe(weights, model=model | works), corpus.label_space("emotion"))


def test_how_tokens_are_pooled_is_refused_for_a_model_that_only_listens():
    model = {"token_pooling": ["mean", "max"]}
    listens = unused_settings(ModelSettings(kind="emotion_model", **model), TrainSettings())
    assert listens == {"model.token_pooling": "a model that reads"} and not unused_settings(
        ModelSettings(**model), TrainSettings()
    )


def test_a_context_of_the_past_gets_no_features_that_know_what_follows(corpus, weights):
    model = {"context": "dialogue", "dialogue": {"direction": "causal"}, "features": ["dialogue", "lexical"]}
    with pytest.raises(RecipeError, match=r"tells how many turns do; remove it from 'model\.features'"):
        fit(tiny_recipe(weights, model=model), corpus)


AHEAD = (
    {"context": "dialogue"},
    {"features": ["dialogue"]},
    {"context": "window", "window_right": 1, "window_separators": True},
    {"features": ["stacked"], "stacked": {"model": {"context": "dialogue"}}},
)


@pytest.mark.parametrize("inner", AHEAD)
def test_a_context_of_the_past_gets_no_stacked_model_that_looks_ahead(inner, corpus, weights):
    model = {"context": "dialogue", "dialogue": {"direction": "causal"}, "features": ["stacked"]}
    with pytest.raises(RecipeError, match="the stacked model looks at later turns"):
        fit(tiny_recipe(weights, model=model | {"stacked": {"model": inner}}), corpus)


@pytest.mark.parametrize(
    "inner", [{}, {"context": "dialogue", "dialogue": {"direction": "causal"}}, {"context": "window"}]
)
def test_a_context_of_the_past_may_stack_on_what_knows_no_more(inner):
    stacked = {"features": ["stacked"], "stacked": {"model": inner}}
    check_model(ModelSettings(context="dialogue", dialogue={"direction": "causal"}, **stacked))


def test_a_batch_has_no_more_parts_than_utterances(corpus, weights):
    with pytest.raises(RecipeError, match=r"'train.micro_batches' = 9 is more than 'train.batch_size' = 8"):
        fit(tiny_recipe(weights, train={"batch_size": 8, "micro_batches": 9}), corpus)


def test_changes_of_sound_are_refused_for_a_model_that_only_reads(corpus, weights):
    recipe = tiny_recipe(weights, train={"augment": {"gain_db": 3.0}})
    with pytest.raises(RecipeError, match=r"'train\.augment' does nothing here: it needs a network over mels"):
        check_settings(recipe, corpus.label_space("emotion"))


def test_two_passes_that_no_dropout_makes_different_are_refused(corpus, weights):
    same = tiny_recipe(weights, model={"dropout": 0.0}, train={"rdrop": 1.0})
    with pytest.raises(RecipeError, match=r"'train\.rdrop' does nothing here: it needs model\.dropout > 0"):
        fit(same, corpus)
    check_settings(same.override({"model": {"dropout": 0.1}}), corpus.label_space("emotion"))


def test_two_passes_are_learned_from_together(corpus, weights):
    once, agreeing, again = (
        fit(tiny_recipe(weights, model={"dropout": 0.5}, train=train), corpus).dev_predictions.probabilities
        for train in ({}, {"rdrop": 4.0}, {"rdrop": 4.0})
    )
    np.testing.assert_array_equal(agreeing, again)
    assert not np.allclose(once, agreeing)


def test_logit_adjustment_of_several_labels_is_refused_for_thresholds_do_it(corpus, weights):
    recipe = tiny_recipe(weights, data={"task": "feelings"}, train={"logit_adjustment": 1.0})
    with pytest.raises(RecipeError, match="one label per utterance"):
        fit(recipe, corpus)


# Everything at once, and what is said of it


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_every_setting_can_be_used_together(task, corpus, weights):
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


def test_every_setting_reaches_the_digest(weights):
    recipe = tiny_recipe(weights)
    changes = ({"loss": "focal"}, {"micro_batches": 2}, {"group_by_length": True}, {"sampling": "balanced"})
    assert len({recipe.digest(), *(recipe.override({"train": change}).digest() for change in changes)}) == 5


def test_a_training_says_how_fast_it_was_and_what_was_unusable(spoken, weights):
    lost = {u.id for u in spoken.train[:2]}
    holes = tuple(replace(u, clip=None, text="") if u.id in lost else u for u in spoken)
    corpus = replace(spoken, utterances=holes)
    model = {"kind": "multimodal", "encoder": "frozen"}
    recognizer, _dev = fit_recognizer(spoken_recipe(weights, model=model), corpus)
    assert recognizer.facts["missing_modalities"] == {"train": {"text": 2, "audio": 2}, "dev": {}}
    speed = recognizer.facts["throughput"]
    assert speed["utterances_per_second"] == pytest.approx(60 / speed["seconds"], rel=0.1)
    assert speed["peak_memory_mb"] > 50
    json.dumps(recognizer.facts)


def test_curves_are_written_for_tensorboard(corpus, weights, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: corpus)
    recipe = tiny_recipe(weights, data={"reader": "tiny"}, train={"epochs": 3})
    recognizer, _scores = api.train(
        recipe, root=tmp_path, out=tmp_path / "model", tensorboard=tmp_path / "curves"
    )
    (folder,) = (tmp_path / "curves").iterdir()
    found = EventAccumulator(str(folder))
    found.Reload()
    scores = [(event.step, event.value) for event in found.Scalars("score")]
    assert scores == [(p["epoch"], pytest.approx(p["score"])) for p in recognizer.facts["history"]]
    assert {"loss", "learning_rate", "utterances_per_second"} <= set(found.Tags()["scalars"])


def test_without_tensorboard_curves_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks.importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(SentirError, match=r"pip install 'sentir\[tensorboard\]'"),
        callbacks.log_to_tensorboard(tmp_path),
    ):
        pass


def test_the_thesis_recipes_use_focal_loss_with_class_weights_and_presence_weights(pytestconfig):
    recipes = pytestconfig.rootpath / "recipes"
    meld, mosei = (Recipe.load(recipes / f"thesis-{name}.toml") for name in ("meld", "mosei"))
    assert (meld.train.loss, meld.train.class_weights) == ("focal", "inverse")
    assert (mosei.train.loss, mosei.train.class_weights) == ("cross_entropy", "inverse")
