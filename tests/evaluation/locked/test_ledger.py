"""The ledger: test labels are returned only once it has recorded the opening."""

import errno
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sentir import paths
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.sealed import SealedLabels
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.locked.ledger import get_labels, list_openings_by_fingerprint, open_test
from sentir.file_locks import hold_lock


def toy_corpus(name="toy", splits=("train", "dev", "test"), label="joy"):
    rows = [
        Utterance(f"{name}/{split}/{n}", split, f"{split}{n}", text="hm", labels={"emotion": (label,)})
        for split in splits
        for n in range(2)
    ]
    return Corpus.build(name, rows, [SingleLabelSpace("emotion", ("anger", "joy"))])


def ledger_file():
    return paths.state_dir() / "ledger.jsonl"


def test_labels_of_train_and_dev_are_available_and_those_of_test_locked():
    corpus = toy_corpus()
    assert get_labels(corpus, "dev") == {f"toy/dev/{n}": {"emotion": ("joy",)} for n in range(2)}
    assert set(get_labels(corpus, "train")) == {u.id for u in corpus.train}
    with pytest.raises(LockedTestError, match="test labels of 'toy' are locked"):
        get_labels(corpus, "test")
    with pytest.raises(CorpusError, match="no split 'validation'"):
        get_labels(corpus, "validation")
    assert all(not u.labels for u in corpus if u.split == "test")
    assert list_openings_by_fingerprint(corpus.test_fingerprint) == ()


def test_open_test_returns_the_labels_and_is_counted():
    corpus = toy_corpus()
    labels = open_test(corpus, reason=" final score ", models=["bert", "majority"])
    assert labels == {f"toy/test/{n}": {"emotion": ("joy",)} for n in range(2)}
    open_test(corpus, reason="once more")
    first, second = list_openings_by_fingerprint(corpus.test_fingerprint)
    assert (first.number, first.corpus, first.reason, first.models) == (
        1,
        "toy",
        "final score",
        ("bert", "majority"),
    )
    assert (second.number, second.reason, second.models) == (2, "once more", ())
    assert first.test_fingerprint == corpus.test_fingerprint
    assert first.when.endswith("+00:00")


def test_a_reason_with_bytes_that_are_not_utf_8_is_recorded():
    corpus = toy_corpus()
    open_test(corpus, reason="first \udcff look", models=["m\udcff"])
    (opening,) = list_openings_by_fingerprint(corpus.test_fingerprint)
    assert (opening.reason, opening.models) == ("first \udcff look", ("m\udcff",))


def test_each_test_split_has_its_own_count():
    one, other = toy_corpus(), toy_corpus(label="anger")
    open_test(one, reason="score")
    assert len(list_openings_by_fingerprint(one.test_fingerprint)) == 1
    assert list_openings_by_fingerprint(other.test_fingerprint) == ()
    open_test(other, reason="score")
    assert [opening.number for opening in list_openings_by_fingerprint(other.test_fingerprint)] == [1]


def test_no_opening_is_lost_with_many_threads():
    corpus = toy_corpus()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: open_test(corpus, reason=f"try {n}"), range(40)))
    found = list_openings_by_fingerprint(corpus.test_fingerprint)
    assert [opening.number for opening in found] == list(range(1, 41))
    assert {opening.reason for opening in found} == {f"try {n}" for n in range(40)}


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_the_test_split_stays_locked(reason):
    corpus = toy_corpus()
    with pytest.raises(LockedTestError, match="give a reason"):
        open_test(corpus, reason=reason)
    assert list_openings_by_fingerprint(corpus.test_fingerprint) == ()


def test_without_a_writable_ledger_no_label_is_returned(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "file" / "state"))
    monkeypatch.setattr(SealedLabels, "_reveal", lambda _self: pytest.fail("returned without being recorded"))
    with pytest.raises(LockedTestError, match="file/state"):
        open_test(toy_corpus(), reason="score")


