"""One catalogue for everything a user reads, in English (the source) and Spanish.

``_("No table under {root}.", root=root)`` looks the sentence up and then fills it in, so translators see
whole sentences. ``make messages`` refreshes the catalogue and compiles it; a test holds it complete.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "es")
_LOCALES = Path(__file__).parent / "locales"


def preferred_language() -> str:
    """Return the language of the environment: ``SENTIR_LANG``, then the usual locale variables, else English."""
    for variable in ("SENTIR_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "es" if value.lower().startswith("es") else "en"
    return "en"


_current_language = preferred_language()


def get_language() -> str:
    """Return the current language, ``"en"`` or ``"es"``."""
    return _current_language


def set_language(code: str) -> None:
    """Use ``code`` (``"en"`` or ``"es"``) for every text from now on.

    Raises:
        ValueError: if the language is not one of `LANGUAGES`.
    """
    global _current_language
    if code not in LANGUAGES:
        raise ValueError(f"language {code!r} is not one of {', '.join(LANGUAGES)}")
    _current_language = code


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Use ``code`` inside a ``with`` block."""
    before = _current_language
    set_language(code)
    try:
        yield
    finally:
        set_language(before)


@cache
def _catalog(code: str) -> gettext.NullTranslations:
    """Return the catalogue of a language; without one (English has none) every text stays as it is."""
    return gettext.translation("sentir", _LOCALES, languages=[code], fallback=True)


def _(message: str, /, **values: object) -> str:
    """Translate ``message`` and fill in its ``{names}``."""
    text = _catalog(_current_language).gettext(message)
    return text.format(**values) if values else text


def gettext_noop(message: str) -> str:
    """Mark a sentence for the catalogue without translating it yet (for constants)."""
    return message


def format_count(number: float) -> str:
    """Write a count with a thin space between thousands, which English and Spanish readers share."""
    return f"{number:,.0f}".replace(",", "\u202f")


def format_decimal(number: float, digits: int) -> str:
    """Write a number with so many places and the decimal sign of the current language."""
    return localize_numbers(f"{number:.{digits}f}")


def quote_text(text: str) -> str:
    """Set text apart from its sentence by the quotation marks of the current language."""
    return f"«{text}»" if _current_language == "es" else f"“{text}”"


def localize_numbers(text: str) -> str:
    """Give numbers the signs of the current language: ``0.6 [0.5, 0.7]`` is ``0,6 [0,5; 0,7]`` in Spanish."""
    if _current_language != "es":
        return text
    return re.sub(r"(?<=\d), (?=[-−+]?\d)", "; ", re.sub(r"(?<=\d)\.(?=\d)", ",", text))
