"""`PretrainedTokenizer`: a tokenizer of ``tokenizers`` with the settings of its ``tokenizer_config.json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from sentir.i18n import _
from sentir.safe_text import replace_surrogates

TOKENIZER_FILE, TOKENIZER_CONFIG_FILE = "tokenizer.json", "tokenizer_config.json"
_SIDES = ("right", "left")
_UNLIMITED = 10**30  # about what transformers writes for tokenizers without a maximum length
_DEFAULTS = {"padding_side": "right", "truncation_side": "right", "model_max_length": _UNLIMITED}


@dataclass(frozen=True)
class PretrainedTokenizer:
    """A tokenizer of ``tokenizers``, with the names that transformers gives to its settings.

    Special tokens that are written in a text are tokenized as text (``split_special_tokens`` of transformers);
    they are unknown if the vocabulary has them as words. ``backend`` never changes, so that threads share it.

    Args:
        backend: the tokenizer; it neither truncates nor pads.
        config: as in ``tokenizer_config.json``, with ``model_input_names`` and the special tokens.
        normalize: of the tokenizer's class, applied to every text first.
        num_known: ids of ``backend`` from here on become the unknown token; ``None`` if there are none.
        files: name → content, saved instead of ``tokenizer.json``.

    Raises:
        ValueError: if a setting is invalid.
    """

    backend: Tokenizer
    config: Mapping[str, Any]
    normalize: Callable[[str], str] = str
    num_known: int | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.backend.no_truncation()
        self.backend.no_padding()
        self.backend.encode_special_tokens = True
        object.__setattr__(self, "config", {**_DEFAULTS, **self.config})
        for key, is_valid in _CHECKS.items():
            if not is_valid(self.config.get(key)):
                raise ValueError(_("{file}: '{key}' is invalid", file=TOKENIZER_CONFIG_FILE, key=key))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # a copy of the backend forgets what it does with special tokens

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of N texts, without special tokens and untruncated."""
        normalized = [replace_surrogates(self.normalize(text)) for text in texts]
        rows = self.backend.encode_batch_fast(normalized, add_special_tokens=False)
        return [self._replace_reserved(row.ids) for row in rows]

    def _replace_reserved(self, ids: list[int]) -> list[int]:
        """Return ids of a text with the unknown token, if there is one, in place of ids that no text may have."""
        reserved, unknown = self._reserved_ids, self.unk_token_id
        if reserved.isdisjoint(ids):
            return ids
        replacement = [] if unknown is None else [unknown]
        return [known for n in ids for known in (replacement if n in reserved else [n])]

    @cached_property
    def _reserved_ids(self) -> frozenset[int]:
        """Ids of special tokens, which the vocabulary of sentencepiece models has as words, and unknown ones."""
        beyond = () if self.num_known is None else range(self.num_known, self.backend.get_vocab_size())
        return frozenset({*self.all_special_ids, *beyond} - {self.unk_token_id})

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens included."""
        return self.backend.decode(list(ids), skip_special_tokens=False)

    def token_id(self, token: str) -> int:
        """Return the id of a token.

        Raises:
            KeyError: if the vocabulary does not have it.
        """
        number = self.backend.token_to_id(token)
        if number is None:
            raise KeyError(token)
        return number

    @cached_property
    def vocab_size(self) -> int:
        """Number of token ids, those of added tokens included."""
        return self.num_known or 1 + max(self.backend.get_vocab().values())

    @property
    def pad_token(self) -> str:
        """The padding token."""
        return str(self.config["pad_token"])

    @property
    def mask_token(self) -> str:
        """The token of masked language modeling; ``""`` if the vocabulary has none."""
        token = str(self.config.get("mask_token") or "")
        return "" if self.backend.token_to_id(token) is None else token

    @cached_property
    def pad_token_id(self) -> int:
        """Id of the padding token."""
        return self.token_id(self.pad_token)

    @cached_property
    def unk_token_id(self) -> int | None:
        """Id of the unknown token; ``None`` if there is none."""
        return self.backend.token_to_id(str(self.config.get("unk_token") or ""))

    @cached_property
    def all_special_ids(self) -> tuple[int, ...]:
        """Ids of all special tokens."""
        return tuple(n for n, token in self.backend.get_added_tokens_decoder().items() if token.special)

    @property
    def padding_side(self) -> str:
        """``right`` or ``left``."""
        return str(self.config["padding_side"])

    @property
    def truncation_side(self) -> str:
        """The end that truncation drops, ``right`` or ``left``."""
        return str(self.config["truncation_side"])

    @property
    def model_max_length(self) -> int:
        """Longest input of the encoder in tokens, as far as the tokenizer knows."""
        return int(self.config["model_max_length"])

    @property
    def has_token_types(self) -> bool:
        """Whether the encoder takes token types."""
        return "token_type_ids" in self.config["model_input_names"]

    def save_pretrained(self, folder: Path) -> None:
        """Save to a folder that `read_tokenizer`, and ``AutoTokenizer`` of transformers, load."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        if not self.files:
            self.backend.save(str(folder / TOKENIZER_FILE))
        tree = {key: value for key, value in self.config.items() if not key.endswith("_file")}
        text = json.dumps(tree | {"split_special_tokens": True}, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / TOKENIZER_CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "pad_token": lambda value: isinstance(value, str),
    "unk_token": lambda value: isinstance(value, str | None),
    "mask_token": lambda value: isinstance(value, str | None),
    "padding_side": lambda value: value in _SIDES,
    "truncation_side": lambda value: value in _SIDES,
    "model_max_length": lambda value: isinstance(value, int | float) and 0 < value <= _UNLIMITED * 10,
    "model_input_names": lambda value: isinstance(value, list) and "input_ids" in value,
}
