"""Training: parameter groups, frozen epochs, the weights of the best epoch, and reproducibility."""

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pipelines import Pipeline
from safetensors import SafetensorError
from tiny_corpora import tiny_corpus, tiny_recipe
from transformers import set_seed

from sentir.errors import SentirError
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.recipe import TrainSettings
from sentir.training.losses import class_weights, encode_targets, make_loss
from sentir.training.optim import parameter_groups
from sentir.training.trainer import train_model


class Run:
    """A training with given dev scores, which records the weights that are scored."""

    def __init__(self, corpus, weights, scores=(0.1, 0.2), *, model=None, train=None, unlabeled=()):
        settings = {"epochs": len(scores), "encoder_lr": 0.003} | (train or {})
        recipe = tiny_recipe(weights, model={"encoder": "finetune"} | (model or {}), train=settings)
        set_seed(recipe.train.seed)
        space = corpus.label_space("emotion")
        pipeline = Pipeline(recipe, corpus.train)
        self.model = pipeline.build(space)
        self.start = copy.deepcopy(self.model.state_dict())
        self.seen = []
        remaining = iter(scores)

        def dev_score():
            self.seen.append(copy.deepcopy(self.model.state_dict()))
            return next(remaining)

        labels = [None if u.id in unlabeled else u.labels["emotion"] for u in corpus.train]
        targets = encode_targets(space, labels)
        self.training = train_model(
            self.model,
            pipeline.transform(corpus.train),
            targets,
            settings=recipe.train,
            loss=make_loss(space, class_weights(space, targets, "none")),
            dev_score=dev_score,
        )


def changed(before, after, prefix):
    """Return the names of changed parameters with a prefix."""
    return {name for name in before if name.startswith(prefix) and not torch.equal(before[name], after[name])}


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
def test_each_parameter_is_in_one_group_with_its_learning_rate_and_weight_decay(encoder, corpus, weights):
    recipe = tiny_recipe(weights, model={"encoder": encoder, "context": "dialogue", "features": ["lexical"]})
    pipeline = Pipeline(recipe, corpus.train)
    model = pipeline.build(corpus.label_space("emotion"))
    groups = parameter_groups(model, recipe.train)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
    settings = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        inside = name.startswith("encoder.")
        decays = not any(part in name for part in ("bias", "layer_logits", "LayerNorm"))
        rate, decay = settings[id(parameter)]
        assert rate == (recipe.train.encoder_lr if inside else recipe.train.lr), name
        assert decay == (recipe.train.weight_decay if decays else 0), name
    assert any(name.startswith("encoder.") for name, _p in model.named_parameters()) == (encoder == "finetune")


def test_the_model_has_the_weights_of_the_best_epoch(corpus, weights):
    run = Run(corpus, weights, [0.2, 0.9, 0.3, 0.8], train={"patience": 4})
    assert equal(run.model.state_dict(), run.seen[1])
    assert not equal(run.model.state_dict(), run.seen[3])
    assert (run.training.best_epoch, run.training.best_score) == (2, 0.9)
    assert [one["score"] for one in run.training.history] == [0.2, 0.9, 0.3, 0.8]
    assert [one["epoch"] for one in run.training.history] == [1, 2, 3, 4]


def test_it_stops_when_patience_ends(corpus, weights):
    run = Run(corpus, weights, [0.2, 0.9, 0.3, 0.9, 0.95, 0.99], train={"patience": 2})
    assert len(run.seen) == 4 and equal(run.model.state_dict(), run.seen[1])


def test_epochs_of_a_small_train_split_have_several_passes_until_min_steps(corpus, weights):
    train = {"batch_size": 8, "min_steps": 20, "freeze_epochs": 1}  # 4 steps a pass
    run = Run(corpus, weights, (0.1, 0.2), train=train)
    assert [one["epoch"] for one in run.training.history] == [3, 6] and run.training.best_epoch == 6
    assert not changed(run.start, run.seen[0], "encoder.") and changed(run.seen[0], run.seen[1], "encoder.")


def test_patience_counts_how_often_dev_was_scored(corpus, weights):
    run = Run(corpus, weights, (0.2, 0.1, 0.1, 0.1), train={"batch_size": 8, "min_steps": 32, "patience": 1})
    assert [one["epoch"] for one in run.training.history] == [2, 4]


