"""Notes on how a segment of a track was decoded."""

from __future__ import annotations

from collections.abc import Iterator

from sentir.audio.decoding_notes import DecodingNote
from sentir.audio.segments import MAX_SECONDS, SegmentBuffer, TrackBuffer
from sentir.i18n import _, format_decimal

MIN_MISSING_SECONDS = 0.1  # shorter differences from the declared or requested duration are not noted


def list_notes(track: TrackBuffer, segment: SegmentBuffer) -> tuple[DecodingNote, ...]:
    """Return the notes on a decoded segment and its track."""
    return (*track.notes, *_end_notes(track, segment), *_content_notes(track, segment))


def _end_notes(track: TrackBuffer, segment: SegmentBuffer) -> Iterator[DecodingNote]:
    seconds = track.num_samples / track.sampling_rate
    if segment.exceeds_limit:
        text = _(
            "It is longer than {longest} s; only its first {longest} s are used.", longest=f"{MAX_SECONDS:g}"
        )
        yield DecodingNote("long", text)
    elif segment.is_complete:
        return
    elif track.declared_seconds is not None and track.declared_seconds - seconds > MIN_MISSING_SECONDS:
        yield DecodingNote(
            "truncated",
            _("The file should last {declared} s and ends after {seconds} s; copy or download it again.",
              declared=format_decimal(track.declared_seconds, 2), seconds=format_decimal(seconds, 2)),
        )  # fmt: skip
    elif track.is_truncated:
        end = format_decimal(seconds, 2)
        text = _("The file is cut off after {seconds} s; copy or download it again.", seconds=end)
        yield DecodingNote("truncated", text)
    elif segment.end is not None and segment.end - seconds > MIN_MISSING_SECONDS:
        yield DecodingNote(
            "shortened",
            _("The segment ends at {end} s and the file after {seconds} s; check the times.",
              end=format_decimal(segment.end, 2), seconds=format_decimal(seconds, 2)),
        )  # fmt: skip


def _content_notes(track: TrackBuffer, segment: SegmentBuffer) -> Iterator[DecodingNote]:
    if segment.damaged_packets:
        yield DecodingNote(
            "damaged",
            _("Damaged packets that were skipped: {n}; copy the file again.", n=segment.damaged_packets),
        )
    if segment.silent_samples:
        seconds = format_decimal(segment.silent_samples / track.sampling_rate, 2)
        yield DecodingNote(
            "gaps", _("Silence replaces {seconds} s that are missing from the file.", seconds=seconds)
        )
