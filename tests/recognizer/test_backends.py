"""Trained and exported models predict any utterances, and the same: in every batch, with what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from trained_models import SETTINGS

from sentir.api import predict
from sentir.corpus.utterances import Utterance
from sentir.recognizer.inference import predict_tasks
from sentir.testing import SENTENCES

pytestmark = pytest.mark.usefixtures("one_store")
TOLERANCE = 1e-5  # of logits, probabilities and vectors
ANY = {
    "one": [Utterance("one", text="I am happy.")],
    "empty": [Utterance("empty", text="")],
    "none": [Utterance("none")],
    "odd": [Utterance("odd", text="漢字 😂 \x00\u202e ¿ñ?\t\n" + "x" * 3000)],
    "long": [Utterance("long", text=" ".join(SENTENCES * 40))],
    "dialogue": [
        Utterance(f"new{n}", dialogue="new", turn=n, speaker="Ana", text=t) for n, t in enumerate(SENTENCES)
    ],
    "missing texts": [
        Utterance(f"mix{n}", dialogue="mix", turn=n, text=t) for n, t in enumerate(["Hi!", None, "", "Bye."])
    ],
    "no utterances": [],
}


@pytest.fixture(params=SETTINGS)
def name(request):
    return request.param


@pytest.fixture
def recognizer(name, trained_models, backend):
    return trained_models.load(name, backend)


def assert_close(one, other):
    """Assert that two predictions of all tasks agree in numbers, labels and notes."""
    assert one.keys() == other.keys()
    for task, found in one.items():
        assert found.ids == other[task].ids and found.notes == other[task].notes
        np.testing.assert_allclose(found.probabilities, other[task].probabilities, atol=TOLERANCE)


@pytest.mark.parametrize("given", ["test", "outside", *ANY])
def test_an_exported_model_predicts_and_embeds_what_the_trained_one_does(
    name, given, trained_models, spoken, outside
):
    utterances = {"test": [u.blind() for u in spoken.test], "outside": outside, **ANY}[given]
    trained, exported = (trained_models.load(name, backend) for backend in ("torch", "onnx"))
    assert (trained.backend.kind, exported.backend.kind) == ("torch", "onnx")
    assert_close(trained.predict_tasks(utterances), exported.predict_tasks(utterances))
    vectors = (model.embed_utterances(utterances) for model in (trained, exported))
    np.testing.assert_allclose(*vectors, atol=TOLERANCE)


def test_an_exported_model_is_given_the_arrays_that_the_trained_one_is(name, trained_models, spoken, outside):
    """Tokens, spectrograms, waveforms and features are equal, with the tokenizer of either folder."""
    utterances = [*(u.blind() for u in spoken.test), *outside]
    trained, exported = (
        trained_models.load(name, backend).preprocessor.transform(
            [replace(u, stacked_probabilities={"feelings.joy": 0.5, "feelings.sadness": 0.5}) for u in utterances]
        )
        for backend in ("torch", "onnx")
    )
    assert trained.ids == exported.ids and trained.units == exported.units and trained.notes == exported.notes
    rows = list(range(len(utterances)))
    ours, theirs = exported.batch(rows), trained.batch(rows)
    assert ours.keys() == theirs.keys()
    for key, array in theirs.items():
        assert array.dtype == ours[key].dtype
        np.testing.assert_array_equal(array, ours[key], err_msg=key)


def test_predictions_do_not_depend_on_the_batch(recognizer, spoken):
    utterances = [u.blind() for u in spoken.train]
    if recognizer.stacked is not None:
        utterances = [
            replace(u, stacked_probabilities={"feelings.joy": n / 30, "feelings.sadness": 0.5})
            for n, u in enumerate(utterances)
        ]
    spaces = [task.space for task in recognizer.tasks]

    def logits_of(rows, **options):
        return predict_tasks(recognizer.backend, recognizer.preprocess(rows), spaces, **options)[0]

    everything = logits_of(utterances)
    assert everything.ids == tuple(u.id for u in utterances)
    assert len(np.unique(everything.probabilities.round(9), axis=0)) > 20
    for size in (1, 7):
        small = logits_of(utterances, batch_size=size)
        np.testing.assert_allclose(small.probabilities, everything.probabilities, atol=TOLERANCE)
    for rows in (utterances[::-1], utterances[10:15]):
        found = logits_of(rows)
        expected = everything.select(found.ids).probabilities
        np.testing.assert_allclose(found.probabilities, expected, atol=TOLERANCE)


@pytest.mark.parametrize("given", ANY)
def test_any_utterances_are_predicted(recognizer, given):
    utterances = ANY[given]
    predictions = recognizer.predict_utterances(utterances)
    assert predictions.ids == tuple(u.id for u in utterances) and np.isfinite(predictions.probabilities).all()
    assert set(recognizer.labels(predictions)) == set(predictions.ids)


def test_utterances_without_a_modality_are_predicted_in_any_batch(name, recognizer, outside):
    together = recognizer.predict_utterances(outside)
    assert together.ids == tuple(u.id for u in outside) and np.isfinite(together.probabilities).all()
    reverse = recognizer.predict_utterances(outside[::-1]).select(together.ids)
    np.testing.assert_allclose(reverse.probabilities, together.probabilities, atol=TOLERANCE)
    for u in outside[3:] if name in ("text", "dialogue") else outside:  # which use the dialogue
        np.testing.assert_allclose(recognizer.predict_utterances([u])[u.id], together[u.id], atol=TOLERANCE)


def test_an_utterance_without_a_required_modality_is_not_predicted(stacked_model, multimodal_model, outside):
    clip = outside[0].clip.path
    pair, text_only, audio_only = predict(
        stacked_model, [{"text": "I am fine.", "audio": clip, "id": "pair"}, "So lonely", {"audio": clip}]
    )
    assert pair.probabilities and not pair.problem
    assert text_only.problem == "This model needs audio. There is no audio."
    assert audio_only.problem == "This model needs text. There is no text."
    assert not text_only.probabilities and not audio_only.probabilities
    prediction = predict(multimodal_model, "So lonely")
    assert prediction.labels and not prediction.problem
    assert any("from the text only" in note for note in prediction.notes)


def test_a_clip_from_outside_any_corpus_leaves_no_trace(
    stacked_model, multimodal_model, outside, tmp_path, monkeypatch
):
    monkeypatch.setenv("SENTIR_AUDIO_DIR", str(tmp_path / "audio"))
    for model in (stacked_model, multimodal_model):
        model.predict_utterances(outside)
    assert not (tmp_path / "audio").exists()


def test_a_numeric_feature_may_be_missing(dialogue_model):
    plain = Utterance("one", text="I am happy.")
    with_duration = replace(plain, numeric_features={"duration": 99.0})
    first, second = (dialogue_model.predict_utterances([u]).probabilities for u in (with_duration, plain))
    assert np.abs(first - second).max() > 1e-3


def test_labels_of_utterances_are_not_used(recognizer, spoken):
    labeled = [replace(u, labels={"emotion": ("joy",), "feelings": ("joy",)}) for u in spoken.test]
    one, two = (recognizer.predict_utterances(rows) for rows in (labeled, spoken.test))
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_labels_are_decoded_with_thresholds(stacked_model, spoken):
    predictions = stacked_model.predict_utterances(spoken.test)
    assert stacked_model.labels(predictions) == predictions.labels(stacked_model.thresholds)
    all_labels = replace(stacked_model, thresholds=np.zeros(2)).labels(predictions)
    assert set(all_labels.values()) == {("joy", "sadness")}


def test_predictions_are_calibrated(recognizer, spoken):
    temperature = (1.5,) * len(recognizer.calibration.temperature)
    model = replace(recognizer, calibration=replace(recognizer.calibration, temperature=temperature))
    plain = replace(model, calibration=None).predict_utterances(spoken.test)
    found = model.predict_utterances(spoken.test).probabilities
    np.testing.assert_allclose(found, model.calibration.apply(plain).probabilities, atol=1e-6)
    assert not np.allclose(found, plain.probabilities, atol=1e-3)


def test_predictions_below_the_threshold_abstain(text_model):
    texts = ["I am happy.", "She is lonely today.", "They look fine!"]
    threshold = sorted(row.confidence for row in text_model.predict(texts))[1]
    curve = replace(text_model.calibration, confidence_threshold=threshold)
    rows = replace(text_model, calibration=curve).predict(texts, abstain=True)
    assert [row.abstain for row in rows] == [row.confidence < threshold for row in rows]
    assert sum(row.abstain for row in rows) == 1
    assert all(("Not sure" in " ".join(row.notes)) == row.abstain for row in rows)
