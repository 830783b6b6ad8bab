"""Text, with or without the turns around it → token ids and the mask of the utterance's own tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from sentir.i18n import _
from sentir.models.pretrained_tokenizer import PretrainedTokenizer

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
    """

    prefix: list[tuple[int, int]]
    separator: list[tuple[int, int]]
    suffix: list[tuple[int, int]]
    token_types: tuple[int, int]
    alone: tuple[list[tuple[int, int]], int, list[tuple[int, int]]]

    @classmethod
    def find(cls, tokenizer: PretrainedTokenizer) -> SpecialTokens:
        """Find them in an encoded pair of texts, such as RoBERTa's ``</s></s>`` between the two."""
        pair, alone = (tokenizer.backend.encode(*texts) for texts in (("a", "a"), ("a",)))
        tokens, alone_tokens = (list(zip(one.ids, one.type_ids, strict=True)) for one in (pair, alone))
        (first, first_end), (second, second_end) = (_find_sequence(pair.sequence_ids, n) for n in (0, 1))
        start, end = _find_sequence(alone.sequence_ids, 0)
        return cls(
            prefix=tokens[:first],
            separator=tokens[first_end:second],
            suffix=tokens[second_end:],
            token_types=(tokens[first][1], tokens[second][1]),
            alone=(alone_tokens[:start], alone_tokens[start][1], alone_tokens[end:]),
        )


def _find_sequence(sequence_ids: Sequence[int | None], number: int) -> tuple[int, int]:
    """Return where the tokens of one of the encoded texts begin and end."""
    if number not in sequence_ids:
        raise ValueError(_("its tokenizer has no token for a letter"))
    start = sequence_ids.index(number)
    return start, start + sequence_ids.count(number)


class TextTokenizer:
    """A tokenizer with the maximum length and normalization of its backbone.

    Args:
        tokenizer: of the backbone.
        max_length: longest input in tokens, special tokens included.
        normalize: applied to every text first.
    """

    def __init__(self, tokenizer: PretrainedTokenizer, max_length: int, normalize: Callable[[str], str]) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.normalize = normalize
        self._special_tokens = SpecialTokens.find(tokenizer)

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
        ids = [*(token for token, _type in prefix), *kept, *(token for token, _type in suffix)]
        types = [
            *(type_ for _token, type_ in prefix),
            *[token_type] * len(kept),
            *(type_ for _token, type_ in suffix),
        ]
        return self._make_encoding(ids, types, [1] * len(ids))

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
        """Return text → token ids."""
        texts = list(texts)
        return dict(zip(texts, self.tokenizer.tokenize([*map(self.normalize, texts)]), strict=True))

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
        ids, types, pool = (list(column) for column in zip(*tokens, strict=True))
        return self._make_encoding(ids, types, pool if own else [1] * len(ids))

    def _make_encoding(self, ids: list[int], types: list[int], pool: list[int]) -> Encoding:
        """Return the encoding of tokens: ids, token types, and whether each is pooled."""
        row = {"input_ids": ids, "attention_mask": [1] * len(ids), "pool_mask": pool}
        return row | {"token_type_ids": types} if self.tokenizer.has_token_types else row

    def pad(self, rows: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
        """Pad N encodings to the longest, on the tokenizer's padding side; every array is ``(N, T)``, int64."""
        lengths = np.array([len(row["input_ids"]) for row in rows])
        positions, longest = np.arange(lengths.max()), lengths.max()
        is_left, column = self.tokenizer.padding_side == "left", lengths[:, None]
        is_token = positions >= longest - column if is_left else positions < column
        arrays = {}
        for name in rows[0]:
            fill = self.tokenizer.pad_token_id if name == "input_ids" else 0
            arrays[name] = np.full(is_token.shape, fill, dtype=np.int64)
            arrays[name][is_token] = np.fromiter(chain.from_iterable(row[name] for row in rows), dtype=np.int64)
        return arrays
