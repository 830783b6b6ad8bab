"""Limits held before anything is parsed; tokens, CORS, request ids, metrics and logs, which hold nothing sent."""

import asyncio
import json
import logging
import socket
import threading

import httpx
import pytest
import uvicorn
from audio_files import tone, write_wav
from starlette.testclient import TestClient

from sentir.serving.app import create_app
from sentir.serving.logging import JsonFormatter, logger
from sentir.serving.settings import Limits, ServerSettings, is_loopback

URL = "/v1/emotions"


def with_limits(**limits):
    return ServerSettings(purpose="research", limits=Limits(**limits))


def refusal(response):
    body = response.json()
    assert body["detail"].endswith(".") and "\n" not in body["detail"], body
    return response.status_code, body["code"]


def test_large_bodies_are_refused_by_their_header_and_by_their_size(serve):
    client = serve(with_limits(max_body_bytes=1000))
    large = b'{"inputs": "' + b"x" * 2000 + b'"}'
    kind = {"content-type": "application/json"}
    assert refusal(client.post(URL, content=large, headers=kind)) == (413, "body_too_large")
    assert refusal(client.post(URL, content=iter([large[:900], large[900:]]), headers=kind)) == (
        413,
        "body_too_large",
    )
    chunks = iter([b"--x\r\n", b"y" * 2000])
    form = {"content-type": "multipart/form-data; boundary=x"}
    assert refusal(client.post(URL, content=chunks, headers=form)) == (413, "body_too_large")
    assert client.post(URL, json={"inputs": "x"}).status_code == 200


def test_numbers_of_files_inputs_and_characters(serve, both_model):
    client = serve(with_limits(max_files=2, max_inputs=3, max_characters=10), both=both_model)
    files = [("files", (f"{n}.wav", b"x")) for n in range(3)]
    assert refusal(client.post(URL, files=files)) == (413, "too_many_files")
    assert refusal(client.post(URL, files=[files[0], files[0]])) == (422, "duplicate_file")
    assert refusal(client.post(URL, json={"inputs": ["x"] * 4})) == (422, "too_many_inputs")
    assert refusal(client.post(URL, json={"inputs": ["x", "y" * 11]})) == (422, "text_too_long")


def test_long_clips_are_refused_before_they_are_decoded(serve, both_model, tmp_path, monkeypatch):
    client = serve(with_limits(max_seconds=1.0), both=both_model)
    long = write_wav(tmp_path / "long.wav", tone(2.5), 16_000).read_bytes()
    body = {"inputs": {"audio": "a.wav", "start": 0.5, "end": 1.2}}
    files = {"a": ("a.wav", long)}
    assert client.post(URL, files=files, data={"request": json.dumps(body)}).json()["predictions"][0]["label"]
    monkeypatch.setattr(type(both_model), "check_modalities", lambda *_a, **_k: pytest.fail("decoded"))
    assert refusal(client.post(URL, files=files)) == (422, "audio_too_long")


def test_decoding_has_a_time(serve, both_model, monkeypatch):
    client, gate = serve(with_limits(decoding_timeout=0.05), both=both_model), threading.Event()
    monkeypatch.setattr(type(both_model), "check_modalities", lambda *_a, **_k: gate.wait(5))
    assert refusal(client.post(URL, files={"a": ("a.wav", b"x")})) == (422, "decoding_timeout")
    gate.set()


