"""Train, dev and test: names of splits as tables spell them, and splits drawn by group."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from sentir.corpus.label_synonyms import fold
from sentir.corpus.utterances import SPLITS
from sentir.errors import CorpusError
from sentir.i18n import _

_WORDS = {
    "train": "train training entrenamiento",
    "dev": "dev devel development val valid validation desarrollo validacion",
    "test": "test testing prueba pruebas",
}
ENOUGH = 0.5  # of its share of rows, that a split should have
_MOST_DRAWN = 1_000_000  # hashes in search of a seed
_SPLIT_NAMES = {word: split for split in SPLITS for word in _WORDS[split].split()}


def split_named(name: str) -> str | None:
    """Return train, dev or test for a name such as ``Validation``, or ``None`` if it names no split."""
    return _SPLIT_NAMES.get(fold(name))


def draw_splits(groups: Sequence[str], shares: Mapping[str, float], seed: int) -> list[str]:
    """Draw whole groups into splits, each by a hash of seed and name alone.

    So no group moves when others come, go or change their place. Test lies at the lower end of the hashes and dev
    at the upper one: a group that a new share moves, moves to or from train. Shares hold in expectation only.

    Args:
        groups: the group of each of N rows.
        shares: split → its share; they need not sum to 1.
        seed: another seed draws another split.

    Returns:
        The split of each row.

    Raises:
        CorpusError: if a split gets no group; it names a seed with which every split gets one.
    """
    split_of = {group: _place(group, shares, seed) for group in dict.fromkeys(groups)}
    if lacking := [split for split in shares if split not in split_of.values()]:
        raise CorpusError(_empty(lacking[0], groups, shares, seed))
    return [split_of[group] for group in groups]


def _place(group: str, shares: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}/{group}".encode()).digest()
    total = sum(shares.values())
    place = int.from_bytes(digest[:6]) / 2**48 * total
    if place < shares.get("test", 0.0):
        return "test"
    return "dev" if place >= total - shares["dev"] else "train"


def _empty(split: str, groups: Sequence[str], shares: Mapping[str, float], seed: int) -> str:
    n, better = len(set(groups)), find_seed(groups, shares)
    if better is None:
        return _(
            "{n} groups cannot fill {splits}; name a split column, or a finer group column.",
            n=n,
            splits=", ".join(shares),
        )
    return _(
        "Seed {seed} puts none of {n} groups into {split}; set 'data.table.seed' to {better}, with which each "
        "split has some.",
        seed=seed,
        n=n,
        split=split,
        better=better,
    )


def find_seed(groups: Sequence[str], shares: Mapping[str, float], first: int = 0) -> int | None:
    """Return the first seed by which every split has half of its share of rows or more.

    If there is none among a thousand (fewer of many groups), it is the one with the largest smallest split.

    Args:
        groups, shares: as `draw_splits` takes them.
        first: the seed that is tried first.

    Returns:
        The seed, or ``None`` if no seed fills every split.
    """
    sizes, best = Counter(groups), (0.0, first)
    if len(sizes) < len(shares):
        return None
    for seed in range(first, first + max(20, min(1000, _MOST_DRAWN // len(sizes)))):
        least = least_share(sizes, shares, seed)
        if least >= ENOUGH:
            return seed
        best = max(best, (least, seed), key=lambda found: found[0])
    return best[1] if best[0] else None


def least_share(sizes: Mapping[str, int], shares: Mapping[str, float], seed: int) -> float:
    """Return how full the emptiest split is: its rows by those that its share would give it.

    Args:
        sizes: group → its rows.
        shares, seed: as `draw_splits` takes them.
    """
    filled = dict.fromkeys(shares, 0)
    for group, size in sizes.items():
        filled[_place(group, shares, seed)] += size
    total, rows = sum(shares.values()), sum(sizes.values())
    return min(filled[split] * total / (share * rows) for split, share in shares.items())
