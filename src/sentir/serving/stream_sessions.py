"""The state of streams, which outlives a lost connection for a while."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sentir.audio.ogg_opus import OggOpusDecoder
from sentir.audio.segments import Waveform
from sentir.i18n import _
from sentir.recognizer.enrollment import FromInputs
from sentir.serving.errors import RequestError
from sentir.serving.models import ServedModel
from sentir.serving.settings import Limits

if TYPE_CHECKING:
    from sentir.serving.live import LiveTimeline

Event = dict[str, Any]
_FULL_SCALE = 32_768.0
_MAX_EVENTS = 4096  # that are kept for a client that comes back


class Connection(Protocol):
    """What a stream is connected by."""

    async def give_up(self) -> None:
        """Leave the stream to another connection, after the message that is being processed."""


class AudioDecoder(Protocol):
    """Decodes audio as it arrives."""

    def push(self, content: bytes) -> Iterator[Waveform]:
        """Yield ``(samples,)`` float32, mono at 16 kHz."""

    def finish(self) -> Iterator[Waveform]:
        """Yield the samples that are left at the end."""


class SampleDecoder:
    """16-bit little-endian samples → float32 with full scale at ±1."""

    def push(self, content: bytes) -> Iterator[Waveform]:
        """Yield ``(samples,)``.

        Raises:
            RequestError: if the size is odd.
        """
        if len(content) % 2:
            raise RequestError(
                422, "odd_block", _("A block must hold whole samples of 2 bytes; this one has an odd size.")
            )
        yield (np.frombuffer(content, "<i2") / np.float32(_FULL_SCALE)).astype(np.float32)

    def finish(self) -> Iterator[Waveform]:
        """Yield nothing: no sample is kept."""
        yield from ()


ENCODINGS: dict[str, Callable[[], AudioDecoder]] = {"s16le": SampleDecoder, "ogg-opus": OggOpusDecoder}


class StreamSession:
    """A stream, whatever it is connected by.

    Args:
        model: that predicts.
        interval: seconds between measurements of an open turn; 0 for none.
        encoding: of the audio, a key of `ENCODINGS`.
        enroll_turns: see `sentir.serving.live.LiveTimeline`.
        max_seconds: after which no more audio is taken.

    Attributes:
        id: secret.
        num_bytes: of audio that were taken.
        num_events: so far.
        is_full: whether it has ``max_seconds`` of audio.
        is_finished: whether its last event is recorded.
        connection: ``None`` while there is none.
    """

    def __init__(
        self,
        model: ServedModel,
        interval: float,
        encoding: str,
        max_seconds: float,
        enroll_turns: FromInputs | None = None,
    ) -> None:
        self.id, self.model, self.interval, self.encoding = secrets.token_urlsafe(24), model, interval, encoding
        self._max_seconds, self._decoder = max_seconds, ENCODINGS[encoding]()
        self._enroll_turns = enroll_turns
        self._live: LiveTimeline | None = None
        self._events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self.num_bytes = self.num_events = 0
        self.is_full = self.is_finished = False
        self.connection: Connection | None = None

    def prepare(self) -> None:
        """Load what the first samples need."""
        from sentir.serving.live import LiveTimeline

        self._live = LiveTimeline(self.model.recognizer, self.interval, self._enroll_turns)

    def push(self, content: bytes) -> Iterator[Event]:
        """Yield the events of the next bytes of audio."""
        self.num_bytes += len(content)
        yield from self._push(self._decoder.push(content))

    def flush(self) -> Iterator[Event]:
        """Yield a measurement of the open turn, if there is one."""
        assert self._live is not None
        yield from self._live.flush()

    def finish(self) -> Iterator[Event]:
        """Yield the events of the end; audio and model are forgotten."""
        if not self.is_full:
            yield from self._push(self._decoder.finish())
        assert self._live is not None
        yield from self._live.finish()
        self._live, self.is_finished = None, True

    def record(self, event: Event) -> Event:
        """Return an event with its sequence number, and keep it."""
        self._events.append({**event, "sequence": self.num_events})
        self.num_events += 1
        return self._events[-1]

    def events_since(self, sequence: int) -> list[Event]:
        """Return the events from a sequence number on.

        Raises:
            RequestError: if there is no such number, or the events are not kept any more.
        """
        if not 0 <= sequence <= self.num_events:
            message = _("'received' must be the number of events that were received, at most {n}.",
                        n=self.num_events)  # fmt: skip
            raise RequestError(422, "invalid_request", message)
        if sequence < self.num_events - len(self._events):
            message = _("Only the last {n} events are kept; start a new stream.", n=len(self._events))
            raise RequestError(422, "events_lost", message)
        return [event for event in self._events if event["sequence"] >= sequence]

    def _push(self, blocks: Iterator[Waveform]) -> Iterator[Event]:
        assert self._live is not None
        for samples in blocks:
            yield from self._live.push(samples)
            if self._live.seconds > self._max_seconds:
                self.is_full = True
                return


class StreamSessions:
    """The streams that are connected, and those whose clients may come back.

    Args:
        limits: ``max_streams`` of both together, for ``stream_resume_seconds``.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sessions: dict[str, StreamSession] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}  # of those without connection, the oldest first

    @property
    def num_connected(self) -> int:
        """The number of streams with a connection."""
        return len(self._sessions) - len(self._timers)

    def add(self, session: StreamSession, connection: Connection) -> None:
        """Add a stream; the one that has been without connection for longest makes room for it.

        Raises:
            RequestError: 429 if all are connected.
        """
        if len(self._sessions) >= self._limits.max_streams:
            if not self._timers:
                message = _("{n} streams are open; try again later.", n=len(self._sessions))
                raise RequestError(429, "too_many_streams", message)
            self.remove(self._sessions[next(iter(self._timers))])
        self._sessions[session.id] = session
        session.connection = connection

    async def resume(self, session_id: str, connection: Connection) -> StreamSession:
        """Return a stream and connect it; a connection that it still has gives up.

        Raises:
            RequestError: 404 if there is none.
        """
        while (session := self._sessions.get(session_id)) is not None and session.connection is not None:
            await session.connection.give_up()
        if session is None:
            raise RequestError(404, "unknown_session", _("There is no such stream any more; start a new one."))
        self._timers.pop(session_id).cancel()
        session.connection = connection
        return session

    def suspend(self, session: StreamSession) -> None:
        """Keep a stream without connection for a while."""
        session.connection = None
        loop = asyncio.get_running_loop()
        self._timers[session.id] = loop.call_later(self._limits.stream_resume_seconds, self.remove, session)

    def remove(self, session: StreamSession) -> None:
        """Forget a stream."""
        session.connection = None
        self._sessions.pop(session.id, None)
        if timer := self._timers.pop(session.id, None):
            timer.cancel()

    def close(self) -> None:
        """Forget all streams."""
        for session in list(self._sessions.values()):
            self.remove(session)
