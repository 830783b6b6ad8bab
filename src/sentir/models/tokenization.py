"""Text, with or without the turns around it → token ids and the mask of the utterance's own tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import zip_longest
from typing import Any

import torch

Encoding = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens around a pair of texts, as pairs of id and token type.

    Attributes:
        prefix, separator, suffix: before the first text, between the two, after the second.
        token_types: of the first and of the second text.
        has_token_types: whether the tokenizer returns token types; otherwise they are 0.
    """

    prefix: list[tuple[int, int]]
    separator: list[tuple[int, int]]
    suffix: list[tuple[int, int]]
    token_types: tuple[int, int]
    has_token_types: bool


class TextTokenizer:
    """A transformers tokenizer with the maximum length and normalization of its backbone.

    Args:
        tokenizer: any transformers tokenizer, fast or slow.
        max_length: longest input in tokens, special tokens included.
        normalize: applied to every text first.
    """

    def __init__(self, tokenizer: Any, max_length: int, normalize: Callable[[str], str]) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.normalize = normalize
        self._token_ids = lru_cache(maxsize=1024)(self._tokenize)  # a turn is context of several utterances

    def encode(self, text: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> Encoding:
        """Encode one utterance and the turns around it, joined by the tokenizer's separator.

        The utterance itself is never truncated to make room for other turns: the farthest turns are dropped
        first, and of a turn that fits in part the nearer end is kept. ``pool_mask`` marks the tokens to pool: all
        of them without context, else the utterance's own.

        Args:
            text: of the utterance.
            before, after: texts of the turns around it, in order; those without any token are left out.
        """
        own = self._token_ids(text)
        special = self._special_tokens
        num_free = self.max_length - len(special.prefix) - len(own) - len(special.suffix)
        left, right = self._fit_context(before, after, num_free)
        if not left and not right:
            encoding = dict(self.tokenizer(self.normalize(text), truncation=True, max_length=self.max_length))
            return encoding | {"pool_mask": [1] * len(encoding["input_ids"])}
        return self._join_turns(left, own, right)

    def count_unknown(self, encoding: Mapping[str, list[int]]) -> int:
        """Return how many of an utterance's own tokens are unknown tokens."""
        pairs = zip(encoding["input_ids"], encoding["pool_mask"], strict=True)
        return sum(is_own and token == self.tokenizer.unk_token_id for token, is_own in pairs)

    def is_truncated(self, text: str) -> bool:
        """Return whether an utterance, without context, exceeds the maximum length."""
        return len(self.tokenizer(self.normalize(text), verbose=False)["input_ids"]) > self.max_length

    def _tokenize(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(self.normalize(text), add_special_tokens=False, verbose=False)["input_ids"])

    def _fit_context(
        self, before: Sequence[str], after: Sequence[str], num_tokens: int
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Return what fits of the turns on either side, in order; nearer turns take precedence."""
        left: list[tuple[int, ...]] = []
        right: list[tuple[int, ...]] = []
        for earlier, later in zip_longest(reversed(before), after, fillvalue=""):
            for side, turn in ((left, self._token_ids(earlier)), (right, self._token_ids(later))):
                limit = num_tokens - len(self._special_tokens.separator)
                if not turn or limit < 1:
                    continue
                fitting = turn[:limit] if side is right else turn[-limit:]
                side.append(fitting)
                num_tokens = limit - len(fitting)
        return left[::-1], right

    def _join_turns(
        self, left: list[tuple[int, ...]], own: tuple[int, ...], right: list[tuple[int, ...]]
    ) -> Encoding:
        """Join turns as the tokenizer joins two texts; the utterance has the token type of the second."""
        special = self._special_tokens
        tokens = [(*token, 0) for token in special.prefix]
        for n, turn in enumerate((*left, own, *right)):
            is_own = int(n == len(left))
            tokens += [(*token, 0) for token in special.separator if n]
            tokens += [(token, special.token_types[is_own], is_own) for token in turn]
        tokens += [(*token, 0) for token in special.suffix]
        ids, types, pool = (list(column) for column in zip(*tokens, strict=True))
        row = {"input_ids": ids, "attention_mask": [1] * len(ids), "pool_mask": pool if own else [1] * len(ids)}
        return row | {"token_type_ids": types} if special.has_token_types else row

    @cached_property
    def _special_tokens(self) -> SpecialTokens:
        """Find the special tokens in an encoded pair of texts, such as RoBERTa's ``</s></s>`` between the two."""
        pair, text = self.tokenizer("a", "a"), list(self._token_ids("a"))
        ids, n = pair["input_ids"], len(text)
        first, second = (start for start in range(len(ids)) if ids[start : start + n] == text)
        has_types = "token_type_ids" in pair
        types = pair["token_type_ids"] if has_types else [0] * len(ids)
        tokens = list(zip(ids, types, strict=True))
        parts = (tokens[:first], tokens[first + n : second], tokens[second + n :])
        return SpecialTokens(*parts, (types[first], types[second]), has_types)

    def pad(self, rows: Sequence[Encoding]) -> dict[str, torch.Tensor]:
        """Pad N encodings to the longest, on the tokenizer's padding side; every tensor is ``(N, T)``, int64."""
        batch = self.tokenizer.pad(
            [{k: v for k, v in r.items() if k != "pool_mask"} for r in rows], return_tensors="pt"
        )
        width = batch["input_ids"].shape[1]
        left = self.tokenizer.padding_side == "left"
        masks = [r["pool_mask"] for r in rows]
        padding = [[0] * (width - len(mask)) for mask in masks]
        pool_mask = torch.tensor([p + m if left else m + p for p, m in zip(padding, masks, strict=True)])
        return {**batch, "pool_mask": pool_mask}
