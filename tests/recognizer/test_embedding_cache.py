"""The embedding cache: everything is encoded once, and embeddings are never stale."""

import numpy as np
import pytest
import torch
from pipelines import Pipeline
from tiny_corpora import tiny_recipe

from sentir.corpus.utterances import Utterance
from sentir.errors import SentirError
from sentir.models.device import to_tensors
from sentir.models.text_encoder import load_text_encoder
from sentir.paths import cache_dir
from sentir.recognizer import frozen_encoders
from sentir.recognizer.embedding_cache import EmbeddingCache, encoder_digest
from sentir.recognizer.embedding_index import RECORD
from sentir.recognizer.frozen_encoders import encode_texts
from sentir.testing import SENTENCES, make_tiny_text_backbone


@pytest.fixture
def loaded(weights):
    encoder, tokenizer, _spec = load_text_encoder("roberta-base", weights=str(weights))
    return encoder, tokenizer


@pytest.fixture
def calls(loaded):
    """Batch sizes of all forward passes of the encoder."""
    rows = []
    loaded[0].register_forward_hook(
        lambda module, args, kwargs, output: rows.append(len(output)), with_kwargs=True
    )
    return rows


def encode(loaded, texts, *, use_cache=True):
    (encoder, tokenizer), rows = loaded, [loaded[1].encode(t) for t in texts]
    return encode_texts(encoder, tokenizer, rows, digest=encoder_digest(encoder), use_cache=use_cache)


def test_embeddings_are_those_of_the_encoder_in_the_order_of_the_texts(loaded):
    encoder, tokenizer = loaded
    texts = [*SENTENCES, "", SENTENCES[0]]
    embeddings = encode(loaded, texts)
    assert embeddings.dtype == np.float32 and embeddings.shape == (len(texts), 3, 32)
    for text, embedding in zip(texts, embeddings, strict=True):
        batch = {
            k: v
            for k, v in to_tensors(tokenizer.pad([tokenizer.encode(text)])).items()
            if k in encoder.input_names
        }
        with torch.no_grad():
            np.testing.assert_allclose(embedding, encoder.eval()(**batch)[0].numpy(), atol=1e-5)
    assert np.array_equal(embeddings[0], embeddings[-1])


def test_nothing_is_encoded_twice(loaded, calls):
    first = encode(loaded, SENTENCES)
    assert sum(calls) == len(SENTENCES)
    calls.clear()
    assert np.array_equal(encode(loaded, SENTENCES[::-1]), first[::-1])
    assert calls == []


def test_embeddings_of_one_call_are_one_array_on_disk(loaded):
    first = encode(loaded, SENTENCES)
    assert isinstance(first, np.memmap)
    assert isinstance(encode(loaded, SENTENCES[2:5]), np.memmap)
    first[:] = 0  # of this process alone
    assert encode(loaded, SENTENCES).any()


def test_embeddings_of_several_calls_are_joined(loaded):
    parts = [encode(loaded, SENTENCES[n : n + 3]).copy() for n in (0, 3, 6)]
    joined = encode(loaded, [*SENTENCES[:9], SENTENCES[4]])
    assert np.array_equal(joined, np.concatenate([*parts, parts[1][1:2]]))


def test_only_new_texts_are_encoded_and_duplicates_once(loaded, calls):
    encode(loaded, SENTENCES[:4])
    calls.clear()
    encode(loaded, [*SENTENCES[:6], SENTENCES[5], SENTENCES[5]])
    assert sum(calls) == 2


def test_without_the_cache_embeddings_are_the_same_and_leave_no_trace(loaded, calls):
    uncached = encode(loaded, [*SENTENCES, SENTENCES[0]], use_cache=False)
    assert sum(calls) == len(SENTENCES), "duplicates are encoded once"
    assert not list(cache_dir().rglob("*.npy"))
    np.testing.assert_allclose(uncached, encode(loaded, [*SENTENCES, SENTENCES[0]]), atol=1e-5)


def test_texts_from_outside_any_corpus_are_not_cached(weights):
    pipeline = Pipeline(tiny_recipe(weights))
    inside, outside = (Utterance("one", split, text=SENTENCES[0]) for split in ("dev", ""))
    uncached = pipeline.transform([outside]).arrays
    assert not list(cache_dir().rglob("*.npy"))
    cached = pipeline.transform([inside]).arrays
    assert len(list(cache_dir().rglob("*.npy"))) == 2, "a part and an index"
    np.testing.assert_allclose(uncached["text_states"], cached["text_states"])


def test_no_texts_give_no_embeddings(loaded, calls):
    assert encode(loaded, []).shape == (0, 3, 32) and calls == []


