"""Ways around the lock of the test split, by accident or on purpose, and what stops each of them."""

import ast
import copy
import json
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import sentir.errors
from sentir import api, paths
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.minhash import estimate_overlap, hash_sentences, make_sketch
from sentir.corpus.tables import to_frame
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, LockedTestError, RecipeError
from sentir.evaluation.locked.ledger import (
    export_openings,
    get_ledger_info,
    list_openings,
    list_openings_by_fingerprint,
    open_test,
    restore_openings,
)
from sentir.evaluation.locked.test_contamination import contamination_notes, find_contamination
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, TableSettings

SENTENCES = {split: [f"The {split} sentence number {n} is long." for n in range(40)] for split in ("a", "b", "c")}
SECRET = "surprise"


def make_corpus(train="a", dev="b", test="c", *, name="toy", label=SECRET, change=lambda text: text):
    texts_by_split = {"train": SENTENCES[train], "dev": SENTENCES[dev], "test": [*map(change, SENTENCES[test])]}
    rows = [
        Utterance(f"{name}/{s}/{n}", s, text=text, labels={"emotion": (label if s == "test" else "joy",)})
        for s, texts in texts_by_split.items()
        for n, text in enumerate(texts)
        if text
    ]
    return Corpus.build(name, rows, [SingleLabelSpace("emotion", ("anger", "joy", SECRET))])


@pytest.fixture
def toy():
    return make_corpus()


def test_no_view_of_a_corpus_contains_a_test_label(toy):
    views = [toy.utterances, toy.sealed, dir(toy.sealed), to_frame(toy).to_json(), toy.find("toy/test/0")]
    views += [toy.by_speaker, toy.dialogues, {k: v for k, v in toy.by_label("emotion", "dev").items() if v}]
    views += [{name: value for name, value in vars(toy).items() if name != "label_spaces"}]
    assert not [view for view in map(str, views) if SECRET in view]
    assert not hasattr(toy.sealed, "__dict__")


def test_a_corpus_is_copied_with_its_sealed_labels_and_not_pickled(toy):
    assert copy.deepcopy(toy).sealed is copy.copy(toy).sealed is replace(toy, name="mine").sealed is toy.sealed
    for of in (toy, toy.sealed):
        with pytest.raises(LockedTestError, match="cannot be pickled"):
            pickle.dumps(of)
    assert pickle.dumps(toy.utterances)


def test_a_single_test_row_cannot_be_isolated_to_count_its_label(toy):
    with pytest.raises(CorpusError, match="not those whose labels are sealed"):
        replace(toy, utterances=toy.test[:1])
    with pytest.raises(CorpusError, match="not those whose labels are sealed"):
        replace(toy, utterances=tuple(replace(u, split="dev") for u in toy.utterances))


def test_the_fingerprint_cannot_be_replaced(toy):
    with pytest.raises(TypeError):
        replace(toy, test_fingerprint="another")
    with pytest.raises(AttributeError):
        toy.sealed.fingerprint = "another"
    open_test(replace(toy, name="innocent"), reason="a look")
    assert len(list_openings(toy)) == 1


@pytest.mark.parametrize(
    "copied",
    [
        make_corpus(name="renamed"),
        make_corpus(change=lambda text: text if "number 7" not in text else ""),
        make_corpus(change=lambda text: f" {text.upper()}?"),
        make_corpus(change=lambda text: text.replace("number 3", "nr. 3")),
        make_corpus(label="anger"),
    ],
    ids=["renamed", "a row dropped", "spaces and case", "some sentences changed", "other labels"],
)
def test_a_modified_copy_of_an_opened_test_split_shares_its_count(toy, copied):
    open_test(toy, reason="one")
    open_test(copied, reason="two")
    assert [o.number for o in list_openings(copied)] == [o.number for o in list_openings(toy)] == [1, 2]
    exact = toy.test_fingerprint == copied.test_fingerprint
    assert [o.opened_fingerprint for o in list_openings(toy)] == ["", "" if exact else copied.test_fingerprint]
    assert len(list_openings_by_fingerprint(toy.test_fingerprint)) == 1 + exact


def test_another_test_split_has_its_own_count(toy):
    open_test(toy, reason="one")
    assert list_openings(make_corpus(test="b", dev="c")) == ()


@pytest.mark.parametrize("split", ["train", "dev"])
def test_an_opened_test_split_reused_as_train_or_dev_is_found(toy, split):
    reused = make_corpus(**{split: "c", "test": {"train": "a", "dev": "b"}[split]})
    assert find_contamination(reused) == ()
    open_test(toy, reason="score")
    (found,) = find_contamination(reused)
    assert (found.test, found.split, found.overlap) == ("toy", split, 1.0)
    assert f"{split} contains 100% of the sentences of the test split of 'toy', evaluated on" in found.sentence()
    assert find_contamination(toy) == ()


