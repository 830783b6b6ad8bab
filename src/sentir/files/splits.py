"""Train, dev and test: names of splits as tables spell them, and random splits by group."""

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
MIN_FILL = 0.5  # a split should have at least half of its expected rows
_MAX_HASHES = 1_000_000  # hashes computed in search of a seed
_SPLIT_BY_WORD = {word: split for split in SPLITS for word in _SPLIT_WORDS[split].split()}


def parse_split(name: str) -> str | None:
    """Return train, dev or test for a name such as ``Validation``; ``None`` if it names no split."""
    return _SPLIT_BY_WORD.get(fold_word(name))


def split_by_group(groups: Sequence[str], fractions: Mapping[str, float], seed: int) -> list[str]:
    """Assign whole groups to splits at random, each by a hash of the seed and its name only.

    So no group moves when others are added, removed or reordered. Test takes the lowest hashes and dev the
    highest: changed fractions move groups only to or from train. Fractions hold in expectation only.

    Args:
        groups: the group of each of N rows.
        fractions: split → its fraction; they need not sum to 1.
        seed: of the random split.

    Returns:
        The split of each row.

    Raises:
        CorpusError: if a split gets no group; it suggests a seed with which every split gets one.
    """
    split_of = {group: split_of_group(group, fractions, seed) for group in dict.fromkeys(groups)}
    if empty := [split for split in fractions if split not in split_of.values()]:
        raise CorpusError(_empty_split_message(empty[0], groups, fractions, seed))
    return [split_of[group] for group in groups]


def split_of_group(group: str, fractions: Mapping[str, float], seed: int) -> str:
    """Return the split of one group, by a hash of the seed and its name only; see `split_by_group`."""
    digest = hashlib.sha256(f"{seed}/{group}".encode()).digest()
    total = sum(fractions.values())
    position = int.from_bytes(digest[:6]) / 2**48 * total
    if position < fractions.get("test", 0.0):
        return "test"
    return "dev" if position >= total - fractions["dev"] else "train"


def _empty_split_message(split: str, groups: Sequence[str], fractions: Mapping[str, float], seed: int) -> str:
    n, better = len(set(groups)), find_seed(groups, fractions)
    if better is None:
        return _(
            "{n} groups are too few for {splits}; name a split column, or a finer group column.",
            n=n,
            splits=", ".join(fractions),
        )
    return _(
        "Seed {seed} puts none of {n} groups into {split}; set 'data.table.seed' to {better}, with which no "
        "split is empty.",
        seed=seed,
        n=n,
        split=split,
        better=better,
    )


def find_seed(groups: Sequence[str], fractions: Mapping[str, float], first_seed: int = 0) -> int | None:
    """Return the first seed with which every split has at least half of its expected rows.

    If none of a thousand seeds has (fewer are tried with many groups), return the one that maximizes the
    `smallest_fill`.

    Args:
        groups, fractions: see `split_by_group`.
        first_seed: the seed to try first.

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
        best = max(best, (least, seed), key=lambda fill_and_seed: fill_and_seed[0])
    return best[1] if best[0] else None


def smallest_fill(sizes: Mapping[str, int], fractions: Mapping[str, float], seed: int) -> float:
    """Return the smallest ratio, over the splits, of a split's rows to its expected rows.

    Args:
        sizes: group → number of rows.
        fractions, seed: see `split_by_group`.
    """
    num_rows = dict.fromkeys(fractions, 0)
    for group, size in sizes.items():
        num_rows[split_of_group(group, fractions, seed)] += size
    total, rows = sum(fractions.values()), sum(sizes.values())
    return min(num_rows[split] * total / (share * rows) for split, share in fractions.items())
