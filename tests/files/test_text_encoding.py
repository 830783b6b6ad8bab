"""Text of unknown encoding: detected, guessed and reported, or rejected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import CorpusError
from sentir.files.text_encoding import decode_text, read_text

SPANISH = "texto\n¿Qué alegría verte aquí, mamá?\nEl niño perdió su balón — está triste\nMañana, “quizá”…\n"
ENGLISH = "text\nDon’t — “stop”… it’s a café\nI just—y’know\nThey’re gone – so what?\n"


@pytest.mark.parametrize("text", [SPANISH, ENGLISH], ids=["es", "en"])
@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_guessed_by_the_letters_and_reported(tmp_path, text, encoding):
    path, issues = tmp_path / "t.csv", []
    path.write_bytes(text.encode(encoding))
    assert read_text(path, issues=issues) == text
    (issue,) = issues
    assert (issue.kind, issue.severity, issue.where) == ("file_encoding", "note", "t.csv")
    assert f"decoded as {encoding}" in issue.message


def test_dos_files_are_decoded_too():
    text = SPANISH.replace("—", "-").replace("“", '"').replace("”", '"').replace("…", "")
    assert decode_text(text.encode("cp850")).text == text


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=40))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_utf8_and_marked_text_is_never_guessed(text, encoding):
    decoded = decode_text(text.encode(encoding))
    assert (decoded.text, decoded.guessed_encoding) == (text, "")


def test_a_few_lines_of_another_encoding_do_not_change_the_others():
    lines = ["año nuevo", "día"] * 10
    content = b"\n".join(line.encode("utf-8" if n != 7 else "cp1252") for n, line in enumerate(lines))
    decoded = decode_text(content)
    assert decoded.text == "\n".join(lines) and (decoded.guessed_encoding, decoded.num_guessed_lines) == (
        "cp1252",
        1,
    )


@pytest.mark.parametrize(
    "content", [bytes(range(256)), "привет, как дела".encode("cp1251"), b"PK\x03\x04\xff\x8d\0\1"]
)
def test_undecodable_content_is_rejected_and_the_setting_named(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(CorpusError, match=r"save it as UTF-8.*'data\.table\.encoding'"):
        read_text(tmp_path / "t.csv")


def test_a_given_encoding_is_used_or_rejected(tmp_path):
    path, issues = tmp_path / "t.csv", []
    path.write_bytes("привет".encode("cp1251"))
    assert read_text(path, "cp1251", issues) == "привет" and issues == []
    with pytest.raises(CorpusError, match=r"t\.csv is not text in 'utf-8'"):
        read_text(path, "utf-8")