def related(share, *, folds_of=""):
    """Another corpus, whose train contains a share of the sentences of the test split of ``toy``."""
    texts_by_split = {
        split: [f"Another {split} sentence, the {n}th" for n in range(40)] for split in ("train", "dev", "test")
    }
    texts_by_split["train"][: round(40 * share)] = SENTENCES["c"][: round(40 * share)]
    rows = [
        Utterance(f"own/{split}/{n}", split, text=text, labels={"emotion": (("joy", SECRET)[n % 2],)})
        for split, texts in texts_by_split.items()
        for n, text in enumerate(texts)
    ]
    corpus = Corpus.build("own", rows, [SingleLabelSpace("emotion", ("anger", "joy", SECRET))])
    return replace(corpus, folds_of=folds_of)


def test_a_related_corpus_has_a_contamination_note_but_no_problem(toy):
    open_test(toy, reason="score")
    assert find_contamination(related(0.05)) == ()
    (partial,), (complete,) = find_contamination(related(0.15)), find_contamination(related(1))
    assert (partial.test, partial.split, partial.overlap, partial.is_same_test) == ("toy", "train", 0.15, False)
    assert "15% of the sentences of the test split of 'toy'" in partial.sentence()
    assert complete.is_same_test
    assert contamination_notes(related(0.15), "test") == contamination_notes(related(1), "dev") == ()
    (note,) = contamination_notes(related(1), "test")
    assert note.startswith("train contains") and note.endswith(": toy")


def test_declared_folds_of_one_corpus_are_no_contamination(toy):
    open_test(replace(toy, folds_of="mine"), reason="first fold")
    assert find_contamination(related(1, folds_of="mine")) == ()
    assert find_contamination(related(1)) and find_contamination(related(1, folds_of="another"))
    data = DataSettings(reader="demo-meld", folds_of="mine")
    assert read_corpus(data).folds_of == "mine"


@pytest.mark.shared_data
def test_a_published_corpus_is_no_problem_because_another_test_was_opened(shared_data):
    meld = read_corpus(DataSettings(reader="meld"), shared_data / "meld")
    texts = [u.text for u in meld.train if len(u.text) > 30][:200]
    rows = [
        Utterance(f"lines/{n}", "test", text=text, labels={"emotion": ("joy",)}) for n, text in enumerate(texts)
    ]
    open_test(Corpus.build("lines", rows, [SingleLabelSpace("emotion", ("joy", "fear"))]), reason="score")
    (found,) = find_contamination(meld)
    assert (found.test, found.split, found.is_same_test) == ("lines", "train", False) and found.overlap > 0.9
    grades = {f.kind: (f.severity, f.grade) for f in api.audit_corpus("meld", root=shared_data / "meld").findings}
    assert grades["test_contamination_in_train"] == ("note", "A")


def test_few_or_common_sentences_are_no_overlap():
    assert estimate_overlap(make_sketch(hash_sentences(["Oh my God!"] * 50)), hash_sentences(["Oh my God!"])) == 0
    script = [f"Kids are talking by the door number {n}" for n in range(12)] * 6
    assert hash_sentences(script) == frozenset() and len(hash_sentences(script[:12])) == 12
    few = [f"A sentence of some length, number {n}" for n in range(5)]
    assert estimate_overlap(make_sketch(hash_sentences(few)), hash_sentences(few)) == 0


def test_a_sketch_of_a_large_split_estimates_overlap():
    texts = [f"sentence number {n} of a large split" for n in range(8000)]
    sketch = make_sketch(hash_sentences(texts[:4000]))
    assert len(sketch) == 512
    assert estimate_overlap(sketch, hash_sentences(texts[2000:6000])) == pytest.approx(0.5, abs=0.07)
    assert estimate_overlap(sketch, hash_sentences(texts[:300])) == 1.0
    assert estimate_overlap(sketch, hash_sentences(texts[4000:])) == 0.0


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["meld", "mosei"])
def test_published_corpora_have_no_contamination(shared_data, name):
    assert find_contamination(read_corpus(DataSettings(reader=name), shared_data / name)) == ()


