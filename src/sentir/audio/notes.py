"""What a user should know of a clip that can be used: sentences, each with a kind to count by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentir.i18n import _, mark

if TYPE_CHECKING:
    from sentir.audio.cutting import Cutter, Stretch

MISSING = 0.1  # seconds less than promised, or asked for, that are told

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


def notes_of(track: Cutter, stretch: Stretch) -> tuple[Note, ...]:
    """Return what there is to say of a cut of a track that was read."""
    return (*track.notes, *_of_its_end(track, stretch), *_of_its_inside(track, stretch))


def _of_its_end(track: Cutter, stretch: Stretch) -> Iterator[Note]:
    from sentir.audio.cutting import LONGEST

    seconds = track.samples / track.rate
    if stretch.capped:
        text = _(
            "It is longer than {longest} s; only so much from its start on was heard.", longest=f"{LONGEST:g}"
        )
        yield Note("long", text)
    elif stretch.complete:
        return
    elif track.promised is not None and track.promised - seconds > MISSING:
        yield Note(
            "truncated",
            _("The file says that it lasts {promised} s and ends after {seconds} s; copy or download it again.",
              promised=f"{track.promised:.2f}", seconds=f"{seconds:.2f}"),
        )  # fmt: skip
    elif track.broken:
        text = _("The file breaks off after {seconds} s; copy or download it again.", seconds=f"{seconds:.2f}")
        yield Note("truncated", text)
    elif stretch.end is not None and stretch.end - seconds > MISSING:
        yield Note(
            "shortened",
            _("The cut goes on until {end} s and the file ends after {seconds} s; check the times.",
              end=f"{stretch.end:.2f}", seconds=f"{seconds:.2f}"),
        )  # fmt: skip


def _of_its_inside(track: Cutter, stretch: Stretch) -> Iterator[Note]:
    if stretch.damaged:
        yield Note(
            "damaged", _("Damaged packets that were passed over: {n}; copy the file again.", n=stretch.damaged)
        )
    if stretch.silence:
        seconds = f"{stretch.silence / track.rate:.2f}"
        yield Note("gaps", _("Silence stands in for {seconds} s that the file leaves out.", seconds=seconds))


def tracks_note(number: int, of: int) -> Note:
    """Return the note of a file with several audio tracks, of which one was heard."""
    return Note("tracks", _("It has {n} audio tracks; heard was number {number}.", n=of, number=number))


def joined_note() -> Note:
    """Return the note of a file in which something else begins behind the end of its sound."""
    return Note("joined", _("Another recording is joined to its end and was not heard; cut the file in two."))
