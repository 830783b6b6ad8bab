"""The original distribution of CMU-MOSEI: labels in HDF5, transcripts, annotators, folds, and damage."""

import json
import random
from importlib.resources import files
from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mosei_rows import issues_of, kinds
from mosei_trees import all_rows, write_csd, write_kaggle, write_original, write_ratings, write_transcripts

from sentir.errors import CorpusError, SentirError
from sentir.readers.mosei import reader as mosei

OUTSIDE = ("", "outside-1", "1.0", "2.0", (0.0,) * 7, "Nobody scores this.")
CSD = "CMU_MOSEI_Labels.csd"


def where(corpus, kind):
    return [issue.where for issue in corpus.issues if issue.kind == kind]


def test_videos_in_no_fold_are_left_out_and_each_segment_is_listed(tmp_path):
    rows = [*all_rows(), OUTSIDE, ("", "outside-1", "3.0", "4.5", (0.0,) * 7, "")]
    corpus = mosei.read_tree(write_transcripts(write_csd(tmp_path, rows), all_rows()))
    assert len(corpus) == len(all_rows())
    assert where(corpus, "video_outside_folds") == ["mosei/outside-1/1.0-2.0", "mosei/outside-1/3.0-4.5"]
    assert kinds(corpus) == {("video_outside_folds", "warning"): 2, ("start_clamped", "note"): 1}


def test_a_segment_without_transcript_keeps_its_labels_and_a_line_without_labels_is_counted(tmp_path):
    rows = all_rows()
    corpus = mosei.read_tree(write_transcripts(write_csd(tmp_path), [*rows[1:], OUTSIDE]))
    (missing,) = [u for u in corpus if u.text is None]
    assert where(corpus, "text_missing") == [missing.id] == ["mosei/train/-3g5yACwYnA/4.84-14.052"]
    assert missing.labels["emotion"] == ("fear", "joy")
    (note,) = [issue for issue in corpus.issues if issue.kind == "transcripts_unlabeled"]
    assert note.message.endswith("ignored: 1.") and note.severity == "note"


def test_transcripts_are_joined_by_times_that_differ_a_little_and_by_no_others(tmp_path):
    rows = [("train", "100499", "1.0", "2.0", (0,) * 7, ""), ("train", "100499", "1.5", "2.0", (0,) * 7, "")]
    lines = [("train", "100499", "1.03", "2.0", (), "first"), ("train", "100499", "1.0", "2.049", (), "farther"),
             ("train", "100499", "1.56", "2.0", (), "another")]  # fmt: skip
    corpus = mosei.read_tree(write_transcripts(write_csd(tmp_path, rows), lines))
    assert [u.text for u in corpus] == ["first", None]


def test_without_transcripts_labels_are_kept_with_one_warning(tmp_path):
    corpus = mosei.read_tree(write_csd(tmp_path))
    assert {u.text for u in corpus} == {None}
    assert kinds(corpus) == {("corpus_without_text", "warning"): 1, ("start_clamped", "note"): 1}


def test_invalid_transcript_lines_are_listed_with_their_location(tmp_path):
    write_original(tmp_path)
    path = tmp_path / "Raw/Transcript/Segmented/Combined/100499.txt"
    path.write_bytes(path.read_bytes() + b"no line\n\n100499___x___1___2___a\n100499___3___soon___2___a\n")
    corpus = mosei.read_tree(tmp_path)
    assert where(corpus, "row_skipped") == ["100499.txt, line 2", "100499.txt, line 4", "100499.txt, line 5"]
    assert all(u.text for u in corpus)


