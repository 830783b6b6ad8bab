"""The CMU-MOSEI reader: layouts, intensities, times, and the counts of the real corpus."""

import csv
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mosei_rows import FILES, issues_of, kinds, row, write_tree

from sentir.corpus.cleaning import clean_text
from sentir.errors import CorpusError
from sentir.readers import read_corpus
from sentir.readers.mosei import reader as mosei
from sentir.readers.mosei.folds import find_folds
from sentir.recipe import DEFAULT_CLEANING, DataSettings

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise")


@pytest.mark.parametrize("folder", [".", "Labels", "CMU-MOSEI-20230514T151450Z-001/CMU-MOSEI/Labels"])
def test_every_known_layout_is_read_from_its_root_and_from_a_parent(tmp_path, folder):
    write_tree(tmp_path / "root" / folder)
    (tmp_path / "root" / "Audio_chunk" / "Train_modified").mkdir(parents=True)
    for root in (tmp_path / "root", tmp_path):
        corpus = read_corpus(DataSettings(reader="mosei", root=root))
        assert [u.id for u in corpus] == [f"mosei/{split}/video-{split}/0.5-2.0" for split in FILES]
        assert issues_of(corpus) == ()


def test_label_files_that_were_not_read_are_named(tmp_path):
    write_tree(tmp_path / "Labels")
    (tmp_path / "Labels/Data_Val_original_without_neg_time.csv").write_text("video\n")
    corpus = mosei.read_tree(tmp_path)
    (issue,) = issues_of(corpus)
    assert (issue.kind, issue.severity) == ("file_ignored", "note")
    assert issue.where == "Labels/Data_Val_original_without_neg_time.csv"


def test_name_and_synthetic_are_the_callers(tmp_path):
    corpus = mosei.read_tree(write_tree(tmp_path), name="demo-mosei", synthetic=True)
    assert corpus.synthetic
    assert corpus.dev[0].id == "demo-mosei/dev/video-dev/0.5-2.0"


def test_ids_stay_text_even_when_they_look_like_numbers_or_options(tmp_path):
    rows = [row("-6rXp3zJ3kc", "14.4680", "22.882"), row("100499"), row("007")]
    corpus = mosei.read_tree(write_tree(tmp_path, test=rows))
    assert [u.id for u in corpus.test] == [
        "mosei/test/-6rXp3zJ3kc/14.4680-22.882",
        "mosei/test/100499/0.5-2.0",
        "mosei/test/007/0.5-2.0",
    ]
    assert corpus.test[0].dialogue == "mosei/test/-6rXp3zJ3kc"


def test_turns_follow_the_start_times_as_numbers(tmp_path):
    rows = [row("v", "10.0", "12.0"), row("v", "9.5", "11.0"), row("w", "3.0", "4.0"), row("v", "-0.2", "1.0")]
    corpus = mosei.read_tree(write_tree(tmp_path, train=rows))
    assert [u.turn for u in corpus.train] == [2, 1, 0, 0]


def test_emotions_are_present_above_zero_and_none_of_them_is_valid(tmp_path):
    rows = [
        row("a", happy="0.33333334", sad="1.0", sentiment="-0.3333"),
        row("b", sentiment="0.0"),
        row("c", fear="2", sentiment="3"),
    ]
    corpus = mosei.read_tree(write_tree(tmp_path, train=rows))
    assert [u.labels for u in corpus.train] == [
        {"emotion": ("joy", "sadness"), "sentiment": ("negative",), "sentiment_intensity": (-0.3333,)},
        {"emotion": (), "sentiment": ("neutral",), "sentiment_intensity": (0.0,)},
        {"emotion": ("fear",), "sentiment": ("positive",), "sentiment_intensity": (3.0,)},
    ]
    assert corpus.label_space("emotion").names == EMOTIONS and corpus.label_space("emotion").kind == "multi"
    assert corpus.train[0].scores["joy"] == 0.33333334
    assert set(corpus.train[0].scores) == {"sentiment", *EMOTIONS}


def test_intensities_outside_their_scale_are_clamped_and_listed(tmp_path):
    rows = [row("a", happy="4.33", sentiment="-3.5"), row("b", anger="-1")]
    corpus = mosei.read_tree(write_tree(tmp_path, train=rows))
    assert (corpus.train[0].scores["joy"], corpus.train[0].scores["sentiment"]) == (3.0, -3.0)
    assert corpus.train[1].labels["emotion"] == ()
    assert kinds(corpus) == {("intensity_clamped", "note"): 3}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(intensities=st.lists(st.floats(-10, 10), min_size=7, max_size=7))
def test_scores_lie_on_their_scales_and_labels_agree_with_them(tmp_path, intensities):
    columns = ("sentiment", "anger", "disgust", "fear", "happy", "sad", "surprise")
    cells = {name: repr(value) for name, value in zip(columns, intensities, strict=True)}
    utterance = mosei.read_tree(write_tree(tmp_path, train=[row("v", **cells)])).train[0]
    assert all(0 <= utterance.scores[name] <= 3 for name in EMOTIONS)
    assert -3 <= utterance.scores["sentiment"] <= 3
    present = [name for name, value in zip(EMOTIONS, intensities[1:], strict=True) if value > 0]
    assert list(utterance.labels["emotion"]) == present


@pytest.mark.parametrize(("column", "task"), [("sad", "emotion"), ("sentiment", "sentiment")])
@pytest.mark.parametrize("cell", ["", "nan", "much"])
def test_an_invalid_intensity_leaves_its_task_unlabelled(tmp_path, column, task, cell):
    corpus = mosei.read_tree(write_tree(tmp_path, train=[row("v", **{column: cell})]))
    numbers = {"sentiment_intensity"} if column != "sentiment" else set()
    assert set(corpus.train[0].labels) == {"emotion", "sentiment"} - {task} | numbers
    assert [(i.kind, i.severity, i.where) for i in issues_of(corpus)] == [
        ("label_unknown", "problem", "mosei/train/v/0.5-2.0")
    ]


