"""Text, with or without the turns around it → token ids and the mask of the utterance's own tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

Encoding = dict[str, list[int]]
TokenIds = list[int]
Window = tuple[str, Sequence[str], Sequence[str]]
"""A text, and the texts of the turns before and after it."""


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens around a pair of texts, as pairs of id and token type.

    Attributes:
        prefix, separator, suffix: before the first text, between the two, after the second.
        token_types: of the first and of the second text.
        alone: prefix, token type and suffix of a text by itself.
        has_token_types: whether the tokenizer returns token types; otherwise they are 0.
    """

    prefix: list[tuple[int, int]]
    separator: list[tuple[int, int]]
    suffix: list[tuple[int, int]]
    token_types: tuple[int, int]
    alone: tuple[list[tuple[int, int]], int, list[tuple[int, int]]]
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

    def encode(self, text: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> Encoding:
        """Encode one utterance and the turns around it, joined by the tokenizer's separator.

        The utterance itself is never truncated to make room for other turns: the farthest turns are dropped
        first, and of a turn that fits in part the nearer end is kept. ``pool_mask`` marks the tokens to pool: all
        of them without context, else the utterance's own.

        Args:
            text: of the utterance.
            before, after: texts of the turns around it, in order; those without any token are left out.
        """
        return self.encode_batch([(text, before, after)])[0]

    def encode_batch(self, windows: Sequence[Window]) -> list[Encoding]:
        """Encode N utterances, each with the turns before and after it; see `encode`."""
        ids = self._tokenize({turn for text, before, after in windows for turn in (text, *before, *after)})
        return [
            self._encode(ids[text], [ids[turn] for turn in before], [ids[turn] for turn in after])
            for text, before, after in windows
        ]

    def _encode(self, own: TokenIds, before: Sequence[TokenIds], after: Sequence[TokenIds]) -> Encoding:
        special = self._special_tokens
        num_free = self.max_length - len(special.prefix) - len(own) - len(special.suffix)
        left, right = self._fit_context(before, after, num_free)
        return self._join_turns(left, own, right) if left or right else self._encode_alone(own)

    def _encode_alone(self, own: TokenIds) -> Encoding:
        prefix, token_type, suffix = self._special_tokens.alone
        excess = max(0, len(prefix) + len(own) + len(suffix) - self.max_length)
        kept = own[excess:] if self.tokenizer.truncation_side == "left" else own[: len(own) - excess]
        tokens = [*prefix, *((token, token_type) for token in kept), *suffix]
        return self._make_encoding([(*token, 1) for token in tokens])

    def count_unknown(self, encoding: Mapping[str, list[int]]) -> int:
        """Return how many of an utterance's own tokens are unknown tokens."""
        unknown, pairs = (
            self.tokenizer.unk_token_id,
            zip(encoding["input_ids"], encoding["pool_mask"], strict=True),
        )
        return sum(is_own and token == unknown for token, is_own in pairs)

    def is_truncated(self, text: str) -> bool:
        """Return whether an utterance, without context, exceeds the maximum length."""
        prefix, _type, suffix = self._special_tokens.alone
        return len(prefix) + len(self._tokenize({text})[text]) + len(suffix) > self.max_length

    def _tokenize(self, texts: Iterable[str]) -> dict[str, TokenIds]:
        """Return text → token ids; tokenizers never truncate, as threads share their settings."""
        texts = list(texts)
        if not texts:
            return {}
        batch = self.tokenizer([*map(self.normalize, texts)], add_special_tokens=False, verbose=False)
        return dict(zip(texts, batch["input_ids"], strict=True))

    def _fit_context(
        self, before: Sequence[TokenIds], after: Sequence[TokenIds], num_tokens: int
    ) -> tuple[list[TokenIds], list[TokenIds]]:
        """Return what fits of the turns on either side, in order; nearer turns take precedence."""
        left: list[TokenIds] = []
        right: list[TokenIds] = []
        nothing: TokenIds = []
        for earlier, later in zip_longest(reversed(before), after, fillvalue=nothing):
            for side, turn in ((left, earlier), (right, later)):
                limit = num_tokens - len(self._special_tokens.separator)
                if not turn or limit < 1:
                    continue
                fitting = turn[:limit] if side is right else turn[-limit:]
                side.append(fitting)
                num_tokens = limit - len(fitting)
        return left[::-1], right

    def _join_turns(self, left: list[TokenIds], own: TokenIds, right: list[TokenIds]) -> Encoding:
        """Join turns as the tokenizer joins two texts; the utterance has the token type of the second."""
        special = self._special_tokens
        tokens = [(*token, 0) for token in special.prefix]
        for n, turn in enumerate((*left, own, *right)):
            is_own = int(n == len(left))
            tokens += [(*token, 0) for token in special.separator if n]
            tokens += [(token, special.token_types[is_own], is_own) for token in turn]
        tokens += [(*token, 0) for token in special.suffix]
        return self._make_encoding(tokens if own else [(token, type_, 1) for token, type_, _pool in tokens])

    def _make_encoding(self, tokens: Sequence[tuple[int, int, int]]) -> Encoding:
        """Return the encoding of tokens: id, token type, and whether it is pooled."""
        ids, types, pool = (list(column) for column in zip(*tokens, strict=True))
        row = {"input_ids": ids, "attention_mask": [1] * len(ids), "pool_mask": pool}
        return row | {"token_type_ids": types} if self._special_tokens.has_token_types else row

    @cached_property
    def _special_tokens(self) -> SpecialTokens:
        """Find the special tokens in an encoded pair of texts, such as RoBERTa's ``</s></s>`` between the two."""
        text = self._tokenize({"a"})["a"]
        alone, pair, n = self._tokens("a"), self._tokens("a", "a"), len(text)
        ids = [token for token, _type in pair]
        first, second = (start for start in range(len(ids)) if ids[start : start + n] == text)
        start = next(
            start for start in range(len(alone)) if [token for token, _type in alone[start:]][:n] == text
        )
        return SpecialTokens(
            prefix=pair[:first],
            separator=pair[first + n : second],
            suffix=pair[second + n :],
            token_types=(pair[first][1], pair[second][1]),
            alone=(alone[:start], alone[start][1], alone[start + n :]),
            has_token_types="token_type_ids" in self.tokenizer("a"),
        )

    def _tokens(self, *texts: str) -> list[tuple[int, int]]:
        """Return the ids and token types of one or two texts with special tokens."""
        batch = self.tokenizer(*texts)
        types = batch.get("token_type_ids", [0] * len(batch["input_ids"]))
        return list(zip(batch["input_ids"], types, strict=True))

    def pad(self, rows: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
        """Pad N encodings to the longest, on the tokenizer's padding side; every array is ``(N, T)``, int64."""
        fills = dict.fromkeys(rows[0], 0)
        fills["input_ids"] = self.tokenizer.pad_token_id
        if "token_type_ids" in fills:
            fills["token_type_ids"] = self.tokenizer.pad_token_type_id
        width, left = max(len(row["input_ids"]) for row in rows), self.tokenizer.padding_side == "left"

        def pad_row(row: Encoding, name: str) -> list[int]:
            padding = [fills[name]] * (width - len(row[name]))
            return padding + row[name] if left else row[name] + padding

        return {name: np.array([pad_row(row, name) for row in rows], dtype=np.int64) for name in fills}
