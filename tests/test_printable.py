"""Unprintable characters are replaced in text and escaped in JSON; nothing else is changed."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.safe_text import is_printable_line, json_dumps, make_printable, replace_surrogates, to_single_line

ANY = st.text(st.characters(), max_size=20)  # with unpaired surrogates
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNPRINTABLE = [
    *map(chr, (*range(9), 11, 12, *range(14, 32), *range(127, 160))),
    *BIDI,
    "\ud800",
    "\udfff",
    "\uffff",
]


@pytest.mark.parametrize("letter", UNPRINTABLE, ids=ascii)
def test_unprintable_characters_are_replaced_visibly(letter):
    assert make_printable(f"a{letter}b") == "a\ufffdb" and not is_printable_line(f"a{letter}b")
    assert letter not in json_dumps([letter]) and json.loads(json_dumps({letter: letter})) == {letter: letter}


@pytest.mark.parametrize(
    "text", ["", "a\tb\nc\r\nd", "ñ 😀 👩‍👩‍👧 عربي \u200f עברית", "日本語", "e\u0301", "$x$ \\n <b>"]
)
def test_printable_text_is_unchanged(text):
    assert make_printable(text) == replace_surrogates(text) == text


def test_a_carriage_return_cannot_overwrite_a_line():
    assert make_printable("harmless\rhidden") == "harmless\ufffdhidden"


@given(ANY)
def test_printable_text_can_be_encoded_and_is_stable(text):
    found = make_printable(text)
    assert len(found) == len(text) and make_printable(found) == found == found.encode().decode()
    assert not {c for c in found if unicodedata.category(c) in ("Cc", "Cs")} - set("\t\n\r")
    assert is_printable_line(to_single_line(text)) and len(to_single_line(text).splitlines()) <= 1
    assert replace_surrogates(text) == text or "\ufffd" in replace_surrogates(text)


@given(st.recursive(ANY | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(ANY, one)))
def test_json_loses_nothing_and_contains_no_unprintable_characters(value):
    text = json_dumps(value)
    assert make_printable(text) == text and json.loads(text) == value
