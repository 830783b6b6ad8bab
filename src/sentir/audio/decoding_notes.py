"""Notes on clips that are usable but not perfect: sentences, each with a kind for counting."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import _, gettext_noop

_NOTE_DESCRIPTIONS = {
    "truncated": gettext_noop("truncated: the file ends early"),
    "joined": gettext_noop("only the first of several concatenated recordings"),
    "damaged": gettext_noop("damaged: some of the audio is missing or wrong"),
    "long": gettext_noop("too long: only the beginning is used"),
    "gaps": gettext_noop("silence in place of missing audio"),
    "shortened": gettext_noop("segment that ends beyond the end of the file"),
    "tracks": gettext_noop("one of several audio tracks"),
}
_DATA_LOSS_KINDS = frozenset({"truncated", "joined", "damaged", "long"})


@dataclass(frozen=True, slots=True)
class DecodingNote:
    """A note on how a clip was decoded.

    Attributes:
        kind: a short stable key that `describe_note_kind` describes.
        text: a sentence in the current language that names no file.
    """

    kind: str
    text: str


def describe_note_kind(kind: str) -> str:
    """Return what the ``kind`` of a `DecodingNote` means, in the current language."""
    return _(_NOTE_DESCRIPTIONS[kind]) if kind in _NOTE_DESCRIPTIONS else kind


def is_data_loss(kind: str) -> bool:
    """Return whether a kind of note means that a part of the recording is lost."""
    return kind in _DATA_LOSS_KINDS


def make_tracks_note(number: int, total: int) -> DecodingNote:
    """Return the note on a file with several audio tracks, of which one is used."""
    return DecodingNote("tracks", _("It has {n} audio tracks; number {number} is used.", n=total, number=number))


def make_joined_note() -> DecodingNote:
    """Return the note on a file with another recording after the end of its audio."""
    return DecodingNote("joined", _("Another recording follows its end and is not used; split the file in two."))


def make_checksum_note() -> DecodingNote:
    """Return the note on a file whose samples are not those that were written."""
    text = _("Its samples do not match the checksum in the file, so some of them are wrong; copy it again.")
    return DecodingNote("damaged", text)
