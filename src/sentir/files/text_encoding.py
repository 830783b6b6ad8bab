"""Decoding text files of unknown encoding: by byte order mark, as UTF-8, or by a guess that is reported."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.i18n import _

UTF8_MARK = codecs.BOM_UTF8
# A longer mark comes before the one it begins with.
_BYTE_ORDER_MARKS = (
    (UTF8_MARK, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATE_ENCODINGS = ("cp1252", "mac-roman", "cp850")  # Windows, old Macs, DOS; the first plausible one
_ACCENTED = "[áéíóúüñàèìòùâêîôûäëïöçßœ]"
_PLAUSIBLE = re.compile(
    rf"(?<=[a-zA-Z]){_ACCENTED}|{_ACCENTED}(?=[a-z])|\b[ÁÉÍÓÚÜÑÇ](?=[a-z])|(?<=[A-Z])[ÁÉÍÓÚÜÑÇ]|[¿¡«“‘’](?=\w)|(?<=[\w.,!?])[»”…]"
    r"|(?<=[a-z])’|(?<=\d)[ºª]|[–—€£©®]|(?<![a-z])[•°½]"
)
_IMPLAUSIBLE = re.compile(
    r"(?<=[a-z])[‡†‰•™ŽžŸ¤¶§¬±÷×¥ƒ‚„ˆ˜¢£¦¨¯°²³´µ·¸¹¼½¾À-ÖØ-Þ]|[\u2500-\u259f\ufb01\ufb02√∞≈∆◊∫Ω∑∏π∂]"
    r"|(?<=[a-z])[–—](?=(?:n|os?|mo)\b)|(?<=[a-z][a-z])’(?=(?:as?|an|amos|os?)\b)"
    rf"|{_ACCENTED}(?=[A-Z])"
)
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_CONTROL_CHARACTERS = re.compile("[\0-\x08\x0e-\x1f]")
_SAMPLE_LENGTH = 1_000_000  # characters that guesses are scored on
_MIN_LINES_PER_INVALID = 10  # lines per line that is not UTF-8, above which even an implausible guess is accepted


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file.

    Attributes:
        text: without byte order mark.
        guessed_encoding: of the lines that are not UTF-8; ``""`` if there are none.
        num_guessed_lines: number of these lines.
    """

    text: str
    guessed_encoding: str = ""
    num_guessed_lines: int = 0


def read_text(path: Path, encoding: str | None = None, issues: list[Issue] | None = None) -> str:
    """Return the text of a file; a guessed encoding is added to the issues.

    Raises:
        CorpusError: if it cannot be read, or is not text (in ``encoding``, if given).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(_("{file} cannot be read: {reason}.", file=path, reason=error.strerror)) from error
    if encoding:
        text = _try_decode(content, encoding)
        if text is None:
            raise CorpusError(
                _("{path} is not text in '{encoding}'; correct or remove 'data.table.encoding'.",
                  path=path, encoding=encoding)
            )  # fmt: skip
        return text.removeprefix("\ufeff")
    decoded = decode_text(content)
    if decoded is None:
        raise CorpusError(
            _("The encoding of {path} cannot be detected, or it is not text; save it as UTF-8 (spreadsheets "
              "offer 'CSV UTF-8'), or set 'data.table.encoding'.", path=path)
        )  # fmt: skip
    if issues is not None and decoded.guessed_encoding:
        message = _("Lines that are not UTF-8 were decoded as {encoding}: {n}; if letters are wrong, save the "
                    "file as UTF-8.",
                    encoding=decoded.guessed_encoding, n=decoded.num_guessed_lines)  # fmt: skip
        issues.append(Issue("file_encoding", "note", message, path.name))
    return decoded.text


def decode_text(content: bytes) -> DecodedText | None:
    """Decode by byte order mark, else as UTF-8, and other lines by the most plausible encoding.

    ``None`` if it is not text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            text = _try_decode(content, encoding)
            return None if text is None else DecodedText(text)
    if content.count(0) * 4 > len(content):
        return _decode_utf16(content)
    lines = content.split(b"\n")
    invalid = [line for line in lines if _try_decode(line, "utf-8") is None]
    if not invalid:
        return DecodedText(content.decode())
    guess, is_plausible = _guess_encoding(b"\n".join(invalid))
    if not guess or not (is_plausible or len(invalid) * _MIN_LINES_PER_INVALID < len(lines)):
        return None
    decoded = (text if (text := _try_decode(line, "utf-8")) is not None else line.decode(guess) for line in lines)
    return DecodedText("\n".join(decoded), guess, len(invalid))


def _try_decode(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeError:
        return None


def _decode_utf16(content: bytes) -> DecodedText | None:
    """Decode UTF-16 without byte order mark; the position of its zero bytes shows the byte order."""
    guess = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    text = _try_decode(content, guess)
    return (
        None
        if text is None or _CONTROL_CHARACTERS.search(text)
        else DecodedText(text, guess, text.count("\n") + 1)
    )


def _guess_encoding(content: bytes) -> tuple[str, bool]:
    """Return the most plausible encoding, and whether at least half of its non-ASCII characters are plausible."""
    texts = {name: _try_decode(content, name) for name in _CANDIDATE_ENCODINGS}
    valid = {
        name: text[:_SAMPLE_LENGTH]
        for name, text in texts.items()
        if text and not _CONTROL_CHARACTERS.search(text)
    }
    if not valid:
        return "", False
    first = next((name for name, text in valid.items() if not _IMPLAUSIBLE.search(text)), None)
    guess = first or max(valid, key=lambda name: _plausibility(valid[name]))
    return guess, len(_PLAUSIBLE.findall(valid[guess])) * 2 >= len(_NON_ASCII.findall(valid[guess]))


def _plausibility(text: str) -> int:
    return len(_PLAUSIBLE.findall(text)) - 2 * len(_IMPLAUSIBLE.findall(text))
