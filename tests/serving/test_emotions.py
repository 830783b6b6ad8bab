"""POST /v1/emotions: texts, conversations, files, and what it refuses."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from audio_files import tone, write_wav

from sentir.serving.settings import ServerSettings

URL = "/v1/emotions"


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    return write_wav(tmp_path_factory.mktemp("wav") / "clip.wav", tone(1.2), 16_000).read_bytes()


def post(client, body, **headers):
    return client.post(URL, json=body, headers=headers)


def refusal(response):
    """Status and code of an error, which has one sentence."""
    body = response.json()
    assert body["detail"].endswith(".") and "\n" not in body["detail"], body
    return response.status_code, body["code"]


def test_predictions_are_those_of_the_recognizer(client, text_model):
    texts = ["I am happy.", "She is lonely today.", ""]
    body = post(client, {"model": "text", "inputs": texts}).json()
    assert body["model"] == "text" and body["task"] == "emotion" and body["synthetic"] is False
    for got, expected in zip(body["predictions"], text_model.predict(texts), strict=True):
        assert got["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
        assert (got["id"], got["label"], got["problem"]) == (expected.id, expected.label, expected.problem)
        assert got["modalities"] == list(expected.modalities) and got["notes"] == list(expected.notes)
    single = post(client, {"model": "text", "inputs": texts[0]}).json()["predictions"]
    assert [row["id"] for row in single] == ["text1"]


def test_turns_of_a_dialogue_are_its_context_and_keep_their_ids(client, both_model):
    turns = [{"text": text, "dialogue": "a", "id": f"t{n}"} for n, text in enumerate(["I am sad.", "How fine!"])]
    got = post(client, {"model": "both", "inputs": turns}).json()["predictions"]
    expected = both_model.predict(turns)
    alone = both_model.predict(turns[1])
    assert [row["id"] for row in got] == ["t0", "t1"]
    assert got[1]["probabilities"] == pytest.approx(expected[1].probabilities, abs=1e-6)
    assert got[1]["probabilities"] != pytest.approx(alone.probabilities, abs=1e-6)


def test_files_alone_and_with_texts(client, both_model, wav):
    files = [("files", ("a.wav", wav)), ("files", ("b.wav", wav))]
    request = {"model": "both", "inputs": [{"text": "So fine.", "audio": "b.wav"}]}
    got = client.post(URL, files=files, data={"request": json.dumps(request)}).json()["predictions"]
    assert [row["id"] for row in got] == ["item1", "a.wav"]
    assert [row["modalities"] for row in got] == [["text", "audio"], ["audio"]]
    expected = [both_model.predict({"text": "So fine.", "audio": wav}), both_model.predict(wav)]
    for row, one in zip(got, expected, strict=True):
        assert row["probabilities"] == pytest.approx(one.probabilities, abs=1e-6)


def test_a_damaged_file_has_a_problem_and_does_not_stop_the_others(client, wav):
    files = [("files", ("a.wav", wav)), ("files", ("b.mp4", b"no media"))]
    got = client.post(URL, files=files, data={"request": '{"model": "both"}'})
    assert got.status_code == 200
    first, second = got.json()["predictions"]
    assert first["label"] and second["label"] is None and "cannot be decoded" in second["problem"]


def test_the_model_abstains(client, text_model):
    rows = post(client, {"model": "text", "inputs": ["I am happy."], "abstain": True}).json()["predictions"]
    assert rows[0]["abstain"] in (True, False)
    assert refusal(post(client, {"model": "text", "inputs": "x", "max_error": 1e-9})) == (422, "unprocessable")


@pytest.mark.parametrize(
    ("body", "code", "status", "word"),
    [
        ({"model": "text"}, "no_inputs", 422, "inputs"),
        ({"model": "text", "inputs": []}, "no_inputs", 422, "inputs"),
        ({"inputs": "x"}, "model_needed", 422, "text, both"),
        ({"model": "none", "inputs": "x"}, "unknown_model", 404, "text, both"),
        ({"model": "text", "inputs": [1]}, "invalid_request", 422, "'inputs.0'"),
        ({"model": "text", "inputs": {"txt": "x"}}, "invalid_request", 422, "'inputs.txt'"),
        ({"model": "text", "inputs": [{"text": 1}]}, "invalid_request", 422, "'inputs.0.text'"),
        ({"model": "text", "inputs": [{"speaker": "Ana"}]}, "empty_input", 422, "Input 1"),
        ({"model": "text", "inputs": "x", "max_error": 2}, "invalid_request", 422, "less than 1"),
        ({"model": "text", "inputs": "x", "abstain": "yes"}, "invalid_request", 422, "true or false"),
        ({"model": "text", "inputs": {"audio": "/etc/passwd"}}, "missing_file", 422, "uploaded"),
        ({"model": "text", "inputs": {"text": "x", "speaker": "a" * 201}}, "invalid_request", 422, "200"),
        ([], "invalid_request", 422, "object"),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_in_one_sentence(client, body, code, status, word):
    response = post(client, body)
    assert refusal(response) == (status, code)
    assert word in response.json()["detail"]


def test_bodies_that_are_no_request(client):
    json_type = {"content-type": "application/json"}
    assert refusal(client.post(URL, content=b"{", headers=json_type)) == (400, "invalid_json")
    assert refusal(client.post(URL, content=b'{"inputs": "\xff"}', headers=json_type)) == (400, "invalid_json")
    assert refusal(client.post(URL, content=b"x")) == (415, "unsupported_media_type")
    for boundary in ("", "; boundary=x", "; boundary="):
        headers = {"content-type": f"multipart/form-data{boundary}"}
        assert refusal(client.post(URL, content=b"--y\r\n", headers=headers))[0] in (400, 422)
    assert refusal(client.get(URL)) == (405, "method_not_allowed")
    assert refusal(client.get("/none")) == (404, "not_found")


def test_inputs_without_a_modality_of_the_model_are_refused(client, wav):
    response = client.post(URL, files=[("files", ("a.wav", wav))], data={"request": '{"model": "text"}'})
    assert refusal(response) == (422, "missing_modality")


def test_messages_are_in_the_language_of_the_request(client):
    for header, language in (
        ("es-MX,en;q=0.3", "es"),
        ("en", "en"),
        ("fr", "en"),
        ("es;q=0,en", "en"),
        ("", "en"),
    ):
        assert client.get("/v1/notice", headers={"accept-language": header}).json()["language"] == language
    problem = post(client, {"model": "text", "inputs": [""]}, **{"accept-language": "es"}).json()["predictions"]
    assert problem[0]["problem"] == "El texto está vacío."


def test_models_and_openapi(client):
    body = client.get("/v1/models").json()
    assert [one["name"] for one in body["models"]] == ["text", "both"] and body["purpose"] == "research"
    assert [one["is_emotion_recognition_system"] for one in body["models"]] == [False, True]
    document = client.get("/openapi.json").json()
    post_emotions = document["paths"]["/v1/emotions"]["post"]
    content = post_emotions["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert "EmotionsRequest" in document["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(document)
    for example in content["application/json"]["examples"].values():
        assert post(client, example["value"] | {"model": "text"}).status_code == 200


def test_the_server_imports_no_torch():
    code = (
        "import sys, sentir.serving.run\nprint(*{'torch', 'transformers', 'timm', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_nothing_that_was_sent_is_kept(serve, both_model, wav, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = serve(ServerSettings(purpose="research"), both=both_model)
    files = [("files", ("a.wav", wav))]
    request = {"model": "both", "inputs": [{"text": "So fine.", "audio": "a.wav"}, "Private."]}
    assert client.post(URL, files=files, data={"request": json.dumps(request)}).status_code == 200
    folders = [Path(os.environ[name]) for name in ("SENTIR_STATE_DIR", "SENTIR_CACHE_DIR")]
    kept = [path for folder in (*folders, tmp_path) for path in folder.rglob("*")]
    assert [path.name for path in kept if path.is_file()] == ["lock"]  # of the private folder of the server