def test_a_transcript_in_another_encoding_is_decoded(tmp_path):
    write_original(tmp_path)
    path = tmp_path / "Raw/Transcript/Segmented/Combined/-3g5yACwYnA.txt"
    path.write_bytes(path.read_text("utf-8").encode("cp1252"))
    assert (
        mosei.read_tree(tmp_path).by_id["mosei/train/-3g5yACwYnA/82.753-100.555"].text == "Don’t they___really?"
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_numbers_of_any_dtype_are_read(tmp_path, dtype):
    rows = [("train", "100499", "1", "2", (-1, 1, 0, 0, 0, 0, 3), "Hi")]
    (utterance,) = mosei.read_tree(write_transcripts(write_csd(tmp_path, rows, dtype=dtype), rows))
    assert utterance.scores["sentiment"] == -1 and utterance.labels["emotion"] == ("fear", "joy")
    assert utterance.id == "mosei/train/100499/1.0-2.0"


def test_invalid_intensities_and_times_are_listed(tmp_path):
    rows = [
        ("train", "100499", "1", "2", (float("nan"), 1, 0, 0, 0, 0, 0), "a"),
        ("train", "100499", "nan", "2", (0,) * 7, "b"),
        ("train", "100499", "1", "inf", (0,) * 7, "c"),
        ("train", "100499", "3", "4", (3.33, 4.33, 0, 0, 0, 0, 0), "d"),
        ("train", "100499", "3", "4", (0,) * 7, "e"),
    ]
    corpus = mosei.read_tree(write_csd(tmp_path, rows))
    assert ["sentiment" in u.labels for u in corpus] == [False, True] and all(
        "emotion" in u.labels for u in corpus
    )
    assert (corpus.train[1].scores["sentiment"], corpus.train[1].scores["joy"]) == (3.0, 3.0)
    assert where(corpus, "label_unknown") == ["mosei/train/100499/1.0-2.0"]
    assert where(corpus, "row_skipped") == [f"{CSD}, 100499, row {n}" for n in (2, 3, 5)]


def put(video, features, intervals):
    def change(data):
        del data[video]
        if features is not None:
            data[f"{video}/features"] = features
        if intervals is not None:
            data[f"{video}/intervals"] = intervals

    return change


def scalar(data):
    del data["100499"]
    data["100499"] = 1.0


@pytest.mark.parametrize(
    "change",
    [
        put("100499", np.zeros((1, 6)), np.zeros((1, 2))),
        put("100499", np.zeros((1, 7)), np.zeros((1, 3))),
        put("100499", np.zeros((2, 7)), np.zeros((1, 2))),
        put("100499", np.zeros(7), np.zeros((1, 2))),
        put("100499", np.array([[b"a"] * 7]), np.zeros((1, 2))),
        put("100499", None, np.zeros((1, 2))),
        scalar,
    ],
)
def test_a_video_of_another_shape_is_left_out_with_a_reason_and_the_others_are_kept(tmp_path, change):
    write_original(tmp_path)
    with h5py.File(tmp_path / CSD, "r+") as file:
        change(file["All Labels/data"])
    corpus = mosei.read_tree(tmp_path)
    assert len(corpus) == 4 and not any("100499" in u.id for u in corpus)
    assert where(corpus, "row_skipped") == [f"{CSD}, 100499"]


@pytest.mark.parametrize("content", [b"", b"not HDF5", None])
def test_a_file_without_labels_is_a_one_sentence_error(tmp_path, content):
    path = write_original(tmp_path) / CSD
    if content is None:
        with h5py.File(path, "w") as file:
            file["COVAREP/data/v/features"] = np.zeros((1, 7))
    else:
        path.write_bytes(content)
    with pytest.raises(
        CorpusError, match=r"CMU_MOSEI_Labels\.csd cannot be read as labels .*; download the file again"
    ):
        mosei.read_tree(tmp_path)


@pytest.mark.parametrize("write", [write_original, write_kaggle, write_ratings])
def test_damaged_files_lose_no_segment_silently_and_raise_nothing_else(tmp_path, write):
    draw = random.Random(0)
    root = write(tmp_path)
    for path in [path for path in root.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        for _trial in range(15):
            damaged = bytearray(whole)
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
            path.write_bytes(damaged if draw.random() < 0.7 else damaged[: draw.randrange(len(damaged))])
            try:
                corpus = mosei.read_tree(root)
            except SentirError:
                continue
            assert len(corpus) == 5 or issues_of(corpus), path.name
        path.write_bytes(whole)
    assert len(mosei.read_tree(root)) == 5


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.floats(-1, 500).map(lambda t: round(t, 4)), min_size=2, max_size=12, unique=True))
def test_every_segment_is_an_utterance_or_a_listed_row_whatever_its_times(tmp_path, times):
    rows = [("train", "100499", str(a), str(b), (0,) * 7, "Hi") for a, b in pairwise(times)]
    csd = mosei.read_tree(write_csd(tmp_path / "csd", rows))
    plain = {"train": [row[1:] for row in rows]}
    table = mosei.read_tree(write_kaggle(tmp_path / "csv", plain))
    assert {u.id for u in csd} == {u.id for u in table.train}
    assert len(csd) + len(where(csd, "row_skipped")) == len(rows)


def test_missing_ratings_are_left_out_of_the_mean(tmp_path):
    path = write_ratings(tmp_path) / "Raw/Labels/5000_batch_raw.csv"
    path.write_text(path.read_text().replace("0.75,", ",", 1))
    corpus = mosei.read_tree(tmp_path)
    assert where(corpus, "rating_missing") == ["5000_batch_raw.csv, line 2"]
    assert len(corpus) == 5


def test_an_annotated_clip_without_a_transcript_line_is_kept_under_its_number(tmp_path):
    root = write_ratings(tmp_path)
    (root / "Raw/Transcript/Segmented/Combined/100499.txt").unlink()
    corpus = mosei.read_tree(root)
    assert where(corpus, "text_missing") == ["mosei/train/100499/1"]
    assert corpus.by_id["mosei/train/100499/1"].labels["emotion"] == ("sadness",)


