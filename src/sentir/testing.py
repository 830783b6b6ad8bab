"""What tests need, ours and third parties': tiny text backbones made on the spot, and the contract of a backbone.

A tiny backbone has the architecture, tokenizer family, special tokens and limits of a named one, random weights
and a vocabulary learned from a few sentences. Nothing is downloaded::

    weights = tiny_backbone("roberta-base", folder)
    encoder, tokenizer, spec = load_text_encoder("roberta-base", weights=str(weights))
    check_text_backbone("roberta-base", weights)
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from string import ascii_letters, ascii_lowercase, punctuation
from typing import Any

import torch
from torch import Tensor
from transformers import logging

from sentir.models.encoders import TextEncoder, load_text_encoder, save_text_encoder
from sentir.models.tokenization import TextTokenizer

_WIDTH, _LAYERS, _HEADS, _INNER = 32, 2, 2, 64
_TOLERANCE = 1e-5

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


def tiny_backbone(name: str, folder: Path, texts: Sequence[str] = SENTENCES) -> Path:
    """Write a random text encoder and a small working tokenizer of the kind of a named backbone.

    Args:
        name: ``bert-base-uncased``, ``minilm``, ``roberta-base``, ``twitter-roberta-base-sentiment``,
            ``bertweet-base-sentiment-analysis`` or ``xlnet-base-cased``.
        folder: made if need be; the same arguments write the same files.
        texts: what the vocabulary is learned from.

    Returns:
        The folder, to be used as ``model.weights``: 2 layers of width 32, whatever the name.

    Raises:
        KeyError: if the name is not one of these.
    """
    make_tokenizer, make_model = _FAMILIES[name]
    logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(texts, folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make_model(tokenizer)
    tokenizer.save_pretrained(folder)
    save_text_encoder(TextEncoder(model), TextTokenizer(tokenizer, tokenizer.model_max_length, str), folder)
    return folder


def check_text_backbone(name: str, weights: Path) -> None:
    """Check that a text backbone keeps what Sentir promises of every one.

    It gives one finite vector per utterance and layer; the vectors do not depend on the utterance's company in a
    batch; inputs respect its maximum length; with earlier turns before it, an utterance keeps all its tokens and
    they alone are pooled; gradients reach every parameter that the output depends on; saved and loaded again, it
    gives the same tokens and vectors.

    Args:
        name: a registered backbone, a hub id or a folder.
        weights: folder with its weights and tokenizer, such as `tiny_backbone` writes.

    Raises:
        AssertionError: saying which promise is broken.
    """
    encoder, tokenizer, _spec = load_text_encoder(name, weights=str(weights))
    encoder.eval()
    _check_vectors(encoder, tokenizer)
    _check_lengths(encoder, tokenizer)
    _check_context(tokenizer)
    _check_gradients(encoder, tokenizer)
    _check_saving(name, encoder, tokenizer)


def _vectors(encoder: TextEncoder, tokenizer: TextTokenizer, texts: Sequence[str]) -> Tensor:
    batch = tokenizer.pad([tokenizer.encode(text) for text in texts])
    return encoder(**{key: value for key, value in batch.items() if key in encoder.inputs})


@torch.no_grad()
def _check_vectors(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    texts = ["", *SENTENCES]
    together = _vectors(encoder, tokenizer, texts)
    shape = (len(texts), len(encoder.layers), encoder.width)
    assert together.shape == shape, f"the vectors have shape {tuple(together.shape)}, not {shape}"
    assert together.isfinite().all(), "a vector is not finite"
    alone = torch.cat([_vectors(encoder, tokenizer, [text]) for text in texts])
    far = (together - alone).abs().amax(dim=(1, 2))
    worst = texts[int(far.argmax())]
    assert far.max() <= _TOLERANCE, f"padding changes the vectors of {worst!r} by {far.max():.1e}"


@torch.no_grad()
def _check_lengths(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    long = " ".join(SENTENCES * 40)
    for row in (tokenizer.encode(long), tokenizer.encode("Hi.", long), tokenizer.encode(long, long)):
        length = len(row["input_ids"])
        assert length <= tokenizer.max_length, f"an input has {length} tokens, more than {tokenizer.max_length}"
        encoder(**{key: value for key, value in tokenizer.pad([row]).items() if key in encoder.inputs})


def _check_context(tokenizer: TextTokenizer) -> None:
    before = " ".join(SENTENCES * 40)
    for text in SENTENCES:
        own = tokenizer.tokenizer(tokenizer.normalize(text), add_special_tokens=False)["input_ids"]
        row = tokenizer.encode(text, before)
        pooled = [token for token, own_token in zip(row["input_ids"], row["pool_mask"], strict=True) if own_token]
        assert pooled == own, f"after earlier turns, the pooled tokens of {text!r} are not its own"


def _check_gradients(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    encoder.zero_grad()
    before = _vectors(encoder, tokenizer, SENTENCES)
    assert before.requires_grad, "no gradient flows through the encoder"
    before.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
            continue
        kept = parameter.detach().clone()
        with torch.no_grad():
            parameter.add_(1.0)
            changed = not torch.equal(_vectors(encoder, tokenizer, SENTENCES), before)
            parameter.copy_(kept)
        assert not changed, f"the output depends on {name}, which no gradient reaches"
    encoder.zero_grad()


@torch.no_grad()
def _check_saving(name: str, encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_text_encoder(encoder, tokenizer, Path(folder))
        loaded, again, _spec = load_text_encoder(name, weights=folder)
        loaded.eval()
        for text in SENTENCES:
            assert again.encode(text) == tokenizer.encode(text), f"saving changes the tokens of {text!r}"
        equal = torch.equal(_vectors(loaded, again, SENTENCES), _vectors(encoder, tokenizer, SENTENCES))
        assert equal, "saving changes the vectors"


def _words(backend: Any, texts: Sequence[str]) -> list[str]:
    """Return the words that a tokenizer splits texts into, in its own spelling, most frequent first."""
    plain = texts if backend.normalizer is None else [backend.normalizer.normalize_str(text) for text in texts]
    counts = Counter(word for text in plain for word, _span in backend.pre_tokenizer.pre_tokenize_str(text))
    return sorted(counts, key=lambda word: (-counts[word], word))


def _merges(words: Sequence[str], end: str = "") -> list[tuple[str, str]]:
    """Return byte-pair merges that build words from left to right; ``end`` marks a word's last character."""
    pairs = [(word[:n], word[n] + end * (n == len(word) - 1)) for word in words for n in range(1, len(word))]
    return list(dict.fromkeys(pairs))


