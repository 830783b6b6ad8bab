"""The audit: counts, repeats, leaks and contradictions on corpora with known results."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.audit import audit
from sentir.corpus.corpus import Corpus
from sentir.corpus.fingerprints import hash_ids
from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.labels import SENTIMENTS
from sentir.corpus.text_similarity import casefold_text
from sentir.corpus.utterances import Issue, Utterance
from sentir.errors import CorpusError
from sentir.readers.meld import reader as meld
from sentir.readers.mosei import reader as mosei

SENTIMENT = SingleLabelSpace("sentiment", SENTIMENTS)
EMOTION = MultiLabelSpace("emotion", ("anger", "joy"))


def utterance(split, n, text, label="neutral", **others):
    labels = {"sentiment": (label,)} if label else {}
    fields = {"dialogue": f"{split}/{n}", "speaker": "Ana", "text": text, "labels": labels} | others
    return Utterance(f"c/{split}/{n}", split, **fields)


def build(*utterances, issues=(), spaces=(SENTIMENT,), synthetic=False):
    return Corpus.build("c", utterances, spaces, issues=issues, synthetic=synthetic)


def rows(report, table):
    return [dict(row) for row in report.table(table).rows]


def leaks_of(report, split, found_in="train"):
    """Return what one split shares with another: kind → (utterances, share)."""
    return {
        row["kind"]: (row["utterances"], row["share"])
        for row in rows(report, "leaks")
        if (row["split"], row["found_in"]) == (split, found_in)
    }


def clean(**options):
    """Return a corpus without defects."""
    return build(
        *(
            utterance(
                split,
                n,
                f"{split} text {n}",
                SENTIMENTS[n % 3],
                speaker=split,
                numeric_features={"duration": 1.0 + n / 10},
            )
            for split, many in (("train", 30), ("dev", 3), ("test", 3))
            for n in range(many)
        ),
        **options,
    )


def finding(report, kind):
    (found,) = [f for f in report.findings if f.kind == kind]
    return found


def test_splits_labels_words_and_durations_are_counted():
    corpus = build(
        utterance("train", 0, "one two three", "positive", numeric_features={"duration": 2.0}),
        utterance(
            "train",
            1,
            "one",
            "negative",
            numeric_features={"duration": 4.0},
            speaker="Eva",
            dialogue="train/0",
            turn=1,
        ),
        utterance("train", 2, None, None, speaker=None),
        utterance("test", 0, "four words are here", "positive"),
    )
    report = audit(corpus)
    assert rows(report, "splits")[0] == {
        "split": "train",
        "utterances": 3,
        "dialogues": 2,
        "speakers": 2,
        "unlabeled": 1,
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


def test_an_annotation_without_labels_differs_from_no_annotation():
    corpus = build(
        utterance("train", 0, "a", None, labels={"emotion": ()}),
        utterance("train", 1, "b", None, labels={"emotion": ("anger", "joy")}),
        utterance("train", 2, "c", None),
        spaces=[EMOTION],
    )
    report = audit(corpus)
    assert {row["label"]: row["train"] for row in rows(report, "labels")} == {
        "anger": 1,
        "joy": 1,
        "none of them": 1,
    }
    assert rows(report, "splits")[0]["unlabeled"] == 1


def test_repeats_ignore_case_and_white_space_and_leaks_also_punctuation():
    corpus = build(
        utterance("train", 0, "What  IS it?"),
        utterance("train", 1, "what is it?"),
        utterance("dev", 0, "what is it"),
        utterance("test", 0, " What is\tit? "),
        utterance("test", 1, "Something else", speaker="Eva"),
        utterance("test", 2, None, speaker=None),
        utterance("test", 3, None, speaker=None),
    )
    report = audit(corpus)
    assert {row["split"]: row["utterances"] for row in rows(report, "repeats")} == {
        "train": 1,
        "dev": 0,
        "test": 0,
    }
    none = {"dialogues": (0, 0.0), "duplicates": (0, 0.0)}
    assert leaks_of(report, "test") == none | {"speakers": (1, 0.25), "texts": (1, 0.25)}
    assert leaks_of(report, "dev") == none | {"speakers": (1, 1.0), "texts": (1, 1.0)}
    assert leaks_of(report, "test", "dev")["texts"] == (1, 0.25)
    assert "25.0%" in finding(report, "speakers_of_test_in_train").message
    assert finding(report, "common_texts_of_test_in_train").severity == "note"


def test_speaker_leaks_are_unknown_not_zero_if_test_names_no_speakers():
    report = audit(build(utterance("train", 0, "a"), utterance("test", 0, "b", speaker=None)))
    assert leaks_of(report, "test")["speakers"] == (None, None)
    assert not [f for f in report.findings if f.kind.startswith("speakers")]


def test_contradictions_are_counted_in_all_splits_but_shown_without_test():
    corpus = build(
        utterance("train", 0, "fine", "positive"),
        utterance("train", 1, "Fine", "negative"),
        utterance("train", 2, "well", "neutral"),
        utterance("test", 0, "well", "negative"),
        utterance("test", 1, "same", "neutral"),
        utterance("test", 2, "same", "neutral"),
    )
    report = audit(corpus)
    (row,) = rows(report, "contradictions")
    assert row == {"task": "sentiment", "kind": "texts", "contents": 2, "utterances": 4, "share": 0.6667}
    assert finding(report, "contradictory_texts").examples == ("c/train/0 = c/train/1",)
    assert finding(report, "test_labels_counted").count == 3


def test_issues_are_grouped_by_kind_with_five_examples_and_problems_first():
    issues = [Issue("repaired", "note", "It was repaired.", f"note {n}") for n in range(7)]
    issues += [Issue("lost", "problem", "It was lost.", f"lost {n}") for n in range(2)]
    report = audit(build(utterance("train", 0, "a"), utterance("train", 1, "b", "positive"), issues=issues))
    lost, repaired = report.findings[0], finding(report, "repaired")
    assert (lost.kind, lost.count, report.problem_count) == ("lost", 2, 2)
    assert repaired.count == 7 and repaired.examples == tuple(f"note {n}" for n in range(5))
    assert "7" in repaired.message and "It was repaired." in repaired.message


def test_a_clean_corpus_has_no_problems_and_a_synthetic_one_a_note():
    report = audit(clean(synthetic=True))
    assert report.problem_count == 0 and report.synthetic
    assert {f.severity for f in report.findings} == {"note"}
    assert (report.grade, report.reasons) == ("A", ())
    assert finding(report, "synthetic").count == 36


def test_an_audit_is_plain_json_and_every_cell_has_a_column():
    corpus = build(utterance("train", 0, "a"), utterance("test", 0, "a", "positive"))
    report = audit(corpus)
    plain = report.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["fingerprint"] == corpus.fingerprint
    assert {"splits", "labels", "words", "leaks", "scored"} <= {table.key for table in report.tables}
    for table in report.tables:
        assert table.rows and all(list(row) == list(table.columns) for row in table.rows)


def test_an_audit_leaves_test_blind():
    corpus = build(utterance("test", 0, "a", "positive"))
    before = replace(corpus)
    audit(corpus)
    assert corpus.test[0].labels == {} and corpus == before


@given(st.lists(st.sampled_from(["a", "A", " a", "b", "c d", "c  d", ""]), max_size=12))
def test_repeats_within_a_split_are_all_texts_minus_distinct_texts(texts):
    report = audit(build(*(utterance("train", n, text) for n, text in enumerate(texts))))
    compared = [casefold_text(text) for text in texts if text]
    (row, *_others) = rows(report, "repeats") or [{"utterances": 0}]
    assert row["utterances"] == len(compared) - len(set(compared))


def column_findings(report):
    return [f.kind for f in report.findings if f.kind in ("possible_label_leak", "leaks_label")]


@pytest.mark.shared_data
def test_meld_has_its_known_leaks_and_test_labels(shared_data):
    report = audit(meld.read_tree(shared_data / "meld"))
    leaks = leaks_of(report, "test")
    assert leaks["dialogues"] == (0, 0.0) and round(leaks["speakers"][1], 3) == 0.958
    assert leaks["texts"][0] == 406 and leaks["duplicates"] == (15, 0.0057)
    assert leaks_of(report, "dev")["texts"][0] == 172 and leaks_of(report, "dev")["duplicates"][0] == 3
    test = {(row["task"], row["label"]): row["test"] for row in rows(report, "labels")}
    order = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")
    assert [test["emotion", name] for name in order] == [1256, 402, 281, 345, 208, 68, 50]
    assert [test["sentiment", name] for name in ("neutral", "negative", "positive")] == [1256, 833, 521]
    assert report.problem_count == 0 and report.grade == "C"
    fast = finding(report, "speech_too_fast")  # the times of these are wrong in the corpus
    assert fast.count == 161 and fast.examples[0] == "meld/train/dia338/utt3"
    assert column_findings(report) == []


@pytest.mark.slow
@pytest.mark.shared_data
def test_mosei_keeps_its_rows_without_any_emotion(shared_data):
    report = audit(mosei.read_tree(shared_data / "mosei"))
    counts = {row["label"]: (row["train"], row["dev"], row["test"]) for row in rows(report, "labels")}
    assert counts["none of them"] == (2166, 299, 697)
    assert counts["joy"] == (8126, 1003, 2501) and report.grade == "B"
    assert leaks_of(report, "test")["duplicates"] == (27, 0.0058)
    assert all(row["unlabeled"] == 0 for row in rows(report, "splits"))
    assert report.table("durations").rows[0]["utterances"] > 15_000 and column_findings(report) == []


def test_groups_of_a_corpus_are_compared_between_splits():
    episodes = {"c/train/0": "S1E1", "c/test/0": "S1E1", "c/test/1": "S1E2"}
    corpus = Corpus.build(
        "c",
        [utterance("train", 0, "a"), utterance("test", 0, "b"), utterance("test", 1, "d")],
        (SENTIMENT,),
        groups={"episode": episodes},
    )
    report = audit(corpus)
    assert leaks_of(report, "test")["group:episode"] == (1, 0.5)
    assert "'episode'" in finding(report, "group_of_test_in_train").message


@pytest.mark.parametrize("name", ["dialogues", "speakers", "texts", "duplicates", "clips"])
def test_a_group_with_the_name_of_another_row_hides_none(name):
    utterances = [
        utterance("train", 0, "a"),
        utterance("test", 0, "A!"),
        utterance("test", 1, "d", speaker="Eva"),
    ]
    without_groups = leaks_of(audit(build(*utterances)), "test")
    groups = {name: {"c/train/0": "one", "c/test/0": "one", "c/test/1": "one"}}
    report = audit(Corpus.build("c", utterances, (SENTIMENT,), groups=groups))
    assert leaks_of(report, "test") == without_groups | {f"group:{name}": (2, 1.0)}
    assert "speakers_of_test_in_train" in {f.kind for f in report.findings}


def test_the_hash_of_scored_utterances_is_that_of_reports():
    corpus = build(utterance("test", 0, "a"), utterance("test", 1, "b", None))
    (row,) = [row for row in rows(audit(corpus), "scored") if row["split"] == "test"]
    assert (row["utterances"], row["scored"]) == (1, hash_ids(["c/test/0"]))


def test_the_grade_is_that_of_the_worst_finding_and_every_reason_is_a_sentence():
    assert audit(clean()).grade == "A"
    lost = audit(clean(issues=[Issue("row_skipped", "problem", "A row was lost.", "x")] * 10))
    assert lost.grade == "E" and [f.message for f in lost.reasons] == ["10 times, for example: A row was lost."]
    few = audit(clean(issues=[Issue("row_skipped", "problem", "A row was lost.", "x")]))
    assert few.grade == "C" and few.to_dict()["reasons"][0]["kind"] == "row_skipped"
    assert all(f.grade <= report.grade for report in (lost, few) for f in report.findings)


def test_impossible_speech_rates_are_listed_fastest_first():
    texts = {0: ("one two three", 0.2), 1: ("one two", 0.1), 2: ("one", 1.0), 3: ("one two three", 0.0)}
    corpus = build(
        *(utterance("train", n, text, numeric_features={"duration": s}) for n, (text, s) in texts.items())
    )
    too_fast = finding(audit(corpus), "speech_too_fast")
    assert too_fast.count == 2 and too_fast.examples == ("c/train/1", "c/train/0")


def test_rare_labels_and_missing_splits_are_found():
    report = audit(build(utterance("train", 0, "a"), utterance("train", 1, "b", "positive")))
    assert "negative (0), neutral (1), positive (1)" in finding(report, "label_rare").message
    assert [f.count for f in report.findings if f.kind == "split_missing"] == [1, 1]


def label_problems(report):
    """Return the problems of labels: kind → grade."""
    kinds = ("one_class", "label_absent", "label_everywhere")
    return {f.kind: f.grade for f in report.findings if f.kind in kinds and f.severity == "problem"}


def many(split, *labels, task="sentiment"):
    return [utterance(split, n, f"{split} {n}", None, labels={task: label}) for n, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("space", "label"),
    [
        (SENTIMENT, ("positive",)),
        (EMOTION, ("joy",)),
        (EMOTION, ()),
        (RegressionSpace("value", "v", (-3, 3)), (1.5,)),
    ],
)
def test_a_single_class_or_number_is_a_problem_of_grade_e(space, label):
    rows = many("train", *[label] * 12, task=space.task) + many("dev", label, task=space.task)
    report = audit(build(*rows, spaces=[space]))
    assert label_problems(report) == {"one_class": "E"} and report.grade == "E" and report.problem_count
    assert space.task in finding(report, "one_class").message


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_label_missing_from_train_is_a_problem(split):
    report = audit(build(*many("train", ("neutral",), ("negative",)), *many(split, ("positive",))))
    assert label_problems(report) == {"label_absent": "D"}
    assert f"positive ({split} 1)" in finding(report, "label_absent").message
    without_positive = build(*many("train", ("neutral",), ("negative",)))
    assert not label_problems(audit(without_positive))  # in no split: only rare


def test_in_multi_label_tasks_a_label_that_all_or_none_have_is_a_problem():
    mixed = audit(build(*many("train", ("joy",), ("joy", "anger"), task="emotion"), spaces=[EMOTION]))
    assert label_problems(mixed) == {"label_everywhere": "D"}
    none = audit(build(*many("train", ("joy",), (), task="emotion"), spaces=[EMOTION]))
    assert label_problems(none) == {"label_absent": "D"}


def test_a_label_called_none_of_them_is_counted_separately():
    space = MultiLabelSpace("emotion", ("none of them", "joy"))
    report = audit(build(*many("train", ("none of them",), (), (), ("joy",), task="emotion"), spaces=[space]))
    assert [row["train"] for row in rows(report, "labels")] == [1, 1, 2]
    assert "none of them (1), joy (1)" in finding(report, "label_rare").message


def test_grades_d_and_e_are_problems_and_notes_have_grade_a():
    reports = [audit(build(*many("train", ("neutral",)))), audit(clean()), audit(clean(synthetic=True))]
    for found in (f for report in reports for f in report.findings):
        assert found.severity == "problem" or found.grade not in "DE"
        assert found.severity != "note" or found.grade == "A"


@pytest.mark.parametrize("task", ["id", "text", "split", "speaker", "score.joy", "feature.pitch"])
def test_a_task_with_the_name_of_a_table_column_is_rejected(task):
    with pytest.raises(CorpusError, match=f"the task '{task}' has the name of another column"):
        build(utterance("train", 0, "a", None), spaces=[SingleLabelSpace(task, ("joy", "fear"))])


def test_histograms_count_each_utterance_once():
    report = audit(clean())
    durations, rates = report.histograms
    assert (durations.key, rates.key) == ("durations", "speech_rates")
    for histogram in (durations, rates):
        assert {split: sum(n) for split, n in histogram.counts.items()} == {"train": 30, "dev": 3, "test": 3}
        assert len(histogram.edges) == len(histogram.counts["train"]) + 1


def test_a_text_of_invisible_characters_counts_as_no_text():
    corpus = build(
        *(utterance("train", n, text) for n, text in enumerate(["a b", "\u200b", "\u00ad \u2060", None]))
    )
    report = audit(corpus)
    (finding,) = [one for one in report.findings if one.kind == "text_missing"]
    assert finding.count == 3
    (sizes,) = [row for row in rows(report, "splits") if row["split"] == "train"]
    assert sizes["without_text"] == 3
    assert [row["utterances"] for row in rows(report, "words") if row["split"] == "train"] == [1]
