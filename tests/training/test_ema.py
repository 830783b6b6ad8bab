"""Exponential moving average: it is scored on dev and kept, and does not change the training."""

import pytest
import torch
from tiny_corpora import spoken_recipe
from torch import nn

from sentir.evaluation.metrics import compute_scores
from sentir.training.ema import EMACallback
from sentir.training.fitting import fit

pytestmark = pytest.mark.usefixtures("one_store")


def test_the_average_follows_the_weights_and_is_in_the_model_only_inside_the_block(tmp_path):
    model = nn.Linear(1, 1, bias=False)
    ema = EMACallback(model, 0.5)
    model.weight.data.fill_(0.0)
    ema.on_train_begin(None, None, None)
    expected, seen = 0.0, []
    for step, value in enumerate([1.0, 2.0, -9.0], start=1):
        model.weight.data.fill_(value)
        ema.on_step_end(None, None, None)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        with ema.average_parameters():
            seen.append(model.weight.item())
        assert seen[-1] == pytest.approx(expected) and model.weight.item() == value
    ema.save(tmp_path / "ema.safetensors")
    loaded = EMACallback(model, 0.5)
    loaded.load(tmp_path / "ema.safetensors")
    loaded.on_train_begin(None, None, None)
    with loaded.average_parameters():
        assert model.weight.item() == seen[-1]
    model.weight.data.fill_(1.0)
    loaded.on_step_end(None, None, None)
    decay = min(0.5, 5 / 14)
    with loaded.average_parameters():
        assert model.weight.item() == pytest.approx(
            decay * expected + (1 - decay)
        )  # the count of steps is resumed too


def test_the_best_average_is_kept(spoken, weights):
    fitted = [
        fit(spoken_recipe(weights, train={"epochs": 3, "ema_decay": average}), spoken) for average in (0.0, 0.9)
    ]
    for one in fitted:  # the best score is that of the final predictions
        truth = one.space.encode([u.labels["emotion"] for u in spoken.dev])
        p = one.dev_predictions.select(u.id for u in spoken.dev).probabilities
        assert compute_scores(one.space, truth, p, None)["weighted_f1"] == pytest.approx(one.training.best_score)
    plain, averaged = (f.model.state_dict() for f in fitted)
    assert any(not torch.equal(plain[name], averaged[name]) for name in plain)
