"""What a prediction and a list of them offer, embeddings, languages, and predictions from several threads."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_corpora import spoken_recipe

import sentir
from sentir import Prediction, Recognizer
from sentir.api import write_embeddings
from sentir.corpus.predictions import TaskPrediction
from sentir.errors import RecognizerError, SentirError
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.recognizer.hub import find_model
from sentir.recognizer.prediction_tables import PredictionList
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")
TEXTS = ["I am happy.", "She is lonely today.", "They look fine!", "", "How glad, glad!"]


def test_a_label_is_the_most_probable_one_and_a_value_the_number():
    several = Prediction("1", "", None, ("anger", "joy"), {"anger": 0.6, "joy": 0.9})
    assert several.label == "joy" and several.value is None
    assert Prediction("1", "", None, (), {"joy": 0.1}).label is None
    number = Prediction("1", "", None, (), {}, values={"valence": 1.5})
    assert number.label is None and number.value == 1.5
    assert TaskPrediction(("a",), {"a": 1.0}, {}).label == "a"


def test_a_prediction_is_json_and_a_list_is_a_frame(text_model, tmp_path):
    rows = text_model.predict([*TEXTS, {"text": "I am happy.", "id": "mine", "mood": "x", "speaker": "Ana"}])
    tree = json.loads(json.dumps(rows[0].to_dict()))
    assert tree["label"] == rows[0].label == rows[0].labels[0] and tree["modalities"] == ["text"]
    assert set(Prediction.__dataclass_fields__) <= set(tree)
    frame = rows.to_frame()
    assert isinstance(rows, list) and len(frame) == len(rows) and list(frame["id"])[-1] == "mine"
    sentir.write_predictions(rows, tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(frame, pd.read_parquet(tmp_path / "out.parquet"), check_dtype=False)
    assert list(PredictionList().to_frame().columns) == ["label", "problem", "notes"]


def test_the_views_are_short_and_escaped(text_model):
    rows = text_model.predict(["<b>happy</b>\n\x1b", *["I am happy."] * 30, ""])
    html = rows._repr_html_()
    assert "<b>happy" not in html and "&lt;b&gt;" in html and "\x1b" not in html and html.count("<tr>") == 22
    assert "… (+12)" in html and "The text is empty." in rows[-1:][0]._repr_html_()
    for row in rows:
        assert "\n" not in repr(row) and row.id in repr(row) and len(repr(row)) < 300
    assert "label='joy'" in repr(replace(rows[1], labels=("joy",)))


def test_texts_of_another_language_are_noted(text_model, monkeypatch, caplog):
    spanish = "No sé qué decirte, pero la verdad es que todo esto me parece muy triste y no lo entiendo."
    english = "I do not know what to tell you, but this is all very sad and I can not understand it at all."
    spec = TEXT_BACKBONES.get("roberta-base")
    monkeypatch.setitem(TEXT_BACKBONES._entries, "roberta-base", replace(spec, languages=("en",)))
    note = "Not sure: the text is in Spanish, and the model was trained on English."
    rows = text_model.predict([spanish, english, "Hi."])
    assert [(note in row.notes, row.abstain, bool(row.label)) for row in rows] == [
        (True, True, True), (False, None, True), (False, None, True)
    ]  # fmt: skip
    turns = [{"text": text, "dialogue": "d"} for text in (spanish, spanish, "Hola.")]
    rows = text_model.predict([*turns, "Hola.", english], abstain=True)
    assert [note in row.notes for row in rows] == [True, True, True, False, False]
    assert [row.abstain for row in rows][:3] == [True] * 3 and None not in [row.abstain for row in rows]
    assert "Spanish" in caplog.text
    unknown = replace(text_model, facts={**text_model.facts, "language": None})
    own = replace(text_model, facts={**text_model.facts, "language": "es"})
    for model in (unknown, own):
        row = model.predict(spanish)
        assert row.abstain is None
        assert row.notes == ("The text is in Spanish, which its encoder was not trained on.",)
    monkeypatch.setitem(TEXT_BACKBONES._entries, "roberta-base", replace(spec, languages=()))
    assert not text_model.predict(spanish).notes


def test_embeddings_do_not_depend_on_the_batch(multimodal_model, spoken):
    vectors = multimodal_model.embed([*spoken.dev])
    assert vectors.dtype == np.float32 and vectors.shape[0] == len(spoken.dev) and np.isfinite(vectors).all()
    np.testing.assert_allclose(multimodal_model.embed(spoken.dev[3]), vectors[3], atol=1e-5)


def test_the_head_on_embeddings_gives_the_predictions(multimodal_model, trained_models, spoken):
    with torch.inference_mode():
        head = trained_models.load("multimodal", "torch").model.head
        logits = head(torch.from_numpy(multimodal_model.embed([*spoken.dev]))).numpy()
    rows = multimodal_model.predict([*spoken.dev])
    assert [multimodal_model.space.names[k] for k in logits.argmax(1)] == [row.label for row in rows]


def test_late_fusion_has_embeddings(spoken, weights):
    settings = {"model": {"kind": "multimodal", "features": ["functionals"], "fusion": "late"}}
    model = fit_recognizer(spoken_recipe(weights, **settings, train={"epochs": 1}), spoken)[0]
    vectors = model.embed([*spoken.dev])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(model.embed(spoken.dev[3]), vectors[3], atol=1e-5)


def test_embeddings_keep_order_and_dialogues_and_what_fails_is_nan(dialogue_model, caplog):
    turns = [{"text": text, "dialogue": n % 2} for n, text in enumerate(TEXTS)]
    vectors = dialogue_model.embed(turns)
    assert np.isnan(vectors[3]).all() and np.isfinite(np.delete(vectors, 3, axis=0)).all()
    assert "could not be embedded: 1" in caplog.text and "The text is empty." in caplog.text
    assert dialogue_model.embed("I am happy.").shape == vectors.shape[1:]
    assert not np.allclose(dialogue_model.embed(TEXTS[0]), vectors[0], atol=1e-3), "the dialogue is context"
    assert np.isnan(dialogue_model.embed(["", ""])).all() and dialogue_model.embed([]).shape[0] == 0


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_embeddings_are_written_with_their_ids(text_model, tmp_path, suffix):
    path = tmp_path / f"vectors{suffix}"
    problems = write_embeddings(text_model, TEXTS, path)
    assert problems == {"text4": "The text is empty."}
    ids = [f"text{n}" for n in range(1, 6)]
    if suffix == ".npy":
        vectors = np.load(path)
        assert json.loads((tmp_path / "vectors.ids.json").read_text()) == ids
    else:
        frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
        assert list(frame["id"]) == ids and list(frame)[1:3] == ["v0", "v1"]
        vectors = frame.drop(columns="id").to_numpy(np.float32)
    np.testing.assert_array_equal(vectors, text_model.embed(TEXTS))
    with pytest.raises(SentirError, match=r"as \.npy, \.csv, \.parquet, not as"):
        write_embeddings(text_model, TEXTS, tmp_path / "v.txt")


@pytest.mark.parametrize("kind", ["text", "dialogue", "multimodal"])
def test_eight_threads_predict_what_one_does(trained_models, backend, spoken, kind):
    model = trained_models.load(kind, backend)
    items = TEXTS if kind != "multimodal" else [{"text": u.text, "audio": u.clip.path} for u in spoken.dev[:5]]
    jobs = [[items[n % 5], items[(n + 1) % 5]] for n in range(16)]
    serial = [(model.predict_proba(job), model.embed(job)) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda job: (model.predict_proba(job), model.embed(job)), jobs))
    for (p, v), (q, w) in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(q, p, atol=1e-6)
        np.testing.assert_allclose(w, v, atol=1e-5)


def test_a_hub_id_that_cannot_be_downloaded_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RecognizerError, match=r"owner/no-such-model is neither the folder .*HF_HUB_OFFLINE"):
        Recognizer.from_pretrained("owner/no-such-model")
    assert find_model(tmp_path / "a" / "b") == tmp_path / "a" / "b" and str(find_model("mine")) == "mine"


def test_a_model_in_the_hub_cache_is_loaded_without_a_connection(text_model, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--owner--mine"
    commit = "a" * 40
    text_model.save_pretrained(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for load in (Recognizer.from_pretrained, sentir.load):
        assert load("owner/mine").predict("I am happy.") == text_model.predict("I am happy.")
    assert sentir.predict("owner/mine", "I am happy.").label
