"""Views of a corpus for cross-validation: train, dev and test of each fold, and all of its utterances pooled.

Fold by fold, the utterances of one fold are test, those of the next one (after the last, the first) are dev, and
all others are train. So every utterance is in test once, predicted by a model that has not used its fold, and
in dev once, which makes pooled scores on dev scores of all utterances too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sentir.corpus.corpus import Corpus


def sort_folds(names: Sequence[str] | set[str]) -> tuple[str, ...]:
    """Return the distinct names of folds in natural order: ``2`` before ``10``."""
    return tuple(sorted(set(names), key=lambda name: [part.zfill(9) for part in re.split(r"(\d+)", name)]))


def split_groups(groups: Sequence[str], k: int, seed: int) -> list[int]:
    """Return the fold of each of N rows, 0 to k - 1: whole groups, assigned at random.

    Args:
        groups: N names of groups, at least k of them different.
        k: number of folds.
        seed: of the assignment.
    """
    from sklearn.model_selection import GroupKFold

    folds = np.zeros(len(groups), dtype=int)
    splits = GroupKFold(k, shuffle=True, random_state=seed).split(folds, groups=groups)
    for fold, (_rest, held_out) in enumerate(splits):
        folds[held_out] = fold
    return folds.tolist()


def split_first_fold(corpus: Corpus, folds: Mapping[str, str]) -> Corpus:
    """Return a corpus with its folds: its first fold is dev, the others are train; its own test is left out.

    Args:
        corpus: train and dev of it are used.
        folds: id of each of their utterances → fold.
    """
    first = sort_folds(set(folds.values()))[0]
    view = _with_splits(corpus, {key: "dev" if fold == first else "train" for key, fold in folds.items()})
    return replace(view, folds=folds)


def make_fold_corpora(corpus: Corpus) -> tuple[Corpus, ...]:
    """Return the corpus of each fold, with sealed labels of its test; the corpus itself if it has no folds."""
    names = sort_folds(set(corpus.folds.values()))
    if not names:
        return (corpus,)
    roles = [{test: "test", dev: "dev"} for test, dev in zip(names, (*names[1:], names[0]), strict=True)]
    return tuple(
        replace(
            _with_splits(corpus, {key: own.get(fold, "train") for key, fold in corpus.folds.items()}),
            name=f"{corpus.name} · {name}",
            folds_of=corpus.folds_of or corpus.name,
        )
        for name, own in zip(names, roles, strict=True)
    )


def pool_folds(corpus: Corpus, split: str) -> Corpus:
    """Return all utterances of a corpus with folds in one split, dev or test, as the folds' models predict them.

    The corpus' ``folds`` are those whose models predict an utterance in this split. A corpus without folds is
    returned as it is.

    Args:
        corpus: with all labels; those of the pooled test split are sealed.
        split: dev or test.
    """
    names = sort_folds(set(corpus.folds.values()))
    if not names:
        return corpus
    model_of = dict(zip(names, names if split == "test" else (names[-1], *names[:-1]), strict=True))
    view = _with_splits(corpus, dict.fromkeys(corpus.folds, split))
    folds = {key: model_of[fold] for key, fold in corpus.folds.items()}
    return replace(view, folds=folds, folds_of=corpus.folds_of or corpus.name)


def _with_splits(corpus: Corpus, split_of: Mapping[str, str]) -> Corpus:
    """Return the corpus with other splits, without utterances that have none."""
    return Corpus.build(
        corpus.name,
        [replace(u, split=split_of[u.id]) for u in corpus if u.id in split_of],
        corpus.label_spaces.values(),
        issues=corpus.issues,
        synthetic=corpus.synthetic,
        groups=corpus.groups,
        slices=corpus.slices,
    )
