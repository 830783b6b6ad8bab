"""Languages are detected by script and function words; without evidence none is returned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_samples import SAMPLES

from sentir.corpus.language_detection import detect_language, language_name
from sentir.i18n import use_language


@pytest.mark.parametrize("code", SAMPLES)
def test_each_sample_is_detected_in_any_case_and_with_emoji(code):
    texts = SAMPLES[code]
    assert detect_language(texts) == code
    assert detect_language([text.upper() + " 😂" for text in texts]) == code
    assert detect_language([None, "", *texts[::-1]]) == code
    assert detect_language(texts * 2000) == code


@pytest.mark.parametrize("texts", [[], [None], ["ok"], ["😂😂😂"], ["12 34 56"], ["lol xd jaja omg wtf"] * 9])
def test_too_little_text_gives_no_language(texts):
    assert detect_language(texts) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where are you going with that?", "en"),
        ("¿Dónde estás ahora mismo?", "es"),
        ("Je ne sais pas où il est.", "fr"),
        ("okay fine whatever then", None),
        ("the cat", None),
        ("これはペンです", "HIRAGANA"),
        ("她在北京", "CJK"),
    ],
)
def test_one_sentence_is_enough_where_its_function_words_say_so(text, language):
    assert detect_language([text]) == language


def test_mixtures_give_no_language_and_a_few_foreign_lines_change_nothing():
    english, spanish = SAMPLES["en"], SAMPLES["es"]
    assert detect_language(english + spanish) in (None, "en")
    assert detect_language(english * 10 + spanish) == "en" and detect_language(spanish * 10 + english) == "es"
    assert detect_language([*english, "你好"]) == "en"


def test_spanish_names_do_not_make_english_spanish():
    texts = ["No, me too. Señor Ramírez was in Los Angeles, and de la Cruz is on the way to San José."] * 3
    assert detect_language(texts) == "en"


@given(st.lists(st.text(), max_size=30))
def test_every_detected_language_has_a_name(texts):
    language = detect_language(texts)
    assert language is None or language_name(language)


def test_names_of_languages_are_translated():
    assert language_name("es") == "Spanish" and "Arabic" in language_name("ARABIC")
    with use_language("es"):
        assert language_name("es") == "español" and language_name("GEORGIAN") == "un idioma en otra escritura"


@pytest.mark.shared_data
def test_real_english_is_never_detected_as_another_language(shared_data):
    import csv

    with (shared_data / "meld" / "dev_sent_emo.csv").open(encoding="utf-8") as file:
        texts = [row["Utterance"] for row in csv.DictReader(file)]
    assert detect_language(texts) == "en"
    assert {detect_language(texts[n : n + 5]) for n in range(0, len(texts), 5)} <= {"en", None}
