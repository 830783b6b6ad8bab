"""Ways around the lock of the test split, by carelessness and by cleverness, and where each of them ends."""

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
from sentir.corpus.labels import LabelSpace
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


def built(train="a", dev="b", test="c", *, name="toy", label=SECRET, change=lambda text: text):
    parts = {"train": SENTENCES[train], "dev": SENTENCES[dev], "test": [*map(change, SENTENCES[test])]}
    rows = [
        Utterance(f"{name}/{s}/{n}", s, text=text, labels={"emotion": (label if s == "test" else "joy",)})
        for s, texts in parts.items()
        for n, text in enumerate(texts)
        if text
    ]
    return Corpus.build(name, rows, [LabelSpace("emotion", ("anger", "joy", SECRET))])


@pytest.fixture
def toy():
    return built()


def test_no_view_of_a_corpus_shows_a_test_label(toy):
    views = [toy.utterances, toy.sealed, dir(toy.sealed), to_frame(toy).to_json(), toy.find("toy/test/0")]
    views += [toy.by_speaker, toy.dialogues, {k: v for k, v in toy.by_label("emotion", "dev").items() if v}]
    views += [{name: value for name, value in vars(toy).items() if name != "spaces"}]
    assert not [view for view in map(str, views) if SECRET in view]
    assert not hasattr(toy.sealed, "__dict__")


def test_a_corpus_is_copied_with_its_seal_and_not_pickled(toy):
    assert copy.deepcopy(toy).sealed is copy.copy(toy).sealed is replace(toy, name="mine").sealed is toy.sealed
    for of in (toy, toy.sealed):
        with pytest.raises(LockedTestError, match="cannot be pickled"):
            pickle.dumps(of)
    assert pickle.dumps(toy.utterances)


def test_a_single_test_row_cannot_be_cut_out_to_count_its_label(toy):
    with pytest.raises(CorpusError, match="not those whose labels are sealed"):
        replace(toy, utterances=toy.test[:1])
    with pytest.raises(CorpusError, match="not those whose labels are sealed"):
        replace(toy, utterances=tuple(replace(u, split="dev") for u in toy.utterances))


def test_the_key_of_the_count_cannot_be_exchanged(toy):
    with pytest.raises(TypeError):
        replace(toy, test_fingerprint="another")
    with pytest.raises(AttributeError):
        toy.sealed.fingerprint = "another"
    open_test(replace(toy, name="innocent"), reason="a look")
    assert len(list_openings(toy)) == 1


@pytest.mark.parametrize(
    "changed",
    [
        built(name="renamed"),
        built(change=lambda text: text if "number 7" not in text else ""),
        built(change=lambda text: f" {text.upper()}?"),
        built(change=lambda text: text.replace("number 3", "nr. 3")),
        built(label="anger"),
    ],
    ids=["renamed", "a row dropped", "spaces and case", "some sentences changed", "other labels"],
)
def test_a_changed_copy_of_an_opened_test_split_shares_its_count(toy, changed):
    open_test(toy, reason="one")
    open_test(changed, reason="two")
    assert [o.number for o in list_openings(changed)] == [o.number for o in list_openings(toy)] == [1, 2]
    exact = toy.test_fingerprint == changed.test_fingerprint
    assert [o.opened_fingerprint for o in list_openings(toy)] == ["", "" if exact else changed.test_fingerprint]
    assert len(list_openings_by_fingerprint(toy.test_fingerprint)) == 1 + exact


def test_another_test_split_has_its_own_count(toy):
    open_test(toy, reason="one")
    assert list_openings(built(test="b", dev="c")) == ()


@pytest.mark.parametrize("split", ["train", "dev"])
def test_an_opened_test_split_that_became_train_or_dev_is_known(toy, split):
    turned = built(**{split: "c", "test": {"train": "a", "dev": "b"}[split]})
    assert find_contamination(turned) == ()
    open_test(toy, reason="score")
    (found,) = find_contamination(turned)
    assert (found.test, found.split, found.overlap) == ("toy", split, 1.0)
    assert f"{split} holds 100 % of the sentences of the test split of 'toy' that was opened" in found.sentence()
    assert find_contamination(toy) == ()


