"""Languages are told apart by script and frequent words, and nothing is said where that is no evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_samples import SAMPLES

from sentir.corpus.language_detection import detect_language, language_name
from sentir.i18n import use_language


@pytest.mark.parametrize("code", SAMPLES)
def test_each_sample_is_known_whatever_its_case_and_emoji(code):
    texts = SAMPLES[code]
    assert detect_language(texts) == code
    assert detect_language([text.upper() + " 😂" for text in texts]) == code
    assert detect_language([None, "", *texts[::-1]]) == code
    assert detect_language(texts * 2000) == code


@pytest.mark.parametrize("texts", [[], [None], ["ok"], ["😂😂😂"], ["12 34 56"], ["lol xd jaja omg wtf"] * 9])
def test_of_too_little_or_of_no_language_nothing_is_said(texts):
    assert detect_language(texts) is None


def test_of_a_mixture_nothing_is_said_and_a_few_foreign_lines_change_nothing():
    english, spanish = SAMPLES["en"], SAMPLES["es"]
    assert detect_language(english + spanish) in (None, "en")
    assert detect_language(english * 10 + spanish) == "en" and detect_language(spanish * 10 + english) == "es"
    assert detect_language([*english, "你好"]) == "en"


def test_names_of_people_and_spanish_words_make_english_no_other_language():
    texts = ["No, me too. Señor Ramírez was in Los Angeles, and de la Cruz is on the way to San José."] * 3
    assert detect_language(texts) == "en"


@given(st.lists(st.text(), max_size=30))
def test_any_text_has_one_answer_that_can_be_named(texts):
    found = detect_language(texts)
    assert found is None or language_name(found)


def test_languages_have_names_in_both():
    assert language_name("es") == "Spanish" and "Arabic" in language_name("ARABIC")
    with use_language("es"):
        assert language_name("es") == "español" and language_name("GEORGIAN") == "un idioma en otra escritura"


@pytest.mark.shared_data
def test_real_english_is_never_told_as_anything_else(shared_data):
    import csv

    with (shared_data / "meld" / "dev_sent_emo.csv").open(encoding="utf-8") as file:
        texts = [row["Utterance"] for row in csv.DictReader(file)]
    assert detect_language(texts) == "en"
    assert {detect_language(texts[n : n + 5]) for n in range(0, len(texts), 5)} <= {"en", None}
