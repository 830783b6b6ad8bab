"""Dialogue context: padding of dialogues, and that nothing outside a dialogue matters."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.models.context import (
    DialogueContextConfig,
    RecurrentContext,
    build_context,
    context_inputs,
    pad_dialogues,
    unpad_dialogues,
)

CONFIGS = [
    DialogueContextConfig(layer, direction, speakers, window)
    for layer, direction, speakers, window in itertools.product(
        ("gru", "attention"), ("bidirectional", "causal"), (False, True), (None, 2)
    )
    if layer == "attention" or window is None
]
every_config = pytest.mark.parametrize("config", CONFIGS, ids=str)
WIDTH = 5

turns_of_dialogues = st.lists(st.integers(1, 6), min_size=1, max_size=6)


def layer_of(config, seed=0):
    torch.manual_seed(seed)
    return build_context("dialogue", WIDTH, 8, config=config, dropout=0.5).eval()


def one_dialogue(turns, seed=0):
    """Vectors, dialogue numbers, turns and speakers of a dialogue of two."""
    draw = torch.Generator().manual_seed(seed)
    x, speaker = torch.randn(turns, WIDTH, generator=draw), torch.randint(2, (turns,), generator=draw)
    return x, torch.zeros(turns, dtype=torch.long), torch.arange(turns), speaker


def distance(one, other):
    return (one - other).abs().amax(dim=1)


def scattered(lengths, seed):
    """Dialogue numbers and turns of all utterances, in a random order."""
    dialogue = torch.tensor([n * 7 + 3 for n, length in enumerate(lengths) for _turn in range(length)])
    turn = torch.tensor([5 * t for length in lengths for t in range(length)])
    order = torch.randperm(len(dialogue), generator=torch.Generator().manual_seed(seed))
    return dialogue[order], turn[order]


@settings(max_examples=60, deadline=None)
@given(turns_of_dialogues, st.integers(0, 1000))
def test_every_utterance_is_once_in_its_dialogue_in_the_order_of_turns(lengths, seed):
    dialogue, turn = scattered(lengths, seed)
    index, padded_lengths = pad_dialogues(dialogue, turn)
    assert index.shape == (len(lengths), max(lengths))
    rows = [row[:length].tolist() for row, length in zip(index, padded_lengths.tolist(), strict=True)]
    assert sorted(n for row in rows for n in row) == list(range(len(dialogue)))
    torch.testing.assert_close(
        unpad_dialogues(turn[index].unsqueeze(-1), index, padded_lengths).squeeze(-1), turn
    )
    assert padded_lengths.tolist() == lengths, "dialogues are in the order of their numbers"
    for row in rows:
        assert len(set(dialogue[row].tolist())) == 1
        assert turn[row].tolist() == sorted(turn[row].tolist())


@settings(max_examples=20, deadline=None)
@given(turns_of_dialogues, st.integers(0, 1000))
def test_context_is_a_plain_recurrent_layer_over_each_dialogue_alone(lengths, seed):
    torch.manual_seed(seed)
    context = RecurrentContext(5, 4, DialogueContextConfig())
    dialogue, turn = scattered(lengths, seed)
    x = torch.randn(len(dialogue), 5)
    with torch.no_grad():
        found = context(x, dialogue, turn)
        assert found.shape == (len(x), context.width_out)
        for key in dialogue.unique():
            rows = (dialogue == key).nonzero().flatten()
            rows = rows[turn[rows].argsort()]
            alone = torch.cat([x[rows], context.gru(x[rows])[0]], dim=-1)
            torch.testing.assert_close(found[rows], alone, atol=1e-6, rtol=0)


@every_config
@torch.no_grad()
def test_the_output_of_a_dialogue_does_not_depend_on_the_batch(config):
    context = layer_of(config)

    @settings(max_examples=12, deadline=None)
    @given(turns_of_dialogues, st.integers(0, 1000))
    def holds(lengths, seed):
        dialogue, turn = scattered(lengths, seed)
        x, speaker = torch.randn(len(turn), WIDTH), torch.randint(3, (len(turn),))
        found = context(x, dialogue, turn, speaker)
        assert found.shape == (len(x), context.width_out) and torch.equal(found[:, :WIDTH], x)
        for key in dialogue.unique():
            rows = (dialogue == key).nonzero().flatten()
            alone = context(x[rows], dialogue[rows], turn[rows], speaker[rows])
            torch.testing.assert_close(found[rows], alone, atol=1e-5, rtol=0)

    holds()


@every_config
@torch.no_grad()
def test_later_turns_matter_only_to_a_bidirectional_layer(config):
    context, whole = layer_of(config), one_dialogue(7)
    found = context(*whole)
    for end in range(1, 7):
        changes = distance(context(*(tensor[:end] for tensor in whole)), found[:end])
        assert changes.max() < 1e-5 if config.direction == "causal" else changes[-1] > 1e-4


@every_config
@torch.no_grad()
def test_earlier_turns_matter_within_the_window(config):
    context, (x, *rest) = layer_of(config), one_dialogue(7)
    changed = x.clone()
    changed[0] += 1
    moved = (distance(context(x, *rest), context(changed, *rest)) > 1e-6).tolist()
    reach = 7 if config.window is None else config.window + 1
    assert moved == [n < reach for n in range(7)]


@every_config
@torch.no_grad()
def test_only_the_identity_of_speakers_within_a_dialogue_matters(config):
    context, (x, dialogue, turn, _speaker) = layer_of(config), one_dialogue(6)
    speaker = torch.tensor([0, 1, 0, 1, 2, 0])
    found = context(x, dialogue, turn, speaker)
    for renamed in (torch.tensor([5, 3, 5, 3, 8, 5]), speaker + 100):
        torch.testing.assert_close(context(x, dialogue, turn, renamed), found, atol=1e-6, rtol=0)
    others = context(x, dialogue, turn, torch.tensor([0, 1, 2, 1, 2, 0]))
    assert (distance(others, found).max() > 1e-5) == config.speakers
    both = context(torch.cat([x, x]), torch.cat([dialogue, dialogue + 1]), turn.repeat(2), speaker.repeat(2))
    torch.testing.assert_close(both, found.repeat(2, 1), atol=1e-5, rtol=0)


@every_config
@torch.no_grad()
def test_without_speakers_every_turn_has_its_own(config):
    context, (x, dialogue, turn, _speaker) = layer_of(config), one_dialogue(6)
    torch.testing.assert_close(context(x, dialogue, turn), context(x, dialogue, turn, torch.arange(6)))


@every_config
def test_gradients_reach_every_parameter_and_stay_finite_beside_padding(config):
    context, (x, _dialogue, turn, speaker) = layer_of(config), one_dialogue(9)
    x.requires_grad_(True)
    found = context(x, torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2]), turn, speaker)[:, WIDTH:]
    (found * torch.randn_like(found)).sum().backward()
    assert x.grad.isfinite().all() and (x.grad.abs().sum(1) > 0).all()
    for name, parameter in context.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


def test_a_model_has_speakers_as_input_only_if_it_distinguishes_them():
    for config in CONFIGS:
        assert ("speaker" in context_inputs("dialogue", config)) == config.speakers
    assert context_inputs("window", CONFIGS[-1]) == ("dialogue", "turn")


def test_weights_of_a_plain_recurrent_layer_have_fixed_names():
    names = [f"gru.{kind}_{part}" for kind in ("weight", "bias") for part in ("ih_l0", "hh_l0")]
    names += [f"{name}_reverse" for name in names]
    assert sorted(layer_of(DialogueContextConfig()).state_dict()) == sorted(names)
