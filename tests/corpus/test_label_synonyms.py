"""Synonyms of emotions and sentiments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.corpus.label_synonyms import EMOTION_BY_SYNONYM, SENTIMENT_BY_SYNONYM, fold_word
from sentir.corpus.labels import EMOTIONS, SENTIMENTS, normalize_emotion, normalize_sentiment
from sentir.errors import CorpusError


@given(st.text())
def test_folding_is_idempotent(word):
    assert fold_word(fold_word(word)) == fold_word(word)


@pytest.mark.parametrize("words", [EMOTION_BY_SYNONYM, SENTIMENT_BY_SYNONYM])
def test_every_synonym_is_found_in_any_case_and_with_underscores(words):
    normalize = normalize_emotion if words is EMOTION_BY_SYNONYM else normalize_sentiment
    for word, name in words.items():
        assert normalize(f" {word.upper().replace(' ', '_')} ") == normalize(word) == normalize(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("joy", "joy happiness happy hap alegría felicidad contento contenta"),
        ("anger", "anger angry ang ira enojada"),
        ("sadness", "sad tristeza triste"),
        ("neutral", "neu neutra"),
        ("fear", "fea FEAR miedo"),
        ("surprise", "sur pleasant_surprise sorpresa"),
        ("disgust", "dis asco"),
        ("excitement", "excited"),
        ("shame", "ashamed"),
    ],
)
def test_abbreviations_and_both_languages_are_mapped(name, words):
    assert {normalize_emotion(word) for word in words.split()} == {name}


def test_the_labels_of_known_corpora_are_emotions():
    goemotions = (
        "admiration amusement anger annoyance approval caring confusion curiosity desire disappointment "
        "disapproval disgust embarrassment excitement fear gratitude grief joy love nervousness optimism pride "
        "realization relief remorse sadness surprise neutral"
    )
    for name in (*goemotions.split(), *EMOTIONS, "shame", "guilt", "calm"):
        assert normalize_emotion(name) == name
    assert [normalize_sentiment(name) for name in SENTIMENTS] == list(SENTIMENTS)


@pytest.mark.parametrize(
    "word", ["exc", "none", "oth", "xxx", "ps", "disgusto", "pena", "vergüenza", "0", "", "nan"]
)
def test_ambiguous_words_are_unknown(word):
    with pytest.raises(CorpusError, match="is not a known emotion"):
        normalize_emotion(word)
