"""Text whose encoding nobody wrote down: the sure is read, the guessed is told, the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import CorpusError
from sentir.files.text_encoding import decode_text, read_text

SPANISH = "texto\n¿Qué alegría verte aquí, mamá?\nEl niño perdió su balón — está triste\nMañana, “quizá”…\n"
ENGLISH = "text\nDon’t — “stop”… it’s a café\nI just—y’know\nThey’re gone – so what?\n"


@pytest.mark.parametrize("text", [SPANISH, ENGLISH], ids=["es", "en"])
@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_told_by_the_letters_and_said(tmp_path, text, encoding):
    path, issues = tmp_path / "t.csv", []
    path.write_bytes(text.encode(encoding))
    assert read_text(path, issues=issues) == text
    (issue,) = issues
    assert (issue.kind, issue.severity, issue.where) == ("file_encoding", "note", "t.csv")
    assert f"read as {encoding}" in issue.message


def test_old_files_of_dos_are_told_too():
    text = SPANISH.replace("—", "-").replace("“", '"').replace("”", '"').replace("…", "")
    assert decode_text(text.encode("cp850")).text == text


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=40))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_is_marked_or_utf8_is_never_guessed(text, encoding):
    found = decode_text(text.encode(encoding))
    assert (found.text, found.guessed_encoding) == (text, "")


def test_a_few_lines_of_another_encoding_leave_the_others_as_they_are():
    lines = ["año nuevo", "día"] * 10
    content = b"\n".join(line.encode("utf-8" if n != 7 else "cp1252") for n, line in enumerate(lines))
    found = decode_text(content)
    assert found.text == "\n".join(lines) and (found.guessed_encoding, found.num_guessed_lines) == ("cp1252", 1)


@pytest.mark.parametrize(
    "content", [bytes(range(256)), "привет, как дела".encode("cp1251"), b"PK\x03\x04\xff\x8d\0\1"]
)
def test_what_makes_no_sense_is_refused_with_the_setting_that_helps(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(CorpusError, match=r"save it as UTF-8.*'data\.table\.encoding'"):
        read_text(tmp_path / "t.csv")


def test_an_encoding_that_is_given_is_taken_or_refused(tmp_path):
    path, issues = tmp_path / "t.csv", []
    path.write_bytes("привет".encode("cp1251"))
    assert read_text(path, "cp1251", issues) == "привет" and issues == []
    with pytest.raises(CorpusError, match=r"t\.csv is no text in 'utf-8'"):
        read_text(path, "utf-8")
