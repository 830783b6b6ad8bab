"""The layouts of CMU-MOSEI: each gives the same segments, and one message names it."""

import shutil
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
from clip_files import write_clip
from mosei_rows import issues_of, kinds, row, write_tree
from mosei_trees import (
    CLIPS,
    all_rows,
    write_csd,
    write_csv,
    write_kaggle,
    write_mmsa,
    write_original,
    write_ratings,
    write_transcripts,
)

from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError, MissingDependencyError
from sentir.readers import read_corpus
from sentir.readers.mosei import reader as mosei
from sentir.recipe import DataSettings

IDS = [f"mosei/{split}/{video}/{start}-{end}" for split, video, start, end, _scores, _text in all_rows()]
TIMED = {"kaggle": write_kaggle, "csd": write_original, "ratings": write_ratings}


def read(root):
    return read_corpus(DataSettings(reader="mosei", audio=True), root)


def recognized(corpus):
    (message,) = [issue.message for issue in corpus.issues if issue.kind == "layout_recognized"]
    return message


def annotated(corpus):
    """Return utterances by id, those of test with their sealed labels."""
    labels, scores = corpus.sealed._reveal()
    return {
        u.id: replace(u, labels=labels.get(u.id, u.labels), scores=scores.get(u.id, u.scores)) for u in corpus
    }


@pytest.mark.parametrize("layout", TIMED)
def test_every_layout_with_times_reads_alike(tmp_path, layout):
    expected = annotated(mosei.read_tree(write_kaggle(tmp_path / "expected")))
    actual = annotated(mosei.read_tree(TIMED[layout](tmp_path / layout)))
    assert set(actual) == set(expected) == set(IDS)
    for key, utterance in expected.items():
        other = actual[key]
        assert other.scores == pytest.approx(utterance.scores, abs=1e-6)
        for task in ("emotion", "sentiment"):
            assert other.labels[task] == utterance.labels[task]
        assert replace(other, scores={}, labels={}) == replace(utterance, scores={}, labels={})


def test_complete_layouts_give_no_issues(tmp_path):
    for layout, write in TIMED.items():
        corpus = mosei.read_tree(write(tmp_path / layout))
        assert set(kinds(corpus)) == {("start_clamped", "note")}, layout


def test_mmsa_has_only_sentiment_and_clips_instead_of_times(tmp_path):
    root = write_mmsa(tmp_path)
    clip = write_clip(root / "Raw/-3g5yACwYnA/7.mp4")
    corpus = read(root)
    assert set(corpus.label_spaces) == {"sentiment", "sentiment_intensity"}
    assert [u.id for u in corpus] == [f"mosei/{s}/{v}/{CLIPS[start]}" for s, v, start, *_rest in all_rows()]
    assert [u.text for u in corpus] == [text for *_rest, text in all_rows()]
    whole = annotated(corpus)
    for split, video, start, _end, scores, _text in all_rows():
        utterance = whole[f"mosei/{split}/{video}/{CLIPS[start]}"]
        sign = {-1: "negative", 0: "neutral", 1: "positive"}[int(np.sign(scores[0]))]
        assert utterance.labels["sentiment"] == (sign,) and "emotion" not in utterance.labels
        assert utterance.scores == {"sentiment": pytest.approx(scores[0])}
    assert [u.clip for u in corpus.train] == [None, Clip(clip), None]
    assert [u.turn for u in corpus.train] == [0, 1, 0]


def test_a_row_of_mmsa_without_a_known_split_or_clip_is_listed(tmp_path):
    write_mmsa(tmp_path)
    with (tmp_path / "label.csv").open("a", encoding="utf-8") as file:
        file.write("v,0,Hi,1.0,,,,Positive,held-out\nv,,Hi,1.0,,,,Positive,train\n")
    corpus = mosei.read_tree(tmp_path)
    assert [(i.kind, i.where) for i in issues_of(corpus)] == [
        ("row_skipped", "label.csv, line 7"),
        ("row_skipped", "label.csv, line 8"),
    ]