def test_slow_bodies_and_too_many_requests(text_model):
    settings = with_limits(body_timeout=0.2, max_concurrent_requests=1)

    async def slow_body():
        yield b'{"inputs":'
        await asyncio.sleep(5)

    async def run():
        transport = httpx.ASGITransport(create_app({"text": text_model}, settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = {"content-type": "application/json"}
            slow = asyncio.create_task(client.post(URL, content=slow_body(), headers=headers))
            await asyncio.sleep(0.05)
            many = await client.post(URL, json={"inputs": "x"})
            alive = await client.get("/v2/health/live")
            return await slow, many, alive, await client.post(URL, json={"inputs": "x"})

    slow, many, alive, later = asyncio.run(run())
    assert refusal(slow) == (408, "body_timeout")
    assert refusal(many) == (429, "too_many_requests") and many.headers["retry-after"] == "1"
    assert alive.status_code == later.status_code == 200


def test_a_token_is_needed_but_for_health(serve):
    client = serve(ServerSettings(token="s3cret"))
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "s3cret"}, {"authorization": "ñ"}):
        headers = {name: value.encode("latin-1") for name, value in headers.items()}
        assert refusal(client.get("/v1/models", headers=headers)) == (401, "unauthorized")
    assert client.get("/v1/models", headers={"authorization": "Bearer s3cret"}).status_code == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/v2/health/live").status_code == client.get("/v2/health/ready").status_code == 200
    assert "s3cret" not in repr(ServerSettings(token="s3cret"))


def test_cors_is_for_the_given_origins(serve):
    client = serve(ServerSettings(cors_origins=("https://example.org",), token="s3cret"))
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin, allowed in (("https://example.org", "https://example.org"), ("https://evil.example", None)):
        response = client.options(URL, headers={"origin": origin, **preflight})
        assert response.headers.get("access-control-allow-origin") == allowed
    assert (
        "access-control-allow-origin" not in serve().get("/v1/models", headers={"origin": "https://a.b"}).headers
    )


def test_a_proxy_prefix(serve):
    client = serve(ServerSettings(token="s3cret"))
    client = TestClient(client.app, root_path="/sentir")
    assert client.get("/sentir/v2/health/live").status_code == 200
    document = client.get("/openapi.json", headers={"authorization": "Bearer s3cret"}).json()
    assert document["servers"] == [{"url": "/sentir"}]


def test_request_ids_logs_and_metrics_hold_nothing_that_was_sent(serve, caplog, monkeypatch):
    client, secret = serve(), "a very private sentence"
    caplog.set_level(logging.INFO, logger="sentir.serving")
    good = client.post(URL, json={"inputs": secret}, headers={"x-request-id": "mine-1"})
    assert good.headers["x-request-id"] == "mine-1"
    odd = client.get(f"/{secret}?q={secret}", headers={"x-request-id": secret})
    assert len(odd.headers["x-request-id"]) == 32
    monkeypatch.setattr("sentir.serving.routes.find_model", lambda *_args: {}[secret])
    assert refusal(client.post(URL, json={"inputs": secret})) == (500, "internal_error")
    lines = [
        json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == logger.name
    ]
    assert [(line["route"], line["status"]) for line in lines] == [(URL, 200), ("other", 404), (URL, 500)]
    assert lines[0]["request_id"] == "mine-1" and lines[0]["seconds"] > 0
    metrics = client.get("/metrics").text
    assert 'sentir_requests_total{method="POST",route="/v1/emotions",status="500"} 1.0' in metrics
    assert 'sentir_predictions_total{model="text"} 1.0' in metrics
    assert "private" not in metrics + json.dumps(lines) + caplog.text


def test_a_logged_error_names_its_lines_but_not_its_message():
    try:
        raise ValueError("a very private sentence")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "failed", (), (ValueError, error, error.__traceback__)
        )
    line = JsonFormatter().format(record)
    assert "private" not in line and "ValueError" in line and "test_limits.py" in line


def test_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.8.0.1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org")))


def test_a_server_that_stops_finishes_what_it_accepted(text_model, monkeypatch):
    started, gate, predict = threading.Event(), threading.Event(), type(text_model).predict

    def slow_predict(*arguments, **options):
        started.set()
        gate.wait(5)
        return predict(*arguments, **options)

    monkeypatch.setattr(type(text_model), "predict", slow_predict)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app({"text": text_model}), log_level="error"))
    threads = [threading.Thread(target=server.run, args=([listener],))]
    responses = []
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{URL}"
    threads.append(
        threading.Thread(target=lambda: responses.append(httpx.post(url, json={"inputs": "I am happy."})))
    )
    for thread in threads:
        thread.start()
    assert started.wait(10)
    server.should_exit = True
    gate.set()
    for thread in threads:
        thread.join(10)
    assert responses[0].json()["predictions"][0]["label"]
