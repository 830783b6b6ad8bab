"""Train, dev and test: names of splits as tables spell them, and splits drawn by group."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from sentir.corpus.synonyms import fold
from sentir.corpus.types import SPLITS
from sentir.errors import CorpusError
from sentir.i18n import _

_WORDS = {
    "train": "train training entrenamiento",
    "dev": "dev devel development val valid validation desarrollo validacion",
    "test": "test testing prueba",
}
_SPLIT_NAMES = {word: split for split in SPLITS for word in _WORDS[split].split()}


def split_named(name: str) -> str | None:
    """Return train, dev or test for a name such as ``Validation``, or ``None`` if it names no split."""
    return _SPLIT_NAMES.get(fold(name))


def draw_splits(groups: Sequence[str], shares: Mapping[str, float], seed: int) -> list[str]:
    """Draw whole groups into splits, whatever the order of the rows.

    Groups come in the order of a hash of seed and name; each goes to the split that is furthest below its share
    of rows, so every split gets at least one.

    Args:
        groups: the group of each of N rows.
        shares: split → its share of the rows; they need not sum to 1.
        seed: another seed draws another split.

    Returns:
        The split of each row.

    Raises:
        CorpusError: if there are fewer groups than splits.
    """
    sizes = Counter(groups)
    if len(sizes) < len(shares):
        raise CorpusError(
            _(
                "{n} groups cannot fill train, dev and test; name a split column, or a finer group column.",
                n=len(sizes),
            )
        )
    filled = dict.fromkeys(shares, 0)
    split_of: dict[str, str] = {}
    for group in sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest()):
        split_of[group] = min(shares, key=lambda split: filled[split] / shares[split])
        filled[split_of[group]] += sizes[group]
    return [split_of[group] for group in groups]
