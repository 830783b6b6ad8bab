"""Text, with or without the turns around it, → token ids and the mask of the utterance's own tokens."""

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
    """What a tokenizer puts around two texts: tokens as pairs of id and token type.

    Attributes:
        prefix, separator, suffix: before the first text, between the two, after the second.
        token_types: token types of the first and the second text.
        has_token_types: whether the tokenizer gives token types; otherwise they are 0.
    """

    prefix: list[tuple[int, int]]
    separator: list[tuple[int, int]]
    suffix: list[tuple[int, int]]
    token_types: tuple[int, int]
    has_token_types: bool


class TextTokenizer:
    """A transformers tokenizer with the length and normalization of its backbone.

    Args:
        tokenizer: any transformers tokenizer, fast or slow.
        max_length: longest input in tokens, special tokens included.
        normalize: applied to every text first.
    """

    def __init__(self, tokenizer: Any, max_length: int, normalize: Callable[[str], str]) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.normalize = normalize
        self._token_ids = lru_cache(maxsize=1024)(
            self._tokenize
        )  # a turn lies in the windows of several utterances

    def encode(self, text: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> Encoding:
        """Return the ids of one utterance among the turns around it, with the tokenizer's separator between them.

        The utterance itself is never cut to make room for another turn: the farthest turns go first, and of a
        turn that fits in part the nearer end stays. ``pool_mask`` marks the tokens to pool: all of them without
        context, else the utterance's own.

        Args:
            text: of the utterance.
            before, after: texts of the turns around it, in order; one without any token is left out.
        """
        own = self._token_ids(text)
        frame = self._special_tokens
        room = self.max_length - len(frame.prefix) - len(own) - len(frame.suffix)
        left, right = self._fit_context(before, after, room)
        if not left and not right:
            alone = dict(self.tokenizer(self.normalize(text), truncation=True, max_length=self.max_length))
            return alone | {"pool_mask": [1] * len(alone["input_ids"])}
        return self._join_turns(left, own, right)

    def count_unknown(self, encoding: Mapping[str, list[int]]) -> int:
        """Return how many pieces of an utterance are none of the vocabulary: its tokens for the unknown."""
        pairs = zip(encoding["input_ids"], encoding["pool_mask"], strict=True)
        return sum(mine and token == self.tokenizer.unk_token_id for token, mine in pairs)

    def is_truncated(self, text: str) -> bool:
        """Tell whether an utterance alone is longer than what is read of it."""
        return len(self.tokenizer(self.normalize(text), verbose=False)["input_ids"]) > self.max_length

    def _tokenize(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(self.normalize(text), add_special_tokens=False, verbose=False)["input_ids"])

    def _fit_context(
        self, before: Sequence[str], after: Sequence[str], num_tokens: int
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Return what fits of the turns on either side, in order, the nearest first served."""
        left: list[tuple[int, ...]] = []
        right: list[tuple[int, ...]] = []
        for earlier, later in zip_longest(reversed(before), after, fillvalue=""):
            for side, turn in ((left, self._token_ids(earlier)), (right, self._token_ids(later))):
                most = num_tokens - len(self._special_tokens.separator)
                if not turn or most < 1:
                    continue
                kept = turn[:most] if side is right else turn[-most:]
                side.append(kept)
                num_tokens = most - len(kept)
        return left[::-1], right

    def _join_turns(
        self, left: list[tuple[int, ...]], own: tuple[int, ...], right: list[tuple[int, ...]]
    ) -> Encoding:
        """Chain turns as the tokenizer chains two texts; the utterance has the token type of the second."""
        frame = self._special_tokens
        tokens = [(*token, 0) for token in frame.prefix]
        for n, turn in enumerate((*left, own, *right)):
            mine = int(n == len(left))
            tokens += [(*token, 0) for token in frame.separator if n]
            tokens += [(token, frame.token_types[mine], mine) for token in turn]
        tokens += [(*token, 0) for token in frame.suffix]
        ids, types, pool = (list(column) for column in zip(*tokens, strict=True))
        row = {"input_ids": ids, "attention_mask": [1] * len(ids), "pool_mask": pool if own else [1] * len(ids)}
        return row | {"token_type_ids": types} if frame.has_token_types else row

    @cached_property
    def _special_tokens(self) -> SpecialTokens:
        """Learn from an example what stands around two texts: ``</s></s>`` between RoBERTa's, for one."""
        pair, bare = self.tokenizer("a", "a"), list(self._token_ids("a"))
        ids, n = pair["input_ids"], len(bare)
        first, second = (at for at in range(len(ids)) if ids[at : at + n] == bare)
        typed = "token_type_ids" in pair
        types = pair["token_type_ids"] if typed else [0] * len(ids)
        tokens = list(zip(ids, types, strict=True))
        parts = (tokens[:first], tokens[first + n : second], tokens[second + n :])
        return SpecialTokens(*parts, (types[first], types[second]), typed)

    def pad(self, rows: Sequence[Encoding]) -> dict[str, torch.Tensor]:
        """Pad N encodings to the longest, on the tokenizer's own side; every tensor is ``(N, T)``, int64."""
        batch = self.tokenizer.pad(
            [{k: v for k, v in r.items() if k != "pool_mask"} for r in rows], return_tensors="pt"
        )
        width = batch["input_ids"].shape[1]
        left = self.tokenizer.padding_side == "left"
        pools = [r["pool_mask"] for r in rows]
        gaps = [[0] * (width - len(p)) for p in pools]
        pool = torch.tensor([g + p if left else p + g for g, p in zip(gaps, pools, strict=True)])
        return {**batch, "pool_mask": pool}
