"""Tiny tokenizers of the families of text backbones, with a vocabulary of a few sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from string import ascii_letters, ascii_lowercase, punctuation
from typing import Any

from sentir.models.bertweet import build_bertweet_tokenizer
from sentir.models.pretrained_tokenizer import PretrainedTokenizer


def _count_words(backend: Any, texts: Sequence[str]) -> list[str]:
    """Return the words that a tokenizer splits texts into, normalized, most frequent first."""
    if backend.normalizer is not None:
        texts = [backend.normalizer.normalize_str(text) for text in texts]
    counts = Counter(word for text in texts for word, _span in backend.pre_tokenizer.pre_tokenize_str(text))
    return sorted(counts, key=lambda word: (-counts[word], word))


def _make_merges(words: Sequence[str], end: str = "") -> list[tuple[str, str]]:
    """Return byte-pair merges that build words from left to right; ``end`` marks a word's last character."""
    pairs = [(word[:n], word[n] + end * (n == len(word) - 1)) for word in words for n in range(1, len(word))]
    return list(dict.fromkeys(pairs))


def _make_vocabulary(*tokens: Iterable[str]) -> dict[str, int]:
    return {token: n for n, token in enumerate(dict.fromkeys(chain(*tokens)))}


def make_wordpiece(texts: Sequence[str]) -> Any:
    """BERT's."""
    from transformers import BertTokenizer

    words = _count_words(BertTokenizer()._tokenizer, texts)
    letters = sorted(set("".join(words)) | set(ascii_lowercase))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = _make_vocabulary(special, letters, [f"##{letter}" for letter in letters], words)
    return BertTokenizer(vocab=vocab, model_max_length=512)


def make_byte_bpe(texts: Sequence[str]) -> Any:
    """RoBERTa's."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    merges = _make_merges(_count_words(RobertaTokenizer()._tokenizer, texts))
    merged = ["".join(pair) for pair in merges]
    vocab = _make_vocabulary(["<s>", "<pad>", "</s>", "<unk>"], sorted(ByteLevel.alphabet()), merged, ["<mask>"])
    return RobertaTokenizer(vocab=vocab, merges=merges, model_max_length=512)  # type: ignore[arg-type]


def make_tweet_bpe(texts: Sequence[str]) -> Any:
    """BERTweet's, from its files: ``left right count`` and ``token count``."""
    words = list(dict.fromkeys(word for text in texts for word in text.split()))
    letters = sorted(set("".join(words)) | set(ascii_letters))
    merges = _make_merges(words, end="</w>")
    symbols = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    pieces = _make_vocabulary(s.removesuffix("</w>") if s.endswith("</w>") else f"{s}@@" for s in symbols)
    codes, vocab = ("".join(f"{one} 1\n" for one in lines) for lines in (map(" ".join, merges), pieces))
    config = {"tokenizer_class": "BertweetTokenizer", "model_max_length": 128}
    return build_bertweet_tokenizer(vocab.encode(), codes.encode(), config)


def make_unigram(texts: Sequence[str]) -> Any:
    """XLNet's: sentencepiece."""
    from transformers import XLNetTokenizer

    words = _count_words(XLNetTokenizer()._tokenizer, texts)
    special = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    scores = _make_scores(words, special)
    return XLNetTokenizer(vocab=list(scores.items()), unk_id=0)


