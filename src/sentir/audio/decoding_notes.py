"""What a user should know of a clip that can be used: sentences, each with a kind to count by."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import _, mark

_NOTES = {
    "truncated": mark("broken off: the file ends early"),
    "joined": mark("only the first of several joined recordings"),
    "damaged": mark("damaged packets passed over"),
    "long": mark("too long: only its beginning was heard"),
    "gaps": mark("silence in place of missing sound"),
    "shortened": mark("cut that goes on beyond the end of the file"),
    "tracks": mark("one of several audio tracks"),
}
_LOSSES = frozenset({"truncated", "joined", "damaged", "long"})


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know.

    Attributes:
        kind: a short stable key, one of those that `note_text` knows.
        text: a sentence in the current language that names no file.
    """

    kind: str
    text: str


def note_text(kind: str) -> str:
    """Return what the ``kind`` of a `Note` means, in the current language."""
    return _(_NOTES[kind]) if kind in _NOTES else kind


def is_loss(kind: str) -> bool:
    """Tell whether a kind of note means that sound is missing which was there once."""
    return kind in _LOSSES


def tracks_note(number: int, of: int) -> Note:
    """Return the note of a file with several audio tracks, of which one was heard."""
    return Note("tracks", _("It has {n} audio tracks; heard was number {number}.", n=of, number=number))


def joined_note() -> Note:
    """Return the note of a file in which something else begins behind the end of its sound."""
    return Note("joined", _("Another recording is joined to its end and was not heard; cut the file in two."))