def limit_disk_space(available, monkeypatch):
    """Limit the space on disk to ``available`` more bytes."""
    write, remaining = os.write, [available]

    def limited(handle, content):
        if not remaining[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(handle, bytes(content)[: remaining[0]])
        remaining[0] -= written
        return written

    monkeypatch.setattr("sentir.evaluation.locked.ledger_file.os.write", limited)


def test_a_full_disk_at_any_byte_returns_no_label_and_leaves_the_ledger_unchanged(monkeypatch):
    corpus = toy_corpus()
    open_test(corpus, reason="one")
    entries = ledger_file().read_bytes()
    monkeypatch.setattr(SealedLabels, "_reveal", lambda _self: pytest.fail("returned without being recorded"))
    for available in range(len(entries)):
        with monkeypatch.context() as patch:
            limit_disk_space(available, patch)
            with pytest.raises(LockedTestError, match=r"ledger\.jsonl cannot be used \(No space left"):
                open_test(corpus, reason="two")
        assert ledger_file().read_bytes() == entries
    assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1


def test_a_line_is_written_completely_in_partial_writes(monkeypatch):
    corpus, write = toy_corpus(), os.write
    monkeypatch.setattr(
        "sentir.evaluation.locked.ledger_file.os.write", lambda handle, part: write(handle, part[:7])
    )
    open_test(corpus, reason="one")
    assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1


def test_an_incomplete_line_of_a_killed_process_is_moved_and_not_counted():
    corpus = toy_corpus()
    open_test(corpus, reason="one")
    line = ledger_file().read_bytes()
    torn = ledger_file().with_suffix(".torn")
    for length in range(1, len(line)):
        ledger_file().write_bytes(line + line[:length])
        assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1
        assert ledger_file().read_bytes() == line
        assert torn.read_bytes().endswith(line[:length] + b"\n")
    assert torn.read_bytes().count(b"\n") == len(line) - 1
    open_test(corpus, reason="two")
    assert [one.reason for one in list_openings_by_fingerprint(corpus.test_fingerprint)] == ["one", "two"]


CHILD = """
import os, signal, sys
from sentir.evaluation.locked import ledger_file

entry = {{"when": "2026-01-01", "corpus": "toy", "test_fingerprint": "{key}", "reason": "", "models": []}}
{action}
"""
WRITES = """
for n in range(200):
    ledger_file.append_entries(lambda _known: [entry | {{"reason": "{key} " + str(n) * 50}}])
"""
DIES = """
write = os.write
def dying(handle, line):
    write(handle, line[:{length}])
    os.kill(os.getpid(), signal.SIGKILL)
os.write = dying
ledger_file.append_entries(lambda _known: [entry])
"""


def child(action, **values):
    code = CHILD.format(key=values["key"], action=action.format(**values))
    return subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))


@pytest.mark.parametrize("length", [1, 40, 10_000])
def test_a_process_killed_while_writing_does_not_block_others(length):
    ledger_file().parent.mkdir(parents=True)
    assert child(DIES, key="a", length=length).wait() == -signal.SIGKILL
    count = len(list_openings_by_fingerprint("a"))
    assert count == (length == 10_000), "a complete line counts, whether or not its label was returned"
    assert child("ledger_file.append_entries(lambda _known: [entry])", key="a").wait() == 0
    assert len(list_openings_by_fingerprint("a")) == count + 1


def test_two_writing_processes_lose_nothing_while_a_third_reads():
    writers = [child(WRITES, key=key) for key in "ab"]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        found = len(list_openings_by_fingerprint("a")) + len(list_openings_by_fingerprint("b"))
        assert found >= seen
        seen = found
    assert [writer.wait() for writer in writers] == [0, 0]
    for key in "ab":
        assert {one.reason for one in list_openings_by_fingerprint(key)} == {
            f"{key} {str(n) * 50}" for n in range(200)
        }
        assert len(list_openings_by_fingerprint(key)) == 200


def test_a_ledger_locked_by_another_process_keeps_test_locked(monkeypatch):
    corpus = toy_corpus()
    open_test(corpus, reason="one")
    monkeypatch.setattr("sentir.evaluation.locked.ledger_file._LOCK_TIMEOUT", 0.1)
    with hold_lock(ledger_file().with_suffix(".lock")), pytest.raises(LockedTestError, match="another process"):
        open_test(corpus, reason="two")
    assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1


def test_openings_are_counted_on_a_file_system_without_locks(monkeypatch):
    def unsupported(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    corpus = toy_corpus()
    monkeypatch.setattr("fcntl.flock", unsupported)
    open_test(corpus, reason="one")
    assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1


def without(key):
    def change(line):
        return json.dumps({k: v for k, v in json.loads(line).items() if k != key}).encode() + b"\n"

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:-9] + b"\n",
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
    with pytest.raises(LockedTestError, match=r"ledger\.jsonl is damaged in line 2.* backup"):
        list_openings_by_fingerprint(corpus.test_fingerprint)
    with pytest.raises(LockedTestError, match="damaged in line 2"):
        open_test(corpus, reason="two")


def test_a_corpus_without_a_test_split_is_an_error():
    corpus = toy_corpus(splits=("train", "dev"))
    with pytest.raises(CorpusError, match="'toy' has no test split"):
        open_test(corpus, reason="score")
    assert not ledger_file().exists()
