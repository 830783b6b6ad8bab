"""Views of a corpus: nothing is lost in them, and no label of test is in them."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_corpora import SPLITS as DIALOGUES
from tiny_corpora import TURNS

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.tables import to_datasets, to_frame
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, LockedTestError, SentirError


def test_dialogues_and_speakers_make_up_the_whole_corpus(corpus):
    assert len(corpus.dialogues) == len(DIALOGUES)
    assert [u for dialogue in corpus.dialogues.values() for u in dialogue.utterances] == list(corpus)
    assert list(corpus.by_speaker) == ["Ana", "Ben"]
    assert {u.id for group in corpus.by_speaker.values() for u in group} == set(corpus.by_id)


def test_who_is_not_known_is_a_speaker_of_that_name():
    rows = [Utterance("a", "train"), Utterance("b", "train", speaker="Ana")]
    found = Corpus.build("c", rows, [LabelSpace("emotion", ("joy",))])
    assert {speaker: [u.id for u in group] for speaker, group in found.by_speaker.items()} == {
        None: ["a"],
        "Ana": ["b"],
    }
    assert set(found.dialogues) == {"a", "b"}


@pytest.mark.parametrize("split", ["train", "dev"])
def test_each_utterance_stands_under_each_of_its_labels(corpus, split):
    one, several = corpus.by_label("emotion", split), corpus.by_label("feelings", split)
    assert tuple(one) == corpus.label_space("emotion").names
    assert sum(map(len, one.values())) == len(corpus.split(split))
    both = [u for u in corpus.split(split) if len(u.labels["feelings"]) == 2]
    assert both and all(u in several["joy"] and u in several["sadness"] for u in both)


def test_test_is_not_grouped_by_label(corpus):
    with pytest.raises(LockedTestError, match="test labels of 'tiny' are sealed"):
        corpus.by_label("emotion", "test")
    with pytest.raises(CorpusError, match="no split 'all'"):
        corpus.by_label("emotion", "all")
    with pytest.raises(CorpusError, match="no task 'mood'"):
        corpus.by_label("mood", "train")


@given(turn=st.integers(0, TURNS - 1), n=st.integers(0, TURNS + 2))
def test_neighbors_are_of_the_dialogue_in_order_and_no_more_than_asked_for(corpus, turn, n):
    u = corpus.find(f"dia3/utt{turn}")
    before, after = corpus.before(u, n), corpus.after(u, n)
    assert len(before) == min(n, turn) and len(after) == min(n, TURNS - 1 - turn)
    turns = [other.turn for other in (*before, u, *after)]
    assert turns == list(range(turns[0], turns[0] + len(turns)))
    assert {other.dialogue for other in (*before, *after)} <= {u.dialogue}


def test_an_id_may_be_given_by_its_end_if_one_has_it(corpus):
    assert corpus.find("dia0/utt1") is corpus.find("tiny/train/dia0/utt1") is corpus.by_id["tiny/train/dia0/utt1"]


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("utt1", r"12 ids of 'tiny' end in 'utt1': tiny/train/dia0/utt1, .* …; give a complete id"),
        ("dia0/ut1", "did you mean tiny/train/dia0/utt1"),
        ("tiny/train/dia0/utt9", "did you mean tiny/train/dia0/utt"),
        ("@@@", "its ids look like tiny/train/dia0/utt0"),
        ("", "its ids look like"),
        ("tt1", "did you mean"),
    ],
)
def test_an_id_that_is_none_or_several_is_answered_with_ids(corpus, key, complaint):
    with pytest.raises(CorpusError, match=complaint):
        corpus.find(key)


def test_a_frame_tells_none_of_the_labels_from_not_annotated(corpus):
    frame = to_frame(corpus).set_index("split")
    assert (frame.loc["train", "feelings"] == "").any() and (
        frame.loc["train", "feelings"] == "joy|sadness"
    ).any()
    assert frame.loc["test", ["emotion", "feelings"]].isna().all(axis=None)


def test_without_datasets_it_is_said_how_to_install_it(corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SentirError, match=r"pip install 'sentir\[datasets\]'"):
        to_datasets(corpus)


def test_data_sets_have_every_utterance_by_split_and_no_label_of_test(corpus):
    pytest.importorskip("datasets")
    found = to_datasets(corpus)
    assert {split: rows["id"][:] for split, rows in found.items()} == {
        split: [u.id for u in corpus.split(split)] for split in ("train", "dev", "test")
    }
    assert found["train"]["feelings"][:] == [list(u.labels["feelings"]) for u in corpus.train]
    assert set(found["test"]["emotion"][:]) == {None} and found["test"].features == found["train"].features
    assert found["dev"]["feature.duration"][:] == [u.numeric_features["duration"] for u in corpus.dev]
