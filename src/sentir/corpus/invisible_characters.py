"""Invisible characters: removed from names before these are compared, and ignored in the check for blank texts.

Names are those of labels, speakers, dialogues, columns and so on. Texts are kept as a corpus has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Unicode's Default_Ignorable_Code_Point; emoji and some scripts need some of them (`_affects_rendering`).
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_IGNORABLE}]")
_BLANK = re.compile(f"[{_IGNORABLE}\\s\u2800]*")  # and the blank Braille pattern
_JOINING_CHARACTERS = "\u200c\u200d\u180b\u180c\u180d\u180e\u180f"  # they join or shape the letters on both sides
# Scripts whose letters change shape: Arabic to Sinhala, Tibetan, Burmese, Khmer, Mongolian, and supplements.
_JOINING_SCRIPTS = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1cd0-\u1cff\ua8e0-\ua8ff\uaa60-\uaa7f"
    "\ufb50-\ufdff\ufe70-\ufefe\U00011000-\U00011fff\U0001e900-\U0001e95f]"
)
_FLAG_TAGS = re.compile("[\U000e0020-\U000e007f]")  # after a black flag, they specify the flag
_EMOJI_CATEGORIES = ("So", "Sk")  # general categories of emoji, and of their skin tones


def is_blank(text: str | None) -> bool:
    """Return whether there is no text, or only white space and invisible characters."""
    return not text or _BLANK.fullmatch(text) is not None


def normalize_name(name: str) -> str:
    """Return a name in the form in which names are compared.

    It is composed (NFC) and has single spaces and no invisible characters. Joiners are kept between emoji, and
    between letters of a script that they shape, such as Persian; variation selectors are not.
    """
    if not name.isascii():
        visible = _INVISIBLE.sub(lambda match: match[0] if _affects_rendering(name, match.start()) else "", name)
        name = unicodedata.normalize("NFC", visible)
    return " ".join(name.split())


def _affects_rendering(name: str, index: int) -> bool:
    """Return whether an invisible character changes how its neighbors are displayed."""
    character = name[index]
    before, after = (
        _first_visible(name, range(index - 1, -1, -1)),
        _first_visible(name, range(index + 1, len(name))),
    )
    if _FLAG_TAGS.match(character):
        return before == "\U0001f3f4"
    if character not in _JOINING_CHARACTERS or not before or not after:
        return False
    if character == "\u200d" and all(unicodedata.category(c) in _EMOJI_CATEGORIES for c in (before, after)):
        return True
    return bool(_JOINING_SCRIPTS.match(before) and _JOINING_SCRIPTS.match(after))


def _first_visible(name: str, indices: Iterable[int]) -> str:
    """Return the first visible character at these indices, ``""`` if there is none."""
    return next((name[n] for n in indices if not _INVISIBLE.match(name[n])), "")