@pytest.mark.parametrize(
    ("write", "folder", "description"),
    [
        (write_kaggle, "Audio_chunk", "as on Kaggle (gnurtqh/cmu-mosei): labels, texts and splits from Data_"),
        (write_kaggle, "Audio/Audio/WAV_16000", "as on Kaggle (maunberg/cmu-mosei): labels, texts and splits"),
        (write_kaggle, "figures", "as its label CSVs only: labels, texts and splits from Data_{Train,Val,Test}"),
        (
            write_original,
            "Raw/Audio/Full/WAV_16000",
            "as its authors distribute it: labels from CMU_MOSEI_Labels.csd; texts from 5 lines of transcripts; "
            "splits from the standard folds",
        ),
        (
            write_ratings,
            "Raw/Audio/Full/WAV_16000",
            "as its authors distribute it: labels averaged over the annota",
        ),
        (write_mmsa, "Raw", "as distributed with MMSA: sentiment, texts and splits from label.csv"),
    ],
)
def test_the_recognized_layout_is_one_message(tmp_path, write, folder, description):
    (write(tmp_path / "root") / folder).mkdir(parents=True, exist_ok=True)
    assert recognized(mosei.read_tree(tmp_path)).startswith(f"Recognized: CMU-MOSEI {description}")
    write_clip(tmp_path / "root" / folder / "-3g5yACwYnA_4.84_14.052.wav")
    num_clips = 0 if write is write_mmsa else 1
    assert recognized(read(tmp_path)).endswith(f"; audio for {num_clips} of 5 segments.")


def test_the_first_of_several_label_files_is_read_and_the_others_are_named(tmp_path):
    write_ratings(write_csd(write_kaggle(tmp_path)))
    corpus = mosei.read_tree(tmp_path)
    assert "Kaggle" in recognized(corpus) or "label CSVs" in recognized(corpus)
    assert {i.where for i in corpus.issues if i.kind == "file_ignored"} == {
        "CMU_MOSEI_Labels.csd",
        "Raw/Labels/5000_batch_raw.csv",
        "Raw/Labels/pom_extra_sqa_mono_results.csv",
    }


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp4", ".m4a", ".WAV", ".Mp4"])
def test_audio_may_have_any_common_suffix(tmp_path, suffix):
    root = write_original(tmp_path)
    for video in {cells[1] for cells in all_rows()}:
        source = write_clip(tmp_path / "made" / ("a.mp4" if suffix.lower() in {".mp4", ".m4a"} else "a.wav"))
        target = root / "Raw/Audio/Full/WAV_16000" / f"{video}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
    (tmp_path / "made").rmdir()
    corpus = read(root)
    assert all(u.clip and u.clip.path.suffix == suffix for u in corpus)
    assert kinds(corpus) == {("start_clamped", "note"): 1}


def test_segmented_videos_are_found_by_clip_number_if_there_is_no_other_audio(tmp_path):
    root = write_original(tmp_path)
    folder = root / "Raw/Videos/Segmented/Combined"
    numbered = write_clip(folder / "-3g5yACwYnA_7.mp4")
    write_clip(folder / "100499_1.mp4")
    full_video = write_clip(root / "Raw/Audio/Full/WAV_16000/100499.wav")
    assert [u.clip for u in read(root).train] == [None, Clip(numbered), Clip(full_video, 0.0, 2.807)]


def test_names_with_spaces_and_underscores_keep_their_videos(tmp_path):
    videos = {"train": "a video_", "dev": "--dev_1", "test": "007"}
    write_tree(tmp_path, **{split: [row(video, "7.15", "8")] for split, video in videos.items()})
    paths = [write_clip(tmp_path / "Audio_chunk" / f"{video}_7.1500_8.0000.wav") for video in videos.values()]
    assert [u.clip for u in read(tmp_path)] == [Clip(path) for path in paths]
    lines = [
        ("train", "a video_", "0", "1", (0,) * 7, "one"),
        ("train", "a video_", "1.0", "2.0", (0,) * 7, "two"),
    ]
    root = write_transcripts(write_csd(tmp_path / "csd", lines), lines)
    (root / "train.txt").write_text("a video_\n")
    (root / "dev.txt").write_text("--dev_1\n")
    (root / "test.txt").write_text("007\n")
    assert [(u.id, u.text) for u in mosei.read_tree(root)] == [
        ("mosei/train/a video_/0.0-1.0", "one"),
        ("mosei/train/a video_/1.0-2.0", "two"),
    ]