@pytest.mark.shared_data
def test_the_audit_finds_the_published_test_split_of_meld_in_dev(shared_data, tmp_path):
    for split in ("train", "dev", "test"):
        source = {"dev": "test"}.get(split, split)
        (tmp_path / f"{split}_sent_emo.csv").write_bytes(
            (shared_data / f"meld/{source}_sent_emo.csv").read_bytes()
        )
    found = api.audit_corpus("meld", root=tmp_path)
    (one,) = [finding for finding in found.findings if finding.kind.startswith("test_contamination")]
    assert (one.kind, one.severity, one.grade, found.grade) == ("test_contamination_in_dev", "problem", "D", "E")
    assert "dev contains 100% of the sentences of the published test split of MELD" in one.message
    (copies,) = [finding for finding in found.findings if finding.kind == "duplicates_of_test_in_dev"]
    assert copies.grade == "E"


@pytest.mark.parametrize("lost", [True, False], ids=["the ledger deleted", "another state folder"])
def test_a_lost_ledger_is_restored_from_a_run(toy, tmp_path, monkeypatch, lost):
    open_test(toy, reason="one")
    open_test(make_corpus(name="copy", label="anger"), reason="two")
    export_openings(toy, tmp_path / "openings.jsonl")
    before = list_openings(toy)
    if lost:
        (paths.state_dir() / "ledger.jsonl").unlink()
    else:
        monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "fresh"))
    assert list_openings(toy) == () and get_ledger_info().first_opening == ""
    restore_openings(tmp_path / "openings.jsonl")
    restore_openings(tmp_path / "openings.jsonl")
    assert list_openings(toy) == before and get_ledger_info().first_opening == before[0].when


def test_a_damaged_copy_is_an_error_and_a_missing_one_is_empty(toy, tmp_path):
    restore_openings(tmp_path / "none.jsonl")
    (tmp_path / "openings.jsonl").write_text("{")
    with pytest.raises(LockedTestError, match=r"openings\.jsonl is damaged in line 1"):
        restore_openings(tmp_path / "openings.jsonl")


def test_entries_without_sketches_count(toy):
    open_test(toy, reason="old")
    path = paths.state_dir() / "ledger.jsonl"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "sketch"}) + "\n")
    open_test(toy, reason="new")
    assert [o.reason for o in list_openings(toy)] == ["old", "new"]


OPEN_IN_A_LOOP = """
import os, signal
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.corpus.utterances import Utterance
from sentir.evaluation.locked.ledger import open_test
row = Utterance("c/1", "test", text="hm", labels={{"emotion": ("joy",)}})
corpus = Corpus.build("c", [row], [SingleLabelSpace("emotion", ("anger", "joy"))])
print(corpus.test_fingerprint, flush=True)
if {killed}:
    SealedLabels._reveal = lambda self: os.kill(os.getpid(), signal.SIGKILL)
for n in range({times}):
    open_test(corpus, reason=f"{{os.getpid()}} {{n}}")
"""


def start_openings(*, times=1, killed=False):
    code = OPEN_IN_A_LOOP.format(times=times, killed=killed)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills with SIGKILL")
def test_an_opening_is_counted_if_the_process_is_killed_before_labels_are_returned():
    process = start_openings(killed=True)
    fingerprint, _error = process.communicate()
    assert process.returncode == -signal.SIGKILL and len(list_openings_by_fingerprint(fingerprint.strip())) == 1


def test_openings_of_concurrent_processes_are_all_counted():
    both = [start_openings(times=10), start_openings(times=10)]
    (key,) = {process.communicate()[0].strip() for process in both}
    found = list_openings_by_fingerprint(key)
    assert [process.returncode for process in both] == [0, 0]
    assert [o.number for o in found] == [*range(1, 21)] and len({o.reason for o in found}) == 20


def _reveals(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return sum(isinstance(node, ast.Attribute) and node.attr == "_reveal" for node in ast.walk(tree))


def test_sealed_labels_are_revealed_in_two_places_of_the_code_only():
    root = Path(sentir.errors.__file__).parent
    found = {
        path.relative_to(root).as_posix(): n
        for path in root.rglob("*.py")
        if not path.name.startswith(".") and (n := _reveals(path))
    }
    assert found == {"audit/corpus_audit.py": 1, "evaluation/locked/ledger.py": 1}


@pytest.mark.parametrize("setting", [{"group": "label"}, {"slices": ("label",)}], ids=["group", "slices"])
def test_the_label_column_cannot_be_read_as_another_column(tmp_path, setting):
    (tmp_path / "t.csv").write_text("text,label\nhm,joy\nah,anger\n", encoding="utf-8")
    data = DataSettings(reader="table", table=TableSettings(label="label", text="text", **setting))
    with pytest.raises(RecipeError, match="uses the label column 'label' as an input"):
        read_corpus(data, tmp_path / "t.csv")