def test_chunk_and_batch_sizes_do_not_matter(loaded, monkeypatch, tmp_path):
    whole = encode(loaded, SENTENCES)
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(frozen_encoders, "_TEXTS_PER_CHUNK", 3)
    monkeypatch.setattr(frozen_encoders, "_TOKENS_PER_BATCH", 40)
    np.testing.assert_allclose(encode(loaded, SENTENCES), whole, atol=1e-5)
    assert len([path for path in tmp_path.rglob("*.npy") if "index" not in path.name]) == 1, "one part per call"


def test_the_digest_depends_on_weights_layers_and_pooling_only(loaded, weights, tmp_path):
    same = load_text_encoder("roberta-base", weights=str(weights))[0]
    layers = load_text_encoder("roberta-base", weights=str(weights), layers=(0, 1))[0]
    moved = make_tiny_text_backbone("roberta-base", tmp_path, [*SENTENCES, "more words"])
    other = load_text_encoder("roberta-base", weights=str(moved))[0]
    changed = load_text_encoder("roberta-base", weights=str(weights))[0]
    with torch.no_grad():
        next(changed.parameters())[0, 0] += 1e-3
    max_pooled = load_text_encoder("roberta-base", weights=str(weights), pooling=("max",))[0]
    digests = [encoder_digest(encoder) for encoder in (layers, other, changed, max_pooled, loaded[0])]
    assert len(set(digests)) == 5
    assert encoder_digest(same) == digests[-1]


def test_other_tokens_masks_or_weights_have_other_embeddings(loaded, calls):
    encoder, tokenizer = loaded
    row = tokenizer.encode("Hi!", [SENTENCES[0]])
    other_mask = row | {"pool_mask": [1] * len(row["pool_mask"])}
    first, second = (
        encode_texts(encoder, tokenizer, [r], digest="one", use_cache=True) for r in (row, other_mask)
    )
    assert not np.allclose(first, second, atol=1e-4)
    calls.clear()
    encode_texts(encoder, tokenizer, [row], digest="two", use_cache=True)
    assert calls == [1]


def cache_folder():
    return next((cache_dir() / "embeddings-2").glob("[!.]*"))


def part_and_index():
    index = next(cache_folder().glob("index-*.npy"))
    return next(path for path in cache_folder().iterdir() if path != index), index


def test_unfinished_files_are_ignored(loaded, calls):
    encode(loaded, SENTENCES[:4])
    (cache_folder() / "a.npy").write_bytes(b"no array")
    (cache_folder() / ".index-b.part.npy").write_bytes(b"no index")
    calls.clear()
    encode(loaded, SENTENCES[:4])
    assert calls == []
    part_and_index()[1].unlink()
    encode(loaded, SENTENCES[:4])
    assert sum(calls) == 4


def test_an_interrupted_run_loses_only_the_current_chunk(loaded, calls, monkeypatch):
    monkeypatch.setattr(frozen_encoders, "_TEXTS_PER_CHUNK", 4)
    add, chunks = EmbeddingCache.add, []

    def interrupted(self, keys, embeddings):
        if chunks:
            raise KeyboardInterrupt
        chunks.append(keys)
        add(self, keys, embeddings)

    monkeypatch.setattr(EmbeddingCache, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        encode(loaded, SENTENCES)
    monkeypatch.setattr(EmbeddingCache, "add", add)
    calls.clear()
    encode(loaded, SENTENCES)
    assert sum(calls) == len(SENTENCES) - 4


def test_the_cache_has_no_pickles(loaded):
    encode(loaded, SENTENCES)
    files = [path for path in cache_folder().rglob("*") if path.is_file()]
    assert [path.suffix for path in files] == [".npy", ".npy"]
    for path in files:
        np.load(path, allow_pickle=False)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shorten(path):
    np.save(path, np.load(path)[:-1])


DAMAGES = {
    "index truncated": (1, truncate),
    "index without records": (1, lambda path: np.save(path, np.zeros((), RECORD))),
    "index of other numbers": (1, lambda path: np.save(path, np.arange(4))),
    "embeddings truncated": (0, truncate),
    "fewer embeddings": (0, shorten),
    "embeddings empty": (0, lambda path: path.write_bytes(b"")),
    "embeddings missing": (0, lambda path: path.unlink()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_encoded_again_once(damage, loaded, calls):
    first = encode(loaded, SENTENCES[:4]).copy()
    which, do_damage = DAMAGES[damage]
    do_damage(part_and_index()[which])
    calls.clear()
    np.testing.assert_array_equal(encode(loaded, SENTENCES[:4]), first)
    assert sum(calls) == 4
    encode(loaded, SENTENCES[:4])
    assert sum(calls) == 4


def test_a_cache_that_is_not_writable_is_an_error_that_names_the_variable(loaded, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(SentirError, match="set SENTIR_CACHE_DIR"):
        encode(loaded, SENTENCES[:1])
