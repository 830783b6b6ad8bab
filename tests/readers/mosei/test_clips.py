"""CMU-MOSEI's audio: segments of whole videos, and chunks with the times in their names."""

import pytest
from clip_files import write_clip
from hypothesis import given
from hypothesis import strategies as st
from mosei_rows import issues_of, kinds, row, write_tree

from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip
from sentir.readers import read_corpus
from sentir.readers.mosei.clips import _CHUNK_NAME
from sentir.recipe import DataSettings

FULL_FOLDERS = ("Audio/Audio/WAV_16000", "Raw/Audio/Full/WAV_16000")
CHUNK_FOLDERS = {
    "train": "Audio_chunk/Train_modified",
    "dev": "Audio_chunk/Val_modified",
    "test": "Audio_chunk/Test_modified",
}
DASHED = "-6rXp3_zJ3kc"


def read(root):
    return read_corpus(DataSettings(reader="mosei", audio=True), root)


@pytest.mark.parametrize("folder", FULL_FOLDERS)
@pytest.mark.parametrize("suffix", [".wav", ".mp4"])
def test_segments_of_whole_videos_follow_the_times_in_the_csv(tmp_path, folder, suffix):
    write_tree(tmp_path / "Labels", test=[row(DASHED, "-0.2", "0.5"), row(DASHED, "0.5", "1.25")])
    for video in ("video-train", "video-dev", DASHED):
        write_clip(tmp_path / folder / f"{video}{suffix}", 2.5)
    corpus = read(tmp_path)
    assert [u.clip for u in corpus] == [
        Clip(tmp_path / folder / f"video-train{suffix}", 0.5, 2.0),
        Clip(tmp_path / folder / f"video-dev{suffix}", 0.5, 2.0),
        Clip(tmp_path / folder / f"{DASHED}{suffix}", 0.0, 0.5),
        Clip(tmp_path / folder / f"{DASHED}{suffix}", 0.5, 1.25),
    ]
    assert kinds(corpus) == {("start_clamped", "note"): 1}
    assert [round(u.audio.seconds, 2) for u in attach_audio(corpus.utterances)] == [1.5, 1.5, 0.5, 0.75]


def test_chunks_are_found_by_their_times_as_numbers_whatever_the_video_is_called(tmp_path):
    videos = {"train": "1_2_3", "dev": DASHED, "test": "100499"}
    write_tree(tmp_path / "CMU-MOSEI" / "Labels", **{split: [row(v, "7.15", "8")] for split, v in videos.items()})
    paths = [
        tmp_path / "CMU-MOSEI" / CHUNK_FOLDERS[split] / f"{v}_7.1500_8.0000.wav" for split, v in videos.items()
    ]
    for path in paths:
        write_clip(path)
    corpus = read(tmp_path)
    assert [u.clip for u in corpus] == [Clip(path) for path in paths] and issues_of(corpus) == ()
    assert not any(u.audio.problem for u in attach_audio(corpus.utterances))


@pytest.mark.parametrize("start", ["-0.4876", "0.0000"])
def test_a_chunk_may_be_named_by_a_start_below_zero_or_by_zero(tmp_path, start):
    write_tree(tmp_path, train=[row("v", "-0.4876", "2.5")])
    path = write_clip(tmp_path / CHUNK_FOLDERS["train"] / f"v_{start}_2.5000.wav")
    assert read(tmp_path).train[0].clip == Clip(path)


def test_a_chunk_precedes_a_segment_of_the_whole_video_and_unmatched_files_are_counted(tmp_path):
    write_tree(tmp_path, train=[row("v"), row("v", "2.0", "2.4")])
    chunk = write_clip(tmp_path / CHUNK_FOLDERS["train"] / "v_0.5000_2.0000.wav")
    full_video = write_clip(tmp_path / FULL_FOLDERS[0] / "v.wav")
    for name in ("v_0.5100_2.0000.wav", "v_2.0000.wav", "w_0.5000_2.0000.wav", "._v_0.5000_2.0000.wav"):
        write_clip(chunk.parent / name)
    corpus = read(tmp_path)
    assert [u.clip for u in corpus.train] == [Clip(chunk), Clip(full_video, 2.0, 2.4)]
    assert ["3; ignored" in i.message for i in corpus.issues if i.kind == "clips_unreferenced"] == [True]
    assert kinds(corpus) == {("audio_file_missing", "problem"): 2, ("clips_unreferenced", "note"): 1}


