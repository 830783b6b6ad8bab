"""RoBERTuito's normalization of tweets in Spanish, which its authors apply before the tokenizer.

Pérez, Furman, Alonso Alemany and Luque, "RoBERTuito: a pre-trained language model for social media text in
Spanish", LREC 2022; the rules are those of ``preprocess_tweet`` in their package pysentimiento 0.7.3. Parts of
host names are bounded to 63 characters, so that no text takes seconds.
"""

from __future__ import annotations

import re

_USER, _LINK, _HASHTAG, _EMOJI, _LAUGHTER = "@usuario", "url", "hashtag", "emoji", "jaja"
_CHARACTERS = str.maketrans(
    dict.fromkeys("~£¥©°´¶·º×ا–—‘’•…™●☠☹☺♀♂⚰⛱⛹✈✓❤ー🕯🛰", "")
    | dict.fromkeys("¨«»“”", '"')
    | {"‼": "!", "€": "$", "☻": "😃", "♡": "❤️", "♥": "❤️"}
)
_DOMAINS = "com|co|org|edu|gov|uk|net|ca|de|jp|fr|au|us|ru|ch|it|nl|se|no|es|mil|iq|io|ac|ly|sm"
_IS_HASHTAG = re.compile(r"\B#(?=\w*[a-zA-Z])(\w+)")
_IS_USER = re.compile(r"@[a-zA-Z0-9_]{0,15}")
_IS_LINK = re.compile(
    r"(?<=[^a-zA-Z0-9])(?:https?://|[a-zA-Z0-9]{1,63}\.|\b)"
    rf"(?:\w{{1,63}}\.){{1,5}}(?:{_DOMAINS})(?:/[a-zA-Z0-9]+)*"
)
_IS_REPEATED = re.compile(r"(.)\1{2,}")
_IS_EMOJI_NAME = re.compile(r"\|([^|]+)\|")
_IS_LAUGHTER = re.compile(r"[ja]{2,}aj[ja]+")


def normalize_robertuito(text: str) -> str:
    """Replace mentions, links, hashtags, emoji (by their Spanish names), laughter and repeated characters.

    Needs the package emoji.
    """
    from emoji import demojize

    text = _IS_HASHTAG.sub(_split_hashtag, text).translate(_CHARACTERS)
    text = _IS_LINK.sub(_LINK, _IS_USER.sub(_USER, text))
    text = demojize(_IS_REPEATED.sub(r"\1\1\1", text), language="es", delimiters=("|", "|"))
    text = _IS_EMOJI_NAME.sub(lambda name: f" {_EMOJI} {name[1].replace('_', ' ')} {_EMOJI} ", text)
    return _IS_LAUGHTER.sub(_LAUGHTER, text).strip()


def _split_hashtag(match: re.Match[str]) -> str:
    """Return the words of a hashtag: ``#QueAlegria`` → ``hashtag que alegria``."""
    words = re.sub(r"([A-Z]+)", r" \1", match[1]).strip().lower()
    return f"{_HASHTAG} {words}"
