"""Tiny text backbones with the architecture, tokenizer family, special tokens and limits of a named one.

They are randomly initialized, with a vocabulary of a few sentences; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from sentir.models.pretrained_tokenizer import PretrainedTokenizer
from sentir.models.text_encoder import TextEncoder, save_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.models.tokenizer_loading import convert_tokenizer
from sentir.testing.tiny_tokenizers import (
    make_byte_bpe,
    make_deberta_unigram,
    make_eurobert_bpe,
    make_gemma_bpe,
    make_modernbert_bpe,
    make_multilingual_unigram,
    make_qwen_bpe,
    make_robertuito_bpe,
    make_tweet_bpe,
    make_unigram,
    make_wordpiece,
)

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
        name: of a text backbone of Sentir.
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


def _make_deberta(tokenizer: PretrainedTokenizer) -> Any:
    from transformers import DebertaV2Config, DebertaV2Model

    relative: dict[str, Any] = {"position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True}
    config = DebertaV2Config(
        **_common_config(tokenizer),
        **relative,
        max_position_embeddings=512,
        type_vocab_size=0,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
    )
    return DebertaV2Model(config)


def _make_modernbert(tokenizer: PretrainedTokenizer) -> Any:
    """Build one whose first layer attends to all tokens, and whose second to its 64 neighbors."""
    from transformers import ModernBertConfig, ModernBertModel

    ends = ("cls", "sep") if "cls_token" in tokenizer.config else ("bos", "eos")
    first, last = (tokenizer.token_id(tokenizer.config[f"{name}_token"]) for name in ends)
    ids: dict[str, Any] = {
        "bos_token_id": first,
        "cls_token_id": first,
        "eos_token_id": last,
        "sep_token_id": last,
    }
    return ModernBertModel(ModernBertConfig(**_common_config(tokenizer), **ids, max_position_embeddings=8192))


def _make_eurobert(tokenizer: PretrainedTokenizer) -> Any:
    from transformers import EuroBertConfig, EuroBertModel

    sizes = _common_config(tokenizer) | _begin_and_end(tokenizer)
    sizes["mask_token_id"] = tokenizer.token_id(tokenizer.mask_token)
    return EuroBertModel(EuroBertConfig(**sizes, num_key_value_heads=2, max_position_embeddings=8192))


def _make_qwen(tokenizer: PretrainedTokenizer) -> Any:
    from transformers import Qwen3Config, Qwen3Model

    sizes = _common_config(tokenizer) | {"eos_token_id": tokenizer.pad_token_id}
    config = Qwen3Config(
        **sizes, num_key_value_heads=1, head_dim=16, max_window_layers=2, max_position_embeddings=32_768
    )
    return Qwen3Model(config)


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
    "bert-base-uncased": (make_wordpiece, _make_bert),
    "minilm": (make_wordpiece, _make_bert),
    "roberta-base": (make_byte_bpe, _make_roberta),
    "roberta-large": (make_byte_bpe, _make_roberta),
    "deberta-v3-base": (make_deberta_unigram, _make_deberta),
    "modernbert-base": (make_modernbert_bpe, _make_modernbert),
    "twitter-roberta-base-sentiment": (make_byte_bpe, _make_roberta),
    "bertweet-base-sentiment-analysis": (make_tweet_bpe, _make_bertweet),
    "xlnet-base-cased": (make_unigram, _make_xlnet),
    "robertuito": (make_robertuito_bpe, _make_bertweet),
    "mmbert-small": (make_gemma_bpe, _make_modernbert),
    "mmbert-base": (make_gemma_bpe, _make_modernbert),
    "eurobert-210m": (make_eurobert_bpe, _make_eurobert),
    "qwen3-embedding-0.6b": (make_qwen_bpe, _make_qwen),
    "xlm-roberta-base": (make_multilingual_unigram, _make_xlm_roberta),
    "multilingual-minilm": (make_multilingual_unigram, _make_bert),
}