def test_a_start_before_zero_counts_as_zero_and_keeps_its_id(tmp_path):
    corpus = mosei.read_tree(write_tree(tmp_path, train=[row("v", "-0.4876", "2.5")]))
    assert corpus.train[0].id == "mosei/train/v/-0.4876-2.5"
    assert corpus.train[0].numeric_features == {"duration": 2.5}
    assert kinds(corpus) == {("start_clamped", "note"): 1}


def test_a_segment_that_ends_before_it_starts_has_no_duration(tmp_path):
    corpus = mosei.read_tree(write_tree(tmp_path, train=[row("v", "3", "2")]))
    assert corpus.train[0].numeric_features == {}
    assert kinds(corpus) == {("times_invalid", "warning"): 1}


@pytest.mark.parametrize("bad", [row(""), row("v", start="soon"), row("v", end="inf"), row("v"), row("v")[:-1]])
def test_a_row_that_cannot_be_used_is_left_out_and_listed_with_its_line(tmp_path, bad):
    corpus = mosei.read_tree(write_tree(tmp_path, train=[row("v"), bad]))
    assert [u.id for u in corpus.train] == ["mosei/train/v/0.5-2.0"]
    (issue,) = issues_of(corpus)
    assert (issue.kind, issue.severity) == ("row_skipped", "problem")
    assert issue.where == "Data_Train_modified.csv, line 3"


def test_a_video_in_two_splits_is_rejected(tmp_path):
    with pytest.raises(CorpusError, match="'v' is in train and in test"):
        mosei.read_tree(write_tree(tmp_path, train=[row("v")], test=[row("v", "7", "9")]))


def test_a_missing_file_or_column_is_named(tmp_path):
    write_tree(tmp_path)
    (tmp_path / "Data_Val_modified.csv").write_text("video,start_time\n")
    with pytest.raises(CorpusError, match=r"Data_Val_modified\.csv has no column end_time, sentiment"):
        mosei.read_tree(tmp_path)
    (tmp_path / "Data_Val_modified.csv").unlink()
    with pytest.raises(CorpusError, match=r"no Data_Val_modified\.csv; give the folder"):
        mosei.read_tree(tmp_path)


@pytest.fixture(scope="module")
def real(shared_data):
    return mosei.read_tree(shared_data / "mosei")


@pytest.mark.shared_data
def test_the_real_label_csvs_lie_in_the_standard_folds_and_are_recognized(real):
    shipped, _source = find_folds([])
    assert Counter(shipped.values()) == {"train": 2249, "dev": 300, "test": 678}
    videos = {u.dialogue.rpartition("/")[2]: u.split for u in real}
    assert videos.items() <= shipped.items()
    missing = Counter(split for video, split in shipped.items() if video not in videos)
    assert missing == {"train": 122, "dev": 2, "test": 3}
    assert real.issues[0].message.startswith("Recognized: CMU-MOSEI as its label CSVs only: labels, texts and")


@pytest.mark.shared_data
def test_listed_defects_are_visible_in_the_real_rows(real):
    listed = [real.by_id[issue.where] for issue in real.issues if issue.kind == "clip_mismatched"]
    assert len(listed) == 22 and {u.split for u in listed} == {"train", "dev", "test"}
    times = [re.fullmatch(r"(-?[\d.]+)-([\d.]+)", u.id.rpartition("/")[2]) for u in listed]
    seconds = [float(found[2]) - max(float(found[1]), 0.0) for found in times]
    assert all(len(u.text.split()) / length > 15 for u, length in zip(listed, seconds, strict=True))
    assert not any("duration" in u.numeric_features for u in listed)
    early = [real.by_id[issue.where] for issue in real.issues if issue.kind == "start_clamped"]
    assert len(early) == 41 and all("/-" in u.id.removeprefix(u.dialogue) for u in early)
    noises = [u for u in real if re.search(r"\((?:uhh|umm|stutter)\)", u.text or "")]
    assert len(noises) > 1000 and {"100499", "-3g5yACwYnA"} <= {u.dialogue.rpartition("/")[2] for u in real}
    cleaned = [clean_text(u.text, DEFAULT_CLEANING) for u in noises[:200]]
    assert not any(re.search(r"\((?:uhh|umm|stutter)\)", text) for text in cleaned)


@pytest.mark.shared_data
def test_the_real_corpus_agrees_with_its_files(real, shared_data):
    corpus = real
    assert [len(corpus.split(split)) for split in FILES] == [15310, 1861, 4653]
    columns = dict(zip(EMOTIONS, ("anger", "disgust", "fear", "happy", "sad", "surprise"), strict=True))
    for split in ("train", "dev"):
        with (shared_data / "mosei/Labels" / FILES[split]).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        counts = Counter(label for u in corpus.split(split) for label in u.labels["emotion"])
        assert counts == {name: sum(float(r[column]) > 0 for r in rows) for name, column in columns.items()}
        sentiments = Counter(u.labels["sentiment"][0] for u in corpus.split(split))
        assert sentiments["negative"] == sum(float(r["sentiment"]) < 0 for r in rows)
        assert sentiments["neutral"] == sum(float(r["sentiment"]) == 0 for r in rows)
        assert [u.text for u in corpus.split(split)] == [r["text"] for r in rows]
    counts = {("start_clamped", "note"): 41, ("file_ignored", "note"): 1, ("clip_mismatched", "warning"): 22}
    assert kinds(corpus) == counts