@pytest.mark.parametrize("write", [write_kaggle, write_original, write_mmsa])
def test_a_packed_tree_is_unpacked_once_and_reads_like_the_tree(tmp_path, write, monkeypatch):
    tree = write(tmp_path / "tree")
    clip = write_clip(tree / "Raw/-3g5yACwYnA/7.mp4")
    expected = read(tree)
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed/CMU_MOSEI.zip", "w") as archive:
        for path in tree.rglob("*"):
            archive.write(path, path.relative_to(tree))
    for _time in range(2):
        corpus = read(tmp_path / "packed")
        assert corpus.fingerprint == expected.fingerprint
        assert [u.clip and u.clip.path.name for u in corpus] == [u.clip and u.clip.path.name for u in expected]
    assert clip.name in {u.clip.path.name for u in corpus if u.clip} or write is not write_mmsa


def test_packed_audio_beside_labels_is_unpacked_only_if_audio_is_read(tmp_path):
    root = write_kaggle(tmp_path / "root")
    clip = write_clip(tmp_path / "100499.wav")
    with zipfile.ZipFile(root / "Audio.zip", "w") as archive:
        archive.write(clip, "WAV_16000/100499.wav")
    mosei.read_tree(root)
    assert not (root / "Audio.unpacked").exists()
    assert [u.clip is not None for u in read(root).train] == [False, False, True]


def test_archives_with_other_names_are_not_touched(tmp_path):
    with zipfile.ZipFile(tmp_path / "holidays.zip", "w") as archive:
        archive.writestr("CMU_MOSEI_Labels.csd", "no HDF5")
    with pytest.raises(CorpusError, match="no labels of CMU-MOSEI"):
        mosei.read_tree(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"holidays.zip"}
    with pytest.raises(CorpusError, match="cannot be read as labels"):
        mosei.read_tree(tmp_path / "holidays.zip")


def test_a_folder_without_labels_is_an_error_naming_the_label_files(tmp_path):
    write_csv(tmp_path / "notes.csv", ["a"], [["b"]])
    write_clip(tmp_path / "v.wav")
    with pytest.raises(CorpusError, match=r"no labels of CMU-MOSEI under .*; give the folder with Data_Train"):
        mosei.read_tree(tmp_path)


def test_without_h5py_the_error_names_what_to_install(tmp_path, monkeypatch):
    write_original(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(
        MissingDependencyError, match=r"CMU_MOSEI_Labels\.csd needs h5py; .*pip install 'sentir\[csd\]'"
    ):
        mosei.read_tree(tmp_path)
    assert h5py.__version__


def test_of_the_corpora_that_mmsa_packs_together_mosei_is_read_and_the_others_are_named(tmp_path):
    for folder in ("CH-SIMS", "MOSEI", "MOSI"):
        write_mmsa(tmp_path / folder)
    corpus = mosei.read_tree(tmp_path)
    assert recognized(corpus).endswith("from label.csv.") and len(corpus) == len(all_rows())
    issues = [(i.kind, i.where) for i in issues_of(corpus)]
    assert issues == [("file_ignored", "CH-SIMS/label.csv"), ("file_ignored", "MOSI/label.csv")]


def test_an_archive_of_meld_is_left_packed_if_there_is_no_audio_of_mosei(tmp_path):
    write_kaggle(tmp_path / "mosei")
    (tmp_path / "MELD.Raw.tar.gz").write_bytes(b"never opened")
    assert {u.clip for u in read(tmp_path)} == {None}
    (tmp_path / "cmu-mosei-raw.zip").write_bytes(b"opened")
    with pytest.raises(CorpusError, match=r"cmu-mosei-raw\.zip is damaged"):
        read(tmp_path)
