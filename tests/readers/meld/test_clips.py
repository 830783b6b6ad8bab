"""MELD's clips: the tree as downloaded, with stray files, duplicates and missing clips."""

import os
from collections import Counter

import pytest
from clip_files import write_clip
from meld_rows import row, write_csv

from sentir.audio.store import attach_audio
from sentir.readers import read_corpus
from sentir.readers.meld.files import find_clips
from sentir.recipe import DataSettings

FOLDERS = {
    "train": "train/train_splits",
    "dev": "dev/dev_splits_complete",
    "test": "test/output_repeated_splits_test",
}
DUPLICATE = "final_videos_test"


def rows(n, seconds=1.0):
    return [row("0", str(k), EndTime=f"00:00:{1 + seconds:06.3f}".replace(".", ",")) for k in range(n)]


def write_tree(root, *, clips, layout=FOLDERS, n=1):
    """Write MELD.Raw with n utterances per split and a clip (of so many seconds) for each name."""
    for split, folder in layout.items():
        table = "train/train_sent_emo.csv" if split == "train" else f"{split}_sent_emo.csv"
        write_csv(root / table, rows(n))
        (root / folder).mkdir(parents=True)
        for name, seconds in clips.get(split, {"dia0_utt0.mp4": 0.5}).items():
            write_clip(root / folder / name, seconds)
    return root


def read(root, **settings):
    return read_corpus(DataSettings(reader="meld", audio=True, **settings), root)


def issues_of(corpus):
    """The issues except the layout and the row counts, which are fewer than published."""
    return [issue for issue in corpus.issues if issue.kind not in ("layout_recognized", "row_count_differs")]


def kinds(corpus):
    return Counter((issue.kind, issue.severity) for issue in issues_of(corpus))


