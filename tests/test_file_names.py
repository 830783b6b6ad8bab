"""File names of user-chosen names: readable, inside their folder, and unique."""

import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sentir.paths import explain_invalid_name, to_file_name

NAMES = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["a-b", "A", "a", "con", "é", "e\u0301", "a~b", "ß", "ss"]
)
ESCAPES = [
    "../../../x",
    "/etc/passwd",
    "C:\\x",
    "\\\\server\\share",
    "..",
    ".",
    "",
    "a/b",
    "~",
    "~root",
    "$HOME",
    "-rf",
    ".hidden",
]
DEVICES = ["con", "NUL", "com1", "Aux.txt", "lpt9.tar.gz", "con .x", "com¹"]


@pytest.mark.parametrize(
    "name", ["meld-emotion", "demo-meld+demo-mosei", "sentiment_intensity", "año 2", "日本語", "v1.2"]
)
def test_a_plain_name_is_unchanged(name):
    assert to_file_name(name) == name


def test_names_are_joined():
    assert to_file_name("demo-meld", "sentiment_intensity") == "demo-meld-sentiment_intensity"
    assert to_file_name("a-b", "c") != to_file_name("a", "b-c")


@pytest.mark.parametrize(
    "name", [*ESCAPES, *DEVICES, "x" * 300, "ñ" * 300, "a\x00b", "\x1b[31m", "half \ud800", "a. ", " a"]
)
def test_any_other_name_gets_a_hash_and_stays_in_its_folder(name, tmp_path):
    found = to_file_name(name)
    assert re.search("~[0-9a-f]{8}$", found) and found == to_file_name(name)
    assert len(found.encode()) <= 100 and not re.search(r'[<>:"/\\|?*\x00-\x1f]', found)
    assert found[0] not in ".- ~"
    assert not re.match(r"(con|nul|aux|prn|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", found, re.IGNORECASE)
    (tmp_path / found).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [found]


def test_letters_are_kept_for_readability():
    assert to_file_name("RAVDESS/speech").startswith("RAVDESS_speech~")


@given(NAMES, NAMES)
def test_different_names_are_different_files_on_every_system(one, other):
    assume(one != other)
    files = [unicodedata.normalize("NFD", to_file_name(name)).casefold() for name in (one, other)]
    assert files[0] != files[1]


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_different_pairs_of_names_are_different_files(one, other):
    assume(one != other)
    assert to_file_name(*one).casefold() != to_file_name(*other).casefold()


@given(NAMES)
def test_a_file_is_in_its_folder(name):
    path = Path("folder") / to_file_name(name)
    assert path.parent == Path("folder") and os.path.normpath(path) == str(path)
    assert len(path.name.encode()) <= 100


@pytest.mark.parametrize(
    "name", ["", " ", "\t", ".", "..", " . ", "a\nb", "a\x1bb", "\u202eb", "\ud800", "a\u2028b"]
)
def test_invalid_names_are_explained(name):
    assert explain_invalid_name(name)


@pytest.mark.parametrize("name", ["a", "../x", "voice/text", "con", "ñ", "日本", "a.b", "model − context"])
def test_valid_names_need_no_explanation(name):
    assert explain_invalid_name(name) == ""
