"""WS /v1/stream: the final measurements of a stream are those of the timeline of the same samples."""

import json
import random
import time
from contextlib import ExitStack

import numpy as np
import pytest
from audio_files import encode_opus, tone
from tiny_corpora import spoken_recipe

from sentir.audio.ogg_opus import OggOpusDecoder
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


def stream_with_losses(connect, samples, query="model=audio", seed=0, losses=3):
    """Stream over several connections, each of which is lost at a random block."""
    rng, content, events, start = random.Random(seed), samples.tobytes(), [], 0
    with ExitStack() as connections:  # the server notices a loss by the next connection, or before it
        for n in range(losses + 1):
            again = f"session={events[0]['session']}&received={len(events)}" if n else query
            socket = connections.enter_context(connect(again))
            first = socket.receive_json()
            if n:
                assert first["type"] == "resumed" and "sequence" not in first
                start = first["bytes"]
            else:
                events.append(first)
            rest = list(blocks(np.frombuffer(content[start:], "<i2"), rng))
            for block in rest if n == losses else rest[: rng.randint(0, len(rest))]:
                socket.send_bytes(block)
            if n == losses:
                socket.send_text('{"type": "finish"}')
                return events + receive(socket)
            if rng.random() < 0.5:  # the last events that the client gets
                socket.send_text('{"type": "acknowledge"}')
                events += receive(socket, "acknowledged")[:-1]
            if rng.random() < 0.5:
                socket.close(1006)
    raise AssertionError


def assert_same_turns(streamed, expected):
    assert len(streamed) == len(expected)
    for one, turn in zip(streamed, expected, strict=True):
        assert (one["start"], one["end"], one["labels"]) == (turn["start"], turn["end"], turn["labels"])
        assert one["probabilities"] == pytest.approx(turn["probabilities"], abs=1.01e-6)  # six decimals


@pytest.mark.parametrize("model", ["audio", "both"])
@pytest.mark.parametrize("run", [stream, stream_with_losses])
@pytest.mark.parametrize("count", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_final_measurements_are_those_of_the_timeline(connect, audio_model, both_model, model, run, count):
    import sentir

    recognizer = {"audio": audio_model, "both": both_model}[model]
    for seed in range(count):
        samples = recording(seed)
        events = run(connect, samples, f"model={model}", seed)
        assert [one["sequence"] for one in events] == list(range(len(events)))
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


@pytest.mark.parametrize("is_provisional", [False, True])
@pytest.mark.parametrize("run", [stream, stream_with_losses])
def test_turns_are_normalized_by_those_before_them_as_in_a_causal_timeline(
    serve, trained_models, monkeypatch, run, is_provisional
):
    import sentir

    monkeypatch.setattr("sentir.serving.live.depends_on_dialogue", lambda model: is_provisional)
    recognizer = trained_models.load("multimodal", "torch")
    samples, query = recording(3), "model=both&enroll_turns=earlier"
    client = serve(ServerSettings(purpose="research"), both=recognizer)
    events = run(lambda again: client.websocket_connect(f"{URL}?{again}"), samples, query, 1)
    array = samples.astype(np.float32) / np.float32(32_768)
    expected = sentir.timeline(recognizer, array, sampling_rate=16_000, enroll_turns="earlier").to_dict()
    assert len(expected["turns"]) > 2
    assert_same_turns(events[-1]["timeline"]["turns"], expected["turns"])
    assert events[-1]["timeline"]["settings"] == expected["settings"]
    if not is_provisional:
        assert_same_turns([e["turn"] for e in events if e["type"] == "speech_ended"], expected["turns"])
    plain = sentir.timeline(recognizer, array, sampling_rate=16_000).to_dict()
    pairs = zip(plain["turns"], expected["turns"], strict=True)
    changed = [a["probabilities"] != b["probabilities"] for a, b in pairs]
    assert changed == [False] + [True] * (len(changed) - 1)


def test_events_are_on_the_clock_of_the_audio_and_do_not_depend_on_blocks(connect):
    samples = recording(3)
    events, others = stream(connect, samples, seed=1), stream(connect, samples, seed=2)
    assert events[0].pop("session") != others[0].pop("session") and events == others
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
        ("model=audio&encoding=mp3", "", "invalid_request"),
        ("model=audio&enroll_turns=others", "", "invalid_request"),
        ("model=audio&enroll_turns=earlier", "", "no_speaker_normalization"),
        ("model=audio&encoding=ogg-opus", b"RIFFx", "undecodable"),
        ("session=none", "", "unknown_session"),
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


def test_ogg_opus_gives_the_timeline_of_its_samples(connect, audio_model):
    import sentir

    content = encode_opus(recording(3)[None] / np.float32(32_768), 16_000)
    expected = OggOpusDecoder()
    samples = np.concatenate([*expected.push(content), *expected.finish()])
    with connect("model=audio&encoding=ogg-opus") as socket:
        for start in range(0, len(content), 777):
            socket.send_bytes(content[start : start + 777])
        socket.send_text('{"type": "finish"}')
        events = receive(socket)
    assert events[0]["encoding"] == "ogg-opus"
    timeline = sentir.timeline(audio_model, samples, sampling_rate=16_000).to_dict()
    assert_same_turns(events[-1]["timeline"]["turns"], timeline["turns"])
    assert timeline["turns"] and events[-1]["timeline"]["recording"] == timeline["recording"]


def leave(client, socket, code=1006):
    """Close a connection; return its stream when the server has noticed."""
    session = socket.receive_json()["session"]
    socket.close(code)
    while "sentir_streams 0.0" not in client.get("/metrics").text:
        time.sleep(0.01)
    return session


def test_a_lost_stream_waits_for_its_client(connect):
    with connect() as lost:
        session = lost.receive_json()["session"]
        with connect(f"session={session}&received=1") as socket:  # before the server knows of the loss
            assert receive(lost, "error")[-1]["code"] == "superseded"
            assert socket.receive_json() == {"type": "resumed", "session": session, "bytes": 0}
            socket.send_text('{"type": "finish"}')
            assert [one["type"] for one in receive(socket)] == ["closed"]
            assert socket.receive()["code"] == 1000
    with connect(f"session={session}") as socket:  # the last event was lost
        assert [one["type"] for one in receive(socket)] == ["resumed", "ready", "closed"]
        assert socket.receive()["code"] == 1000
    with connect(f"session={session}&received=3") as socket:
        assert socket.receive_json()["code"] == "invalid_request"


def test_streams_that_wait_are_bounded_in_number_and_in_time(serve, audio_model):
    def make(**limits):
        return serve(ServerSettings(purpose="research", limits=Limits(**limits)), audio=audio_model)

    client, sessions = make(max_streams=2), []
    for code in (1000, 1006, 1006, 1006):  # the first one is closed by its client; there is room for two
        with client.websocket_connect(URL) as socket:
            sessions.append(leave(client, socket, code))
    for session, is_left in zip(sessions, (False, False, True, True), strict=True):
        with client.websocket_connect(f"{URL}?session={session}") as socket:
            assert (socket.receive_json()["type"] == "resumed") == is_left
    client = make(stream_resume_seconds=0.0)
    with client.websocket_connect(URL) as socket:
        session = leave(client, socket)
    with client.websocket_connect(f"{URL}?session={session}") as socket:
        assert socket.receive_json()["code"] == "unknown_session"


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
        ready = socket.receive_json()
        socket.close(1006)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{URL}?session={ready['session']}"):
        pass
