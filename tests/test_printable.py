"""What is no text: replaced for people, escaped for programs, and nothing else is touched."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.safe_text import is_printable_line, json_dumps, make_printable, replace_surrogates, to_single_line

ANY = st.text(st.characters(), max_size=20)  # half characters among them
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
COMMANDS = [*map(chr, (*range(9), 11, 12, *range(14, 32), *range(127, 160))), *BIDI, "\ud800", "\udfff", "\uffff"]


@pytest.mark.parametrize("letter", COMMANDS, ids=ascii)
def test_what_is_no_text_is_replaced_in_sight(letter):
    assert make_printable(f"a{letter}b") == "a\ufffdb" and not is_printable_line(f"a{letter}b")
    assert letter not in json_dumps([letter]) and json.loads(json_dumps({letter: letter})) == {letter: letter}


@pytest.mark.parametrize(
    "text", ["", "a\tb\nc\r\nd", "ñ 😀 👩‍👩‍👧 عربي \u200f עברית", "日本語", "e\u0301", "$x$ \\n <b>"]
)
def test_text_stays_as_it_is(text):
    assert make_printable(text) == replace_surrogates(text) == text


def test_a_line_that_would_be_written_over_is_not():
    assert make_printable("harmless\rhidden") == "harmless\ufffdhidden"


@given(ANY)
def test_what_is_printable_can_be_written_and_stays_so(text):
    found = make_printable(text)
    assert len(found) == len(text) and make_printable(found) == found == found.encode().decode()
    assert not {c for c in found if unicodedata.category(c) in ("Cc", "Cs")} - set("\t\n\r")
    assert is_printable_line(to_single_line(text)) and len(to_single_line(text).splitlines()) <= 1
    assert replace_surrogates(text) == text or "\ufffd" in replace_surrogates(text)


@given(st.recursive(ANY | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(ANY, one)))
def test_json_keeps_everything_and_holds_nothing_raw(value):
    text = json_dumps(value)
    assert make_printable(text) == text and json.loads(text) == value
