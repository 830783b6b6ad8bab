"""English and Spanish synonyms of emotions and sentiments: nouns, adjectives, abbreviations in published corpora.

Ambiguous words are left out: ``exc`` (excited, excluded), ``none``, ``ps``, ``disgusto`` (disgust or annoyance),
``pena`` (sorrow or shame) and ``vergüenza`` (shame or embarrassment).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from sentir.corpus.invisible_characters import normalize_name

# Label → synonyms, separated by commas; compared without accents and case, and with spaces for "_" and "-".
_EMOTION_SYNONYMS = {
    "admiration": "admiring, admiración",
    "amusement": "amused, diversión, divertido, divertida",
    "anger": "angry, ang, mad, rage, fury, furious, ira, enojo, enfado, rabia, furia, enfadado, enfadada, "
    "enojado, enojada, furioso, furiosa",
    "annoyance": "annoyed, fastidio, fastidiado, fastidiada",
    "approval": "approving, aprobación",
    "boredom": "bored, aburrimiento, aburrido, aburrida",
    "calm": "calmness, tranquilo, tranquila, tranquilidad, calma, calmado, calmada, sereno, serena, serenidad",
    "caring": "",
    "confusion": "confused, confundido, confundida, confusión",
    "contempt": "contemptuous, desprecio",
    "curiosity": "curious, curiosidad, curioso, curiosa",
    "desire": "deseo",
    "disappointment": "disappointed, decepción, decepcionado, decepcionada",
    "disapproval": "disapproving, desaprobación",
    "disgust": "disgusted, dis, asco, asqueado, asqueada, repugnancia, repulsión",
    "embarrassment": "embarrassed",
    "excitement": "excited",
    "fear": "fearful, fea, afraid, scared, frightened, miedo, temor, temeroso, temerosa, asustado, asustada",
    "frustration": "frustrated, frustración, frustrado, frustrada",
    "gratitude": "grateful, gratitud, agradecimiento, agradecido, agradecida",
    "grief": "duelo",
    "guilt": "guilty, culpa, culpable",
    "joy": "joyful, happy, hap, happiness, alegría, alegre, felicidad, feliz, contento, contenta",
    "love": "amor",
    "nervousness": "nervous, nerviosismo, nervioso, nerviosa",
    "neutral": "neu, neutrality, neutro, neutra, neutralidad",
    "optimism": "optimistic, optimismo, optimista",
    "pride": "proud, orgullo, orgulloso, orgullosa",
    "realization": "",
    "relief": "relieved, alivio, aliviado, aliviada",
    "remorse": "remorseful, remordimiento",
    "sadness": "sad, sorrow, tristeza, triste",
    "shame": "ashamed",
    "surprise": "surprised, sur, pleasant surprise, pleasant surprised, pleasantly surprised, sorpresa, "
    "sorprendido, sorprendida",
    "trust": "confianza",
}
_SENTIMENT_SYNONYMS = {
    "negative": "neg, negativo, negativa",
    "neutral": "neu, neutro, neutra",
    "positive": "pos, positivo, positiva",
}


def fold_word(word: str) -> str:
    """Return a word in the form in which synonyms are compared.

    It has lower case, no accents, no invisible characters, and spaces for ``_`` and ``-`` within it.
    """
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    folded = normalize_name("".join(letter for letter in letters if not unicodedata.combining(letter)))
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", folded)


def _invert(names: Mapping[str, str]) -> dict[str, str]:
    return {fold_word(word): name for name, words in names.items() for word in (name, *words.split(",")) if word}


EMOTION_BY_SYNONYM = _invert(_EMOTION_SYNONYMS)
SENTIMENT_BY_SYNONYM = _invert(_SENTIMENT_SYNONYMS)