def write_sdk(root, train, dev, test):
    names = zip(("train", "valid", "test"), (train, dev, test), strict=True)
    text = "".join(f"standard_{name}_fold={videos!r}\n\n" for name, videos in names)
    (root / "cmu_mosei_std_folds.py").write_text(text + "raise SystemExit('this is never run')\n")


def test_folds_beside_the_labels_precede_those_that_come_with_sentir(tmp_path):
    root = write_original(tmp_path)
    write_sdk(root, ["_on_E-ZWy0I"], ["-3g5yACwYnA"], ["100499"])
    corpus = mosei.read_tree(root)
    assert {(u.split, u.dialogue.rpartition("/")[2]) for u in corpus} == {
        ("train", "_on_E-ZWy0I"),
        ("dev", "-3g5yACwYnA"),
        ("test", "100499"),
    }
    assert where(corpus, "video_outside_folds") == ["mosei/--qXJuDtHPw/23.199-30.325"]
    assert "splits from cmu_mosei_std_folds.py" in corpus.issues[0].message


@pytest.mark.parametrize("names", [("train", "valid", "test"), ("standard_train_fold", "DEV", "mosei_test_ids")])
def test_folds_may_be_three_lists(tmp_path, names):
    root = write_original(tmp_path)
    for name, lines in zip(names, ("'_on_E-ZWy0I',\n", "\n-3g5yACwYnA\n\n", "100499\r\n"), strict=True):
        (root / "folds").mkdir(exist_ok=True)
        (root / "folds" / f"{name}.txt").write_text(lines)
    corpus = mosei.read_tree(root)
    assert {u.split: u.dialogue.rpartition("/")[2] for u in corpus} == {
        "train": "_on_E-ZWy0I",
        "dev": "-3g5yACwYnA",
        "test": "100499",
    }


@pytest.mark.parametrize(
    "text", ["standard_train_fold=[open('x')]", "(" * 500, "x=1", "standard_train_fold=3", "\0"]
)
def test_invalid_folds_are_a_one_sentence_error(tmp_path, text):
    (write_original(tmp_path) / "cmu_mosei_std_folds.py").write_text(text)
    with pytest.raises(CorpusError, match=r"cmu_mosei_std_folds\.py has no lists of the videos"):
        mosei.read_tree(tmp_path)


def test_a_video_in_two_folds_is_rejected(tmp_path):
    write_sdk(write_original(tmp_path), ["100499"], ["100499"], [])
    with pytest.raises(CorpusError, match="the video '100499' is in train and in dev"):
        mosei.read_tree(tmp_path)


def shipped():
    return json.loads(files("sentir.readers.mosei").joinpath("folds.json").read_text(encoding="utf-8"))


def test_the_folds_that_come_with_sentir_are_the_published_ones():
    folds = [shipped()[split] for split in ("train", "dev", "test")]
    assert [len(set(fold)) for fold in folds] == [len(fold) for fold in folds] == [2249, 300, 678]
    assert len(set().union(*folds)) == 2249 + 300 + 678


def external_link(data, elsewhere):
    data["100499"] = h5py.ExternalLink(str(elsewhere), "v")


def external_features(data, elsewhere):
    group = data.create_group("100499")
    group["features"] = h5py.ExternalLink(str(elsewhere), "v/features")
    group["intervals"] = np.zeros((1, 2))


def external_storage(data, elsewhere):
    group = data.create_group("100499")
    for name, width in (("features", 7), ("intervals", 2)):
        group.create_dataset(name, (1, width), np.float64, external=[(str(elsewhere), 0, 8 * width)])


def virtual(data, elsewhere):
    group = data.create_group("100499")
    layout = h5py.VirtualLayout((1, 7), np.float64)
    layout[...] = h5py.VirtualSource(str(elsewhere), "v/features", (1, 7))
    group.create_virtual_dataset("features", layout)
    group["intervals"] = np.zeros((1, 2))


@pytest.mark.parametrize("change", [external_link, external_features, external_storage, virtual])
def test_data_of_other_files_are_never_read(tmp_path, change):
    write_original(tmp_path)
    with h5py.File(elsewhere := tmp_path / "elsewhere.h5", "w") as file:
        file["v/features"], file["v/intervals"] = np.zeros((1, 7)), np.array([[0.0, 1.0]])
    with h5py.File(tmp_path / CSD, "r+") as file:
        data = file["All Labels/data"]
        del data["100499"]
        change(data, elsewhere)
    corpus = mosei.read_tree(tmp_path)
    assert where(corpus, "row_skipped") == [f"{CSD}, 100499"]
    assert any("is not in the file itself" in issue.message for issue in corpus.issues)


def test_a_video_that_is_there_many_times_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr("sentir.readers.mosei.csd._MAX_SEGMENTS", 3)
    write_original(tmp_path)
    with pytest.raises(CorpusError, match="has more than 3 segments; download the file again"):
        mosei.read_tree(tmp_path)
