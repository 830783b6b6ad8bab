"""Dialogue context: how utterances are laid out, and that nothing outside a dialogue matters."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.models.context import DialogueKind, RecurrentContext, by_dialogue

turns_of_dialogues = st.lists(st.integers(1, 6), min_size=1, max_size=6)


def scattered(lengths, seed):
    """Dialogue numbers and turns of all utterances, in a random order."""
    dialogue = torch.tensor([n * 7 + 3 for n, length in enumerate(lengths) for _turn in range(length)])
    turn = torch.tensor([5 * t for length in lengths for t in range(length)])
    order = torch.randperm(len(dialogue), generator=torch.Generator().manual_seed(seed))
    return dialogue[order], turn[order]


@settings(max_examples=60, deadline=None)
@given(turns_of_dialogues, st.integers(0, 1000))
def test_every_utterance_stands_once_in_its_dialogue_in_the_order_of_turns(lengths, seed):
    dialogue, turn = scattered(lengths, seed)
    index, found = by_dialogue(dialogue, turn)
    assert index.shape == (len(lengths), max(lengths))
    rows = [row[:length].tolist() for row, length in zip(index, found.tolist(), strict=True)]
    assert sorted(n for row in rows for n in row) == list(range(len(dialogue)))
    assert found.tolist() == lengths, "dialogues stand in the order of their numbers"
    for row in rows:
        assert len(set(dialogue[row].tolist())) == 1
        assert turn[row].tolist() == sorted(turn[row].tolist())


@settings(max_examples=20, deadline=None)
@given(turns_of_dialogues, st.integers(0, 1000))
def test_context_is_a_plain_recurrent_layer_over_each_dialogue_alone(lengths, seed):
    torch.manual_seed(seed)
    context = RecurrentContext(5, 4, DialogueKind())
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
