"""POST /v1/explanations: the words and moments of a prediction, or one sentence on why there are none."""

import pytest
from audio_files import tone, write_wav

from sentir import api
from sentir.serving.explaining import why_no_explanation

URL = "/v1/explanations"


def test_the_words_are_those_of_explain(client, text_model):
    text = "I am so glad that you came."
    body = client.post(URL, json={"model": "text", "inputs": text}).json()
    expected = api.explain(text_model, text=text)
    assert body["label"] == expected.label and body["score"] == pytest.approx(expected.score, abs=1e-4)
    (passage,) = body["passages"]
    assert [word["text"] for word in passage["words"]] == [
        w.text for w in expected.text_attribution.passages[0].words
    ]
    values = [word["value"] for word in passage["words"]]
    assert values == pytest.approx(expected.text_attribution.values.tolist(), abs=1e-4) and body["moments"] == []


@pytest.mark.usefixtures("one_store")
def test_the_moments_of_a_clip_lie_in_it(client, tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(1.5, 440), 16_000)
    data = {"request": '{"model": "both", "inputs": [{"text": "I am glad.", "audio": "a.wav"}]}'}
    response = client.post(URL, files={"f": ("a.wav", path.read_bytes())}, data=data)
    moments = response.json()["moments"]
    assert moments and all(0 <= one["time"] <= 1.5 and 0 <= one["value"] <= 1 for one in moments)
    assert max(one["value"] for one in moments) in (0, 1)


@pytest.mark.usefixtures("one_store")
def test_one_turn_of_a_dialogue_is_explained_with_the_others(client):
    turns = [{"text": text, "dialogue": "d"} for text in ("I am glad.", "Leave me alone.", "What?")]
    body = client.post(URL, params={"number": 2}, json={"model": "both", "inputs": turns}).json()
    assert [passage["position"] for passage in body["passages"]] == ["before", "own", "after"]


@pytest.mark.parametrize("query", [{"number": 0}, {"number": 2}, {"label": "nothing"}])
def test_what_cannot_be_explained_is_refused(client, query):
    response = client.post(URL, params=query, json={"model": "text", "inputs": "Hello."})
    assert response.status_code == 422 and response.json()["detail"].endswith(".")


def test_without_the_laboratory_one_sentence_says_so(client, text_model, monkeypatch):
    monkeypatch.setattr("sentir.optional_dependencies.is_installed", lambda name: name != "captum")
    response = client.post(URL, json={"model": "text", "inputs": "Hello."})
    assert (response.status_code, response.json()["code"]) == (501, "no_explanations")
    assert "captum" in response.json()["detail"]
    assert not any(model["can_explain"] for model in client.get("/v1/models").json()["models"])


def test_exported_models_and_baselines_are_not_explained():
    assert why_no_explanation(api.load("starter")) and why_no_explanation(object())
