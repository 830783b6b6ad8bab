"""WS /v1/stream: the final measurements of a stream are those of the timeline of the same samples."""

import json
import random

import numpy as np
import pytest
from audio_files import tone
from tiny_corpora import spoken_recipe

from sentir.serving.settings import Limits, ServerSettings
from sentir.training.recognizers import fit_recognizer

timelines = pytest.importorskip("sentir.timelines.timeline")
pytestmark = pytest.mark.usefixtures("one_store")
URL = "/v1/stream"


@pytest.fixture(autouse=True)
def energy(monkeypatch):
    """Find turns by energy, as tones are no speech."""
    monkeypatch.setattr("sentir.timelines.voice_activity.find_spec", lambda name: None)


@pytest.fixture(scope="module")
def audio_model(spoken, weights, sounds):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        return fit_recognizer(spoken_recipe(weights), spoken)[0]


@pytest.fixture
def connect(serve, audio_model, both_model, text_model):
    """From the query of an address to a connection to a server."""
    models = {"audio": audio_model, "both": both_model, "text": text_model}
    client = serve(
        ServerSettings(purpose="research", limits=Limits(max_streams=2, max_recording_seconds=30)), **models
    )
    return lambda query="model=audio": client.websocket_connect(f"{URL}?{query}")


def recording(seed):
    """Random tones with pauses, as 16-bit samples at 16 kHz."""
    rng = random.Random(seed)
    parts = []
    for _n in range(rng.randint(0, 4)):
        parts.append(np.zeros(int(rng.uniform(0.3, 1.2) * 16_000), np.float32))
        parts.append(rng.uniform(0.1, 0.9) * tone(rng.uniform(0.2, 4.0), rng.uniform(150, 2000)))
    parts.append(np.zeros(rng.randint(1, 12_000), np.float32))
    noise = np.random.default_rng(seed).normal(0, 0.001, sum(map(len, parts)))
    return np.round(32_767 * (np.concatenate(parts) + noise).clip(-1, 1)).astype("<i2")


def blocks(samples, rng):
    """The bytes of samples, cut at random borders."""
    start = 0
    while start < len(samples):
        size = rng.choice([1, 100, 512, 800, 5000, 20_000])
        yield samples[start : start + size].tobytes()
        start += size


def receive(socket, until="closed"):
    events = [socket.receive_json()]
    while events[-1]["type"] not in (until, "error"):
        events.append(socket.receive_json())
    return events


def stream(connect, samples, query="model=audio", seed=0):
    with connect(query) as socket:
        for block in blocks(samples, random.Random(seed)):
            socket.send_bytes(block)
        socket.send_text('{"type": "finish"}')
        return receive(socket)


def assert_same_turns(streamed, expected):
    assert len(streamed) == len(expected)
    for one, turn in zip(streamed, expected, strict=True):
        assert (one["start"], one["end"], one["labels"]) == (turn["start"], turn["end"], turn["labels"])
        assert one["probabilities"] == pytest.approx(turn["probabilities"], abs=1.01e-6)  # six decimals


@pytest.mark.parametrize("model", ["audio", "both"])
@pytest.mark.parametrize("count", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_final_measurements_are_those_of_the_timeline(connect, audio_model, both_model, model, count):
    import sentir

    recognizer = {"audio": audio_model, "both": both_model}[model]
    for seed in range(count):
        samples = recording(seed)
        events = stream(connect, samples, f"model={model}", seed)
        array = samples.astype(np.float32) / np.float32(32_768)
        expected = sentir.timeline(recognizer, array, sampling_rate=16_000).to_dict()
        closed = events[-1]["timeline"]
        assert_same_turns(closed["turns"], expected["turns"])
        assert closed["recording"] == expected["recording"] and closed["settings"] == expected["settings"]
        ended = [one for one in events if one["type"] == "speech_ended"]
        assert [one["turn"]["start"] for one in ended] == [turn["start"] for turn in expected["turns"]]
        if model == "audio":  # with dialogue context they are final at the end only
            assert_same_turns([one["turn"] for one in ended], expected["turns"])
        assert {one["final"] for one in ended} <= {model == "audio"}


def test_events_are_on_the_clock_of_the_audio_and_do_not_depend_on_blocks(connect):
    samples = recording(3)
    events, others = stream(connect, samples, seed=1), stream(connect, samples, seed=2)
    assert events == others
    assert [one["sequence"] for one in events] == list(range(len(events)))
    assert events[0]["type"] == "ready" and events[0]["sampling_rate"] == 16_000
    kinds = [one["type"] for one in events]
    assert {"speech_started", "measurement", "speech_ended"} <= set(kinds)
    open_since = None
    for one in events:
        if one["type"] == "speech_started":
            open_since = one["time"]
        elif one["type"] == "measurement":
            assert not one["final"] and one["turn"]["start"] == open_since and one["turn"]["end"] == one["time"]
            assert one["turn"]["labels"]
        elif one["type"] == "speech_ended":
            assert one["turn"]["start"] == pytest.approx(open_since, abs=1e-6)
    assert "measurement" not in [one["type"] for one in stream(connect, samples, "model=audio&interval=0")]


def test_flush_measures_the_open_turn_now(connect):
    loud = np.round(20_000 * tone(0.5, 700)).astype("<i2")
    silence = np.random.default_rng(0).normal(0, 20, 16_000).astype("<i2")
    with connect("model=audio&interval=0") as socket:
        socket.send_text('{"type": "keep_alive"}')
        socket.send_text('{"type": "flush"}')  # nothing is open
        socket.send_bytes(silence.tobytes() + loud.tobytes())
        socket.send_text('{"type": "flush"}')
        events = receive(socket, "measurement")
        assert [one["type"] for one in events] == ["ready", "speech_started", "measurement"]
        socket.send_text('{"type": "finish"}')
        assert len(receive(socket)[-1]["timeline"]["turns"]) == 1


@pytest.mark.parametrize(
    ("query", "message", "code"),
    [
        ("", "", "model_needed"),
        ("model=none", "", "unknown_model"),
        ("model=text", "", "missing_modality"),
        ("model=audio&interval=0.01", "", "invalid_request"),
        ("model=audio&interval=x", "", "invalid_request"),
        ("model=audio", "{}", "unknown_control"),
        ("model=audio", "[" * 5000, "unknown_control"),
        ("model=audio", b"abc", "odd_block"),
    ],
)
def test_refusals(connect, query, message, code):
    with connect(query) as socket:
        if message:
            (socket.send_bytes if isinstance(message, bytes) else socket.send_text)(message)
        error = receive(socket, "error")[-1]
        assert error["code"] == code and error["detail"].endswith(".")
        assert socket.receive()["code"] == 1008


def test_streams_are_limited_in_number_and_in_time(connect):
    with connect() as first, connect():
        assert first.receive_json()["type"] == "ready"
        with connect() as third:
            assert third.receive_json()["code"] == "too_many_streams"
    with connect() as socket:
        for _n in range(3):
            socket.send_bytes(np.zeros(12 * 16_000, "<i2").tobytes())
        events = receive(socket)
    assert events[-1]["type"] == "closed" and json.dumps(events[-1]["timeline"]["turns"]) == "[]"


def test_a_token_is_needed(serve, audio_model):
    from starlette.websockets import WebSocketDisconnect

    client = serve(ServerSettings(purpose="research", token="s3cret"), audio=audio_model)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(URL):
        pass
    with client.websocket_connect(URL, headers={"authorization": "Bearer s3cret"}) as socket:
        assert socket.receive_json()["type"] == "ready"
