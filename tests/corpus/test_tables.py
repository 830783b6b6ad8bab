"""Groups, rows, data frames and datasets of a corpus: complete, and without labels of test."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_corpora import SPLITS as DIALOGUES
from tiny_corpora import TURNS

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.tables import to_datasets, to_frame
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, LockedTestError, MissingDependencyError


def test_dialogues_and_speakers_contain_the_whole_corpus(corpus):
    assert len(corpus.dialogues) == len(DIALOGUES)
    assert [u for dialogue in corpus.dialogues.values() for u in dialogue.utterances] == list(corpus)
    assert list(corpus.by_speaker) == ["Ana", "Ben"]
    assert {u.id for group in corpus.by_speaker.values() for u in group} == set(corpus.by_id)


def test_unknown_speakers_are_grouped_under_none():
    rows = [Utterance("a", "train"), Utterance("b", "train", speaker="Ana")]
    corpus = Corpus.build("c", rows, [SingleLabelSpace("emotion", ("joy",))])
    assert {speaker: [u.id for u in group] for speaker, group in corpus.by_speaker.items()} == {
        None: ["a"],
        "Ana": ["b"],
    }
    assert set(corpus.dialogues) == {"a", "b"}


@pytest.mark.parametrize("split", ["train", "dev"])
def test_each_utterance_is_under_each_of_its_labels(corpus, split):
    single, multi = corpus.by_label("emotion", split), corpus.by_label("feelings", split)
    assert tuple(single) == corpus.label_space("emotion").names
    assert sum(map(len, single.values())) == len(corpus.split(split))
    both = [u for u in corpus.split(split) if len(u.labels["feelings"]) == 2]
    assert both and all(u in multi["joy"] and u in multi["sadness"] for u in both)


def test_test_cannot_be_grouped_by_label(corpus):
    with pytest.raises(LockedTestError, match="test labels of 'tiny' are sealed"):
        corpus.by_label("emotion", "test")
    with pytest.raises(CorpusError, match="no split 'all'"):
        corpus.by_label("emotion", "all")
    with pytest.raises(CorpusError, match="no task 'mood'"):
        corpus.by_label("mood", "train")


@given(turn=st.integers(0, TURNS - 1), n=st.integers(0, TURNS + 2))
def test_neighbors_are_of_the_same_dialogue_in_order(corpus, turn, n):
    u = corpus.find(f"dia3/utt{turn}")
    before, after = corpus.before(u, n), corpus.after(u, n)
    assert len(before) == min(n, turn) and len(after) == min(n, TURNS - 1 - turn)
    turns = [other.turn for other in (*before, u, *after)]
    assert turns == list(range(turns[0], turns[0] + len(turns)))
    assert {other.dialogue for other in (*before, *after)} <= {u.dialogue}


def test_an_utterance_is_found_by_the_end_of_its_id_if_it_is_unique(corpus):
    assert corpus.find("dia0/utt1") is corpus.find("tiny/train/dia0/utt1") is corpus.by_id["tiny/train/dia0/utt1"]


def test_as_many_ids_as_are_listed_are_not_said_to_be_more(corpus):
    rows = [u for u in corpus.train if u.id.endswith("/utt1")][:4]
    four = Corpus.build("tiny", rows, corpus.label_spaces.values())
    with pytest.raises(CorpusError, match=r"4 ids of 'tiny' end in 'utt1': tiny/train/dia0/utt1, [^…]*; give"):
        four.find("utt1")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("utt1", r"12 ids of 'tiny' end in 'utt1': tiny/train/dia0/utt1, .* …; give a complete id"),
        ("dia0/ut1", "did you mean tiny/train/dia0/utt1"),
        ("tiny/train/dia0/utt9", "did you mean tiny/train/dia0/utt"),
        ("@@@", "its ids look like tiny/train/dia0/utt0"),
        ("", "its ids look like"),
        ("tt1", "did you mean"),
    ],
)
def test_an_unknown_or_ambiguous_id_is_refused_with_suggestions(corpus, key, message):
    with pytest.raises(CorpusError, match=message):
        corpus.find(key)


def test_a_frame_distinguishes_no_label_from_not_annotated(corpus):
    frame = to_frame(corpus).set_index("split")
    assert (frame.loc["train", "feelings"] == "").any() and (
        frame.loc["train", "feelings"] == "joy|sadness"
    ).any()
    assert frame.loc["test", ["emotion", "feelings"]].isna().all(axis=None)


def test_without_datasets_the_message_is_how_to_install_it(corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sentir\[datasets\]'"):
        to_datasets(corpus)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match=r"to_frame\(\) needs pandas; .*'sentir\[pandas\]'"):
        to_frame(corpus)


def test_datasets_have_every_utterance_by_split_and_no_label_of_test(corpus):
    pytest.importorskip("datasets")
    datasets = to_datasets(corpus)
    assert {split: rows["id"][:] for split, rows in datasets.items()} == {
        split: [u.id for u in corpus.split(split)] for split in ("train", "dev", "test")
    }
    assert datasets["train"]["feelings"][:] == [list(u.labels["feelings"]) for u in corpus.train]
    assert (
        set(datasets["test"]["emotion"][:]) == {None} and datasets["test"].features == datasets["train"].features
    )
    assert datasets["dev"]["feature.duration"][:] == [u.numeric_features["duration"] for u in corpus.dev]
