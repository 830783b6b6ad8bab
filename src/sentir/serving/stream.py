"""``/v1/stream``: a WebSocket that takes audio and sends events on the clock of the audio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.datastructures import QueryParams

from sentir.errors import AudioError, SentirError
from sentir.i18n import _
from sentir.recognizer.enrollment import FromInputs
from sentir.serving.errors import RequestError
from sentir.serving.models import ServedModel, find_model
from sentir.serving.state import ServerState, get_state
from sentir.serving.stream_sessions import ENCODINGS, Event, StreamSession

router = APIRouter()
SAMPLING_RATE = 16_000
_IDLE_SECONDS = 30.0  # without any message, after which a connection is closed
_MIN_INTERVAL = 0.25
_CONTROLS = ("flush", "finish", "keep_alive", "acknowledge")
_POLICY_VIOLATION, _NORMAL_CLOSURE = 1008, 1000


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Take 16-bit little-endian mono samples at 16 kHz, or Ogg Opus; see the guide for the protocol."""
    await socket.accept()
    connection = _Connection(socket, get_state(socket))
    try:
        await connection.run()
        await connection.close(_NORMAL_CLOSURE)
    except RequestError as error:
        await connection.send({"type": "error", "code": error.code, "detail": str(error)})
        await connection.close(_POLICY_VIOLATION)
    except (WebSocketDisconnect, _LostError):
        pass


class _LostError(Exception):
    """The connection is lost; the stream is kept."""


class _PausedError(RequestError):
    """The connection is closed; the stream is kept."""


