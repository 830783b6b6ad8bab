"""Whatever is sent, the server answers, and never with a 5xx."""

import json
import random

import pytest
import schemathesis
from audio_files import tone, write_encoded, write_wav
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from sentir.serving.app import create_app

URL = "/v1/emotions"


def hostile_files(folder, n):
    """Media files that were damaged, cut off, or are something else."""
    wav = write_wav(folder / "a.wav", tone(0.8), 16_000).read_bytes()
    flac = write_encoded(folder / "a.flac", tone(0.8), 16_000, "flac", "flac").read_bytes()
    ogg = write_encoded(folder / "a.ogg", tone(0.8), 48_000, "libopus", "ogg").read_bytes()
    rng = random.Random(0)
    for k in range(n):
        content = bytearray(rng.choice([wav, flac, ogg]))
        for _change in range(rng.randint(1, 30)):
            content[rng.randrange(min(len(content), rng.choice([64, len(content)])))] = rng.randrange(256)
        kind = k % 4
        if kind == 1:
            content = content[: rng.randrange(len(content))]
        elif kind == 2:
            content = rng.randbytes(rng.randint(0, 3000))
        yield f"{rng.choice(['a.wav', 'x.npy', '../../a', 'a' * 300, 'ñ.mp4', ''])}", bytes(content)


def hostile_messages(n):
    """JSON that is no request, deep, or large numbers."""
    rng = random.Random(1)
    texts = [
        "\x00",
        "\u202e",
        "a" * 20_000,
        "😀" * 500,
        "\ud800",
        "NaN",
        " ",
        "a\n" * 999,
        "<script>",
        "%s{0}{a}",
    ]
    for k in range(n):
        text = rng.choice(texts)
        value = rng.choice(
            [text, [text], {"text": text, "dialogue": text[:100]}, [[text]], None, 1e308, -1, True]
        )
        body = {
            "inputs": value,
            rng.choice(["model", "abstain", "max_error", text[:9]]): rng.choice(["text", 0.5]),
        }
        content = json.dumps(body).encode()
        if k % 5 == 1:
            content = content[: rng.randrange(len(content))]
        elif k % 5 == 2:
            content = b"[" * rng.randint(1, 100_000)
        elif k % 5 == 3:
            content = content.replace(b"0.5", rng.choice([b"NaN", b"1e999", b"Infinity", b"9" * 5000]))
        yield content


@pytest.mark.usefixtures("one_store")
@pytest.mark.parametrize("n", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_no_file_or_message_makes_the_server_fail(client, tmp_path, n):
    for name, content in hostile_files(tmp_path, n):
        response = client.post(URL, files=[("f", (name or "f", content))], data={"request": '{"model": "both"}'})
        assert response.status_code < 500, name
    for content in hostile_messages(n):
        response = client.post(URL, content=content, headers={"content-type": "application/json"})
        assert response.status_code < 500, content[:100]
    assert client.get("/v2/health/ready").status_code == 200


def test_spectrograms_on_the_server_are_no_inputs(client, tmp_path, monkeypatch):
    """The name of an upload is never the path of a file here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "audio1").write_bytes(b"x")
    response = client.post(URL, files=[("f", ("secret.npy", b"x"))], data={"request": '{"model": "both"}'})
    assert "cannot be decoded" in response.json()["predictions"][0]["problem"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_the_server_keeps_to_its_openapi_document(text_model, mode):
    """Send what the document allows, and what it does not."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app({"text": text_model}))
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and not list(operation.body):
            continue  # without a body nothing is wrong

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        def check(case):
            case.call_and_validate(excluded_checks=[positive_data_acceptance])  # of names and files that exist

        check()
