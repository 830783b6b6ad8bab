"""Tokenizers from their files, without transformers, and what of the settings the files leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from sentir.models import bertweet
from sentir.models.config_checks import read_json_file
from sentir.models.pretrained_tokenizer import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, PretrainedTokenizer
from sentir.models.weights import CONFIG_FILE

FindFile = Callable[[str], str | Path | None]
"""The name of a file → its path, ``None`` if there is none."""

_SPECIAL_TOKENS_FILE = "special_tokens_map.json"
_WITH_TYPES, _WITHOUT_TYPES = ["input_ids", "token_type_ids", "attention_mask"], ["input_ids", "attention_mask"]
_BERT_TOKENS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
_ROBERTA_TOKENS = {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
# What the tokenizer classes of transformers set where the files of a repository do not.
_CLASS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "BertTokenizer": _BERT_TOKENS | {"model_input_names": _WITH_TYPES},
    "DistilBertTokenizer": _BERT_TOKENS | {"model_input_names": _WITHOUT_TYPES},
    "RobertaTokenizer": _ROBERTA_TOKENS | {"model_input_names": _WITHOUT_TYPES},
    "XLMRobertaTokenizer": _ROBERTA_TOKENS | {"model_input_names": _WITHOUT_TYPES},
    "DebertaV2Tokenizer": _BERT_TOKENS | {"model_input_names": _WITH_TYPES},
    "GemmaTokenizer": _ROBERTA_TOKENS | {"model_input_names": _WITHOUT_TYPES, "padding_side": "left"},
    "Qwen2Tokenizer": {"pad_token": "<|endoftext|>", "model_input_names": _WITHOUT_TYPES},
    "PreTrainedTokenizer": {"model_input_names": _WITHOUT_TYPES},
    "XLNetTokenizer": _ROBERTA_TOKENS | {"model_input_names": _WITHOUT_TYPES, "padding_side": "left"},
}
_CLASS_OF_ARCHITECTURE = {
    "bert": "BertTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "xlnet": "XLNetTokenizer",
}


def read_tokenizer(find_file: FindFile, options: Mapping[str, Any] | None = None) -> PretrainedTokenizer | None:
    """Read the tokenizer of an encoder from its files.

    ``tokenizer.json`` is used as its authors saved it; BERTweet's ``vocab.txt`` and ``bpe.codes`` are converted.

    Args:
        find_file: finds a file of the encoder's folder or repository.
        options: settings that replace those of the files.

    Returns:
        The tokenizer; ``None`` if there is no such file, or only transformers knows the settings of its class.

    Raises:
        ValueError: if a file is damaged; the backend raises other errors too.
        OSError: if a file cannot be read.
    """
    config = _read_config(find_file)
    name = str(config.get("tokenizer_class", "")).removesuffix("Fast")
    config |= options or {}
    if name == "BertweetTokenizer":
        vocabulary, merges = find_file(bertweet.VOCABULARY_FILE), find_file(bertweet.MERGES_FILE)
        if vocabulary is None or merges is None:
            return None
        return bertweet.build_bertweet_tokenizer(Path(vocabulary).read_bytes(), Path(merges).read_bytes(), config)
    path = find_file(TOKENIZER_FILE)
    if path is None:
        return None
    backend = Tokenizer.from_file(str(path))
    config = {**_CLASS_DEFAULTS.get(name, {}), **_backend_config(backend), **config}
    return PretrainedTokenizer(backend, config) if {"pad_token", "model_input_names"} <= {*config} else None


def _read_config(find_file: FindFile) -> dict[str, Any]:
    """Return the settings in the files, with special tokens as strings, and a tokenizer class if one is known."""

    def read(name: str) -> dict[str, Any]:
        path = find_file(name)
        return {} if path is None else read_json_file(path)

    architecture = read(CONFIG_FILE)
    kind = str(architecture.get("model_type", ""))
    tokenizer_class = architecture.get("tokenizer_class") or _CLASS_OF_ARCHITECTURE.get(kind)
    config: dict[str, Any] = {} if tokenizer_class is None else {"tokenizer_class": tokenizer_class}
    for file in (_SPECIAL_TOKENS_FILE, TOKENIZER_CONFIG_FILE):
        for key, value in read(file).items():
            is_token = key.endswith("_token") and isinstance(value, dict)
            if value is not None:
                config[key] = value.get("content") if is_token else value
    return config


def _backend_config(backend: Tokenizer) -> dict[str, Any]:
    """Return what ``tokenizer.json`` says about padding and truncation."""
    padding, truncation = backend.padding or {}, backend.truncation or {}
    config = {"pad_token": padding.get("pad_token"), "padding_side": padding.get("direction")}
    config["truncation_side"] = truncation.get("direction")
    return {key: value for key, value in config.items() if value is not None}
