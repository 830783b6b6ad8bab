"""Text, with or without the turns before it, → token ids and the mask of the utterance's own tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch


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

    def encode(self, text: str, before: str = "") -> dict[str, list[int]]:
        """Return the ids of one utterance, after the text of earlier turns if there is any.

        The utterance itself is never cut to make room for what came before it: the oldest tokens go first.
        ``pool_mask`` marks the tokens to pool: all of them without context, else the utterance's own.
        """
        text = self.normalize(text)
        alone = dict(self.tokenizer(text, truncation=True, max_length=self.max_length))
        length = len(alone["input_ids"])
        if not before:
            return alone | {"pool_mask": [1] * length}
        own = len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        both = self._pair(self.normalize(before), text, own)
        if both is None:
            return alone | {"pool_mask": [1] * length}
        total, tail = len(both["input_ids"]), self._special_tail
        start = total - tail - own
        mask = [1 if start <= n < total - tail else 0 for n in range(total)]
        return both | {"pool_mask": mask if own else [1] * total}

    def cuts(self, text: str) -> bool:
        """Tell whether an utterance alone is longer than what is read of it."""
        return len(self.tokenizer(self.normalize(text), verbose=False)["input_ids"]) > self.max_length

    def _pair(self, before: str, text: str, own: int) -> dict[str, list[int]] | None:
        room = self.max_length - own - self.tokenizer.num_special_tokens_to_add(pair=True)
        if room < 1:
            return None
        self.tokenizer.truncation_side = "left"
        both = self.tokenizer(before, text, truncation="only_first", max_length=self.max_length)
        self.tokenizer.truncation_side = "right"
        return dict(both)

    @cached_property
    def _special_tail(self) -> int:
        """How many special tokens stand after a text (1 for BERT, 2 for XLNet)."""
        ids, bare = (self.tokenizer("a", add_special_tokens=special)["input_ids"] for special in (True, False))
        start = next(n for n in range(len(ids)) if ids[n : n + len(bare)] == bare)
        return len(ids) - start - len(bare)

    def pad(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
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
