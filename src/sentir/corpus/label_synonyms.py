"""Words for emotions and sentiments in English and Spanish: nouns, adjectives, short forms of published corpora.

Only words whose meaning is no guess stand here. ``exc`` (excited, excluded), ``none``, ``ps``, ``disgusto``
(disgust or annoyance), ``pena`` (sorrow or shame) and ``vergüenza`` (shame or embarrassment) do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from sentir.corpus.invisible_characters import normalize_name

# Our name → words for it. Commas part them; accents, case, and "_" or "-" for a space make no difference.
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
    """Return a word without what makes no difference: case, accents, and ``_`` or ``-`` for a space within it.

    Invisible characters make none either.
    """
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    bare = normalize_name("".join(letter for letter in letters if not unicodedata.combining(letter)))
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", bare)


def _invert(names: Mapping[str, str]) -> dict[str, str]:
    return {fold_word(word): name for name, words in names.items() for word in (name, *words.split(",")) if word}


EMOTION_BY_SYNONYM = _invert(_EMOTION_SYNONYMS)
SENTIMENT_BY_SYNONYM = _invert(_SENTIMENT_SYNONYMS)
