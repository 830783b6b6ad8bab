"""BERTweet's normalization and byte-pair encoding equal those of transformers, which are Python only."""

import random
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import BertweetTokenizer

from sentir.models.bertweet import build_bertweet_tokenizer, normalize_tweet
from sentir.testing import SENTENCES

PIECES = (
    "http://a.b/c", "https:x", "www.x.com", "x.com/", "a.bc", "(", ")", "((", ":)", ":-D",
    ">:(", "<3", "8-)", "a@b.co", "@joe", "#tag", "#a-b'c", "can't", "cannot ", "ain't ",
    "I'm ", "1,000", "+1-800 555 1234", "555-1234", "...", ". .", ".", "…", "’", "&amp;",
    "&#x80;", "&#129;", "&xi;", "&#xD800;", "&foo;", "😂", "👨‍👩‍👧", "🇪🇸", "漢字", "مرحبا", "é",
    "e\u0301", " ", "  ", "\n", "\t", "\x00", "\x1c", "\u2028", "-", "->", "<--", "<b>", "a",
    "B", "1", "_", "'", "!", "!?", "?", " p . m .", " a . m ", "[", "]", "{", "}", "\\", "/",
    ":", "=", "8", "d", "ſ", "K", "ß", "U.S.A.", "x" * 30, "1" * 12,
)  # fmt: skip
tweets = st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=12).map("".join)


def train_bpe(words, num_merges):
    """Learn byte-pair merges (Sennrich et al., ACL 2016): the content of ``vocab.txt`` and ``bpe.codes``."""
    counts = Counter((*word[:-1], f"{word[-1]}</w>") for word in words)
    merges = []
    for _ in range(num_merges):
        pairs = Counter()
        for word, count in counts.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        counts = Counter({tuple(merge(word, best)): count for word, count in counts.items()})
    # As in the published files: what is left after all merges; symbols that were merged on are not in it.
    symbols = sorted({symbol for word in counts for symbol in word} | set("abcdefghijklmnopqrstuvwxyz"))
    pieces = [s.removesuffix("</w>") if s.endswith("</w>") else f"{s}@@" for s in symbols]
    return "".join(f"{piece} 1\n" for piece in pieces), "".join(f"{a} {b} 1\n" for a, b in merges)


def merge(word, pair):
    n = 0
    while n < len(word):
        if word[n : n + 2] == pair:
            yield "".join(pair)
        else:
            yield word[n]
        n += 1 + (word[n : n + 2] == pair)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    words = [word for text in SENTENCES * 2 for word in normalize_tweet(text).split()]
    folder = tmp_path_factory.mktemp("bertweet")
    vocabulary, codes = train_bpe([*words, "banana", "bananas", "band", "lower", "lowest", "newest"], 150)
    (folder / "vocab.txt").write_text(vocabulary)
    (folder / "bpe.codes").write_text(codes)
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "normalized"])
def pair(files, request):
    """Sentir's tokenizer and transformers', of the same files."""
    paths = files / "vocab.txt", files / "bpe.codes"
    plain = BertweetTokenizer(*map(str, paths), normalization=request.param)
    contents = [path.read_bytes() for path in paths]
    return build_bertweet_tokenizer(*contents, {"normalization": request.param}), plain


def replaced(text):
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def test_token_ids_are_those_of_transformers(pair):
    tokenizer, plain = pair

    @settings(max_examples=400, deadline=None)
    @given(st.one_of(tweets, st.text("abnlowestr @", max_size=30), st.sampled_from(SENTENCES)))
    @example("banan anab nan lowes")
    def holds(text):
        expected = plain(replaced(text), add_special_tokens=False, split_special_tokens=True)["input_ids"]
        assert tokenizer.tokenize([replaced(text)]) == [expected]

    holds()


def test_symbols_outside_the_vocabulary_are_unknown(pair):
    tokenizer, plain = pair
    assert tokenizer.backend.get_vocab_size() > tokenizer.vocab_size == len(plain)
    unknown = [
        word for word in ("banan", "nan", "lowes", "newes", "wonderfu") if plain(word)["input_ids"].count(3)
    ]
    assert unknown, "the merges have symbols that the vocabulary lacks"
    (ids,) = tokenizer.tokenize([unknown[0]])
    assert 3 in ids and max(ids) < len(plain)
    assert tokenizer.token_id("<mask>") == plain.mask_token_id == len(plain) - 1


@settings(max_examples=500, deadline=None)
@given(tweets)
@example("cannot p . m . ai n't")
def test_tweets_are_normalized_as_by_transformers(text):
    assert normalize_tweet(text) == NORMALIZER.normalizeTweet(text)


class _Normalizer(BertweetTokenizer):
    """Transformers' normalization without a vocabulary."""

    def __init__(self):
        from emoji import demojize
        from transformers.models.bertweet.tokenization_bertweet import TweetTokenizer

        self.demojizer, self.tweetPreprocessor = demojize, TweetTokenizer()
        self.special_puncts = {"’": "'", "…": "..."}


NORMALIZER = _Normalizer()


def test_words_are_decoded_with_spaces(pair):
    tokenizer, _plain = pair
    (ids,) = tokenizer.tokenize(["banana lowest 漢 band"])
    assert tokenizer.decode(ids).split() == ["banana", "lowest", "<unk>", "band"]


@pytest.mark.parametrize(
    "text", ["http://" + "!?" * 3000, "http://" + "(a" * 2000, "a." * 3000, "a@" * 3000, "1 " * 3000, ". " * 3000]
)
def test_no_text_takes_long(text):
    start = time.process_time()
    normalize_tweet(text)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("vocabulary", "codes"),
    [(b"abc\n", b""), (b"a 1\n", b"a b\n"), (b"a 1\n\n", b""), (b"\xff 1\n", b""), (b"a 1\n", b"a b c d\n")],
)
def test_damaged_files_are_rejected(vocabulary, codes):
    with pytest.raises(ValueError, match=r"is damaged|codec"):
        build_bertweet_tokenizer(vocabulary, codes, {})


def test_random_joins_of_pieces_are_normalized_alike():
    rng = random.Random(0)
    for _ in range(2000):
        text = "".join(rng.choices(PIECES, k=rng.randint(1, 9)))
        assert normalize_tweet(text) == NORMALIZER.normalizeTweet(text)
