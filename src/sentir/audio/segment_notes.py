"""What there is to say of a cut of a track that was read."""

from __future__ import annotations

from collections.abc import Iterator

from sentir.audio.decoding_notes import Note
from sentir.audio.segments import LONGEST, Cutter, Stretch
from sentir.i18n import _

MISSING = 0.1  # seconds less than promised, or asked for, that are told


def notes_of(track: Cutter, stretch: Stretch) -> tuple[Note, ...]:
    """Return what there is to say of a cut of a track that was read."""
    return (*track.notes, *_of_its_end(track, stretch), *_of_its_inside(track, stretch))


def _of_its_end(track: Cutter, stretch: Stretch) -> Iterator[Note]:
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