@given(st.integers(1, 100), st.integers(1, 5000), st.integers(0, 10_000))
def test_passes_per_epoch_are_the_fewest_that_reach_min_steps(epochs, steps, minimum):
    passes = TrainSettings(epochs=epochs, min_steps=minimum).passes_per_epoch(steps)
    assert passes * epochs * steps >= minimum
    assert passes == 1 or (passes - 1) * epochs * steps < minimum


def test_a_dev_score_that_never_improves_keeps_the_first_epoch(corpus, weights):
    run = Run(corpus, weights, [0.0, 0.0, 0.0], train={"patience": 2})
    assert len(run.seen) == 3 and equal(run.model.state_dict(), run.seen[0])
    assert run.training.best_epoch == 1


def test_the_encoder_does_not_change_in_frozen_epochs(corpus, weights):
    run = Run(corpus, weights, [0.1, 0.2, 0.3], train={"freeze_epochs": 2})
    assert changed(run.start, run.seen[0], "head") and changed(run.seen[0], run.seen[1], "head")
    assert not changed(run.start, run.seen[1], "encoder")
    assert changed(run.seen[1], run.seen[2], "encoder")


def test_a_fine_tuned_encoder_changes_from_the_first_epoch(corpus, weights):
    run = Run(corpus, weights, [0.1])
    moved = changed(run.start, run.seen[0], "encoder")
    assert any("layer.0" in name for name in moved) and any("layer.1" in name for name in moved)


def test_the_train_loss_decreases(corpus, weights):
    run = Run(corpus, weights, [n / 10 for n in range(8)], train={"schedule": "constant"})
    losses = [one["loss"] for one in run.training.history]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("context", ["none", "dialogue"])
def test_weights_depend_on_the_seed(context, corpus, weights):
    model = {"context": context, "dropout": 0.3}
    one, same, other = (Run(corpus, weights, model=model, train={"seed": seed}) for seed in (1, 1, 2))
    assert equal(one.model.state_dict(), same.model.state_dict())
    assert one.training == same.training
    assert not equal(one.model.state_dict(), other.model.state_dict())


def test_unlabeled_utterances_do_not_matter_without_context(corpus, weights):
    unlabeled = {u.id for u in corpus.train[::3]}
    other = tiny_corpus(lambda u: replace(u, text="happy crying") if u.id in unlabeled else u)
    runs = [Run(c, weights, model={"encoder": "frozen"}, unlabeled=unlabeled) for c in (corpus, other)]
    for name, tensor in runs[0].model.state_dict().items():
        torch.testing.assert_close(runs[1].model.state_dict()[name], tensor)
    labeled = Run(other, weights, model={"encoder": "frozen"})
    assert not equal(labeled.model.state_dict(), runs[1].model.state_dict())


def test_batches_depend_on_the_seed(corpus, weights, monkeypatch):
    batch, seen = ModelInputs.batch, []
    monkeypatch.setattr(
        ModelInputs, "batch", lambda self, rows, _c: seen.append(tuple(rows)) or batch(self, rows)
    )
    orders = []
    for seed in (1, 1, 2):
        Run(corpus, weights, [0.1], train={"seed": seed})
        orders.append(tuple(seen))
        seen.clear()
    assert orders[0] == orders[1] != orders[2]
    assert sorted(row for rows in orders[2] for row in rows) == list(range(30))


def test_dialogues_stay_whole_in_each_batch(corpus, weights, monkeypatch):
    seen = []
    batch = ModelInputs.batch
    monkeypatch.setattr(ModelInputs, "batch", lambda self, rows, _c: seen.append(list(rows)) or batch(self, rows))
    Run(corpus, weights, [0.1], model={"context": "dialogue"}, train={"batch_size": 10})
    assert sorted(map(len, seen)) == [10, 10, 10]
    assert all(set(rows[:5]) in [set(range(n, n + 5)) for n in range(0, 30, 5)] for rows in seen)


def test_temporary_checkpoints_are_deleted(corpus, weights, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Run(corpus, weights)
    assert list(tmp_path.iterdir()) == []


def test_a_full_temporary_folder_is_an_error(corpus, weights, tmp_path, monkeypatch):
    def full(*_arguments, **_keywords):
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sentir.training.checkpoints.save_file", full)
    with pytest.raises(SentirError, match=rf"temporary folder {tmp_path} cannot be written \(No space .*TMPDIR"):
        Run(corpus, weights)
