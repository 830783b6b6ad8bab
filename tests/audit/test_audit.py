"""The audit: counts, repeats, leaks and contradictions on corpora whose answers are known."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.audit import audit
from sentir.audit.leaks import normalize
from sentir.corpus.labels import SENTIMENTS, LabelSpace
from sentir.corpus.types import Corpus, Issue, Utterance
from sentir.readers import meld, mosei

SENTIMENT = LabelSpace("sentiment", SENTIMENTS)
EMOTION = LabelSpace("emotion", ("anger", "joy"), multilabel=True)


def said(split, n, text, label="neutral", **more):
    labels = {"sentiment": (label,)} if label else {}
    facts = {"dialogue": f"{split}/{n}", "speaker": "Ana", "text": text, "labels": labels} | more
    return Utterance(f"c/{split}/{n}", split, **facts)


def build(*utterances, issues=(), spaces=(SENTIMENT,), synthetic=False):
    return Corpus.build("c", utterances, spaces, issues=issues, synthetic=synthetic)


def rows(report, table):
    return [dict(row) for row in report.table(table).rows]


def finding(report, kind):
    (found,) = [f for f in report.findings if f.kind == kind]
    return found


def test_splits_labels_words_and_durations_are_counted():
    corpus = build(
        said("train", 0, "one two three", "positive", numbers={"duration": 2.0}),
        said("train", 1, "one", "negative", numbers={"duration": 4.0}, speaker="Eva", dialogue="train/0", turn=1),
        said("train", 2, None, None, speaker=None),
        said("test", 0, "four words are here", "positive"),
    )
    report = audit(corpus)
    assert rows(report, "splits")[0] == {
        "split": "train",
        "utterances": 3,
        "dialogues": 2,
        "speakers": 2,
        "unlabelled": 1,
        "without_text": 1,
    }
    assert rows(report, "labels") == [
        {"task": "sentiment", "label": "negative", "train": 1, "dev": 0, "test": 0},
        {"task": "sentiment", "label": "neutral", "train": 0, "dev": 0, "test": 0},
        {"task": "sentiment", "label": "positive", "train": 1, "dev": 0, "test": 1},
    ]
    train, dev, test = rows(report, "words")
    assert (train["utterances"], train["total"], train["median"], train["longest"]) == (2, 4, 2.0, 3)
    assert (dev["utterances"], dev["median"]) == (0, None)
    assert test["p95"] == 4.0
    assert rows(report, "durations")[0] == {
        "split": "train",
        "utterances": 2,
        "total": 6.0,
        "median": 3.0,
        "p95": 3.9,
        "longest": 4.0,
    }
    assert finding(report, "text_missing").examples == ("c/train/2",)


def test_an_annotation_of_none_of_them_is_not_the_same_as_no_annotation():
    corpus = build(
        said("train", 0, "a", None, labels={"emotion": ()}),
        said("train", 1, "b", None, labels={"emotion": ("anger", "joy")}),
        said("train", 2, "c", None),
        spaces=[EMOTION],
    )
    report = audit(corpus)
    assert {row["label"]: row["train"] for row in rows(report, "labels")} == {
        "anger": 1,
        "joy": 1,
        "none of them": 1,
    }
    assert rows(report, "splits")[0]["unlabelled"] == 1


def test_repeats_and_leaks_ignore_case_and_white_space_but_not_words():
    corpus = build(
        said("train", 0, "What  IS it?"),
        said("train", 1, "what is it?"),
        said("dev", 0, "what is it"),
        said("test", 0, " What is\tit? "),
        said("test", 1, "Something else", speaker="Eva"),
        said("test", 2, None, speaker=None),
        said("test", 3, None, speaker=None),
    )
    report = audit(corpus)
    found = {(row["split"], row["found_in"]): row["utterances"] for row in rows(report, "repeats")}
    assert found == {
        ("train", "train"): 1,
        ("dev", "dev"): 0,
        ("dev", "train"): 0,
        ("test", "test"): 0,
        ("test", "train"): 1,
        ("test", "dev"): 0,
    }
    assert rows(report, "leaks") == [
        {"what": "dialogues", "utterances": 0, "share": 0.0},
        {"what": "speakers", "utterances": 1, "share": 0.25},
        {"what": "texts", "utterances": 1, "share": 0.25},
    ]
    assert "25.0 %" in finding(report, "speakers_of_test_in_train").message


def test_speakers_are_unknown_not_zero_where_test_names_none():
    report = audit(build(said("train", 0, "a"), said("test", 0, "b", speaker=None)))
    assert rows(report, "leaks")[1] == {"what": "speakers", "utterances": None, "share": None}
    assert not [f for f in report.findings if f.kind.startswith("speakers")]


def test_contradictions_are_counted_over_all_splits_but_shown_without_test():
    corpus = build(
        said("train", 0, "fine", "positive"),
        said("train", 1, "Fine", "negative"),
        said("train", 2, "well", "neutral"),
        said("test", 0, "well", "negative"),
        said("test", 1, "same", "neutral"),
        said("test", 2, "same", "neutral"),
    )
    report = audit(corpus)
    assert rows(report, "contradictions") == [{"task": "sentiment", "texts": 2, "utterances": 4}]
    assert finding(report, "contradictory_labels").examples == ("c/train/0",)
    assert finding(report, "test_labels_counted").count == 3


def test_issues_are_grouped_by_kind_with_five_examples_and_problems_first():
    issues = [Issue("repaired", "note", "It was repaired.", f"note {n}") for n in range(7)]
    issues += [Issue("lost", "problem", "It was lost.", f"lost {n}") for n in range(2)]
    report = audit(build(said("train", 0, "a"), issues=issues))
    lost, repaired = report.findings[0], finding(report, "repaired")
    assert (lost.kind, lost.count, report.problems) == ("lost", 2, 2)
    assert repaired.count == 7 and repaired.examples == tuple(f"note {n}" for n in range(5))
    assert "7" in repaired.message and "It was repaired." in repaired.message


def test_a_clean_corpus_has_no_problems_and_a_synthetic_one_is_called_so():
    report = audit(build(said("train", 0, "a"), said("test", 0, "b", speaker="Eva"), synthetic=True))
    assert report.problems == 0 and report.synthetic
    assert {f.severity for f in report.findings} == {"note"}
    assert finding(report, "synthetic").count == 2


def test_an_audit_is_plain_json_and_its_columns_name_every_cell():
    corpus = build(said("train", 0, "a"), said("test", 0, "a", "positive"))
    report = audit(corpus)
    plain = report.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["fingerprint"] == corpus.fingerprint
    for table in report.tables:
        assert table.rows and all(list(row) == list(table.columns) for row in table.rows)


def test_an_audit_opens_nothing_and_leaves_test_blind():
    corpus = build(said("test", 0, "a", "positive"))
    before = replace(corpus)
    audit(corpus)
    assert corpus.test[0].labels == {} and corpus == before


@given(st.lists(st.sampled_from(["a", "A", " a", "b", "c d", "c  d", ""]), max_size=12))
def test_repeats_within_a_split_are_what_distinct_texts_leave_over(texts):
    report = audit(build(*(said("train", n, text) for n, text in enumerate(texts))))
    spoken = [normalize(text) for text in texts if text]
    assert rows(report, "repeats")[0]["utterances"] == len(spoken) - len(set(spoken))


@pytest.mark.shared_data
def test_meld_has_its_known_leaks_and_test_labels(shared_data):
    report = audit(meld.read_tree(shared_data / "meld"))
    dialogues, speakers, texts = rows(report, "leaks")
    assert dialogues["utterances"] == 0
    assert round(speakers["share"], 3) == 0.958
    assert (texts["utterances"], round(texts["share"], 3)) == (331, 0.127)
    test = {(row["task"], row["label"]): row["test"] for row in rows(report, "labels")}
    order = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")
    assert [test["emotion", name] for name in order] == [1256, 402, 281, 345, 208, 68, 50]
    assert [test["sentiment", name] for name in ("neutral", "negative", "positive")] == [1256, 833, 521]
    assert report.problems == 0


@pytest.mark.shared_data
def test_mosei_keeps_its_rows_without_any_emotion(shared_data):
    report = audit(mosei.read_tree(shared_data / "mosei"))
    counts = {row["label"]: (row["train"], row["dev"], row["test"]) for row in rows(report, "labels")}
    assert counts["none of them"] == (2166, 299, 697)
    assert counts["joy"] == (8126, 1003, 2501)
    assert all(row["unlabelled"] == 0 for row in rows(report, "splits"))