def test_a_whole_video_whose_name_looks_like_a_chunk_is_a_whole_video(tmp_path):
    write_tree(tmp_path, train=[row("v"), row("v_1_2", "0", "1")])
    path = write_clip(tmp_path / FULL_FOLDERS[0] / "v_1_2.wav")
    assert [u.clip for u in read(tmp_path).train] == [None, Clip(path, 0.0, 1.0)]


def test_missing_audio_is_a_problem_of_each_segment_and_none_at_all_is_one_note(tmp_path):
    write_tree(tmp_path)
    corpus = read(tmp_path)
    assert kinds(corpus) == {("corpus_without_audio", "note"): 1} and {u.clip for u in corpus} == {None}
    write_clip(tmp_path / FULL_FOLDERS[0] / "video-dev.wav", 3)
    corpus = read(tmp_path)
    assert [i.where for i in issues_of(corpus)] == [
        "mosei/train/video-train/0.5-2.0",
        "mosei/test/video-test/0.5-2.0",
    ]
    assert kinds(corpus) == {("audio_file_missing", "problem"): 2}


def test_times_beyond_the_end_of_a_video_are_clamped_and_too_little_audio_is_a_problem(tmp_path):
    write_tree(tmp_path, train=[row("v", "0", "9"), row("v", "1.7", "9"), row("v", "5", "9")])
    write_clip(tmp_path / FULL_FOLDERS[0] / "v.wav", 1.8)
    audio = [u.audio for u in attach_audio(read(tmp_path).train)]
    assert round(audio[0].seconds, 2) == 1.8 and not audio[0].problem
    assert [one.problem_kind for one in audio[1:]] == ["out_of_range", "out_of_range"]
    assert "1.7" in audio[1].problem


def test_segments_with_wrong_times_have_no_audio_and_keep_their_text(tmp_path):
    times = ("21.5036281179", "22.0922902494")
    write_tree(tmp_path, dev=[row("tQ-CIfgj-Js", *times), row("tQ-CIfgj-Js", "1", "3")])
    path = write_clip(tmp_path / FULL_FOLDERS[0] / "tQ-CIfgj-Js.wav", 3)
    corpus = read(tmp_path)
    assert [u.clip for u in corpus.dev] == [None, Clip(path, 1.0, 3.0)]
    assert corpus.dev[0].text
    assert [i.where for i in corpus.issues if i.kind == "clip_mismatched"] == [
        f"mosei/dev/tQ-CIfgj-Js/{'-'.join(times)}"
    ]


def test_a_segment_without_duration_has_no_clip(tmp_path):
    write_tree(tmp_path, train=[row("v", "3", "2")])
    write_clip(tmp_path / FULL_FOLDERS[0] / "v.wav")
    corpus = read(tmp_path)
    assert corpus.train[0].clip is None
    assert {i.kind for i in corpus.issues if i.where == corpus.train[0].id} == {
        "times_invalid",
        "audio_file_missing",
    }


def test_without_audio_nothing_is_searched_for_and_the_corpus_is_the_same(tmp_path):
    write_tree(tmp_path)
    write_clip(tmp_path / FULL_FOLDERS[0] / "video-dev.wav")
    text_only = read_corpus(DataSettings(reader="mosei"), tmp_path)
    assert {u.clip for u in text_only} == {None} and issues_of(text_only) == ()
    assert text_only.fingerprint == read(tmp_path).fingerprint


TIMES = st.floats(0, 9999, allow_nan=False).map(lambda t: round(t, 3))


@given(video=st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True), times=st.tuples(TIMES, TIMES))
def test_a_name_with_four_decimals_gives_back_its_video_and_its_times(video, times):
    start, end = times
    match = _CHUNK_NAME.fullmatch(f"{video}_{start:.4f}_{end:.4f}")
    assert match and (match[1], float(match[2]), float(match[3])) == (video, start, end)
