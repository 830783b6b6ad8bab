"""The head `kernel_ridge`: the solution of scikit-learn, what it is fitted to, and a saved and exported model."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.kernel_ridge import KernelRidge as Oracle
from sklearn.metrics.pairwise import rbf_kernel
from tiny_corpora import TINY_NETWORK, spoken_recipe

import sentir
from sentir import api
from sentir.errors import RecipeError
from sentir.features.speaker_normalization import SpeakerNormalizer
from sentir.models.emotion_model import EmotionModel
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.preprocessing.speaker_columns import SpeakerColumns
from sentir.recognizer.torch_backend import TorchBackend
from sentir.training.fitting import check_training
from sentir.training.kernel_ridge import fit_kernel_ridge
from sentir.training.losses import UNLABELED
from sentir.training.recognizers import fit_recognizer
from sentir.training.speaker_enrollment import RandomEnrollment

N, WIDTH, FEATURES, CLASSES = 60, 6, 3, 3
RNG = np.random.default_rng(0)
STATES, COLUMNS = (RNG.normal(size=(N, width)).astype(np.float32) for width in (WIDTH, FEATURES))
TARGETS = torch.from_numpy(RNG.integers(CLASSES, size=N))
WEIGHTS = torch.tensor([0.5, 1.0, 2.0])


def inputs(rows=slice(None)):
    arrays = {
        "audio_states": STATES[rows, None], "has_audio": np.ones(N, bool)[rows],
        "features": COLUMNS[rows], "known_features": np.ones((N, FEATURES), bool)[rows],
    }  # fmt: skip
    count = len(arrays["has_audio"])
    return ModelInputs(tuple(map(str, range(count))), arrays, [[n] for n in range(count)], [])


def fitted(train, targets, *, centers=N, **options):
    torch.manual_seed(0)
    network = EmotionModel(
        TINY_NETWORK, FEATURES, CLASSES, audio_states_shape=(1, WIDTH), hidden_size=centers, head="kernel_ridge"
    )
    result = fit_kernel_ridge(network, train, targets, class_weights=WEIGHTS, dev_score=lambda: 0.5, **options)
    return network, result


def logits(network, batch):
    return TorchBackend(network).logits(batch.arrays)


def test_with_a_center_per_clip_it_is_kernel_ridge_regression_with_equal_blocks():
    network, result = fitted(inputs(), TARGETS)
    columns = np.hstack([STATES * (0.1 / WIDTH) ** 0.5, COLUMNS * (0.1 / FEATURES) ** 0.5])
    weights = WEIGHTS.numpy()[TARGETS]
    labels = np.eye(CLASSES)[TARGETS]
    mean = np.average(labels, axis=0, weights=weights)
    oracle = Oracle(alpha=0.3, kernel="precomputed")
    oracle.fit(rbf_kernel(columns, gamma=1), labels - mean, sample_weight=weights)
    expected = 10 * (oracle.predict(rbf_kernel(columns, gamma=1)) + mean)
    np.testing.assert_allclose(logits(network, inputs()), expected, atol=0.02)
    assert result.best_score == 0.5
    loss = np.average(((expected / 10 - labels) ** 2).sum(1), weights=weights)
    assert result.history[0]["loss"] == pytest.approx(loss, abs=1e-3)


def test_unlabeled_rows_are_no_centers_and_have_no_weight():
    some = TARGETS.clone()
    some[::3] = UNLABELED
    labeled = (some != UNLABELED).numpy()
    all_rows, _result = fitted(inputs(), some)
    only, _result = fitted(inputs(labeled), some[labeled])
    np.testing.assert_allclose(logits(all_rows, inputs()), logits(only, inputs()), atol=0.02)


def test_soft_targets_of_whole_labels_are_those_labels():
    hard, _result = fitted(inputs(), TARGETS)
    soft, _result = fitted(inputs(), torch.eye(CLASSES)[TARGETS])
    torch.testing.assert_close(soft.state_dict(), hard.state_dict())


def test_fewer_centers_are_clips_of_train_and_more_change_nothing():
    network, _result = fitted(inputs(), TARGETS, centers=10)
    rows = np.hstack([STATES, COLUMNS])
    centers = network.head.centers.numpy()
    assert (
        all((np.abs(rows - one).max(axis=1) < 1e-6).any() for one in centers)
        and len(np.unique(centers[:, 0])) == 10
    )
    exact, _result = fitted(inputs(), TARGETS)
    padded, _result = fitted(inputs(), TARGETS, centers=N + 20)
    np.testing.assert_allclose(logits(padded, inputs()), logits(exact, inputs()), atol=0.02)


def test_enrollment_of_speakers_reaches_the_fit():
    speakers = [f"speaker{n % 4}" for n in range(N)]
    columns = SpeakerColumns(np.ones(FEATURES, bool))
    normalizer = SpeakerNormalizer.fit(columns.take(inputs().arrays), speakers)
    enrollment = RandomEnrollment.of(normalizer, columns, inputs(), speakers, 0)
    plain, _result = fitted(inputs(), TARGETS)
    normalized, result = fitted(inputs(), TARGETS, enrollment=enrollment)
    nobody = RandomEnrollment.of(normalizer, columns, inputs(), [None] * N, 0)
    same, _result = fitted(inputs(), TARGETS, enrollment=nobody)
    assert np.abs(logits(normalized, inputs()) - logits(plain, inputs())).max() > 0.1
    np.testing.assert_allclose(logits(same, inputs()), logits(plain, inputs()), atol=0.02)
    assert result.best_epoch == 8


@pytest.fixture(scope="module")
def recipe(weights, tmp_path_factory):
    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("network") / "weights.safetensors"
    save_file(timm.create_model(TINY_NETWORK, pretrained=False).state_dict(), file)
    audio = {"pretrained": True, "weights": str(file), "encoder": "frozen"}
    model = {"audio": audio, "features": ["functionals"], "head": "kernel_ridge", "speaker_normalization": True}
    return spoken_recipe(weights, model=model)


@pytest.fixture(scope="module")
def trained(recipe, spoken):
    return fit_recognizer(recipe, spoken)


def predict(model, spoken, **options):
    items = [{"id": u.id, "audio": u.clip.path, "speaker": u.speaker} for u in spoken.dev]
    return np.array([list(one.probabilities.values()) for one in model.predict(items, **options)])


@pytest.mark.usefixtures("one_store")
def test_a_saved_model_predicts_the_same_with_and_without_enrollment(trained, spoken, tmp_path):
    recognizer, _dev = trained
    recognizer.save_pretrained(tmp_path)
    loaded = sentir.load(tmp_path)
    plain, enrolled = predict(loaded, spoken), predict(loaded, spoken, enroll_inputs=True)
    np.testing.assert_allclose(plain, predict(recognizer, spoken), atol=1e-4)
    np.testing.assert_allclose(enrolled, predict(recognizer, spoken, enroll_inputs=True), atol=1e-4)
    assert np.abs(plain - enrolled).max() > 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("one_store")
def test_an_exported_model_predicts_the_same_with_and_without_enrollment(trained, spoken, tmp_path):
    recognizer, _dev = trained
    api.export_model(recognizer, tmp_path / "onnx")
    exported = sentir.load(tmp_path / "onnx")
    for options in ({}, {"enroll_inputs": True}):
        expected = predict(recognizer, spoken, **options)
        np.testing.assert_allclose(predict(exported, spoken, **options), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"model": {"audio": {"encoder": "finetune"}}}, "needs a frozen network on mel spectrograms"),
        ({"model": {"kind": "multimodal"}}, "needs a frozen network on mel spectrograms"),
        ({"data": {"task": "feelings"}}, "needs a single-label task"),
        ({"model": {"auxiliary_tasks": ["feelings"]}}, "needs model.head = mlp"),
    ],
)
def test_it_is_refused_where_it_has_no_columns_or_no_labels(changes, what, recipe, spoken):
    with pytest.raises(RecipeError, match=what):
        check_training(recipe.override(changes), spoken)


@pytest.mark.usefixtures("one_store")
def test_it_cannot_be_trained_further(recipe, trained, spoken):
    with pytest.raises(RecipeError, match="fitted in one step"):
        fit_recognizer(recipe, spoken, init_from=trained[0])
