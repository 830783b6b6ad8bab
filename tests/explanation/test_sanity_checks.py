"""The sanity check: shuffled weights must change maps, and maps that do not change are reported."""

import numpy as np
import pytest
import torch
from torch import nn

from sentir.explanation.page import interpret_randomization
from sentir.explanation.results import RandomizationResult
from sentir.explanation.sanity_checks import MAX_CORRELATION, check_randomization, shuffle_weights
from sentir.explanation.score_function import ScoreFunction
from sentir.explanation.utterance import explain_utterance

KEY = "tiny/dev/dia7/utt3"


@pytest.mark.parametrize(("setup", "maps"), [
    ("frozen", {"words"}),
    ("several labels", {"words"}),
    ("everything", {"words", "grad_cam", "local_gate", "global_gate"}),
])  # fmt: skip
def test_shuffled_weights_change_the_maps(setup, maps, trained, dialogue_of, one_store):
    recognizer, corpus = trained(setup)
    dialogue = dialogue_of(corpus, KEY)
    before = recognizer.predict_utterances(dialogue).probabilities
    checks = explain_utterance(recognizer, dialogue, utterance_id=KEY, sanity_check=True).sanity_checks
    assert {(one.map, one.randomized) for one in checks} == {(m, p) for m in maps for p in ("head", "all")}
    assert all(-1 <= one.correlation < 0.9 for one in checks)
    np.testing.assert_array_equal(recognizer.predict_utterances(dialogue).probabilities, before)


def test_a_map_that_does_not_depend_on_the_weights_is_reported():
    score_function = ScoreFunction(nn.Linear(4, 4), None, {"dialogue": torch.zeros(1)}, 0, 0, "single", 1.0)
    values = np.arange(12.0).reshape(3, 4)
    found = check_randomization(
        score_function, lambda other: {"edges": values, "flat": np.zeros(5)}, num_shuffles=2
    )
    assert [one.correlation for one in found] == pytest.approx([1, 0, 1, 0])
    at_bound = RandomizationResult("words", "head", -MAX_CORRELATION, 1)
    texts = [interpret_randomization(check) for check in (found[0], found[1], at_bound)]
    assert ["reflects the input" in text for text in texts] == [True, False, True] and "another map" in texts[1]


def test_maps_of_two_values_are_left_out():
    score_function = ScoreFunction(nn.Linear(4, 4), None, {"dialogue": torch.zeros(1)}, 0, 0, "single", 1.0)
    found = check_randomization(
        score_function, lambda other: {"two": np.arange(2.0), "three": np.arange(3.0)}, num_shuffles=1
    )
    assert {one.map for one in found} == {"three"}


def test_shuffling_keeps_all_values_and_skips_prefixes():
    model = nn.ModuleDict({"encoder": nn.Linear(5, 5), "head": nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4))})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shuffle_weights(model, torch.Generator().manual_seed(0), skip_prefixes=("encoder.",))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.0.weight"}
    weight = model["head"][0].weight.detach()
    assert torch.equal(weight.flatten().sort().values, before["head.0.weight"].flatten().sort().values)
