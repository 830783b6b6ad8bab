"""The MELD reader: every known layout, awkward files, and the counts of the real corpus."""

import csv
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meld_rows import HEADER, row, write_csv

from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import SPLITS, group_dialogues
from sentir.errors import CorpusError
from sentir.readers import read_corpus
from sentir.readers.meld import reader as meld
from sentir.recipe import DataSettings


def write_tree(root, *, encoding="utf-8", **rows):
    for split in SPLITS:
        write_csv(root / f"{split}_sent_emo.csv", rows.get(split, [row()]), encoding)
    return root


def kinds(corpus):
    return Counter((issue.kind, issue.severity) for issue in corpus.issues)


LAYOUTS = {
    "CSVs alone": ("train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv"),
    "original": ("train/train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv"),
    "subfolders": ("train/train_sent_emo.csv", "dev/dev_sent_emo.csv", "test/test_sent_emo.csv"),
    "git": tuple(f"data/MELD/{split}_sent_emo.csv" for split in SPLITS),
    "Kaggle": tuple(
        f"MELD-RAW/MELD.Raw/{name}"
        for name in ("train/train_sent_emo.csv", "dev_sent_emo.csv", "test/test_sent_emo.csv")
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_known_layout_is_read_from_its_root_and_from_a_parent(tmp_path, layout):
    root = tmp_path / "root"
    for split, file in zip(SPLITS, layout, strict=True):
        write_csv(root / file, [row(text=f"I am {split}.")])
    (root / "._train_sent_emo.csv").write_bytes(b"\0\5\x16\7 stray")
    for folder in (root, tmp_path):
        corpus = read_corpus(DataSettings(reader="meld", root=folder))
        assert [(u.id, u.text) for u in corpus] == [
            (f"meld/{split}/dia0/utt0", f"I am {split}.") for split in SPLITS
        ]
        assert {issue.kind for issue in corpus.issues} == {"layout_recognized", "row_count_differs"}


@pytest.mark.parametrize(("folders", "found"), [("1/2/3/4/5/6/7/8", True), ("1/2/3/4/5/6/7/8/9", False)])
def test_the_csvs_are_searched_for_eight_folders_deep(tmp_path, folders, found):
    write_tree(tmp_path / folders)
    if found:
        assert len(meld.read_tree(tmp_path)) == 3
    else:
        with pytest.raises(CorpusError, match=r"there is no train_sent_emo\.csv"):
            meld.read_tree(tmp_path)


def test_files_that_cannot_be_examined_are_ignored(tmp_path):
    write_tree(tmp_path)
    (tmp_path / "a.csv").symlink_to(tmp_path / "a.csv")  # its own target: looking at it is an OSError
    (tmp_path / "a").symlink_to(tmp_path / "a")
    assert len(meld.read_tree(tmp_path)) == 3


def test_folders_of_clips_are_never_listed(tmp_path, monkeypatch):
    write_tree(tmp_path / "MELD.Raw")
    (tmp_path / "train_splits").mkdir()
    listed = []
    scan = os.scandir

    def spy(folder):
        listed.append(Path(folder).name)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", spy)
    meld.read_tree(tmp_path)
    assert "MELD.Raw" in listed and "train_splits" not in listed


def test_the_nearest_copy_is_read_and_other_csvs_are_named(tmp_path):
    write_tree(tmp_path)
    write_csv(tmp_path / "train_old.csv", [row()])
    corpus = meld.read_tree(tmp_path)
    assert [(i.kind, i.severity, i.where) for i in corpus.issues] == [("file_ignored", "note", "train_old.csv")]


def test_name_and_synthetic_are_the_callers(tmp_path):
    corpus = meld.read_tree(write_tree(tmp_path), name="demo-meld", synthetic=True)
    assert corpus.synthetic and corpus.name == "demo-meld"
    assert corpus.train[0].id == "demo-meld/train/dia0/utt0"
    assert corpus.train[0].dialogue == "demo-meld/train/dia0"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_utf8_with_and_without_bom_and_cp1252_give_the_same_text(tmp_path, encoding):
    text = "Don’t — “stop”… café"
    corpus = meld.read_tree(write_tree(tmp_path, encoding=encoding, train=[row(text=text)]))
    assert corpus.train[0].text == text
    assert kinds(corpus) == ({("file_encoding", "note"): 1} if encoding == "cp1252" else {})


@pytest.mark.parametrize("text", ["Don\x92t", "Donâ€™t", "cafÃ©"])
def test_signs_of_a_wrong_encoding_are_noted_and_the_text_is_kept(tmp_path, text):
    corpus = meld.read_tree(write_tree(tmp_path, train=[row(text=text)]))
    assert corpus.train[0].text == text
    assert [(i.kind, i.severity, i.where) for i in corpus.issues] == [
        ("text_encoding", "note", "meld/train/dia0/utt0")
    ]


def test_turns_follow_utterance_id_whatever_the_order_of_the_rows(tmp_path):
    rows = [row("3", "7"), row("3", "2"), row("1", "0"), row("3", "11")]
    corpus = meld.read_tree(write_tree(tmp_path, train=rows))
    assert [(u.id.removeprefix("meld/train/"), u.turn) for u in corpus.train] == [
        ("dia3/utt7", 1),
        ("dia3/utt2", 0),
        ("dia1/utt0", 0),
        ("dia3/utt11", 2),
    ]
    (note,) = [issue for issue in corpus.issues if issue.kind == "rows_reordered"]
    assert note.severity == "note" and note.where == "train_sent_emo.csv" and ": 1," in note.message
    last = corpus.by_id["meld/train/dia3/utt11"]
    assert [u.id[-4:] for u in corpus.before(last, 9)] == ["utt2", "utt7"]


def test_invisible_characters_make_no_other_speaker_dialogue_or_label_and_no_text(tmp_path):
    rows = [
        row("3", "7", Speaker="\u200eMonica\u200b", Emotion="jo\u200by"),
        row("3\u200b", "\ufeff2", "\u200b\u00ad", StartTime="00:00:01,000\u200b"),
    ]
    corpus = meld.read_tree(write_tree(tmp_path, train=rows))
    assert {(u.dialogue, u.speaker) for u in corpus.train} == {("meld/train/dia3", "Monica")}
    assert [u.text for u in corpus.train] == ["Hi there.", None]
    assert [u.labels["emotion"] for u in corpus.train] == [("joy",), ("joy",)]
    assert [issue.kind for issue in corpus.issues] == ["rows_reordered"]


@pytest.mark.parametrize(
    ("start", "end", "duration"),
    [
        ("00:16:16,059", "00:16:21,731", 5.672),
        ("0:59:59,900", "1:00:00,100", 0.2),
        ("00:11:39,281", "00:11:41,41", 2.129),
        ("0:12:32,632", "0:12:32,632", None),
        ("00:00:05,000", "00:00:04,000", None),
    ],
)
def test_durations_come_from_usable_times_and_the_others_are_listed(tmp_path, start, end, duration):
    corpus = meld.read_tree(write_tree(tmp_path, dev=[row(StartTime=start, EndTime=end)]))
    assert dict(corpus.dev[0].numeric_features) == ({} if duration is None else {"duration": duration})
    assert kinds(corpus) == ({("times_invalid", "warning"): 1} if duration is None else {})


@pytest.mark.parametrize("time", ["", "00:05.1", "0:05.1", "0:00:05", "5.1"])
def test_times_that_a_spreadsheet_changed_are_problems_and_no_durations(tmp_path, time):
    corpus = meld.read_tree(write_tree(tmp_path, dev=[row(StartTime=time, EndTime="00:00:09,000")]))
    assert corpus.dev[0].numeric_features == {} and kinds(corpus) == {("times_unparsable", "problem"): 1}


@pytest.mark.parametrize("made", ["{}.0", "{},00", " {} "])
def test_ids_are_those_of_the_authors_however_a_spreadsheet_wrote_them(tmp_path, made):
    rows = [row(made.format(dialogue), made.format(n)) for dialogue, n in ((0, 0), (0, 1), (12, 0))]
    corpus = meld.read_tree(write_tree(tmp_path, train=rows))
    keys = ["train/dia0/utt0", "train/dia0/utt1", "train/dia12/utt0"]
    assert [u.id for u in corpus.train] == [f"meld/{key}" for key in keys] and kinds(corpus) == {}


def test_a_table_that_a_spanish_spreadsheet_saved_is_read(tmp_path):
    write_tree(tmp_path, train=[row(text="Well, no; never")])
    before = meld.read_tree(tmp_path)
    for path in tmp_path.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            records = list(csv.reader(file))
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows(records)
    assert meld.read_tree(tmp_path).fingerprint == before.fingerprint


@pytest.mark.parametrize("emotion", ["", "bored", "calm"])
def test_an_unknown_label_is_listed_and_its_utterance_is_kept_in_its_dialogue(tmp_path, emotion):
    rows = [row("0", "0", Emotion=emotion), row("0", "1")]
    corpus = meld.read_tree(write_tree(tmp_path, train=rows))
    assert [u.labels for u in corpus.train] == [
        {"sentiment": ("positive",)},
        {"emotion": ("joy",), "sentiment": ("positive",)},
    ]
    assert [(i.kind, i.severity, i.where) for i in corpus.issues] == [
        ("label_unknown", "problem", "meld/train/dia0/utt0")
    ]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (row("", "1"), "Dialogue_ID"),
        (row("0", "x"), "Utterance_ID"),
        (row("0", "0", "again"), "same id"),
        (row("0", "1")[:-1], "cells"),
        ([*row("0", "1"), "too much"], "cells"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_listed_with_its_line(tmp_path, bad, why):
    corpus = meld.read_tree(write_tree(tmp_path, train=[row("0", "0", "first"), bad, row("0", "2")]))
    assert [(u.id, u.turn) for u in corpus.train] == [("meld/train/dia0/utt0", 0), ("meld/train/dia0/utt2", 1)]
    assert corpus.train[0].text == "first"
    (issue,) = corpus.issues
    assert (issue.kind, issue.severity) == ("row_skipped", "problem")
    assert issue.where == "train_sent_emo.csv, line 3" and why in issue.message


def test_an_empty_text_or_speaker_is_none(tmp_path):
    corpus = meld.read_tree(write_tree(tmp_path, train=[row(text=" ", Speaker="")]))
    assert corpus.train[0].text is None and corpus.train[0].speaker is None


def test_words_that_look_like_missing_values_stay_words(tmp_path):
    corpus = meld.read_tree(write_tree(tmp_path, train=[row(text="None"), row("0", "1", "NA")]))
    assert [u.text for u in corpus.train] == ["None", "NA"]


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    write_csv(tmp_path / "train_sent_emo.csv", [row()])
    with pytest.raises(CorpusError, match=r"no dev_sent_emo\.csv and no test_sent_emo\.csv; give the folder"):
        meld.read_tree(tmp_path)


def test_a_file_as_root_is_rejected(tmp_path):
    write_tree(tmp_path)
    with pytest.raises(CorpusError, match="not a folder"):
        meld.read_tree(tmp_path / "train_sent_emo.csv")


def test_a_missing_column_is_named_with_its_file(tmp_path):
    write_tree(tmp_path)
    header = ["Text" if name == "Utterance" else name for name in HEADER]
    write_csv(tmp_path / "dev_sent_emo.csv", [row()], header=header)
    with pytest.raises(CorpusError, match=r"dev_sent_emo\.csv has no column Utterance"):
        meld.read_tree(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\3\4\0\0 a workbook",
        b"\x81\x8d\xff\xfe",
        b"",
        b"version https://git-lfs.github.com/spec/v1\n",
        ",".join(HEADER).encode() + b'\n1,"a quote that never ends,Monica\n',
    ],
    ids=["binary", "no encoding", "empty", "pointer", "open quote"],
)
def test_a_file_that_is_no_csv_is_named(tmp_path, content):
    write_tree(tmp_path)
    (tmp_path / "test_sent_emo.csv").write_bytes(content)
    with pytest.raises(CorpusError, match=r"test_sent_emo\.csv"):
        meld.read_tree(tmp_path)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.tuples(st.integers(0, 3), TEXTS), min_size=1, max_size=12))