def _numbered(*tokens: Iterable[str]) -> dict[str, int]:
    return {token: n for n, token in enumerate(dict.fromkeys(chain(*tokens)))}


def _wordpiece(texts: Sequence[str], folder: Path) -> Any:
    from transformers import BertTokenizer

    words = _words(BertTokenizer()._tokenizer, texts)
    letters = sorted(set("".join(words)) | set(ascii_lowercase))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = _numbered(special, letters, [f"##{letter}" for letter in letters], words)
    return BertTokenizer(vocab=vocab, model_max_length=512)


def _byte_bpe(texts: Sequence[str], folder: Path) -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    merges = _merges(_words(RobertaTokenizer()._tokenizer, texts))
    merged = ["".join(pair) for pair in merges]
    vocab = _numbered(["<s>", "<pad>", "</s>", "<unk>"], sorted(ByteLevel.alphabet()), merged, ["<mask>"])
    return RobertaTokenizer(vocab=vocab, merges=merges, model_max_length=512)  # type: ignore[arg-type]


def _tweet_bpe(texts: Sequence[str], folder: Path) -> Any:
    """Write BERTweet's files: ``bpe.codes``, ``left right count``, and ``vocab.txt``, ``token count``."""
    from transformers import BertweetTokenizer

    words = list(dict.fromkeys(word for text in texts for word in text.split()))
    letters = sorted(set("".join(words)) | set(ascii_letters))
    merges = _merges(words, end="</w>")
    symbols = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    pieces = _numbered(s.removesuffix("</w>") if s.endswith("</w>") else f"{s}@@" for s in symbols)
    codes, vocab = folder / "bpe.codes", folder / "vocab.txt"
    codes.write_text("".join(f"{left} {right} 1\n" for left, right in merges), encoding="utf-8")
    vocab.write_text("".join(f"{piece} 1\n" for piece in pieces), encoding="utf-8")
    return BertweetTokenizer(str(vocab), str(codes), model_max_length=128)


def _unigram(texts: Sequence[str], folder: Path) -> Any:
    from transformers import XLNetTokenizer

    words = _words(XLNetTokenizer()._tokenizer, texts)
    bare = [bare for word in words if (bare := word.rstrip(punctuation))]
    letters = sorted(set("".join(words)) | set(ascii_letters))
    special = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    pieces = _numbered(special, letters, bare)
    scores = {piece: -10.0 if len(piece) == 1 else -5.0 for piece in pieces} | dict.fromkeys(special, 0.0)
    return XLNetTokenizer(vocab=list(scores.items()), unk_id=0)


def _bert(tokenizer: Any) -> Any:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        intermediate_size=_INNER,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
    )
    return BertModel(config, add_pooling_layer=False)


def _roberta(tokenizer: Any, positions: int = 514) -> Any:
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        intermediate_size=_INNER,
        max_position_embeddings=positions,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return RobertaModel(config, add_pooling_layer=False)


def _bertweet(tokenizer: Any) -> Any:
    return _roberta(tokenizer, positions=130)


def _xlnet(tokenizer: Any) -> Any:
    from transformers import XLNetConfig, XLNetModel

    config = XLNetConfig(
        vocab_size=len(tokenizer),
        d_model=_WIDTH,
        n_layer=_LAYERS,
        n_head=_HEADS,
        d_inner=_INNER,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return XLNetModel(config)


_Maker = tuple[Callable[[Sequence[str], Path], Any], Callable[[Any], Any]]
_FAMILIES: dict[str, _Maker] = {
    "bert-base-uncased": (_wordpiece, _bert),
    "minilm": (_wordpiece, _bert),
    "roberta-base": (_byte_bpe, _roberta),
    "twitter-roberta-base-sentiment": (_byte_bpe, _roberta),
    "bertweet-base-sentiment-analysis": (_tweet_bpe, _bertweet),
    "xlnet-base-cased": (_unigram, _xlnet),
}
