"""Text of files whose encoding nobody wrote down: marks and UTF-8 are sure, any other is a guess that is told."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.i18n import _

# A longer mark stands before the one it begins with.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSES = ("cp1252", "mac-roman", "cp850")  # Windows, old Macs, DOS; the first that seems right
_ACCENTED = "[áéíóúüñàèìòùâêîôûäëïöçßœ]"
_AT_HOME = re.compile(
    rf"(?<=[a-zA-Z]){_ACCENTED}|{_ACCENTED}(?=[a-z])|\b[ÁÉÍÓÚÜÑÇ](?=[a-z])|(?<=[A-Z])[ÁÉÍÓÚÜÑÇ]|[¿¡«“‘’](?=\w)|(?<=[\w.,!?])[»”…]"
    r"|(?<=[a-z])’|(?<=\d)[ºª]|[–—€£©®]|(?<![a-z])[•°½]"
)
_ASTRAY = re.compile(
    r"(?<=[a-z])[‡†‰•™ŽžŸ¤¶§¬±÷×¥ƒ‚„ˆ˜¢£¦¨¯°²³´µ·¸¹¼½¾À-ÖØ-Þ]|[\u2500-\u259f\ufb01\ufb02√∞≈∆◊∫Ω∑∏π∂]"
    r"|(?<=[a-z])[–—](?=(?:n|os?|mo)\b)|(?<=[a-z][a-z])’(?=(?:as?|an|amos|os?)\b)"
    rf"|{_ACCENTED}(?=[A-Z])"
)
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f]")
_SAMPLE = 1_000_000  # characters by which guesses are judged
_FEW = 10  # where one line in so many is none in UTF-8, it is read even if it makes little sense


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: without a mark.
        guess: what the lines that are not UTF-8 were read as; ``""`` if there are none.
        lines: how many they are.
    """

    text: str
    guess: str = ""
    lines: int = 0


def read_text(path: Path, encoding: str | None = None, issues: list[Issue] | None = None) -> str:
    """Return the text of a file; an encoding that had to be guessed is added to the issues.

    Raises:
        CorpusError: if it cannot be read, or is no text (in ``encoding``, where that is given).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(_("{file} cannot be read: {reason}.", file=path, reason=error.strerror)) from error
    if encoding:
        return _given(path, content, encoding)
    decoded = decode(content)
    if decoded is None:
        raise CorpusError(
            _("{path} is no text in an encoding that can be told; save it as UTF-8 (spreadsheets offer 'CSV "
              "UTF-8'), or name its encoding in 'data.table.encoding'.", path=path)
        )  # fmt: skip
    if issues is not None:
        issues += note_guess(decoded, path)
    return decoded.text


def decode(content: bytes) -> Decoded | None:
    """Return the text of a file by its mark, else as UTF-8; lines that are none by the letters that they give.

    ``None`` if it is no text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = _as(content, encoding)
            return None if text is None else Decoded(text)
    if content.count(0) * 4 > len(content):
        return _wide(content)
    lines = content.split(b"\n")
    broken = [line for line in lines if _as(line, "utf-8") is None]
    if not broken:
        return Decoded(content.decode())
    guess, fits = _likeliest(b"\n".join(broken))
    if not guess or not (fits or len(broken) * _FEW < len(lines)):
        return None
    decoded = (text if (text := _as(line, "utf-8")) is not None else line.decode(guess) for line in lines)
    return Decoded("\n".join(decoded), guess, len(broken))


def note_guess(decoded: Decoded, path: Path) -> list[Issue]:
    """Return a note if the encoding of some lines was guessed."""
    if not decoded.guess:
        return []
    message = _("Lines that are not UTF-8 were read as {encoding}: {n}; if letters are wrong, save it as UTF-8.",
                encoding=decoded.guess, n=decoded.lines)  # fmt: skip
    return [Issue("file_encoding", "note", message, path.name)]


def _given(path: Path, content: bytes, encoding: str) -> str:
    text = _as(content, encoding)
    if text is None:
        raise CorpusError(
            _("{path} is no text in '{encoding}'; correct 'data.table.encoding' or leave it out.",
              path=path, encoding=encoding)
        )  # fmt: skip
    return text.removeprefix("\ufeff")


def _as(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeError:
        return None


def _wide(content: bytes) -> Decoded | None:
    """Return UTF-16 without a mark: its zero bytes lie where those of a text in Latin letters do."""
    guess = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    text = _as(content, guess)
    return None if text is None or _CONTROLS.search(text) else Decoded(text, guess, text.count("\n") + 1)


def _likeliest(content: bytes) -> tuple[str, bool]:
    """Return the encoding in which most letters stand where a text has them, and whether half of them do."""
    texts = {name: _as(content, name) for name in _GUESSES}
    fair = {name: text[:_SAMPLE] for name, text in texts.items() if text and not _CONTROLS.search(text)}
    if not fair:
        return "", False
    right = next((name for name, text in fair.items() if not _ASTRAY.search(text)), None)
    guess = right or max(fair, key=lambda name: _sense(fair[name]))
    return guess, len(_AT_HOME.findall(fair[guess])) * 2 >= len(_FOREIGN.findall(fair[guess]))


def _sense(text: str) -> int:
    return len(_AT_HOME.findall(text)) - 2 * len(_ASTRAY.findall(text))
