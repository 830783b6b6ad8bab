"""Translation of all user-facing text, from English (the source) to Spanish.

``_("No table under {root}.", root=root)`` translates the sentence and then formats it, so that translators see
whole sentences. ``make messages`` updates and compiles the catalog; a test checks that it is complete.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from sentir.context_variables import set_in_block

LANGUAGES = ("en", "es")
_LOCALES = Path(__file__).parent / "locales"


def preferred_language() -> str:
    """Return the language set by ``SENTIR_LANG`` or the locale variables, by default English."""
    for variable in ("SENTIR_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "es" if value.lower().startswith("es") else "en"
    return "en"


_DEFAULT_LANGUAGE = preferred_language()
_current_language: ContextVar[str] = ContextVar("language", default=_DEFAULT_LANGUAGE)


def get_language() -> str:
    """Return the current language, ``"en"`` or ``"es"``."""
    return _current_language.get()


def set_language(code: str) -> None:
    """Set the language of all text to ``code``, ``"en"`` or ``"es"``, in this thread or task alone.

    It is a context variable: a new thread begins with `preferred_language`.

    Raises:
        ValueError: if the language is not one of `LANGUAGES`.
    """
    if code not in LANGUAGES:
        raise ValueError(f"language {code!r} is not one of {', '.join(LANGUAGES)}")
    _current_language.set(code)


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Set the language to ``code`` inside a ``with`` block."""
    with set_in_block(_current_language, get_language()):
        set_language(code)
        yield


@cache
def _catalog(code: str) -> gettext.NullTranslations:
    """Return the catalog of a language; an empty one for English."""
    return gettext.translation("sentir", _LOCALES, languages=[code], fallback=True)


def _(message: str, /, **values: object) -> str:
    """Translate ``message`` and format it with ``values``."""
    text = _catalog(get_language()).gettext(message)
    return text.format(**values) if values else text


def gettext_noop(message: str) -> str:
    """Mark a message for translation without translating it yet (for constants)."""
    return message


def format_count(number: float) -> str:
    """Format a count with a narrow no-break space between thousands, as both languages allow."""
    return f"{number:,.0f}".replace(",", "\u202f")


def format_bytes(size: int) -> str:
    """Format a number of bytes: ``10.9 GB``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{format_decimal(size / scale, 1)} {unit}"
    return f"{size} B"


def format_decimal(number: float, digits: int) -> str:
    """Format a number with ``digits`` decimals and the decimal separator of the current language."""
    return localize_numbers(f"{number:.{digits}f}")


def quote_text(text: str) -> str:
    """Put text in the quotation marks of the current language."""
    return f"«{text}»" if get_language() == "es" else f"“{text}”"


def localize_numbers(text: str) -> str:
    """Format numbers in text for the current language: ``0.6% [0.5, 0.7]`` is ``0,6 % [0,5; 0,7]`` in Spanish."""
    if get_language() != "es":
        return text
    text = re.sub(r"(?<=\d)%", "\N{NO-BREAK SPACE}%", text)
    return re.sub(r"(?<=\d), (?=[-−+]?\d)", "; ", re.sub(r"(?<=\d)\.(?=\d)", ",", text))