LAYOUTS = {
    "Kaggle": FOLDERS,
    "original": {split: folder.partition("/")[2] for split, folder in FOLDERS.items()},
    "deep": {split: f"a/b/c/d/e/f/{folder}" for split, folder in FOLDERS.items()},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_utterance_of_a_downloaded_tree_has_its_own_clip_which_can_be_decoded(tmp_path, layout):
    root = write_tree(tmp_path / "MELD-RAW" / "MELD.Raw", clips={}, layout=layout)
    for folder in (tmp_path, root):
        corpus = read(folder)
        assert [u.clip.path for u in corpus] == [root / name / "dia0_utt0.mp4" for name in layout.values()]
        assert issues_of(corpus) == []
    assert [round(u.audio.seconds, 1) for u in attach_audio(corpus.utterances)] == [0.5, 0.5, 0.5]


def test_clips_may_have_been_converted_to_audio_files(tmp_path):
    clips = {"train": {"dia0_utt0.wav": 0.5}, "dev": {"dia0_utt0.flac": 0.5}}
    corpus = read(write_tree(tmp_path, clips=clips))
    assert [u.clip.path.suffix for u in corpus] == [".wav", ".flac", ".mp4"] and issues_of(corpus) == []


def test_without_audio_clips_are_not_searched_for_and_the_corpus_is_the_same(tmp_path):
    root = write_tree(tmp_path, clips={"train": {}})
    text_only = read_corpus(DataSettings(reader="meld"), root)
    assert {u.clip for u in text_only} == {None} and issues_of(text_only) == []
    assert text_only.fingerprint == read(root).fingerprint


def test_stray_files_and_clips_without_a_row_are_counted_in_one_note(tmp_path):
    root = write_tree(tmp_path, clips={"test": {"dia0_utt0.mp4": 0.5, "dia7_utt0.mp4": 0.5}})
    for name in ("._dia0_utt0.mp4", "dia0_utt0.mp4.part", "dia0_utt0 (1).mp4", "xdia0_utt0.mp4", "notes.txt"):
        (root / FOLDERS["test"] / name).write_bytes(b"\0\5\x16\7")
    corpus = read(root)
    assert [(i.kind, i.severity) for i in issues_of(corpus)] == [("clips_unreferenced", "note")]
    assert "6; ignored" in issues_of(corpus)[0].message
    assert corpus.test[0].clip.path.name == "dia0_utt0.mp4"


def test_a_missing_clip_is_a_problem_of_its_utterance_which_is_kept(tmp_path):
    corpus = read(write_tree(tmp_path, clips={"dev": {"dia0_utt0.mp4": 0.5}}, n=2))
    assert [u.clip is None for u in corpus.dev] == [False, True]
    assert [i.where for i in issues_of(corpus)] == [f"meld/{split}/dia0/utt1" for split in FOLDERS]
    assert kinds(corpus) == {("audio_file_missing", "problem"): 3}
    assert "dia0_utt1" in issues_of(corpus)[0].message


def test_a_tree_without_any_clip_is_one_note_and_text_only(tmp_path):
    corpus = read(write_tree(tmp_path, clips={split: {} for split in FOLDERS}, n=5))
    assert {u.clip for u in corpus} == {None}
    assert kinds(corpus) == {("corpus_without_audio", "note"): 1}


@pytest.mark.parametrize(
    ("plain", "duplicate", "choice", "prefix"),
    [
        (2.0, 1.1, "nearest_duration", DUPLICATE),
        (1.1, 2.0, "nearest_duration", ""),
        (2.0, 1.1, "plain_name", ""),
        (None, 1.1, "nearest_duration", DUPLICATE),
        (None, 1.1, "plain_name", DUPLICATE),
    ],
)
def test_of_duplicate_clips_the_one_with_the_duration_nearest_to_the_csv_is_used_and_noted(
    tmp_path, plain, duplicate, choice, prefix
):
    clips = {f"{DUPLICATE}dia0_utt0.mp4": duplicate} | ({} if plain is None else {"dia0_utt0.mp4": plain})
    corpus = read(write_tree(tmp_path, clips={"test": clips}), meld={"duplicate_clips": choice})
    assert corpus.test[0].clip.path.name == f"{prefix}dia0_utt0.mp4"
    assert [(i.kind, i.severity, i.where) for i in issues_of(corpus)] == (
        [("duplicate_clip_used", "note", "meld/test/dia0/utt0")] if prefix else []
    )


def test_a_clip_that_cannot_be_decoded_is_farther_than_any_other(tmp_path):
    root = write_tree(tmp_path, clips={"test": {f"{DUPLICATE}dia0_utt0.mp4": 5.0}})
    (root / FOLDERS["test"] / "dia0_utt0.mp4").write_bytes(b"not a video")
    assert read(root).test[0].clip.path.name == f"{DUPLICATE}dia0_utt0.mp4"


def test_links_are_followed_once_and_the_nearest_copy_is_used(tmp_path):
    root = write_tree(tmp_path / "MELD.Raw", clips={"train": {}})
    write_clip(tmp_path / "disk" / "dia0_utt0.mp4")
    (root / "train/train_splits").rmdir()
    (root / "train/train_splits").symlink_to(tmp_path / "disk")
    (root / "again").symlink_to(root)
    write_clip(root / "old" / FOLDERS["dev"] / "dia0_utt0.mp4")
    corpus = read(root)
    assert corpus.train[0].clip.path == root / "train/train_splits/dia0_utt0.mp4"
    assert corpus.dev[0].clip.path == root / FOLDERS["dev"] / "dia0_utt0.mp4"
    assert ["1; ignored" in i.message for i in corpus.issues if i.kind == "clips_unreferenced"] == [True]


def test_every_folder_is_listed_once(tmp_path, monkeypatch):
    folder = write_tree(tmp_path, clips={}, n=50) / FOLDERS["train"]
    for n in range(1, 50):
        (folder / f"dia0_utt{n}.mp4").touch()
    folders = [str(tmp_path), *(str(path) for path in tmp_path.rglob("*") if path.is_dir())]
    listed, scan = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: listed.append(str(place)) or scan(place))
    clips = find_clips([tmp_path])
    assert len(clips.versions) == clips.file_count == 52
    assert sorted(listed) == sorted(folders)
