"""Times and durations as text."""

from __future__ import annotations

from datetime import UTC, datetime

from sentir.i18n import _


def format_timestamp(text: str) -> str:
    """Format an ISO 8601 time as ``2026-01-31 14:05 UTC``; a time without a zone is taken as UTC."""
    time = datetime.fromisoformat(text)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return f"{time:%Y-%m-%d %H:%M} UTC"


def format_duration(seconds: float) -> str:
    """Format seconds as ``9 s``, ``4 min 12 s`` or ``2 h 31 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return _("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    return _("{minutes} min {seconds} s", minutes=minutes, seconds=rest) if minutes else _("{n} s", n=rest)
