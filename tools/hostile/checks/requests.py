"""Bodies, forms, headers and addresses sent to the server: every response is below 500."""

from __future__ import annotations

import json
import random
from pathlib import Path

from audio_files import tone, write_wav

from hostile.checks.trained import train
from hostile.mutation import awkward_values, mutate_bytes, mutate_text, mutate_tree, to_json
from hostile.running import Attempt
from sentir.serving.app import create_app
from sentir.serving.settings import Limits, ServerSettings
from sentir.timelines.document import Source, Turn
from sentir.timelines.formats import FORMATS
from sentir.timelines.timeline import Timeline

_BODIES = (
    {"inputs": ["I am happy", {"text": "no", "dialogue": "a", "speaker": "Ana", "id": "x"}], "model": "text",
    "abstain": True},
    {"inputs": {"text": "x", "audio": "a.wav", "start": 0, "end": 0.2}, "model": "multimodal", "max_error": 0.1},
    {"inputs": "x", "model": "multimodal"},
)  # fmt: skip
_DOCUMENT = Timeline(
    (Turn(0.5, 2.0, "Ana", "Hi", ("joy",), {"joy": 0.9, "anger": 0.1}),
     Turn(1.5, 3.0, other_tasks={"sentiment": {"x": 1.0}})),
    Source("talk.wav", "0" * 64, 5.0), "emotion", ("joy", "anger"),
).to_dict()  # fmt: skip
_ADDRESSES = (
    "/", "/v1/emotions", "/v1/models", "/v1/limits", "/v1/notice", "/v1/timelines", "/v1/timelines/x",
    "/v1/explanations",
    "/v1/timelines/render", "/v2/health/ready", "/page/../../../../etc/passwd", "/page/%2e%2e/%2e%2e/app.py",
    "/metrics", "/docs",
    "/openapi.json", "/%00", "/v1/timelines/..%2f..%2fx.csv", "//etc/passwd",
)  # fmt: skip
_HEADERS = (
    "accept-language",
    "origin",
    "authorization",
    "x-request-id",
    "content-type",
    "content-length",
    "range",
    "host",
)


def prepare(home: Path) -> Attempt:
    """Return an attempt at a request; the server runs in the process of the case."""
    models = train()
    recognizers = {name: models.load(name, "onnx") for name in ("text", "multimodal")}
    wav = write_wav(home / "a.wav", tone(0.4), 16_000).read_bytes()
    clients: list[object] = []

    def attempt(rng: random.Random, folder: Path) -> str:
        if not clients:
            clients.append(_open_client(recognizers))
        status = _send(rng, clients[0], wav)
        assert status < 500 or status in (501, 503), f"status {status}"  # not installed, or too much at once
        return "accepted" if status < 400 else "refused"

    return attempt


def _open_client(recognizers: object) -> object:
    from starlette.testclient import TestClient

    limits = Limits(max_body_bytes=2**20, max_seconds=10, max_recording_seconds=20)
    app = create_app(recognizers, ServerSettings(purpose="research", limits=limits))  # type: ignore[arg-type]
    return TestClient(app, raise_server_exceptions=True).__enter__()


def _send(rng: random.Random, client: object, wav: bytes) -> int:
    """Send a request and return the status of its response."""
    headers = {}
    if rng.random() < 0.2:
        value = rng.choice((*map(str, awkward_values()), "es;q=0.x", "bytes=0-99999999999",
        "multipart/form-data; boundary=\"",
                            "application/json; charset=utf-7", "-1", "http://evil.example"))  # fmt: skip
        headers[rng.choice(_HEADERS)] = (
            value.encode("latin-1", "replace").decode("latin-1").replace("\n", " ").replace("\0", "")
        )
        headers["content-length"] = headers.get("content-length", "")
        headers = {key: one for key, one in headers.items() if one.strip() and one.isascii()}
    tree = rng.choice(_BODIES)
    kind = rng.randrange(5)
    if kind == 0:
        address, method = rng.choice(_ADDRESSES), rng.choice(("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS"))
        body = mutate_text(rng, json.dumps(tree)) if method in ("POST", "PUT") else b""
        return client.request(method, address, content=body, headers=headers).status_code  # type: ignore[attr-defined]
    if kind == 1:
        tree = _DOCUMENT
        address = f"/v1/timelines/render?format={rng.choice([*FORMATS, 'x'])}"
    else:
        address = rng.choice(("/v1/emotions",) * 4 + ("/v1/timelines", "/v1/explanations"))
    if kind in (1, 2):
        content = to_json(rng, mutate_tree(rng, tree))
        headers.setdefault("content-type", "application/json")
        return client.post(address, content=content, headers=headers).status_code  # type: ignore[attr-defined]
    if kind == 3:
        files = [(rng.choice(("f", "enroll", "file", "audio", "request")), (rng.choice(("a.wav", "../a",
                  "x" * 300, "ñ.mp3", "a.eaf")),
                 mutate_bytes(rng, wav) if rng.random() < 0.7 else wav)) for _file in range(rng.choice((1, 1,
                 2)))]  # fmt: skip
        fields = {
            "request": to_json(rng, mutate_tree(rng, tree)).decode("utf-8", "replace"),
            "format": rng.choice(("json", "eaf", "\0")),
        }
        headers.pop("content-type", None), headers.pop("content-length", None)
        return client.post(address, files=files, data=fields, headers=headers).status_code  # type: ignore[attr-defined]
    form = (
        b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"model": "multimodal"}\r\n--b\r\n'
        b'Content-Disposition: form-data; name="f"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        + wav[:4000]
        + b"\r\n--b--"
    )
    headers["content-type"] = rng.choice(
        ("multipart/form-data; boundary=b",) * 5 + ("multipart/form-data", "multipart/form-data; boundary=")
    )
    headers.pop("content-length", None)
    return client.post(address, content=mutate_bytes(rng, form), headers=headers).status_code  # type: ignore[attr-defined]
