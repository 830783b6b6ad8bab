"""Views of a corpus for cross-validation: each utterance is test once and dev once, and folds do not mix."""

from collections import Counter
from dataclasses import replace

import pytest
from tiny_corpora import tiny_corpus

from sentir.corpus.folds import make_fold_corpora, pool_folds, sort_folds, split_first_fold
from sentir.errors import LockedTestError
from sentir.evaluation.locked.ledger import get_labels


def folded(k=3):
    corpus = tiny_corpus(lambda u: replace(u, split="train"))
    names = sorted({u.dialogue for u in corpus})
    return split_first_fold(corpus, {u.id: str(names.index(u.dialogue) % k + 8) for u in corpus})


def test_folds_are_in_natural_order():
    assert sort_folds({"10", "9", "Ses2", "Ses10"}) == ("9", "10", "Ses2", "Ses10")


def test_until_it_is_cut_the_first_fold_is_dev_and_the_others_train():
    corpus = folded()
    assert {corpus.folds[u.id] for u in corpus.dev} == {"8"} and {corpus.folds[u.id] for u in corpus.train} == {
        "9",
        "10",
    }
    assert len(corpus.dev) + len(corpus.train) == len(corpus.folds) and not corpus.test


@pytest.mark.parametrize("k", [3, 4, 6])
def test_every_utterance_is_test_once_and_dev_once_and_otherwise_train(k):
    corpus = folded(k)
    parts = make_fold_corpora(corpus)
    counts = {
        split: Counter(u.id for part in parts for u in part.split(split)) for split in ("test", "dev", "train")
    }
    assert len(parts) == k
    assert counts["test"] == counts["dev"] == Counter(u.id for u in corpus)
    assert set(counts["train"].values()) == {k - 2}
    for part in parts:
        folds = [{corpus.folds[u.id] for u in part.split(split)} for split in ("test", "dev", "train")]
        assert list(map(len, folds)) == [1, 1, k - 2] and len(set.union(*folds)) == k


def test_the_test_labels_of_a_fold_are_sealed_and_the_others_are_not():
    for part in (*make_fold_corpora(folded()), pool_folds(folded(), "test")):
        assert part.test and not any(u.labels for u in part.test)
        with pytest.raises(LockedTestError):
            get_labels(part, "test")
        assert all(u.labels for u in (*part.train, *part.dev))


def test_pooled_folds_name_the_model_that_predicts_each_utterance():
    corpus = folded()
    parts = dict(zip(sort_folds(set(corpus.folds.values())), make_fold_corpora(corpus), strict=True))
    for split in ("dev", "test"):
        pooled = pool_folds(corpus, split)
        assert {u.split for u in pooled} == {split} and len(pooled) == len(corpus)
        assert pooled.folds_of == "tiny"
        assert pooled.folds == {u.id: name for name, part in parts.items() for u in part.split(split)}


def test_the_pooled_test_counts_as_the_same_however_it_is_divided():
    assert pool_folds(folded(3), "test").test_fingerprint == pool_folds(folded(4), "test").test_fingerprint


def test_a_corpus_without_folds_is_its_only_part():
    corpus = tiny_corpus()
    assert make_fold_corpora(corpus) == (corpus,) and pool_folds(corpus, "dev") is corpus