class _Connection:
    """A connection to a stream.

    Args:
        socket: accepted.
        state: of the server.
    """

    def __init__(self, socket: WebSocket, state: ServerState) -> None:
        self._socket, self._state = socket, state
        self._is_lost = self._gives_up = False
        self._receiving: asyncio.Future[Any] | None = None
        self._has_left = asyncio.Event()

    async def run(self) -> None:
        """Take messages until the client finishes.

        Raises:
            RequestError: if a message or the stream is refused.
            WebSocketDisconnect: if the client closed the connection.
            _LostError: if the connection was lost.
        """
        session, sessions = await self._open(self._socket.query_params), self._state.streams
        leave = sessions.remove
        try:
            await self._serve(session)
            leave = sessions.suspend  # as the last event may be lost
        except (_LostError, _PausedError):
            leave = sessions.suspend
            raise
        finally:
            leave(session)
            self._has_left.set()

    async def give_up(self) -> None:
        """Leave the stream to another connection, after the message that is being processed."""
        self._gives_up = True
        if self._receiving is not None:
            self._receiving.cancel()
        await self._has_left.wait()

    async def send(self, event: Event) -> None:
        """Send an event, unless the connection is lost."""
        if self._is_lost:
            return
        try:
            await self._socket.send_text(json.dumps(event, ensure_ascii=False))
        except WebSocketDisconnect:
            self._is_lost = True

    async def close(self, code: int) -> None:
        """Close the connection, unless it is lost."""
        if not self._is_lost:
            await self._socket.close(code)

    async def _open(self, query: QueryParams) -> StreamSession:
        """Return the stream of the address, a new one or one that goes on."""
        if "session" in query:
            return await self._state.streams.resume(query["session"], self)
        session = self._make_session(query)
        self._state.streams.add(session, self)
        return session

    def _make_session(self, query: QueryParams) -> StreamSession:
        model = find_model(self._state.models, query.get("model"))
        if not model.uses_audio:
            message = _("The model '{name}' takes no audio, and so no stream.", name=model.name)
            raise RequestError(422, "missing_modality", message)
        interval = _parse_number(query.get("interval", "1"))
        if not (interval == 0 or _MIN_INTERVAL <= interval <= 60):
            message = _("'interval' must be 0, or from {least} to 60 seconds.", least=_MIN_INTERVAL)
            raise RequestError(422, "invalid_request", message)
        encoding = query.get("encoding", "s16le")
        if encoding not in ENCODINGS:
            message = _("'encoding' must be one of these: {known}.", known=", ".join(ENCODINGS))
            raise RequestError(422, "invalid_request", message)
        limits = self._state.settings.limits
        return StreamSession(
            model, interval, encoding, limits.max_recording_seconds, _parse_enroll_turns(query, model)
        )

    async def _serve(self, session: StreamSession) -> None:
        if session.num_events:
            await self._send_missed(session)
        else:
            await self._call(session.prepare)
            await self._send_ready(session)
        while not session.is_finished:
            message = await self._receive()
            if isinstance(message, bytes):
                await self._emit(session, partial(session.push, message))
            elif message == "flush":
                await self._emit(session, session.flush)
            elif message == "acknowledge":
                await self.send({"type": "acknowledged", "bytes": session.num_bytes})
            if message == "finish" or session.is_full:
                await self._emit(session, session.finish)

    async def _send_ready(self, session: StreamSession) -> None:
        event = {
            "type": "ready", "model": session.model.name, "labels": list(session.model.recognizer.space.names),
            "sampling_rate": SAMPLING_RATE, "encoding": session.encoding, "session": session.id,
            "resume_seconds": self._state.settings.limits.stream_resume_seconds,
        }  # fmt: skip
        await self.send(session.record(event))

    async def _send_missed(self, session: StreamSession) -> None:
        """Send how much audio was taken, and the events that the client does not have."""
        received = _parse_number(self._socket.query_params.get("received", "0"))
        missed = session.events_since(int(received) if received.is_integer() else -1)
        await self.send({"type": "resumed", "session": session.id, "bytes": session.num_bytes})
        for event in missed:
            await self.send(event)

    async def _receive(self) -> bytes | str:
        """Return audio, or the type of a control."""
        if self._is_lost:
            raise _LostError
        if not self._gives_up:
            self._receiving = asyncio.ensure_future(self._socket.receive())
            try:
                await asyncio.wait({self._receiving}, timeout=_IDLE_SECONDS)
            finally:
                is_idle = self._receiving.cancel()
        if self._gives_up:
            raise _PausedError(409, "superseded", _("The stream goes on with another connection."))
        assert self._receiving is not None
        if is_idle:
            text = _("Nothing arrived for {seconds} s; send keep_alive.", seconds=f"{_IDLE_SECONDS:g}")
            raise _PausedError(408, "idle_timeout", text)
        message = self._receiving.result()
        if message["type"] == "websocket.disconnect":
            code = message.get("code", 1006)
            raise WebSocketDisconnect(code) if code == _NORMAL_CLOSURE else _LostError
        content = message.get("bytes")
        return _parse_control(message.get("text") or "") if content is None else bytes(content)

    async def _emit(self, session: StreamSession, produce: Callable[[], Iterable[Event]]) -> None:
        """Record and send the events of a function, each as soon as it is there."""
        events = iter(produce())
        while (event := await self._call(partial(next, events, None))) is not None:
            await self.send(session.record(event))

    async def _call(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread, with the language of the stream."""
        run = partial(copy_context().run, function)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._state.streamers, run)
        except RequestError:
            raise
        except AudioError as error:
            raise RequestError(422, "undecodable", str(error)) from error
        except SentirError as error:
            raise RequestError(422, "unprocessable", str(error)) from error


def _parse_enroll_turns(query: QueryParams, model: ServedModel) -> FromInputs | None:
    """Return which turns are enrolled."""
    given = query.get("enroll_turns")
    if given is None:
        return None
    if given != "earlier":
        text = _("'enroll_turns' must be 'earlier', as later turns of a stream are not known.")
        raise RequestError(422, "invalid_request", text)
    model.require_speaker_normalization("enroll_turns")
    return "earlier"


def _parse_number(text: str) -> float:
    """Return a number, or NaN for anything else."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _parse_control(text: str) -> str:
    """Return the type of a control."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        tree = None
    kind = tree.get("type") if isinstance(tree, dict) else None
    if kind not in _CONTROLS:
        message = _('A control is {{"type": NAME}} with one of these names: {known}.', known=", ".join(_CONTROLS))
        raise RequestError(422, "unknown_control", message)
    return str(kind)