def make_multilingual_unigram(texts: Sequence[str]) -> Any:
    """XLM-RoBERTa's: sentencepiece."""
    from transformers import XLMRobertaTokenizer

    words = _count_words(XLMRobertaTokenizer()._tokenizer, texts)
    scores = _make_scores(words, ["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    return XLMRobertaTokenizer(vocab=list(scores.items()), model_max_length=512)


def make_deberta_unigram(texts: Sequence[str]) -> Any:
    """DeBERTa v3's: sentencepiece with BERT's special tokens."""
    from transformers import DebertaV2Tokenizer

    words = _count_words(DebertaV2Tokenizer()._tokenizer, texts)
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    scores = _make_scores(words, special, ["[MASK]"])
    return DebertaV2Tokenizer(vocab=list(scores.items()), unk_id=3, model_max_length=512)


def make_modernbert_bpe(texts: Sequence[str]) -> PretrainedTokenizer:
    """ModernBERT's: byte-level, with BERT's special tokens."""
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return _make_bpe(texts, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", names)


def make_eurobert_bpe(texts: Sequence[str]) -> PretrainedTokenizer:
    """EuroBERT's: that of Llama 3, whose end is also the padding."""
    begin, end = "<|begin_of_text|>", "<|end_of_text|>"
    names = {"bos": begin, "eos": end, "pad": end, "mask": "<|mask|>"}
    return _make_bpe(texts, f"{begin} $A {end}", f"{begin} $A {end} $B {end}", names)


def make_qwen_bpe(texts: Sequence[str]) -> PretrainedTokenizer:
    """Qwen3-Embedding's: nothing before a text, its end is also the padding, on the left."""
    end = "<|endoftext|>"
    options = {"padding_side": "left"}
    return _make_bpe(texts, f"$A {end}", f"$A {end} $B {end}", {"eos": end, "pad": end}, options)


def make_gemma_bpe(texts: Sequence[str]) -> PretrainedTokenizer:
    """mmBERT's: Gemma's, whose words begin with ▁, with single bytes for unknown characters."""
    from tokenizers import normalizers, pre_tokenizers

    names = {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "<unk>", "mask": "<mask>"}
    backend = _tokenizers_bpe(
        normalizers.Replace(" ", "▁"), pre_tokenizers.Split("▁", "merged_with_next"), texts,
        [f"<0x{n:02X}>" for n in range(256)], names, byte_fallback=True, fuse_unk=True,
    )  # fmt: skip
    return _with_template(backend, "<bos> $A <eos>", "<bos> $A <eos> $B <eos>", names)


def make_robertuito_bpe(texts: Sequence[str]) -> PretrainedTokenizer:
    """RoBERTuito's: sentencepiece's byte-pair encoding in lower case, with RoBERTa's special tokens."""
    from tokenizers import normalizers, pre_tokenizers

    names = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
    lower = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    backend = _tokenizers_bpe(lower, pre_tokenizers.Metaspace(), texts, ascii_lowercase, names)
    return _with_template(backend, "<s> $A </s>", "<s> $A </s> </s> $B </s>", names, {"model_max_length": 128})


def _make_bpe(
    texts: Sequence[str],
    single: str,
    pair: str,
    names: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> PretrainedTokenizer:
    """Build a byte-level tokenizer, whose special tokens come last, as in these families."""
    from tokenizers.pre_tokenizers import ByteLevel

    byte_level = ByteLevel(add_prefix_space=False)
    backend = _tokenizers_bpe(None, byte_level, texts, sorted(ByteLevel.alphabet()), names)
    return _with_template(backend, single, pair, names, options)


def _tokenizers_bpe(
    normalizer: Any, pre_tokenizer: Any, texts: Sequence[str], symbols: Iterable[str], names: Mapping[str, str],
    **options: Any,
) -> Any:  # fmt: skip
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

    backend = Tokenizer(BPE())
    backend.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        backend.normalizer = normalizer
    words = _count_words(backend, texts)
    merges = _make_merges(words)
    letters, merged = sorted(set("".join(words))), ["".join(pair) for pair in merges]
    vocab = _make_vocabulary(names.values(), symbols, letters, merged)
    backend.model = BPE(vocab=vocab, merges=merges, unk_token=names.get("unk"), **options)
    return backend


def _with_template(
    backend: Any, single: str, pair: str, names: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> PretrainedTokenizer:
    from tokenizers import AddedToken
    from tokenizers.processors import TemplateProcessing

    backend.add_special_tokens([AddedToken(token, special=True) for token in dict.fromkeys(names.values())])
    specials = [(token, backend.token_to_id(token)) for token in dict.fromkeys(names.values())]
    backend.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=specials)
    config = {f"{name}_token": token for name, token in names.items()} | {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 512,
    }
    return PretrainedTokenizer(backend, config | dict(options or {}))


def _make_scores(words: Sequence[str], special: Sequence[str], last: Sequence[str] = ()) -> dict[str, float]:
    """Return pieces of words → scores, for a unigram tokenizer."""
    bare = [bare for word in words if (bare := word.rstrip(punctuation))]
    pieces = _make_vocabulary(special, sorted(set("".join(words)) | set(ascii_letters)), bare, last)
    return {piece: -10.0 if len(piece) == 1 else -5.0 for piece in pieces} | dict.fromkeys(special, 0.0)
