"""A window of earlier turns in the text input: what is kept, what is cut, and what is pooled."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.models.encoders import load_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.testing import SENTENCES, tiny_backbone

WORDS = sorted({word for text in SENTENCES for word in text.split()})
LIMIT = 24
texts = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


def narrow(tiny, limit=LIMIT):
    return TextTokenizer(tiny.tokenizer.tokenizer, limit, tiny.tokenizer.normalize)


def own_ids(tokenizer, text):
    return tokenizer.tokenizer(tokenizer.normalize(text), add_special_tokens=False)["input_ids"]


def pooled(row):
    return [token for token, own in zip(row["input_ids"], row["pool_mask"], strict=True) if own]


@pytest.mark.parametrize("limit", [LIMIT, 64])
def test_an_utterance_keeps_its_tokens_and_the_oldest_context_goes_first(tiny, limit):
    tokenizer = narrow(tiny, limit)
    special = set(tiny.plain_tokenizer.all_special_ids) - {tiny.plain_tokenizer.unk_token_id}
    frame = tiny.plain_tokenizer.num_special_tokens_to_add(pair=True)

    @settings(max_examples=40, deadline=None)
    @given(texts, texts)
    def holds(text, before):
        row, own, past = tokenizer.encode(text, before), own_ids(tokenizer, text), own_ids(tokenizer, before)
        length = len(row["input_ids"])
        assert length <= limit and {len(value) for value in row.values()} == {length}
        if not before or len(own) + frame >= limit:
            assert row["input_ids"] == tokenizer.encode(text)["input_ids"] and all(row["pool_mask"])
            return
        rest = [token for token in row["input_ids"] if token not in special]
        kept = rest[: len(rest) - len(own)]
        assert rest[len(kept) :] == own
        assert kept == past[len(past) - len(kept) :]
        assert len(kept) == min(len(past), limit - frame - len(own)) or not own
        assert pooled(row) == (own or row["input_ids"])

    holds()


def test_pooling_follows_the_utterance_not_its_context(tiny):
    tokenizer = tiny.tokenizer
    row = tokenizer.encode(SENTENCES[0], SENTENCES[1])
    vector = tiny.vectors([row, tokenizer.encode("Hi!")])[0]
    batch = {key: torch.tensor([row[key]]) for key in row if key in tiny.encoder.inputs and key != "pool_mask"}
    with torch.no_grad():
        states = tiny.plain_model(**batch, output_hidden_states=True).hidden_states
    own = torch.tensor(row["pool_mask"]).bool()
    assert 0 < own.sum() < len(own)
    expected = torch.stack([layer[0][own].mean(0) for layer in states])
    torch.testing.assert_close(vector, expected, atol=1e-5, rtol=0)


def test_an_empty_utterance_after_others_is_still_a_vector(tiny):
    row = tiny.tokenizer.encode("", SENTENCES[0])
    assert all(row["pool_mask"])
    assert tiny.vectors([row, tiny.tokenizer.encode("")]).isfinite().all()


def test_what_the_context_says_changes_an_utterance(tiny):
    plain, one, other = (tiny.tokenizer.encode("Hi!", before) for before in ("", SENTENCES[0], SENTENCES[1]))
    vectors = [tiny.vectors([row])[0, -1] for row in (plain, one, other)]
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-4)
    assert not torch.allclose(vectors[1], vectors[2], atol=1e-4)


def test_context_leaves_the_tokenizer_as_it_was(tiny):
    tokenizer, long = narrow(tiny), " ".join(SENTENCES)
    before = tokenizer.encode(long)
    tokenizer.encode("Hi!", long)
    assert tokenizer.encode(long) == before


def test_a_tokenizer_that_does_not_know_the_letter_a_pools_the_right_tokens(tmp_path):
    weights = tiny_backbone("roberta-base", tmp_path)
    tokenizer = load_text_encoder("roberta-base", weights=str(weights))[1]
    tokenizer.tokenizer.add_special_tokens({"additional_special_tokens": ["a"]})
    row = tokenizer.encode("Hi!", "Hello there.")
    assert pooled(row) == own_ids(tokenizer, "Hi!")