def related(share, *, folds_of=""):
    """A corpus of its own whose train says a share of what the test split of ``toy`` says."""
    own = {
        split: [f"Another {split} sentence, the {n}th" for n in range(40)] for split in ("train", "dev", "test")
    }
    own["train"][: round(40 * share)] = SENTENCES["c"][: round(40 * share)]
    rows = [
        Utterance(f"own/{split}/{n}", split, text=text, labels={"emotion": (("joy", SECRET)[n % 2],)})
        for split, texts in own.items()
        for n, text in enumerate(texts)
    ]
    corpus = Corpus.build("own", rows, [LabelSpace("emotion", ("anger", "joy", SECRET))])
    return replace(corpus, folds_of=folds_of)


def test_a_related_corpus_is_told_of_a_known_test_and_not_accused(toy):
    open_test(toy, reason="score")
    assert find_contamination(related(0.05)) == ()
    (some,), (most,) = find_contamination(related(0.15)), find_contamination(related(1))
    assert (some.test, some.split, some.overlap, some.is_same_test) == ("toy", "train", 0.15, False)
    assert "15 % of the sentences of the test split of 'toy'" in some.sentence()
    assert (
        most.is_same_test
        and contamination_notes(related(0.15), "test") == contamination_notes(related(1), "dev") == ()
    )
    (note,) = contamination_notes(related(1), "test")
    assert note.startswith("train holds") and note.endswith(": toy")


def test_folds_of_one_corpus_that_are_declared_do_not_accuse_each_other(toy):
    open_test(replace(toy, folds_of="mine"), reason="first fold")
    assert find_contamination(related(1, folds_of="mine")) == ()
    assert find_contamination(related(1)) and find_contamination(related(1, folds_of="another"))
    data = DataSettings(reader="demo-meld", folds_of="mine")
    assert read_corpus(data).folds_of == "mine"


@pytest.mark.shared_data
def test_a_published_corpus_is_not_accused_because_another_test_was_opened(shared_data):
    meld = read_corpus(DataSettings(reader="meld"), shared_data / "meld")
    said = [u.text for u in meld.train if len(u.text) > 30][:200]
    rows = [
        Utterance(f"lines/{n}", "test", text=text, labels={"emotion": ("joy",)}) for n, text in enumerate(said)
    ]
    open_test(Corpus.build("lines", rows, [LabelSpace("emotion", ("joy", "fear"))]), reason="score")
    (found,) = find_contamination(meld)
    assert (found.test, found.split, found.is_same_test) == ("lines", "train", False) and found.overlap > 0.9
    grades = {f.kind: (f.severity, f.grade) for f in api.audit_corpus("meld", root=shared_data / "meld").findings}
    assert grades["test_contamination_in_train"] == ("note", "A")


def test_a_few_or_common_sentences_prove_nothing():
    assert estimate_overlap(make_sketch(hash_sentences(["Oh my God!"] * 50)), hash_sentences(["Oh my God!"])) == 0
    script = [f"Kids are talking by the door number {n}" for n in range(12)] * 6
    assert hash_sentences(script) == frozenset() and len(hash_sentences(script[:12])) == 12
    few = [f"A sentence of some length, number {n}" for n in range(5)]
    assert estimate_overlap(make_sketch(hash_sentences(few)), hash_sentences(few)) == 0


def test_a_sketch_of_a_large_split_estimates_what_is_shared():
    said = [f"sentence number {n} of a large split" for n in range(8000)]
    kept = make_sketch(hash_sentences(said[:4000]))
    assert len(kept) == 512
    assert estimate_overlap(kept, hash_sentences(said[2000:6000])) == pytest.approx(0.5, abs=0.07)
    assert (
        estimate_overlap(kept, hash_sentences(said[:300])) == 1.0
        and estimate_overlap(kept, hash_sentences(said[4000:])) == 0.0
    )


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["meld", "mosei"])
def test_published_corpora_as_they_are_hold_no_known_test_split(shared_data, name):
    assert find_contamination(read_corpus(DataSettings(reader=name), shared_data / name)) == ()


