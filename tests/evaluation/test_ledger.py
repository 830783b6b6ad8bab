"""The ledger: test labels are out of reach until it has counted."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sentir import places
from sentir.corpus.labels import LabelSpace
from sentir.corpus.types import Corpus, SealedLabels, Utterance
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.ledger import labels_of, open_test, openings


def toy_corpus(name="toy", splits=("train", "dev", "test"), label="joy"):
    rows = [
        Utterance(f"{name}/{split}/{n}", split, f"{split}{n}", text="hm", labels={"emotion": (label,)})
        for split in splits
        for n in range(2)
    ]
    return Corpus.build(name, rows, [LabelSpace("emotion", ("anger", "joy"))])


def ledger_file():
    return places.state_dir() / "ledger.jsonl"


def test_labels_of_train_and_dev_are_free_and_those_of_test_locked():
    corpus = toy_corpus()
    assert labels_of(corpus, "dev") == {f"toy/dev/{n}": {"emotion": ("joy",)} for n in range(2)}
    assert set(labels_of(corpus, "train")) == {u.id for u in corpus.train}
    with pytest.raises(LockedTestError, match="test labels of 'toy' are locked"):
        labels_of(corpus, "test")
    with pytest.raises(CorpusError, match="no split 'validation'"):
        labels_of(corpus, "validation")
    assert all(not u.labels for u in corpus if u.split == "test")
    assert openings(corpus.test_fingerprint) == ()


def test_opening_reveals_the_labels_and_is_counted():
    corpus = toy_corpus()
    labels = open_test(corpus, reason=" final score ", models=["bert", "majority"])
    assert labels == {f"toy/test/{n}": {"emotion": ("joy",)} for n in range(2)}
    open_test(corpus, reason="once more")
    first, second = openings(corpus.test_fingerprint)
    assert (first.number, first.corpus, first.reason, first.models) == (
        1,
        "toy",
        "final score",
        ("bert", "majority"),
    )
    assert (second.number, second.reason, second.models) == (2, "once more", ())
    assert first.test_fingerprint == corpus.test_fingerprint
    assert first.when.endswith("+00:00")


def test_each_test_split_has_its_own_count():
    one, other = toy_corpus(), toy_corpus(label="anger")
    open_test(one, reason="score")
    assert len(openings(one.test_fingerprint)) == 1
    assert openings(other.test_fingerprint) == ()
    open_test(other, reason="score")
    assert [opening.number for opening in openings(other.test_fingerprint)] == [1]


def test_no_opening_is_lost_when_many_open_at_once():
    corpus = toy_corpus()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: open_test(corpus, reason=f"try {n}"), range(40)))
    found = openings(corpus.test_fingerprint)
    assert [opening.number for opening in found] == list(range(1, 41))
    assert {opening.reason for opening in found} == {f"try {n}" for n in range(40)}


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_the_test_split_stays_locked(reason):
    corpus = toy_corpus()
    with pytest.raises(LockedTestError, match="give a reason"):
        open_test(corpus, reason=reason)
    assert openings(corpus.test_fingerprint) == ()


def test_a_ledger_that_cannot_be_written_reveals_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "file" / "state"))
    monkeypatch.setattr(SealedLabels, "_reveal", lambda _self: pytest.fail("revealed without being counted"))
    with pytest.raises(LockedTestError, match="file/state"):
        open_test(toy_corpus(), reason="score")


def test_a_full_disk_reveals_nothing(monkeypatch):
    monkeypatch.setattr("sentir.evaluation.ledger.os.write", lambda _handle, line: len(line) - 1)
    monkeypatch.setattr(SealedLabels, "_reveal", lambda _self: pytest.fail("revealed without being counted"))
    with pytest.raises(LockedTestError, match="stays locked"):
        open_test(toy_corpus(), reason="score")


def without(key):
    def change(line):
        return json.dumps({k: v for k, v in json.loads(line).items() if k != key}).encode() + b"\n"

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:-9],
        lambda line: line[:20] + b"\n",
        lambda line: b"\xff" + line,
        lambda _line: b"\n",
        lambda _line: b"[1]\n",
        without("reason"),
        without("models"),
        without("test_fingerprint"),
    ],
    ids=["cut short", "not JSON", "not UTF-8", "empty", "not an object", "no reason", "no models", "no key"],
)
def test_a_damaged_line_is_named_and_locks_the_test_split(damage):
    corpus = toy_corpus()
    open_test(corpus, reason="one")
    line = ledger_file().read_bytes()
    ledger_file().write_bytes(line + damage(line))
    with pytest.raises(LockedTestError, match=r"ledger\.jsonl is damaged in line 2"):
        openings(corpus.test_fingerprint)
    with pytest.raises(LockedTestError, match="damaged in line 2"):
        open_test(corpus, reason="two")


def test_a_corpus_without_a_test_split_has_nothing_to_open():
    corpus = toy_corpus(splits=("train", "dev"))
    with pytest.raises(CorpusError, match="'toy' has no test split"):
        open_test(corpus, reason="score")
    assert not ledger_file().exists()
