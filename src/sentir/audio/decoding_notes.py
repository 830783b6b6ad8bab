"""What a user should know of a clip that can be used: sentences, each with a kind to count by."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import _, gettext_noop

_NOTE_DESCRIPTIONS = {
    "truncated": gettext_noop("broken off: the file ends early"),
    "joined": gettext_noop("only the first of several joined recordings"),
    "damaged": gettext_noop("damaged packets passed over"),
    "long": gettext_noop("too long: only its beginning was heard"),
    "gaps": gettext_noop("silence in place of missing sound"),
    "shortened": gettext_noop("cut that goes on beyond the end of the file"),
    "tracks": gettext_noop("one of several audio tracks"),
}
_DATA_LOSS_KINDS = frozenset({"truncated", "joined", "damaged", "long"})


@dataclass(frozen=True, slots=True)
class DecodingNote:
    """One thing to know.

    Attributes:
        kind: a short stable key, one of those that `note_text` knows.
        text: a sentence in the current language that names no file.
    """

    kind: str
    text: str


def describe_note_kind(kind: str) -> str:
    """Return what the ``kind`` of a `Note` means, in the current language."""
    return _(_NOTE_DESCRIPTIONS[kind]) if kind in _NOTE_DESCRIPTIONS else kind


def is_data_loss(kind: str) -> bool:
    """Tell whether a kind of note means that sound is missing which was there once."""
    return kind in _DATA_LOSS_KINDS


def make_tracks_note(number: int, total: int) -> DecodingNote:
    """Return the note of a file with several audio tracks, of which one was heard."""
    return DecodingNote(
        "tracks", _("It has {n} audio tracks; heard was number {number}.", n=total, number=number)
    )


def make_joined_note() -> DecodingNote:
    """Return the note of a file in which something else begins behind the end of its sound."""
    return DecodingNote(
        "joined", _("Another recording is joined to its end and was not heard; cut the file in two.")
    )
