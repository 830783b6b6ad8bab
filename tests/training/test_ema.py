"""Averaged weights: the average is what dev scores and what is kept, and training goes on as without it."""

import pytest
import torch
from tiny_corpora import spoken_recipe
from torch import nn

from sentir.training.ema import EMACallback
from sentir.training.fitting import fit

pytestmark = pytest.mark.usefixtures("one_store")


def test_the_average_follows_the_weights_and_lies_in_the_model_only_while_asked_for(tmp_path):
    model = nn.Linear(1, 1, bias=False)
    average = EMACallback(model, 0.5)
    model.weight.data.fill_(0.0)
    average.on_train_begin(None, None, None)
    expected, seen = 0.0, []
    for step, value in enumerate([1.0, 2.0, -9.0], start=1):
        model.weight.data.fill_(value)
        average.on_step_end(None, None, None)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        with average.average_parameters():
            seen.append(model.weight.item())
        assert seen[-1] == pytest.approx(expected) and model.weight.item() == value
    average.save(tmp_path / "ema.safetensors")
    again = EMACallback(model, 0.5)
    again.load(tmp_path / "ema.safetensors", average.steps)
    again.on_train_begin(None, None, None)
    with again.average_parameters():
        assert model.weight.item() == seen[-1] and again.steps == 3


def test_what_is_kept_is_what_dev_scored(spoken, weights):
    fitted = [
        fit(spoken_recipe(weights, train={"epochs": 3, "ema_decay": average}), spoken) for average in (0.0, 0.9)
    ]
    for one in fitted:  # the score of the training is that of the predictions it leaves
        ids = [u.id for u in spoken.dev]
        truth = one.space.encode([u.labels["emotion"] for u in spoken.dev])
        from sentir.evaluation.metrics import compute_scores

        found = compute_scores(one.space, truth, one.dev_predictions.select(ids).probabilities, None)[
            "weighted_f1"
        ]
        assert found == pytest.approx(one.training.best_score)
    plain, averaged = (f.model.state_dict() for f in fitted)
    assert any(not torch.equal(plain[name], averaged[name]) for name in plain)
