"""Tiny text backbones with the architecture, tokenizer family, special tokens and limits of a named one.

They are randomly initialized, with a vocabulary of a few sentences; nothing is downloaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from string import ascii_letters, ascii_lowercase, punctuation
from typing import Any

import torch

from sentir.models.bertweet import build_bertweet_tokenizer
from sentir.models.pretrained_tokenizer import PretrainedTokenizer
from sentir.models.text_encoder import TextEncoder, save_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.models.tokenizer_loading import convert_tokenizer

SENTENCES = (
    "I am so happy that you came, this is wonderful!",
    "Oh no, I am so sad. She left and I can't stop crying.",
    "What? You did that? I did not expect it at all!",
    "Leave me alone, I hate this, I'm furious with you!",
    "Did you hear that noise? I'm scared, please don't go in there.",
    "That smells awful, it is disgusting.",
    "The meeting is at 10 on Monday, in the usual room.",
    "@joey look at https://example.org ... it's so funny 😂",
    "Well, we'll see; they've said they'd call \"tomorrow\" (maybe).",
    "Qué alegría verte, señor Müller!",
)


def make_tiny_text_backbone(name: str, folder: Path, texts: Sequence[str] = SENTENCES) -> Path:
    """Write a randomly initialized text encoder and a small working tokenizer, of the kind of a named backbone.

    Args:
        name: ``bert-base-uncased``, ``minilm``, ``roberta-base``, ``twitter-roberta-base-sentiment``,
            ``bertweet-base-sentiment-analysis``, ``xlnet-base-cased``, ``xlm-roberta-base`` or
            ``multilingual-minilm``.
        folder: created if needed; the same arguments write the same files.
        texts: source of the vocabulary.

    Returns:
        The folder, for ``model.weights``: 2 layers of width 32, whatever the name.

    Raises:
        KeyError: if the name is not one of these.
    """
    make_tokenizer, make_model = _FAMILIES[name]
    folder.mkdir(parents=True, exist_ok=True)
    built = make_tokenizer(texts)
    tokenizer = built if isinstance(built, PretrainedTokenizer) else convert_tokenizer(built)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make_model(tokenizer)
    save_text_encoder(TextEncoder(model), TextTokenizer(tokenizer, tokenizer.model_max_length, str), folder)
    return folder


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


def _make_wordpiece(texts: Sequence[str]) -> Any:
    from transformers import BertTokenizer

    words = _count_words(BertTokenizer()._tokenizer, texts)
    letters = sorted(set("".join(words)) | set(ascii_lowercase))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = _make_vocabulary(special, letters, [f"##{letter}" for letter in letters], words)
    return BertTokenizer(vocab=vocab, model_max_length=512)


def _make_byte_bpe(texts: Sequence[str]) -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    merges = _make_merges(_count_words(RobertaTokenizer()._tokenizer, texts))
    merged = ["".join(pair) for pair in merges]
    vocab = _make_vocabulary(["<s>", "<pad>", "</s>", "<unk>"], sorted(ByteLevel.alphabet()), merged, ["<mask>"])
    return RobertaTokenizer(vocab=vocab, merges=merges, model_max_length=512)  # type: ignore[arg-type]


def _make_tweet_bpe(texts: Sequence[str]) -> Any:
    """Build BERTweet's tokenizer from its files: ``left right count`` and ``token count``."""
    words = list(dict.fromkeys(word for text in texts for word in text.split()))
    letters = sorted(set("".join(words)) | set(ascii_letters))
    merges = _make_merges(words, end="</w>")
    symbols = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    pieces = _make_vocabulary(s.removesuffix("</w>") if s.endswith("</w>") else f"{s}@@" for s in symbols)
    codes, vocab = ("".join(f"{one} 1\n" for one in lines) for lines in (map(" ".join, merges), pieces))
    config = {"tokenizer_class": "BertweetTokenizer", "model_max_length": 128}
    return build_bertweet_tokenizer(vocab.encode(), codes.encode(), config)


def _make_unigram(texts: Sequence[str]) -> Any:
    from transformers import XLNetTokenizer

    words = _count_words(XLNetTokenizer()._tokenizer, texts)
    bare = [bare for word in words if (bare := word.rstrip(punctuation))]
    letters = sorted(set("".join(words)) | set(ascii_letters))
    special = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    pieces = _make_vocabulary(special, letters, bare)
    scores = {piece: -10.0 if len(piece) == 1 else -5.0 for piece in pieces} | dict.fromkeys(special, 0.0)
    return XLNetTokenizer(vocab=list(scores.items()), unk_id=0)


def _make_multilingual_unigram(texts: Sequence[str]) -> Any:
    from transformers import XLMRobertaTokenizer

    words = _count_words(XLMRobertaTokenizer()._tokenizer, texts)
    bare = [bare for word in words if (bare := word.rstrip(punctuation))]
    letters = sorted(set("".join(words)) | set(ascii_letters))
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = _make_vocabulary(special, letters, bare, ["<mask>"])
    scores = {piece: -10.0 if len(piece) == 1 else -5.0 for piece in pieces} | dict.fromkeys(special, 0.0)
    return XLMRobertaTokenizer(vocab=list(scores.items()), model_max_length=512)


def _common_config(tokenizer: PretrainedTokenizer) -> dict[str, Any]:
    return {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _begin_and_end(tokenizer: PretrainedTokenizer) -> dict[str, Any]:
    return {f"{name}_token_id": tokenizer.token_id(tokenizer.config[f"{name}_token"]) for name in ("bos", "eos")}


def _make_bert(tokenizer: PretrainedTokenizer) -> Any:
    from transformers import BertConfig, BertModel

    config = BertConfig(**_common_config(tokenizer), max_position_embeddings=512)
    return BertModel(config, add_pooling_layer=False)


def _make_roberta(tokenizer: PretrainedTokenizer, positions: int = 514) -> Any:
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        **_common_config(tokenizer),
        max_position_embeddings=positions,
        type_vocab_size=1,
        **_begin_and_end(tokenizer),
    )
    return RobertaModel(config, add_pooling_layer=False)


def _make_bertweet(tokenizer: PretrainedTokenizer) -> Any:
    return _make_roberta(tokenizer, positions=130)


def _make_xlnet(tokenizer: PretrainedTokenizer) -> Any:
    from transformers import XLNetConfig, XLNetModel

    config = XLNetConfig(vocab_size=tokenizer.vocab_size, d_model=32, n_layer=2, n_head=2, d_inner=64)
    return XLNetModel(config)


def _make_xlm_roberta(tokenizer: PretrainedTokenizer) -> Any:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    sizes = _common_config(tokenizer) | _begin_and_end(tokenizer)
    config = XLMRobertaConfig(**sizes, max_position_embeddings=514, type_vocab_size=1)
    return XLMRobertaModel(config, add_pooling_layer=False)


_Factories = tuple[Callable[[Sequence[str]], Any], Callable[[PretrainedTokenizer], Any]]
_FAMILIES: dict[str, _Factories] = {
    "bert-base-uncased": (_make_wordpiece, _make_bert),
    "minilm": (_make_wordpiece, _make_bert),
    "roberta-base": (_make_byte_bpe, _make_roberta),
    "twitter-roberta-base-sentiment": (_make_byte_bpe, _make_roberta),
    "bertweet-base-sentiment-analysis": (_make_tweet_bpe, _make_bertweet),
    "xlnet-base-cased": (_make_unigram, _make_xlnet),
    "xlm-roberta-base": (_make_multilingual_unigram, _make_xlm_roberta),
    "multilingual-minilm": (_make_multilingual_unigram, _make_bert),
}