@pytest.mark.shared_data
def test_the_published_test_of_meld_under_the_name_of_dev_is_said_in_the_audit(shared_data, tmp_path):
    for split in ("train", "dev", "test"):
        source = {"dev": "test"}.get(split, split)
        (tmp_path / f"{split}_sent_emo.csv").write_bytes(
            (shared_data / f"meld/{source}_sent_emo.csv").read_bytes()
        )
    found = api.audit_corpus("meld", root=tmp_path)
    (one,) = [finding for finding in found.findings if finding.kind.startswith("test_contamination")]
    assert (one.kind, one.severity, one.grade, found.grade) == ("test_contamination_in_dev", "problem", "D", "E")
    assert "dev holds 100 % of the sentences of the published test split of MELD" in one.message
    (copies,) = [finding for finding in found.findings if finding.kind == "duplicates_of_test_in_dev"]
    assert copies.grade == "E"


@pytest.mark.parametrize("lost", [True, False], ids=["the ledger deleted", "another state folder"])
def test_a_count_that_was_lost_is_found_again_in_a_run(toy, tmp_path, monkeypatch, lost):
    open_test(toy, reason="one")
    open_test(built(name="copy", label="anger"), reason="two")
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


def test_a_damaged_copy_is_named_and_a_missing_one_is_nothing(toy, tmp_path):
    restore_openings(tmp_path / "none.jsonl")
    (tmp_path / "openings.jsonl").write_text("{")
    with pytest.raises(LockedTestError, match=r"openings\.jsonl is damaged in line 1"):
        restore_openings(tmp_path / "openings.jsonl")


def test_lines_from_before_there_were_sketches_count(toy):
    open_test(toy, reason="old")
    path = paths.state_dir() / "ledger.jsonl"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "sketch"}) + "\n")
    open_test(toy, reason="new")
    assert [o.reason for o in list_openings(toy)] == ["old", "new"]


OPENS = """
import os, signal
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Corpus, SealedLabels, Utterance
from sentir.evaluation.locked.ledger import open_test
row = Utterance("c/1", "test", text="hm", labels={{"emotion": ("joy",)}})
corpus = Corpus.build("c", [row], [LabelSpace("emotion", ("anger", "joy"))])
print(corpus.test_fingerprint, flush=True)
if {killed}:
    SealedLabels._reveal = lambda self: os.kill(os.getpid(), signal.SIGKILL)
for n in range({times}):
    open_test(corpus, reason=f"{{os.getpid()}} {{n}}")
"""


def opening(*, times=1, killed=False):
    code = OPENS.format(times=times, killed=killed)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills with SIGKILL")
def test_who_is_killed_before_seeing_a_label_is_counted():
    process = opening(killed=True)
    said, _error = process.communicate()
    assert process.returncode == -signal.SIGKILL and len(list_openings_by_fingerprint(said.strip())) == 1


def test_processes_that_open_at_once_are_all_counted():
    both = [opening(times=10), opening(times=10)]
    (key,) = {process.communicate()[0].strip() for process in both}
    found = list_openings_by_fingerprint(key)
    assert [process.returncode for process in both] == [0, 0]
    assert [o.number for o in found] == [*range(1, 21)] and len({o.reason for o in found}) == 20


def _reveals(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return sum(isinstance(node, ast.Attribute) and node.attr == "_reveal" for node in ast.walk(tree))


def test_the_seal_is_broken_in_two_places_of_the_code_alone():
    root = Path(sentir.errors.__file__).parent
    found = {
        path.relative_to(root).as_posix(): n
        for path in root.rglob("*.py")
        if not path.name.startswith(".") and (n := _reveals(path))
    }
    assert found == {"audit/checks.py": 1, "evaluation/ledger.py": 1}


@pytest.mark.parametrize("setting", [{"group": "label"}, {"slices": ("label",)}], ids=["group", "slices"])
def test_the_label_column_cannot_be_read_under_another_name(tmp_path, setting):
    (tmp_path / "t.csv").write_text("text,label\nhm,joy\nah,anger\n", encoding="utf-8")
    data = DataSettings(reader="table", table=TableSettings(label="label", text="text", **setting))
    with pytest.raises(RecipeError, match="offers the label column 'label'"):
        read_corpus(data, tmp_path / "t.csv")
