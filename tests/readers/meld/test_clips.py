"""MELD's clips: the tree as it is downloaded, with litter, twins and gaps."""

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
TWIN = "final_videos_test"


def rows(n, seconds=1.0):
    return [row("0", str(k), EndTime=f"00:00:{1 + seconds:06.3f}".replace(".", ",")) for k in range(n)]


def write_tree(root, *, clips, layout=FOLDERS, n=1):
    """Write MELD.Raw with n utterances per split and a clip (of so many seconds) for each name."""
    for split, folder in layout.items():
        place = "train/train_sent_emo.csv" if split == "train" else f"{split}_sent_emo.csv"
        write_csv(root / place, rows(n))
        (root / folder).mkdir(parents=True)
        for name, seconds in clips.get(split, {"dia0_utt0.mp4": 0.5}).items():
            write_clip(root / folder / name, seconds)
    return root


def read(root, **settings):
    return read_corpus(DataSettings(reader="meld", audio=True, **settings), root)


def found(corpus):
    """What was found, but for the layout and that these are fewer rows than the authors published."""
    return [issue for issue in corpus.issues if issue.kind not in ("layout_recognized", "row_count_differs")]


def kinds(corpus):
    return Counter((issue.kind, issue.severity) for issue in found(corpus))


LAYOUTS = {
    "Kaggle": FOLDERS,
    "original": {split: folder.partition("/")[2] for split, folder in FOLDERS.items()},
    "deep": {split: f"a/b/c/d/e/f/{folder}" for split, folder in FOLDERS.items()},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_utterance_of_a_downloaded_tree_has_its_own_clip_and_it_sounds(tmp_path, layout):
    root = write_tree(tmp_path / "MELD-RAW" / "MELD.Raw", clips={}, layout=layout)
    for place in (tmp_path, root):
        corpus = read(place)
        assert [u.clip.path for u in corpus] == [root / folder / "dia0_utt0.mp4" for folder in layout.values()]
        assert found(corpus) == []
    assert [round(u.audio.seconds, 1) for u in attach_audio(corpus.utterances)] == [0.5, 0.5, 0.5]


def test_clips_may_have_been_turned_into_sound_files(tmp_path):
    clips = {"train": {"dia0_utt0.wav": 0.5}, "dev": {"dia0_utt0.flac": 0.5}}
    corpus = read(write_tree(tmp_path, clips=clips))
    assert [u.clip.path.suffix for u in corpus] == [".wav", ".flac", ".mp4"] and found(corpus) == []


def test_without_sound_no_clip_is_looked_for_and_the_corpus_is_the_same(tmp_path):
    root = write_tree(tmp_path, clips={"train": {}})
    mute = read_corpus(DataSettings(reader="meld"), root)
    assert {u.clip for u in mute} == {None} and found(mute) == []
    assert mute.fingerprint == read(root).fingerprint


def test_litter_and_clips_of_no_row_are_counted_in_one_note(tmp_path):
    root = write_tree(tmp_path, clips={"test": {"dia0_utt0.mp4": 0.5, "dia7_utt0.mp4": 0.5}})
    for name in ("._dia0_utt0.mp4", "dia0_utt0.mp4.part", "dia0_utt0 (1).mp4", "xdia0_utt0.mp4", "notes.txt"):
        (root / FOLDERS["test"] / name).write_bytes(b"\0\5\x16\7")
    corpus = read(root)
    assert [(i.kind, i.severity) for i in found(corpus)] == [("clips_unreferenced", "note")]
    assert "6; ignored" in found(corpus)[0].message
    assert corpus.test[0].clip.path.name == "dia0_utt0.mp4"


def test_a_missing_clip_is_a_problem_of_its_utterance_which_stays(tmp_path):
    corpus = read(write_tree(tmp_path, clips={"dev": {"dia0_utt0.mp4": 0.5}}, n=2))
    assert [u.clip is None for u in corpus.dev] == [False, True]
    assert [i.where for i in found(corpus)] == [f"meld/{split}/dia0/utt1" for split in FOLDERS]
    assert kinds(corpus) == {("audio_file_missing", "problem"): 3}
    assert "dia0_utt1" in found(corpus)[0].message


def test_a_tree_without_any_clip_is_one_note_and_text_only(tmp_path):
    corpus = read(write_tree(tmp_path, clips={split: {} for split in FOLDERS}, n=5))
    assert {u.clip for u in corpus} == {None}
    assert kinds(corpus) == {("corpus_without_audio", "note"): 1}


@pytest.mark.parametrize(
    ("plain", "twin", "choice", "taken"),
    [
        (2.0, 1.1, "nearest_duration", TWIN),
        (1.1, 2.0, "nearest_duration", ""),
        (2.0, 1.1, "plain_name", ""),
        (None, 1.1, "nearest_duration", TWIN),
        (None, 1.1, "plain_name", TWIN),
    ],
)
def test_of_two_cuts_the_one_nearer_to_the_csv_is_taken_and_noted(tmp_path, plain, twin, choice, taken):
    clips = {f"{TWIN}dia0_utt0.mp4": twin} | ({} if plain is None else {"dia0_utt0.mp4": plain})
    corpus = read(write_tree(tmp_path, clips={"test": clips}), meld={"duplicate_clips": choice})
    assert corpus.test[0].clip.path.name == f"{taken}dia0_utt0.mp4"
    assert [(i.kind, i.severity, i.where) for i in found(corpus)] == (
        [("duplicate_clip_used", "note", "meld/test/dia0/utt0")] if taken else []
    )


def test_a_cut_that_is_no_media_is_farther_than_any_other(tmp_path):
    root = write_tree(tmp_path, clips={"test": {f"{TWIN}dia0_utt0.mp4": 5.0}})
    (root / FOLDERS["test"] / "dia0_utt0.mp4").write_bytes(b"not a video")
    assert read(root).test[0].clip.path.name == f"{TWIN}dia0_utt0.mp4"


def test_links_are_followed_once_and_the_nearest_copy_is_taken(tmp_path):
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
