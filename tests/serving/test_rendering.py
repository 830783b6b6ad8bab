"""POST /v1/timelines/render, and conversations in text alone: what the page downloads, and what it sends."""

import time

import pytest
from audio_files import tone, write_wav

from sentir.timelines.formats import FORMATS, read_turns
from sentir.timelines.timeline import Timeline

URL = "/v1/timelines/render"
TURN = {"start": 0.5, "end": 2.0, "speaker": "Ana", "text": "I got it!", "labels": ["joy"], "confidence": 0.8,
        "probabilities": {"joy": 0.8, "anger": 0.2}}  # fmt: skip


def document(*turns, **values):
    return {
        "schema": "sentir-timeline/1",
        "recording": {"file": "talk.wav", "sha256": "", "seconds": 3.0},
        "model": {"name": "mine", "sha256": ""},
        "task": "emotion",
        "labels": ["anger", "joy"],
        "synthetic": False,
        "settings": {},
        "notes": [],
        "turns": [*turns] or [TURN],
        **values,
    }


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"html"}))
def test_a_corrected_document_is_written_in_every_format_that_is_read(client, tmp_path, format):
    corrected = {**TURN, "labels": ["anger"]}
    response = client.post(URL, params={"format": format}, json=document(corrected))
    assert response.status_code == 200, response.text
    suffix = FORMATS[format].suffix
    assert response.headers["content-disposition"] == f'attachment; filename="timeline{suffix}"'
    (tmp_path / f"timeline{suffix}").write_bytes(response.content)
    (turn,) = read_turns(tmp_path / f"timeline{suffix}")
    assert turn.text in ("I got it!", None) and (turn.labels == ("anger",) or format == "txt")


def test_a_page_is_a_download_and_names_no_file_of_the_server(client):
    response = client.post(URL, params={"format": "html"}, json=document(recording={
        "file": "/etc/hostname", "sha256": "", "seconds": 3.0}))  # fmt: skip
    assert response.headers["content-type"].startswith("text/plain")
    assert "base64" not in response.text and "I got it!" in response.text


def test_what_the_server_made_comes_back_equal(client):
    timeline = Timeline.from_dict(document())
    response = client.post(URL, json=timeline.to_dict())
    assert Timeline.from_json(response.text) == timeline


@pytest.mark.parametrize(
    "body",
    [
        {},
        document(schema="sentir-timeline/2"),
        document({**TURN, "start": -1}),
        document({**TURN, "start": 3.0}),
        document({"start": 1.0}),
        document({**TURN, "unknown": 1}),
        document({**TURN, "labels": [1]}),
        document({**TURN, "confidence": 2}),
        document({**TURN, "text": "x" * 20_001}),
        document(labels=["x" * 201]),
    ],
    ids=range(10),
)
def test_a_damaged_document_is_refused_in_a_sentence(client, body):
    response = client.post(URL, json=body)
    assert response.status_code == 422 and response.json()["detail"].endswith(".")


def test_an_unknown_format_and_one_that_needs_times_are_refused(client):
    unknown = client.post(URL, params={"format": "doc"}, json=document())
    without_times = client.post(URL, params={"format": "srt"}, json=document({"text": "x"}))
    for response in (unknown, without_times):
        assert response.status_code == 422 and "/tmp" not in response.json()["detail"]


def finish(client, **request):
    """Send a form, and return the job when it is finished."""
    job = client.post("/v1/timelines", **request)
    assert job.status_code == 202, job.text
    address = f"/v1/timelines/{job.json()['id']}"
    while (job := client.get(address).json())["status"] in ("waiting", "running"):
        time.sleep(0.02)
    return job, client.get(f"{address}/result")


@pytest.mark.usefixtures("one_store")
def test_a_conversation_in_text_alone_becomes_a_timeline(client):
    chat = b"Ana: I got it!\nBen: Leave me alone.\n"
    job, result = finish(client, files={"turns": ("chat 1.txt", chat)}, data={"model": "text"})
    assert job["status"] == "done", job
    timeline = result.json()
    assert timeline["recording"]["file"] == "chat 1.txt"
    assert [(turn["speaker"], turn["text"]) for turn in timeline["turns"]] == [
        ("Ana", "I got it!"), ("Ben", "Leave me alone.")]  # fmt: skip
    assert all(turn["probabilities"] for turn in timeline["turns"])


def test_a_damaged_conversation_is_named_as_the_client_calls_it(client):
    job, _result = finish(client, files={"turns": ("mine.srt", b"no subtitles")}, data={"model": "text"})
    assert job["status"] == "failed" and "mine.srt" in job["problem"] and "timeline-" not in job["problem"]


def test_a_model_of_text_says_what_it_needs_of_a_recording(client, tmp_path):
    wav = write_wav(tmp_path / "talk.wav", tone(1.0, 440), 16_000).read_bytes()
    job, _result = finish(client, files={"recording": ("talk.wav", wav)}, data={"model": "text"})
    assert job["status"] == "failed" and job["problem"].startswith("This model takes texts, not audio.")
