"""Each fusion learns what needs both text and audio."""

import pytest
from tiny_corpora import spoken_recipe

from sentir.models.fusion import FUSIONS
from sentir.training.fitting import fit

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.mark.parametrize("fusion", FUSIONS)
def test_it_learns_from_text_and_audio_together(fusion, spoken, weights):
    model = {"kind": "multimodal", "fusion": fusion, "encoder": "finetune", "layers": [0]}
    train = {"epochs": 8, "lr": 0.01, "encoder_lr": 0.01, "patience": 8}
    both = fit(spoken_recipe(weights, model=model, train=train), spoken).training.best_score
    assert both > 0.7, "two of three labels share their words, and two their audio"
