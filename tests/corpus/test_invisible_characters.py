"""Invisible characters are removed from names and do not make a text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.labels import normalize_emotion

INVISIBLE = "\u200b\u200c\u200d\u00ad\u2060\ufeff\u200e\u200f\ufe0f\ufe00\u180e\u061c\U000e0061\u2066\u2069"
RENDERED = {  # names whose invisible characters change how they are displayed
    "a woman at a computer": "\U0001f469\u200d\U0001f4bb",
    "red hair, skin tone": "\U0001f468\U0001f3fd\u200d\U0001f9b0",
    "a flag": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Persian": "\u0645\u06cc\u200c\u0631\u0648\u0645",
    "Hindi": "\u0915\u094d\u200d\u0937",
}


@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
def test_invisible_characters_are_removed_from_names(invisible):
    assert normalize_name(f"{invisible}an{invisible}ger{invisible}") == "anger"
    assert normalize_name(f"{invisible}n{invisible}\u0303") == "\u00f1"
    assert normalize_emotion(f"joy{invisible}") == "joy"


@pytest.mark.parametrize("space", "\xa0\u2009\u202f\u3000\t\n", ids=ascii)
def test_white_space_becomes_one_space(space):
    assert normalize_name(f"{space}Ana {space}Ruiz{space}") == "Ana Ruiz"


@pytest.mark.parametrize("name", RENDERED.values(), ids=RENDERED)
def test_characters_that_shape_emoji_or_letters_are_kept(name):
    assert normalize_name(name) == name and not is_blank(name)
    assert normalize_name(f"{name}\u200d\u200c") == name


def test_variation_selectors_are_removed_within_a_sequence():
    assert (
        normalize_name("\u2764\ufe0f\u200d\U0001f525")
        == normalize_name("\u2764\u200d\U0001f525")
        != normalize_name("\u2764\U0001f525")
    )


@given(
    st.text(st.sampled_from("a\u0301 n\u0303\u06cc\u2764\U0001f525" + INVISIBLE) | st.characters(), max_size=12)
)
def test_normalization_is_idempotent_and_keeps_whether_a_text_is_blank(text):
    once = normalize_name(text)
    assert normalize_name(once) == once == normalize_name(unicodedata.normalize("NFD", text))
    assert is_blank(text) == is_blank(once)


@given(st.text(st.sampled_from(INVISIBLE + " \xa0\t\u2800\u3164")))
def test_invisible_characters_are_blank_and_letters_are_not(text):
    assert is_blank(text) and is_blank(None)
    assert not is_blank(text + "a") and not is_blank("\U0001f642" + text)