def test_any_text_is_read_back_to_the_letter_and_turns_count_from_zero(tmp_path, texts):
    rows = [row(str(dialogue), str(n), text) for n, (dialogue, text) in enumerate(texts)]
    corpus = meld.read_tree(write_tree(tmp_path, train=rows))
    assert [u.text for u in corpus.train] == [None if is_blank(text) else text for _dialogue, text in texts]
    for dialogue in group_dialogues(corpus.train):
        assert [u.turn for u in dialogue.utterances] == list(range(len(dialogue.utterances)))


@pytest.mark.shared_data
def test_the_real_corpus_has_its_known_counts(shared_data):
    corpus = meld.read_tree(shared_data / "meld")
    splits = [corpus.split(split) for split in SPLITS]
    assert [len(rows) for rows in splits] == [9989, 1109, 2610]
    assert [len({u.dialogue for u in rows}) for rows in splits] == [1038, 114, 280]
    assert [len({u.speaker for u in rows}) for rows in splits] == [260, 47, 100]
    assert kinds(corpus) == {("times_invalid", "warning"): 1}

    emotions = [Counter(u.labels["emotion"][0] for u in rows) for rows in splits[:2]]
    order = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")
    assert [[count[name] for name in order] for count in emotions] == [
        [4710, 1743, 1205, 1109, 683, 271, 268],
        [470, 163, 150, 153, 111, 22, 40],
    ]
    sentiments = [Counter(u.labels["sentiment"][0] for u in rows) for rows in splits[:2]]
    assert [[count[name] for name in ("neutral", "negative", "positive")] for count in sentiments] == [
        [4710, 2945, 2334],
        [470, 406, 233],
    ]
