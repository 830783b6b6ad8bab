"""Clips are found under other spellings of their names if exactly one file matches; others are reported."""

import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_reading import read, write

from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError, RecipeError
from sentir.files.clip_paths import ClipFinder
from sentir.recognizer.inputs import read_inputs
from sentir.table_inspection.inspection import inspect_table

RENAMED = "clip_renamed"
NFC, NFD = "ni\u00f1o", "nin\u0303o"


@pytest.fixture
def clips(tmp_path):
    """A folder with clips of various names."""
    for name in (
        f"{NFC}.ogg",
        "Clips/UPPER.WAV",
        "clips2/a.ogg",
        "clips2/b c.mp3",
        "clips2/song.a.flac",
        "notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("cell", "file", "difference"),
    [
        (f"{NFD}.ogg", f"{NFC}.ogg", "Unicode normalization"),
        ("clips2\\a.ogg", "clips2/a.ogg", "backslashes"),
        (".\\clips2\\a.ogg", "clips2/a.ogg", "backslashes"),
        ("clips/upper.wav", "Clips/UPPER.WAV", "letter case"),
        ("clips2/A", "clips2/a.ogg", "no suffix"),
        ("clips2/song.a", "clips2/song.a.flac", "no suffix"),
        (" clips2/a.ogg\t", "clips2/a.ogg", "leading or trailing spaces"),
        ("clips2/a\u200b.ogg", "clips2/a.ogg", "invisible characters"),
        ("clips2/b\xa0c.mp3", "clips2/b c.mp3", "invisible characters"),
        ("file:clips2/a.ogg", "clips2/a.ogg", "file://"),
        ("file://clips2/b%20c.mp3", "clips2/b c.mp3", "file://"),
        ("clips2/../clips2/A.OGG", "clips2/a.ogg", "letter case"),
    ],
)
@pytest.mark.skipif(os.sep != "/", reason="some of these are valid paths on Windows")
def test_a_clip_is_found_under_another_spelling(clips, cell, file, difference):
    finder = ClipFinder(clips)
    path, problem = finder.find(cell)
    assert problem == "" and path.samefile(clips / file)
    (note,) = finder.issues("t.csv")
    assert (note.kind, note.severity, note.where) == (RENAMED, "note", "t.csv")
    assert f"{difference}: 1" in note.message


def test_nfc_is_found_for_nfd_and_an_exact_name_has_priority(tmp_path):
    for name in (f"{NFD}.wav", "a.wav", "A.wav"):
        (tmp_path / name).touch()
    finder = ClipFinder(tmp_path)
    assert finder.find(f"{NFC}.wav")[0].name == f"{NFD}.wav"
    assert [finder.find(name)[0].name for name in ("a.wav", "A.wav")] == ["a.wav", "A.wav"]
    assert finder.find((tmp_path / "a.wav").as_uri()) == (tmp_path / "a.wav", "")
    assert finder.find(str(tmp_path / "a.wav")) == (tmp_path / "a.wav", "")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("clips3/a.ogg", r"there is no folder .*clips3\."),
        ("clips2/a.wav", r"but there is a\.ogg\."),
        ("twice/x.wav", r"it matches X\.WAV or X\.wav: write the exact name\."),
        ("twice/X", r"it matches X\.WAV or X\.wav: write the exact name\."),
        ("notes", r"There is no file [^,]*notes\.$"),
        ("clips2", r"There is no file [^,]*clips2\.$"),
        ("..", r"There is no file "),
        (".", r"There is no file "),
        ("file://[", r"There is no file "),
        ("a\0b/c.wav", r"There is no file "),
        ("x" * 300 + "/c.wav", r"There is no file "),
    ],
)
def test_missing_and_ambiguous_clips_are_reported_and_not_guessed(clips, cell, message):
    (clips / "twice").mkdir()
    for name in ("X.wav", "X.WAV"):
        (clips / "twice" / name).touch()
    finder = ClipFinder(clips)
    path, problem = finder.find(cell)
    assert path == clips / cell and problem.startswith("There is no file ") and finder.issues("t") == []
    assert re.search(message, problem)


def test_the_note_counts_every_difference_once(clips):
    finder = ClipFinder(clips)
    for cell in ("clips2\\A.OGG", "clips2\\a.ogg", "clips2/a.ogg", "gone.wav"):
        finder.find(cell)
    (note,) = finder.issues("t.csv")
    assert "2 (backslashes: 2, letter case: 1)" in note.message and "'clips2\\A.OGG'" in note.message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.sampled_from("aA\u00f1 .\\/:n\u0303\u200b\0*?") | st.characters(), min_size=1, max_size=20))
def test_any_cell_is_an_existing_file_or_a_problem(clips, cell):
    path, problem = ClipFinder(clips).find(cell)
    assert os.path.isfile(path) == (problem == "")


def test_reader_prediction_and_inspection_find_the_same_clips(clips):
    cells = [f"{NFD}.ogg", "clips2\\a.ogg", "clips/upper", "gone.wav", "", "\u200b"]
    rows = [
        {"audio": cell, "emotion": "joy" if n % 2 else "fear", "split": "train"} for n, cell in enumerate(cells)
    ]
    path = write(clips / "t.csv", rows)
    corpus = read(path, with_audio=True, audio="audio", label="emotion", split="split")
    expected = [clips / f"{NFC}.ogg", clips / "clips2/a.ogg", clips / "Clips/UPPER.WAV", clips / "gone.wav"]
    if os.sep == "/":
        assert [u.clip for u in corpus] == [*map(Clip, expected), None, None]
        assert [one.utterance.clip for one in read_inputs(path)] == [*map(Clip, expected), None, None]
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [
        ("audio_file_missing", "t/row4"),
        *(("clip_not_named", f"t/row{n}") for n in (5, 6)),
        (RENAMED, "t.csv"),
    ]
    assert inspect_table(path).has_audio


def test_clips_may_be_in_a_folder_of_their_own(clips):
    tables = clips / "tables"
    tables.mkdir()
    rows = [{"audio": "a.ogg", "mood": "joy", "split": "train"}]
    path = write(tables / "t.csv", rows)
    corpus = read(clips, file="tables/t.csv", with_audio=True, audio="audio", audio_root="clips2", split="split")
    assert [u.clip for u in corpus] == [Clip(clips / "clips2" / "a.ogg")]
    by_file = read(path, with_audio=True, audio="audio", audio_root="../clips2", split="split")
    assert by_file.utterances[0].clip.path.samefile(clips / "clips2" / "a.ogg")


def test_a_folder_of_clips_must_exist_and_be_used(clips):
    path = write(clips / "t.csv", [{"audio": "a.ogg", "mood": "joy", "split": "train"}])
    with pytest.raises(CorpusError, match=r"There is no folder .*gone; correct 'data\.table\.audio_root'\."):
        read(path, with_audio=True, audio="audio", audio_root="gone", split="split")
    with pytest.raises(RecipeError, match=r"'data\.table\.audio_root' is the folder of clips"):
        read(path, audio_root="clips2", split="split")
    assert read(path, audio="audio", audio_root="gone", split="split").issues == ()
