"""Detection of the language of a corpus by script and, for Latin script, by function words.

The texts of a table are taken together; for a mixture of languages or too few function words no language is
returned. A single sentence in Latin script needs several that are rare in English.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sentir.i18n import _, gettext_noop

ENGLISH = "en"
_FUNCTION_WORDS = {  # frequent in one of these languages and rare in English
    "en": "the and to of is it you that i was for in my are this have what with be not but do we they he she "
    "it's i'm don't that's just so your on at all there can if about like know his her",
    "es": "¿ ¡ el la los las de que y en un una por con para es se no lo como más pero su me mi ya está qué muy "
    "eso del al te si cuando todo esta yo nos le porque hay este ser son fue "
    "estoy soy eres tengo tienes quiero he has muy hoy gracias hola nada también ahora aquí esto así",
    "fr": "le la les de des et est un une je ne pas que qui dans pour sur ce il au vous nous elle tu c'est mais "
    "avec j'ai mon ma tout très cette du en se ça on plus bien suis "
    "merci j'ai d'accord n'est tellement rien toi oui où aussi fait sont",
    "de": "der die das und ist nicht ich ein eine zu mit den von auf für es sie wir du er auch dem noch wie mich "
    "aber habe haben so sich mir war im sind hat dass wenn bin sehr "
    "was warum du dir dich mein danke ja nein hier nur jetzt kann doch",
    "pt": "o a os as de que e em um uma não para com por se mais eu você do da no na é muito mas isso meu minha "
    "está como foi ele ela tem ao nos seu "
    "estou obrigado obrigada sou tenho quero hoje isto também aqui nada",
    "it": "il la di che e un una non per sono mi con è ho del della ma si lo gli le questo come anche hai più ci "
    "molto mio mia era sei cosa al nel "
    "sto hai ha grazie posso perché oggi niente bene ti anche questa sempre",
}
_FUNCTION_WORD_SETS: Mapping[str, frozenset[str]] = {
    code: frozenset(words.split()) for code, words in _FUNCTION_WORDS.items()
}
# Frequent in the dialogues of MELD's train split.
_ALSO_ENGLISH = "a no me come as um ya ho em e mon son o die la ma y plus hat era war du non was has ha"
_OWN_WORDS = {
    code: words if code == ENGLISH else words - _FUNCTION_WORD_SETS[ENGLISH].union(_ALSO_ENGLISH.split())
    for code, words in _FUNCTION_WORD_SETS.items()
}
_NAMES = {
    "en": gettext_noop("English"),
    "es": gettext_noop("Spanish"),
    "fr": gettext_noop("French"),
    "de": gettext_noop("German"),
    "pt": gettext_noop("Portuguese"),
    "it": gettext_noop("Italian"),
    "ARABIC": gettext_noop("a language in Arabic script"),
    "CJK": gettext_noop("a language in Chinese characters"),
    "CYRILLIC": gettext_noop("a language in Cyrillic script"),
    "DEVANAGARI": gettext_noop("a language in Devanagari script"),
    "GREEK": gettext_noop("Greek"),
    "HANGUL": gettext_noop("Korean"),
    "HEBREW": gettext_noop("a language in Hebrew script"),
    "HIRAGANA": gettext_noop("Japanese"),
    "KATAKANA": gettext_noop("Japanese"),
    "THAI": gettext_noop("Thai"),
}
_LATIN = "LATIN"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|[¿¡]")
_MAX_TEXTS = 2000  # that are used, at even distances
_MIN_LETTERS = 4
_MIN_WORDS = 12
_MIN_SHARE = 0.15  # of function words among all words; in English dialogues it is 0.4
_MIN_RATIO_TO_ENGLISH = 1.5  # of a language's share to that of English
_MIN_DISTINCT = 2  # function words of a sentence, none of them also English
_MIN_SHARE_OF_SENTENCE = 0.3


def detect_language(texts: Sequence[str | None]) -> str | None:
    """Return the language of texts, or the script if it is not Latin; ``None`` if there is too little evidence.

    Returns:
        A language code such as ``es``, or the Unicode name of a script, such as ``ARABIC``; see `language_name`.
    """
    sample = [text for text in texts if text]
    return _detect_language(tuple(sample[:: max(1, len(sample) // _MAX_TEXTS)]))


@lru_cache(maxsize=16)  # a prediction detects the language of a text to warn of it, and again to note it
def _detect_language(sample: tuple[str, ...]) -> str | None:
    scripts = Counter(script for text in sample for letter in text if (script := _script(letter)))
    if scripts.total() < _MIN_LETTERS:
        return None
    if scripts[_LATIN] * 2 < scripts.total():
        del scripts[_LATIN]
        kana = [script for script in ("HIRAGANA", "KATAKANA") if scripts[script] * 10 > scripts.total()]
        return kana[0] if kana else scripts.most_common(1)[0][0]
    words = Counter(word for text in sample for word in _WORD.findall(text.casefold().replace("’", "'")))
    return _detect_by_function_words(words)


def language_name(code: str) -> str:
    """Return the name of a language or script in the current language."""
    return _(_NAMES[code]) if code in _NAMES else _("a language in another script")


def _detect_by_function_words(word_counts: Counter[str]) -> str | None:
    total = word_counts.total()
    shares = {
        code: sum(count for word, count in word_counts.items() if word in words) / total
        for code, words in _FUNCTION_WORD_SETS.items()
    }
    best, second = sorted(shares, key=lambda code: -shares[code])[:2]
    distinct = {code: len(words & word_counts.keys()) for code, words in _OWN_WORDS.items()}
    if distinct[best] < _MIN_DISTINCT:
        return None
    if total < _MIN_WORDS:
        is_sure = shares[best] > shares[second] and (best == ENGLISH or not distinct[ENGLISH])
        return best if is_sure and shares[best] >= _MIN_SHARE_OF_SENTENCE else None
    if shares[best] < _MIN_SHARE or (best != ENGLISH and shares[best] < _MIN_RATIO_TO_ENGLISH * shares[ENGLISH]):
        return None
    return best


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """Return the script of a letter, ``""`` for other characters."""
    return unicodedata.name(letter, "").split(" ")[0] if letter.isalpha() else ""
