"""``/v1/stream``: a WebSocket that takes samples and sends events on the clock of the audio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.serving.errors import RequestError
from sentir.serving.models import ServedModel, find_model
from sentir.serving.state import ServerState, get_state

router = APIRouter()
SAMPLING_RATE = 16_000
_FULL_SCALE = 32_768.0
_IDLE_SECONDS = 30.0  # without any message, after which a stream is closed
_MIN_INTERVAL = 0.25
_POLICY_VIOLATION, _NORMAL_CLOSURE = 1008, 1000


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Take 16-bit little-endian mono samples at 16 kHz; see the guide for the protocol."""
    state = get_state(socket)
    await socket.accept()
    session = _Session(socket, state)
    try:
        await session.run()
        await socket.close(_NORMAL_CLOSURE)
    except RequestError as error:
        await session.send({"type": "error", "code": error.code, "detail": str(error)})
        await socket.close(_POLICY_VIOLATION)
    except WebSocketDisconnect:
        pass
    finally:
        session.close()


class _Session:
    """One stream.

    Args:
        socket: accepted.
        state: of the server.
    """

    def __init__(self, socket: WebSocket, state: ServerState) -> None:
        self._socket, self._state, self._sequence = socket, state, 0
        self._is_counted = False

    async def run(self) -> None:
        """Take messages until the client finishes.

        Raises:
            RequestError: if a message or the stream is refused.
            WebSocketDisconnect: if the client is gone.
        """
        model, interval = self._check(self._socket.query_params)
        self._state.num_streams, self._is_counted = self._state.num_streams + 1, True
        from sentir.serving.live import LiveTimeline

        live = await self._call(partial(LiveTimeline, model.recognizer, interval))
        await self.send({
            "type": "ready", "model": model.name, "labels": list(model.recognizer.space.names),
            "sampling_rate": SAMPLING_RATE, "encoding": "s16le",
        })  # fmt: skip
        while (message := await self._receive()) != "finish":
            if isinstance(message, bytes):
                await self._emit(partial(live.push, decode_samples(message)))
                if live.seconds > self._state.settings.limits.max_recording_seconds:
                    break
            elif message == "flush":
                await self._emit(live.flush)
        await self._emit(live.finish)

    async def send(self, event: dict[str, Any]) -> None:
        """Send an event with the next sequence number."""
        await self._socket.send_text(json.dumps({**event, "sequence": self._sequence}, ensure_ascii=False))
        self._sequence += 1

    def close(self) -> None:
        """Make room for another stream."""
        if self._is_counted:
            self._state.num_streams -= 1

    def _check(self, query: Any) -> tuple[ServedModel, float]:
        """Return the model and the interval of the address."""
        if self._state.num_streams >= self._state.settings.limits.max_streams:
            message = _("{n} streams are open; try again later.", n=self._state.num_streams)
            raise RequestError(429, "too_many_streams", message)
        model = find_model(self._state.models, query.get("model"))
        if not model.uses_audio:
            message = _("The model '{name}' takes no audio, and so no stream.", name=model.name)
            raise RequestError(422, "missing_modality", message)
        try:
            interval = float(query.get("interval", "1"))
        except ValueError:
            interval = -1.0
        if not (interval == 0 or _MIN_INTERVAL <= interval <= 60):
            message = _("'interval' must be 0, or from {least} to 60 seconds.", least=_MIN_INTERVAL)
            raise RequestError(422, "invalid_request", message)
        return model, interval

    async def _receive(self) -> bytes | str:
        """Return samples, or the type of a control."""
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                message = await self._socket.receive()
        except TimeoutError:
            text = _("Nothing arrived for {seconds} s; send keep_alive.", seconds=f"{_IDLE_SECONDS:g}")
            raise RequestError(408, "idle_timeout", text) from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        content = message.get("bytes")
        if content is None:
            return _parse_control(message.get("text") or "")
        if len(content) % 2:
            raise RequestError(
                422, "odd_block", _("A block must hold whole samples of 2 bytes; this one has an odd size.")
            )
        return bytes(content)

    async def _emit(self, produce: Callable[[], Iterable[dict[str, Any]]]) -> None:
        """Send the events of a function, each as soon as it is there."""
        events = iter(produce())
        while (event := await self._call(partial(next, events, None))) is not None:
            await self.send(event)

    async def _call(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread, with the language of the stream."""
        run = partial(copy_context().run, function)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._state.streamers, run)
        except RequestError:
            raise
        except SentirError as error:
            raise RequestError(422, "unprocessable", str(error)) from error


def decode_samples(content: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return 16-bit little-endian samples as ``(samples,)`` float32 with full scale at ±1."""
    return (np.frombuffer(content, "<i2") / np.float32(_FULL_SCALE)).astype(np.float32)


def _parse_control(text: str) -> str:
    """Return the type of a control."""
    known = ("flush", "finish", "keep_alive")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        tree = None
    kind = tree.get("type") if isinstance(tree, dict) else None
    if kind not in known:
        message = _('A control is {{"type": NAME}} with one of these names: {known}.', known=", ".join(known))
        raise RequestError(422, "unknown_control", message)
    return str(kind)
