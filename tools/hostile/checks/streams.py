"""Messages sent to the WebSocket: the stream ends with an event, or the connection is closed by a rule."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
from audio_files import encode_opus, tone

from hostile.checks.trained import train
from hostile.mutation import awkward_values, mutate_bytes, mutate_text
from hostile.running import Attempt
from sentir.serving.app import create_app
from sentir.serving.settings import Limits, ServerSettings

_QUERIES = (
    "model=multimodal", "model=multimodal&interval=0.5", "model=multimodal&encoding=ogg-opus", "model=text", "",
    "model=%00",
    "model=multimodal&interval=nan", "model=multimodal&interval=1e999", "model=multimodal&encoding=x",
    "session=x", "session=",
    "model=multimodal&session=../x&received=-1", "model=multimodal&enroll_turns=x",
    "model=multimodal&received=9" + "9" * 5000,
    "model=multimodal&language=\u202e",
)  # fmt: skip
_CONTROLS = ("flush", "finish", "keep_alive", "acknowledge", "x", "")


def prepare(home: Path) -> Attempt:
    """Return an attempt at a stream; the server runs in the process of the case."""
    from sentir.timelines import voice_activity

    voice_activity.find_spec = lambda name: None  # turns by energy: tones are no speech
    models = train()
    recognizers = {name: models.load(name, "onnx") for name in ("text", "multimodal")}
    opus = encode_opus(tone(1.0, sampling_rate=48_000)[None], 48_000)
    samples = (tone(1.0) * 2**15).astype("<i2").tobytes() + bytes(16_000)
    clients: list[object] = []

    def attempt(rng: random.Random, folder: Path) -> str:
        from starlette.testclient import TestClient

        if not clients:
            limits = Limits(max_streams=2, max_recording_seconds=5, stream_resume_seconds=0.05)
            app = create_app(recognizers, ServerSettings(purpose="research", limits=limits))
            clients.append(TestClient(app, raise_server_exceptions=True).__enter__())
        return _talk(rng, clients[0], {"ogg-opus": opus, "s16le": samples})

    return attempt


def _talk(rng: random.Random, client: object, contents: dict[str, bytes]) -> str:
    from starlette.websockets import WebSocketDisconnect

    query = rng.choice(_QUERIES[:3] * 3 + _QUERIES)
    content = contents["ogg-opus" if "opus" in query else "s16le"]
    try:
        with client.websocket_connect(f"/v1/stream?{query}") as socket:  # type: ignore[attr-defined]
            for _message in range(rng.choice((1, 2, 4))):
                _send(rng, socket, content)
            if rng.random() < 0.9:
                socket.send_text('{"type": "finish"}')
                while (event := socket.receive_json())["type"] not in ("closed", "error"):
                    np.asarray(event.get("time", 0.0))
                return "accepted" if event["type"] == "closed" else "refused"
    except WebSocketDisconnect as error:
        assert error.code != 1011, "an error of the server"
        return "refused"
    return "accepted"


def _send(rng: random.Random, socket: object, content: bytes) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        message = {"type": rng.choice(_CONTROLS), rng.choice(("received", "x")): rng.choice(awkward_values())}
        socket.send_text(json.dumps(message))  # type: ignore[attr-defined]
    elif kind == 1:
        text = mutate_text(rng, '{"type": "keep_alive"}').decode("utf-8", "replace")
        socket.send_text("[" * 100_000 if rng.random() < 0.05 else text)  # type: ignore[attr-defined]
    elif kind == 2:
        socket.send_bytes(content[: rng.randrange(len(content))])  # type: ignore[attr-defined]
    else:
        socket.send_bytes(mutate_bytes(rng, content))  # type: ignore[attr-defined]
