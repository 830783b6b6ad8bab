"""What the server accepts, and from whom."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the server takes; requests beyond are refused with a sentence.

    Attributes:
        max_body_bytes: of a request, 413 beyond it.
        max_files: uploaded in a request, 413.
        max_inputs: in a request, 422.
        max_characters: of a text, 422.
        max_seconds: of an uploaded clip, 422.
        max_recording_seconds: of a recording or stream whose timeline is made, 422.
        body_timeout: seconds in which the body of a request must arrive, 408.
        decoding_timeout: seconds in which the clips of a request must be decoded, 422.
        max_concurrent_requests: handled at once, 429.
        max_queued_inputs: waiting for a model, 503.
        max_batch_inputs: predicted together.
        max_timelines: waiting or being made, 429; as many finished ones are kept, the oldest go first.
        timeline_ttl: seconds that a finished timeline is kept.
        max_streams: open at once, 429; those that may go on are counted, and make room for others.
        stream_resume_seconds: that a stream waits for its client after a lost connection.
    """

    max_body_bytes: int = 32 * _MEGABYTE
    max_files: int = 32
    max_inputs: int = 256
    max_characters: int = 20_000
    max_seconds: float = 60.0
    max_recording_seconds: float = 3600.0
    body_timeout: float = 30.0
    decoding_timeout: float = 20.0
    max_concurrent_requests: int = 64
    max_queued_inputs: int = 1024
    max_batch_inputs: int = 64
    max_timelines: int = 8
    timeline_ttl: float = 3600.0
    max_streams: int = 8
    stream_resume_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of the server.

    Attributes:
        purpose: the declared purpose, a name in `sentir.serving.purposes.PURPOSES`; ``""`` if none.
        token: that clients must send as ``Authorization: Bearer TOKEN``; ``""`` for none.
        cors_origins: that browsers may call it from, such as ``https://example.org``.
        limits: how much it takes.
    """

    purpose: str = ""
    token: str = field(default="", repr=False)
    cors_origins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
