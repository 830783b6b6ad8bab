"""Train, dev and test: names of splits as tables spell them, and splits drawn by group."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from sentir.corpus.label_synonyms import fold_word
from sentir.corpus.utterances import SPLITS
from sentir.errors import CorpusError
from sentir.i18n import _

_SPLIT_WORDS = {
    "train": "train training entrenamiento",
    "dev": "dev devel development val valid validation desarrollo validacion",
    "test": "test testing prueba pruebas",
}
MIN_FILL = 0.5  # of its share of rows, that a split should have
_MAX_HASHES = 1_000_000  # hashes in search of a seed
_SPLIT_BY_WORD = {word: split for split in SPLITS for word in _SPLIT_WORDS[split].split()}


def parse_split(name: str) -> str | None:
    """Return train, dev or test for a name such as ``Validation``, or ``None`` if it names no split."""
    return _SPLIT_BY_WORD.get(fold_word(name))


def split_by_group(groups: Sequence[str], fractions: Mapping[str, float], seed: int) -> list[str]:
    """Draw whole groups into splits, each by a hash of seed and name alone.

    So no group moves when others come, go or change their place. Test lies at the lower end of the hashes and dev
    at the upper one: a group that a new share moves, moves to or from train. Shares hold in expectation only.

    Args:
        groups: the group of each of N rows.
        fractions: split → its share; they need not sum to 1.
        seed: another seed draws another split.

    Returns:
        The split of each row.

    Raises:
        CorpusError: if a split gets no group; it names a seed with which every split gets one.
    """
    split_of = {group: _split_of_group(group, fractions, seed) for group in dict.fromkeys(groups)}
    if lacking := [split for split in fractions if split not in split_of.values()]:
        raise CorpusError(_empty_split_message(lacking[0], groups, fractions, seed))
    return [split_of[group] for group in groups]


def _split_of_group(group: str, fractions: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}/{group}".encode()).digest()
    total = sum(fractions.values())
    place = int.from_bytes(digest[:6]) / 2**48 * total
    if place < fractions.get("test", 0.0):
        return "test"
    return "dev" if place >= total - fractions["dev"] else "train"


def _empty_split_message(split: str, groups: Sequence[str], fractions: Mapping[str, float], seed: int) -> str:
    n, better = len(set(groups)), find_seed(groups, fractions)
    if better is None:
        return _(
            "{n} groups cannot fill {splits}; name a split column, or a finer group column.",
            n=n,
            splits=", ".join(fractions),
        )
    return _(
        "Seed {seed} puts none of {n} groups into {split}; set 'data.table.seed' to {better}, with which each "
        "split has some.",
        seed=seed,
        n=n,
        split=split,
        better=better,
    )


def find_seed(groups: Sequence[str], fractions: Mapping[str, float], first_seed: int = 0) -> int | None:
    """Return the first seed by which every split has half of its share of rows or more.

    If there is none among a thousand (fewer of many groups), it is the one with the largest smallest split.

    Args:
        groups, fractions: as `draw_splits` takes them.
        first_seed: the seed that is tried first.

    Returns:
        The seed, or ``None`` if no seed fills every split.
    """
    sizes, best = Counter(groups), (0.0, first_seed)
    if len(sizes) < len(fractions):
        return None
    for seed in range(first_seed, first_seed + max(20, min(1000, _MAX_HASHES // len(sizes)))):
        least = smallest_fill(sizes, fractions, seed)
        if least >= MIN_FILL:
            return seed
        best = max(best, (least, seed), key=lambda found: found[0])
    return best[1] if best[0] else None


def smallest_fill(sizes: Mapping[str, int], fractions: Mapping[str, float], seed: int) -> float:
    """Return how full the emptiest split is: its rows by those that its share would give it.

    Args:
        sizes: group → its rows.
        fractions, seed: as `draw_splits` takes them.
    """
    filled = dict.fromkeys(fractions, 0)
    for group, size in sizes.items():
        filled[_split_of_group(group, fractions, seed)] += size
    total, rows = sum(fractions.values()), sum(sizes.values())
    return min(filled[split] * total / (share * rows) for split, share in fractions.items())
