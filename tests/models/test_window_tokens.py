"""A window of turns in the text input: which tokens are kept, truncated and pooled."""

from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.models.tokenization import TextTokenizer
from sentir.models.tokenizer_loading import load_text_tokenizer
from sentir.testing import SENTENCES, make_tiny_text_backbone

WORDS = sorted({word for text in SENTENCES for word in text.split()})
LIMIT = 24
utterances = st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join)
windows = st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=4)


def with_limit(tiny, limit=LIMIT):
    return TextTokenizer(tiny.tokenizer.tokenizer, limit, tiny.tokenizer.normalize)


def own_ids(tokenizer, text):
    return tokenizer.tokenizer.tokenize([tokenizer.normalize(text)])[0]


def pooled(row):
    return [token for token, own in zip(row["input_ids"], row["pool_mask"], strict=True) if own]


def turns_of(row, tokenizer):
    """The turns between the special tokens, and the index of the utterance's own turn."""
    ids, pool = row["input_ids"], row["pool_mask"]
    special = set(tokenizer.tokenizer.all_special_ids) - {tokenizer.tokenizer.unk_token_id}
    turns = [
        list(group) for is_turn, group in groupby(range(len(ids)), lambda n: ids[n] not in special) if is_turn
    ]
    own = [n for n, positions in enumerate(turns) if pool[positions[0]]]
    return [[ids[n] for n in positions] for positions in turns], own


@pytest.mark.parametrize("limit", [LIMIT, 64])
def test_an_utterance_is_never_truncated_and_the_farthest_turns_are_dropped_first(tiny, limit):
    tokenizer = with_limit(tiny, limit)
    counts = [tiny.plain_tokenizer.num_special_tokens_to_add(pair=pair) for pair in (False, True)]
    num_outer, num_separator = counts[0], counts[1] - counts[0]

    @settings(max_examples=40, deadline=None)
    @given(utterances, windows, windows)
    def holds(text, before, after):
        row, own = tokenizer.encode(text, before, after), own_ids(tokenizer, text)
        assert len(row["input_ids"]) <= limit and len({len(value) for value in row.values()}) == 1
        earlier = [own_ids(tokenizer, turn) for turn in before if own_ids(tokenizer, turn)]
        later = [own_ids(tokenizer, turn) for turn in after if own_ids(tokenizer, turn)]
        if not (earlier or later) or len(own) + num_outer + num_separator >= limit:
            assert row == tokenizer.encode(text) and all(row["pool_mask"])
            return
        turns, (index,) = turns_of(row, tokenizer)
        left, right = turns[:index], turns[index + 1 :]
        assert turns[index] == pooled(row) == own
        assert len(left) + len(right) > 0
        for kept, all_turns in ((left, earlier[::-1]), (right[::-1], later)):
            complete, truncated = kept[::-1][:-1], kept[:1]
            assert complete == all_turns[: len(complete)]
            if truncated and kept is left:
                assert all_turns[len(complete)][-len(truncated[0]) :] == truncated[0]
            elif truncated:
                assert all_turns[len(complete)][: len(truncated[0])] == truncated[0]
        num_dropped = sum(map(len, earlier + later)) - sum(map(len, left + right))
        num_free = limit - len(row["input_ids"])
        assert not num_dropped or num_free <= num_separator, "nothing is truncated while there is room"

    holds()


def test_nearer_turns_of_both_sides_precede_farther_ones(tiny):
    near, far = "one two", "three four five six seven eight nine ten eleven twelve " * 4
    row = with_limit(tiny).encode("Hi!", [far, near], [near, far])
    turns, (index,) = turns_of(row, tiny.tokenizer)
    assert 0 < index < len(turns) - 1
    assert turns[index - 1] == turns[index + 1] == own_ids(tiny.tokenizer, near)


def test_turns_are_joined_as_the_tokenizer_joins_two_texts(tiny):
    one, two, three = SENTENCES[0], "Hi!", SENTENCES[1]
    pair = dict(tiny.plain_tokenizer(tiny.spec.normalize(one), tiny.spec.normalize(two)))
    row = tiny.tokenizer.encode(two, [one])
    assert {key: value for key, value in row.items() if key != "pool_mask"} == pair
    longer = tiny.tokenizer.encode(two, [one], [three])
    again = dict(tiny.plain_tokenizer(tiny.spec.normalize(two), tiny.spec.normalize(three)))["input_ids"]
    head = len(turns_head(tiny, again, two))
    start = longer["pool_mask"].index(1)
    assert longer["input_ids"][start:] == again[head:]
    assert longer["input_ids"][:start] == pair["input_ids"][:start]


def turns_head(tiny, ids, first):
    own = own_ids(tiny.tokenizer, first)
    return ids[: next(n for n in range(len(ids)) if ids[n : n + len(own)] == own)]


def test_pooling_follows_the_utterance_not_its_context(tiny):
    tokenizer = tiny.tokenizer
    row = tokenizer.encode(SENTENCES[0], [SENTENCES[1]])
    vector = tiny.vectors([row, tokenizer.encode("Hi!")])[0]
    batch = {
        key: torch.tensor([row[key]]) for key in row if key in tiny.encoder.input_names and key != "pool_mask"
    }
    with torch.no_grad():
        states = tiny.plain_model(**batch, output_hidden_states=True).hidden_states
    own = torch.tensor(row["pool_mask"]).bool()
    assert 0 < own.sum() < len(own)
    pool = {"mean": lambda layer: layer.mean(0), "last": lambda layer: layer[-1]}[tiny.spec.pooling]
    expected = torch.stack([pool(layer[0][own]) for layer in states])
    torch.testing.assert_close(vector, expected, atol=1e-5, rtol=0)


def test_an_empty_utterance_after_others_has_a_finite_vector(tiny):
    row = tiny.tokenizer.encode("", [SENTENCES[0]])
    assert all(row["pool_mask"])
    assert tiny.vectors([row, tiny.tokenizer.encode("")]).isfinite().all()


def test_the_context_changes_an_utterances_vector(tiny):
    plain, one, other = (tiny.tokenizer.encode("Hi!", [before]) for before in ("", SENTENCES[0], SENTENCES[1]))
    vectors = [tiny.vectors([row])[0, -1] for row in (plain, one, other)]
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-4)
    assert not torch.allclose(vectors[1], vectors[2], atol=1e-4)


def test_context_leaves_the_tokenizer_as_it_was(tiny):
    tokenizer, long = with_limit(tiny), " ".join(SENTENCES)
    before = tokenizer.encode(long)
    tokenizer.encode("Hi!", [long])
    assert tokenizer.encode(long) == before


def test_a_tokenizer_with_a_as_special_token_pools_the_right_tokens(tmp_path):
    weights = make_tiny_text_backbone("roberta-base", tmp_path)
    plain = load_text_tokenizer("roberta-base", weights=str(weights)).tokenizer
    plain.backend.add_special_tokens(["a"])
    tokenizer = TextTokenizer(plain, 512, str)
    row = tokenizer.encode("Hi!", ["Hello there."])
    assert pooled(row) == own_ids(tokenizer, "Hi!")
