"""From clips to mel spectrograms: padded lengths, statistics of train, augmentation, missing modalities."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from audio_files import tone, write_wav
from pipelines import Pipeline
from tiny_corpora import spoken_corpus, spoken_recipe, stacking_on_text

from sentir.audio.store import attach_audio
from sentir.corpus.utterances import AudioFeatures, Clip, Utterance
from sentir.errors import CorpusError
from sentir.preprocessing.mel import MelPreprocessor, MelStatistics, SeededAugmentation
from sentir.recipe import AudioSettings, AugmentSettings
from sentir.recognizer.inference import predict_task
from sentir.recognizer.torch_backend import TorchBackend

pytestmark = pytest.mark.usefixtures("one_store")
EMOTIONS = ("joy", "neutral", "sadness")
AUDIO = {"kind": "emotion_model", "features": ["functionals", "lexical"]}
MULTIMODAL = {"kind": "multimodal", "features": ["functionals", "lexical", "dialogue"]}
FLAT = MelStatistics((0.0,) * 64, (1.0,) * 64)


def make_pipeline(recipe, corpus):
    return Pipeline(recipe, corpus.train)


def clip(folder, seconds, hz=440):
    return Clip(write_wav(folder / f"{seconds}-{hz}.wav", tone(seconds, hz), 16_000))


def of_frames(count):
    """Return an utterance whose mel spectrogram counts its frames."""
    mel = np.repeat(np.arange(count, dtype=np.float16)[:, None], 64, axis=1)
    return Utterance(str(count), audio=AudioFeatures(mel=mel))


# Lengths


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0.3, 100), (0.99, 100), (1.0, 100), (1.01, 200), (2.0, 200), (2.5, 300), (20.0, 300)]
)
def test_a_clip_is_padded_to_the_next_second_up_to_the_maximum(seconds, frames, tmp_path):
    utterances = attach_audio([Utterance("u", clip=clip(tmp_path, seconds))])
    mels = MelPreprocessor(AudioSettings(max_seconds=3), FLAT).transform(utterances)
    batch = mels.batch([0])
    assert mels.lengths.tolist() == batch["mel_lengths"].tolist() == [frames] and batch["mel"].shape == (
        1,
        frames,
        64,
    )
    inside = min(round(seconds * 100) + 1, frames)
    assert (batch["mel"][0, : inside - 1].max(1) > -60).all()
    assert not batch["mel"][0, inside:].any(), "padding is the train mean"


def test_a_longer_clip_is_center_cropped():
    batch = MelPreprocessor(AudioSettings(max_seconds=3), FLAT).transform([of_frames(2001)]).batch([0])
    assert batch["mel"][0, :, 0].tolist() == list(range(850, 1150))


def test_a_length_is_a_function_of_the_clip_alone():
    rows = [of_frames(n) for n in (31, 101, 102, 201, 2001)] + [Utterance("none")]
    preprocessor = MelPreprocessor(AudioSettings(max_seconds=8), FLAT)
    together = preprocessor.transform(rows)
    assert together.lengths.tolist() == [100, 100, 200, 200, 800, 100]
    for n, row in enumerate(rows):
        alone = preprocessor.transform([row]).batch([0])
        pair = together.batch([4, n])
        length = int(alone["mel_lengths"][0])
        assert np.array_equal(alone["mel"][0], pair["mel"][1, :length]) and not pair["mel"][1, length:].any()


def test_a_thesis_spectrogram_keeps_its_length():
    spectrograms = [Utterance("u", audio=AudioFeatures(mel=np.zeros((224, 224), np.float16), mel_kind="thesis"))]
    statistics = MelStatistics((0.0,) * 224, (1.0,) * 224)
    assert MelPreprocessor(AudioSettings(mel="thesis", max_seconds=1), statistics).transform(
        spectrograms
    ).lengths.tolist() == [224]


# Statistics


def test_statistics_are_mean_and_standard_deviation_of_each_band_over_all_frames():
    rng = np.random.default_rng(0)
    mels = [rng.normal(-40, 9, size=(n, 64)).astype(np.float16) for n in (31, 400, 7)]
    statistics, frames = MelStatistics.fit(iter(mels)), np.concatenate(mels).astype(np.float64)
    np.testing.assert_allclose(statistics.means, frames.mean(0), rtol=1e-9)
    np.testing.assert_allclose(statistics.stds, frames.std(0), rtol=1e-6)
    assert MelStatistics(*map(tuple, statistics.to_dict().values())) == statistics


def test_statistics_depend_on_train_alone(spoken, weights, tmp_path):
    loud = write_wav(tmp_path / "loud.wav", tone(1.5, 3000), 16_000)
    other = spoken_corpus(tmp_path / "spoken", lambda u: u if u.split == "train" else replace(u, clip=Clip(loud)))
    recipe = spoken_recipe(weights, model={"features": ["functionals"]})
    one, two = make_pipeline(recipe, spoken), make_pipeline(recipe, other)
    assert one.mel.statistics == two.mel.statistics and one.scaler == two.scaler
    train = attach_audio([u.blind() for u in spoken.train])
    assert one.mel.statistics == MelStatistics.fit(u.audio.mel for u in train)
    assert not np.array_equal(
        two.transform(other.dev).batch([0])["mel"], one.transform(spoken.dev).batch([0])["mel"]
    )


def test_train_is_normalized_by_its_statistics(spoken, weights):
    mels = make_pipeline(spoken_recipe(weights), spoken).transform(spoken.train).mels
    frames = np.concatenate([mels.batch([n])["mel"][0, : len(mels.mels[n])] for n in range(len(mels.ids))])
    np.testing.assert_allclose(frames.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(frames.std(0), 1, atol=0.05)


def test_a_band_that_is_constant_in_train_is_not_amplified():
    statistics = MelStatistics.fit([np.full((50, 64), -100, np.float16)])
    loud = Utterance("u", audio=AudioFeatures(mel=np.full((101, 64), -40, np.float16)))
    assert MelPreprocessor(AudioSettings(), statistics).transform([loud]).batch([0])["mel"].max() <= 60


def test_train_without_usable_audio_is_an_error(weights):
    missing = [Utterance("a", "train", clip=Clip(Path("missing.wav")))]
    with pytest.raises(CorpusError, match="No train utterance has usable audio"):
        Pipeline(spoken_recipe(weights), missing)


# Labels


@pytest.mark.parametrize(
    "model", [AUDIO, MULTIMODAL, MULTIMODAL | {"context": "dialogue", "encoder": "finetune"}]
)
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_labels_do_not_change_inputs(model, split, spoken, weights, tmp_path):
    rng = random.Random(1)

    def relabel(u):
        labels = {"emotion": (rng.choice(EMOTIONS),), "feelings": ()}
        return replace(u, labels=labels, scores={"joy": rng.random()})

    other = spoken_corpus(tmp_path / "spoken", relabel)
    assert [u.labels for u in other.train] != [u.labels for u in spoken.train]
    recipe = spoken_recipe(weights, model=model)
    one, two = (make_pipeline(recipe, c).transform(c.split(split)) for c in (spoken, other))
    assert one.ids == two.ids and one.units == two.units and one.encodings == two.encodings
    rows = list(range(len(one.ids)))
    first, second = one.batch(rows), two.batch(rows)
    assert first.keys() == second.keys() >= {"mel", "mel_lengths", "has_audio", "features"}
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["has_audio"].all() and first["mel"].any()


# Missing modalities and batch invariance


@pytest.fixture
def outside(tmp_path):
    """Utterances from outside any corpus, of many lengths, some of which lack a modality or both."""
    rows = {
        "short": ("So fine", 0.3), "second": ("I am crying.", 1.0), "more": ("They look fine!", 1.01),
        "long": ("She is lonely today.", 20), "no audio": ("I am fine.", None), "no text": (None, 0.7),
        "empty": ("", 1.4), "nothing": (None, None),
    }  # fmt: skip
    return [
        Utterance(key, text=text, clip=None if seconds is None else clip(tmp_path, seconds, hz=300 + 100 * n))
        for n, (key, (text, seconds)) in enumerate(rows.items())
    ]


@pytest.mark.parametrize(
    "model",
    [
        {"features": []}, AUDIO, MULTIMODAL, MULTIMODAL | {"fusion": "concat", "encoder": "finetune"},
        MULTIMODAL | {"context": "dialogue"}, MULTIMODAL | {"context": "window"},
    ],
)  # fmt: skip
def test_predictions_do_not_depend_on_the_batch(model, outside, spoken, weights):
    recipe, space = spoken_recipe(weights, model=model), spoken.label_space("emotion")
    pipeline = make_pipeline(recipe, spoken)
    torch.manual_seed(0)
    network = pipeline.build(space)

    def predicted(rows, batch=None):
        return predict_task(TorchBackend(network), pipeline.transform(rows), space, batch_size=batch)

    together = predicted(outside)
    p, ids = together.probabilities, together.ids
    assert len(np.unique(p.round(7), axis=0)) >= len(outside) - 2, "inputs make a difference"
    for other in (predicted(outside, batch=1), predicted(outside, batch=3), predicted(outside[::-1])):
        np.testing.assert_allclose(other.select(ids).probabilities, p, atol=1e-5)
    for n, u in enumerate(outside):
        np.testing.assert_allclose(predicted([u]).probabilities[0], p[n], atol=1e-5)


def test_missing_modalities_are_marked(outside, spoken, weights):
    inputs = make_pipeline(spoken_recipe(weights, model=MULTIMODAL), spoken).transform(outside)
    batch = inputs.batch(range(len(outside)))
    masks = zip(batch["has_text"].tolist(), batch["has_audio"].tolist(), strict=True)
    present = dict(zip(inputs.ids, masks, strict=True))
    assert {key for key, mask in present.items() if mask != (True, True)} == {
        "no audio", "no text", "empty", "nothing",
    }  # fmt: skip
    assert present["no audio"] == (True, False) and present["no text"] == present["empty"] == (False, True)
    assert present["nothing"] == (False, False)
    silent = [n for n, key in enumerate(inputs.ids) if key in ("no audio", "nothing")]
    assert not batch["mel"][silent].any()


def test_features_of_a_multimodal_model_have_a_modality(spoken, weights):
    corpus = replace(
        spoken,
        utterances=tuple(replace(u, stacked_probabilities={"emotion.joy": 0.1}) for u in spoken.utterances),
    )
    for inner, expected in (({}, "text"), ({"kind": "emotion_model"}, "audio"), ({"features": ["thesis"]}, "")):
        recipe = spoken_recipe(weights, model=MULTIMODAL).override(stacking_on_text(weights, model=inner))
        recipe = recipe.override({"model": {"features": ["stacked", *MULTIMODAL["features"]]}})
        pipeline = make_pipeline(recipe, corpus)
        network = pipeline.build(spoken.label_space("emotion"))
        rows = network.feature_modalities.tolist()
        modality = {
            name: {(True, False): "text", (False, True): "audio", (False, False): ""}[pair]
            for name, pair in zip(pipeline.scaler.names, zip(*rows, strict=True), strict=True)
        }
        assert modality["stacked.emotion.joy"] == expected
        assert modality["lexical.words"] == "text" and modality["dialogue.turn"] == ""
        assert {m for name, m in modality.items() if name.startswith("functionals.")} == {"audio"}


# Augmentation


def test_augmentation_is_a_function_of_seed_epoch_and_id():
    settings = AugmentSettings(masks=2, gain_db=6, shift_seconds=0.2, speed=0.1)
    rows = [of_frames(150), replace(of_frames(150), id="copy"), of_frames(90)]
    mels = MelPreprocessor(AudioSettings(), MelStatistics((75.0,) * 64, (40.0,) * 64)).transform(rows)

    def augmented(order, seed=0, epoch=0, augment=settings):
        batch = mels.batch(order, SeededAugmentation(augment, seed, epoch))["mel"]
        return {row: mel[: mels.lengths[row]] for row, mel in zip(order, batch, strict=True)}

    plain, first = mels.batch([0, 1, 2])["mel"], augmented([0, 1, 2])
    again = augmented([2, 0]) | augmented([1])
    assert all(np.array_equal(first[n], again[n]) for n in range(3)), "neither order nor batch matter"
    versions = [first[0], first[1], plain[0], augmented([0], epoch=1)[0], augmented([0], seed=1)[0]]
    assert all(not np.array_equal(a, b) for n, a in enumerate(versions) for b in versions[:n])
    assert np.array_equal(augmented([0], augment=AugmentSettings())[0], plain[0])
    assert not first[2][90:].any(), "padding stays the train mean"
