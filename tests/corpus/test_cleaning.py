"""Cleaning steps: their effects, idempotence, and real transcripts."""

import csv
import time

import ftfy
import pytest
from cleaning_texts import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING, clean_text
from sentir.corpus.stop_words import ENGLISH_STOP_WORDS
from sentir.errors import UnknownNameError
from sentir.recipe import DEFAULT_CLEANING


@pytest.mark.parametrize("name", list(CLEANING_STEPS))
@given(text=TEXTS)
@settings(max_examples=100, deadline=None)
def test_every_step_is_idempotent(name, text):
    once = CLEANING_STEPS.get(name)(text)
    assert CLEANING_STEPS.get(name)(once) == once


@pytest.mark.parametrize(
    ("step", "text", "cleaned"),
    [
        ("repair_encoding", "I don\x92t \x93know\x94 \x85 you \x96 me", 'I don\'t "know" ... you - me'),
        ("repair_encoding", "I donâ€™t know", "I don't know"),
        ("repair_encoding", "‘Well’ — “don’t”…", "'Well' - \"don't\"..."),
        ("repair_encoding", "it\ufffds the peopleÕs and we´ve", "it's the people's and we've"),
        ("repair_encoding", "R&amp;D", "R&D"),
        ("repair_encoding", "¿Qué tal, São João? Õbela", "¿Qué tal, São João? Õbela"),
        ("collapse_whitespace", "  a \t b\xa0\n c ", "a b c"),
        ("lowercase", "Oh MY God", "oh my god"),
        ("collapse_repeats", "No, no no way that that's", "No way that that's"),
        ("collapse_repeats", "bye bye Bye", "bye"),
        ("collapse_repeats", "the theme", "the theme"),
        ("drop_parentheses", "so (a (b) c) it (d", "so   it (d"),
        ("drop_non_ascii", "don’t café", "dont caf"),
        ("expand_contractions", "I won't, can't; it's Ross's", "I will not, can not; it is Ross's"),
        ("expand_contractions", "Let’s see, they'd've gone", "Let us see, they would have gone"),
        ("drop_punctuation", "Ross's well-known, «¿sí?»", "Rosss well known    sí  "),
        ("drop_stopword_ngrams", "The movie of the year is good", "The movie year is good"),
        ("drop_stopwords", "The movie of the year is good", "movie year good"),
    ],
)
def test_a_step_has_the_effect_of_its_name(step, text, cleaned):
    assert clean_text(text, [step]) == cleaned


@pytest.mark.parametrize(
    "noise",
    [
        "(uhh)",
        "(umm)",
        "(umhh)",
        "(stutter)",
        "(Stutters)",
        "( laughter )",
        "{clears throat}",
        "[inaudible ]",
        "[ laughter and applause ]",
        "[upbeat music plays]",
        "((uhh))",
        "( )",
        "sp",
        "sp sp",
    ],
)
def test_noise_annotations_are_dropped_and_words_are_kept(noise):
    assert clean_text(f"but {noise} I liked it", DEFAULT_CLEANING) == "but I liked it"
    assert clean_text(noise, DEFAULT_CLEANING) == ""


@pytest.mark.parametrize(
    "text", ["(49 percent)", "[Narrator]", "(and)", "crisp", "SP 500", "uhh", "(my laughter)"]
)
def test_possible_words_are_not_dropped_as_noise(text):
    assert clean_text(text, DEFAULT_CLEANING) == text


@given(
    st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "Zs"], exclude_characters="&()[]{}"))
)
def test_repairing_ascii_text_changes_nothing(text):
    assert clean_text(text, ["repair_encoding"]) == text


@given(st.text(alphabet=st.characters(codec="ascii")) | st.text(alphabet="&;#<>amplt39x \x1b[0\r\n\t"))
def test_ascii_text_is_repaired_as_by_ftfy(text):
    assert clean_text(text, ["repair_encoding"]) == _until_stable(ftfy.fix_text, text)


def _until_stable(step, text):
    while (changed := step(text)) != text:
        text = changed
    return text


def test_thesis_cleaning_drops_negations_and_the_default_keeps_them():
    text = "I (uhh) don\x92t  like it"
    assert clean_text(text, DEFAULT_CLEANING) == "I don't like it"
    assert clean_text(text, THESIS_CLEANING) == "dont like"
    assert clean_text("I am not", THESIS_CLEANING) == ""


@pytest.mark.parametrize("step", ["drop_noise_annotations", "drop_parentheses"])
@pytest.mark.parametrize("text", ["(" * 50_000 + ")" * 50_000, "(uhh" * 30_000, "( " * 30_000 + "uhh) " * 30_000])
def test_deeply_nested_brackets_are_fast(step, text):
    start = time.process_time()
    clean_text(text, [step])
    assert time.process_time() - start < 2


def test_an_unknown_step_is_named_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"'lower_case'.*did you mean lowercase"):
        clean_text("a", ["lower_case"])


@pytest.mark.shared_data
def test_no_utterance_of_meld_or_mosei_becomes_empty(shared_data):
    files = [(shared_data / "meld/dev_sent_emo.csv", "Utterance")]
    files += [(shared_data / "mosei/Labels/Data_Val_modified.csv", "text")]
    for path, column in files:
        with path.open(encoding="utf-8-sig", newline="") as file:
            texts = [row[column] for row in csv.DictReader(file)]
        cleaned = [clean_text(text, DEFAULT_CLEANING) for text in texts]
        assert len(texts) > 1000 and all(cleaned)
        joined = " ".join(cleaned)
        assert not any(mark in joined for mark in ("’", "…", "(uhh)", "(umm)", "(stutter)", "\x92"))
        assert joined.count("n't") > 100


def test_stop_words_are_those_of_scikit_learn():
    from sklearn.feature_extraction import text

    assert ENGLISH_STOP_WORDS == text.ENGLISH_STOP_WORDS
