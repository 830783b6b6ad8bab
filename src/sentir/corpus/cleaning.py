"""Text cleaning as named, idempotent steps.

The default (`sentir.recipe.DEFAULT_CLEANING`) only repairs: encoding, noise annotations, white space.
`THESIS_CLEANING` reproduces the thesis that this project grew from; it costs a bag-of-words model a fifth of its
score on MELD's dev set, nearly all of it by dropping ``!`` and ``?`` (docs/en/cleaning.md). A text may become
``""``; its utterance is kept.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby

from sentir.corpus.stop_words import ENGLISH_STOP_WORDS
from sentir.i18n import gettext_noop
from sentir.registry import Registry

CleaningStep = Callable[[str], str]

THESIS_CLEANING = (
    "lowercase",
    "collapse_repeats",
    "drop_parentheses",
    "drop_non_ascii",
    "expand_contractions",
    "drop_punctuation",
    "drop_stopword_ngrams",
    "drop_stopwords",
    "collapse_whitespace",
)
CLEANING_STEPS = Registry(gettext_noop("cleaning step"))

_ASCII_PUNCTUATION = str.maketrans(
    dict.fromkeys("‘’‚‛´′", "'")
    | dict.fromkeys("“”„‟″", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"…": "...", "\xa0": " "}
)
# An apostrophe lost in an earlier conversion: U+FFFD, or its Mac Roman code decoded as Latin-1.
_LOST_APOSTROPHE = re.compile(r"(?<=[A-Za-z])(?:\ufffd|Õ(?<=[a-z]Õ))(?=(?:s|t|m|d|re|ve|ll)\b)")

_NOISE_MODIFIERS = r"and|background|briefly|clears|hip-hop|jazzy|makes|upbeat"
_NOISE_WORDS = (
    r"u+h+m*|u+m+h*|e+h+m*|a+h+|h+m+|e+r+m*|stutter\w*|laugh(?:s|ter|ing)?|chuckl\w*|giggl\w*|sigh\w*|cough\w*|"
    r"throat|sniff\w*|gasp\w*|yawn\w*|snort\w*|scoff\w*|burp\w*|mumbl\w*|inaud(?:ible)?|unintelligible|"
    r"applause|cheer(?:s|ing)|singing|music(?: play(?:s|ing))?|voices|noises?|bleep|pause"
)
_NOISE = re.compile(
    rf"[(\[{{](?:\s*(?:(?:{_NOISE_MODIFIERS})\s+)*(?:{_NOISE_WORDS})\b)*\s*[)\]}}]", re.IGNORECASE
)
_PAUSE = re.compile(r"(?<!\S)sp(?!\S)")
_REPEAT = re.compile(r"(?<![\w'])(\w+(?:'\w+)*)(?:[\s,]+\1(?![\w']))+", re.IGNORECASE)
_PARENTHESIS = re.compile(r"([()])")
_BRACKET = re.compile(r"([()\[\]{}])")
_CONTRACTIONS = [
    (re.compile(pattern, re.IGNORECASE), full)
    for pattern, full in (
        (r"\b(w)on['’]t\b", r"\1ill not"),
        (r"\b(ca|sha)n['’]t\b", lambda m: {"ca": "can", "sha": "shall"}[m[1].lower()] + " not"),
        (r"\b(let)['’]s\b", r"\1 us"),
        (r"\b(y)['’]all\b", r"\1ou all"),
        (r"\b(it|he|she|that|this|what|who|where|when|why|how|there|here)['’]s\b", r"\1 is"),
        (r"(?<=\w)n['’]t\b", " not"),
        (r"(?<=\w)['’]re\b", " are"),
        (r"(?<=\w)['’]ve\b", " have"),
        (r"(?<=\w)['’]ll\b", " will"),
        (r"(?<=\w)['’]d\b", " would"),
        (r"\b(i)['’]m\b", r"\1 am"),
    )
]


def clean_text(text: str, steps: Iterable[str]) -> str:
    """Apply the named steps in order.

    Raises:
        UnknownNameError: if a step is not registered.
    """
    return _apply_steps(text, tuple(CLEANING_STEPS.get(name) for name in steps))


@lru_cache(maxsize=256)  # a prediction cleans its texts when it checks them, and again as input of the model
def _apply_steps(text: str, steps: tuple[CleaningStep, ...]) -> str:
    for step in steps:
        text = step(text)
    return text


def _apply_until_stable(step: CleaningStep, text: str) -> str:
    while (changed := step(text)) != text:
        text = changed
    return text


@CLEANING_STEPS.register("repair_encoding")
def repair_encoding(text: str) -> str:
    """Repair wrongly decoded text and replace typographic punctuation by ASCII: ``donâ€™t`` → ``don't``.

    `ftfy` repairs mojibake, C1 code points of cp1252, HTML entities and full-width characters; then curly quotes,
    dashes and ellipses become ASCII, and apostrophes lost in a conversion (``don\ufffdt``) are restored.
    """
    return _apply_until_stable(_repair, text)


def _repair(text: str) -> str:
    if text.isascii() and text.isprintable() and "&" not in text:  # & may begin an HTML entity
        return text
    import ftfy

    return _LOST_APOSTROPHE.sub("'", ftfy.fix_text(text)).translate(_ASCII_PUNCTUATION)


@CLEANING_STEPS.register("drop_noise_annotations")
def drop_noise_annotations(text: str) -> str:
    """Drop transcribers' annotations: ``(uhh)``, ``(stutter)``, ``{clears throat}``, ``sp`` for a pause.

    Only brackets with nothing but known noises are dropped; ``(49 percent)`` and ``[Narrator]`` are kept.
    """
    return _PAUSE.sub(" ", _drop_brackets(text, _BRACKET, _is_noise))


def _is_noise(bracketed: str) -> bool:
    return _NOISE.fullmatch(_PAUSE.sub(" ", bracketed)) is not None


def _drop_brackets(text: str, bracket: re.Pattern[str], should_drop: Callable[[str], bool]) -> str:
    """Replace bracketed texts by a space, innermost first, in one pass over the text."""
    output: list[str] = []
    open_brackets: list[int] = []
    for index, piece in enumerate(bracket.split(text)):
        output.append(piece)
        is_bracket = index % 2 == 1
        if is_bracket and piece in "([{":
            open_brackets.append(len(output) - 1)
        elif is_bracket and open_brackets:
            start = open_brackets.pop()
            if should_drop("".join(output[start:])):
                output[start:] = [" "]
            else:  # the enclosing brackets contain words, too
                open_brackets.clear()
    return "".join(output)


@CLEANING_STEPS.register("collapse_whitespace")
def collapse_whitespace(text: str) -> str:
    """Replace every run of white space by one space and strip the ends."""
    return " ".join(text.split())


@CLEANING_STEPS.register("lowercase")
def lowercase(text: str) -> str:
    """Convert to lower case."""
    return text.lower()


@CLEANING_STEPS.register("collapse_repeats")
def collapse_repeats(text: str) -> str:
    """Drop immediate repetitions of a word, whatever its case: ``no, no no way`` → ``no way``."""
    return _apply_until_stable(lambda repeated: _REPEAT.sub(r"\1", repeated), text)


@CLEANING_STEPS.register("drop_parentheses")
def drop_parentheses(text: str) -> str:
    """Drop parentheses and the text in them, innermost first; an unpaired one is kept."""
    return _drop_brackets(text, _PARENTHESIS, lambda _bracketed: True)


@CLEANING_STEPS.register("drop_non_ascii")
def drop_non_ascii(text: str) -> str:
    """Drop every character outside ASCII, as the thesis did: ``don’t`` → ``dont``, ``café`` → ``caf``."""
    return text.encode("ascii", "ignore").decode()


@CLEANING_STEPS.register("expand_contractions")
def expand_contractions(text: str) -> str:
    """Write English contractions in full: ``won't`` → ``will not``, ``it's`` → ``it is``.

    ``'s`` becomes ``is`` only after pronouns and question words, since elsewhere it may be a possessive; ``'d``
    always becomes ``would``.
    """
    return _apply_until_stable(_expand, text)


def _expand(text: str) -> str:
    for pattern, full in _CONTRACTIONS:
        text = pattern.sub(full, text)
    return text


@CLEANING_STEPS.register("drop_punctuation")
def drop_punctuation(text: str) -> str:
    """Drop punctuation of any script; apostrophes within a word leave no space: ``Ross's`` → ``Rosss``."""
    joined = re.sub(r"(?<=[^\W_])['’](?=[^\W_])", "", text)
    return "".join(" " if _is_punctuation(character) else character for character in joined)


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


@CLEANING_STEPS.register("drop_stopword_ngrams")
def drop_stopword_ngrams(text: str) -> str:
    """Drop runs of two or more English stop words; a single one is kept."""
    runs = [(is_stop, list(run)) for is_stop, run in groupby(text.split(), key=_is_stop_word)]
    return " ".join(word for is_stop, run in runs if not is_stop or len(run) == 1 for word in run)


@CLEANING_STEPS.register("drop_stopwords")
def drop_stopwords(text: str) -> str:
    """Drop English stop words (scikit-learn's list) among words separated by white space."""
    return " ".join(word for word in text.split() if not _is_stop_word(word))


def _is_stop_word(word: str) -> bool:
    return word.lower() in ENGLISH_STOP_WORDS
