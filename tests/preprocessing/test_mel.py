"""From clips to mels: lengths that are a function of the clip, levels of train alone, changes drawn by epoch."""

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

pytestmark = pytest.mark.usefixtures("one_store")
EMOTIONS = ("joy", "neutral", "sadness")
LISTENS = {"kind": "emotion_model", "features": ["functionals", "lexical"]}
BOTH = {"kind": "multimodal", "features": ["functionals", "lexical", "dialogue"]}
FLAT = MelStatistics((0.0,) * 64, (1.0,) * 64)


def preparer_of(recipe, corpus):
    return Pipeline(recipe, corpus.train)


def clip(folder, seconds, hz=440):
    return Clip(write_wav(folder / f"{seconds}-{hz}.wav", tone(seconds, hz), 16_000))


def of_frames(count):
    """An utterance whose mel counts its frames."""
    mel = np.repeat(np.arange(count, dtype=np.float16)[:, None], 64, axis=1)
    return Utterance(str(count), audio=AudioFeatures(mel=mel))


# Lengths


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0.3, 100), (0.99, 100), (1.0, 100), (1.01, 200), (2.0, 200), (2.5, 300), (20.0, 300)]
)
def test_a_clip_is_padded_to_the_next_second_from_one_to_the_longest(seconds, frames, tmp_path):
    heard = attach_audio([Utterance("u", clip=clip(tmp_path, seconds))])
    mels = MelPreprocessor(AudioSettings(max_seconds=3), FLAT).transform(heard)
    batch = mels.batch([0])
    assert mels.lengths.tolist() == batch["mel_lengths"].tolist() == [frames] and batch["mel"].shape == (
        1,
        frames,
        64,
    )
    inside = min(round(seconds * 100) + 1, frames)
    np.testing.assert_allclose(batch["mel"][0, : inside - 1].amax(1) > -60, True)
    assert not batch["mel"][0, inside:].any(), "what is padded is the train mean"


def test_of_a_longer_clip_the_middle_is_heard():
    batch = MelPreprocessor(AudioSettings(max_seconds=3), FLAT).transform([of_frames(2001)]).batch([0])
    assert batch["mel"][0, :, 0].tolist() == list(range(850, 1150))


def test_a_length_is_a_function_of_the_clip_alone():
    rows = [of_frames(n) for n in (31, 101, 102, 201, 2001)] + [Utterance("none")]
    sound = MelPreprocessor(AudioSettings(max_seconds=8), FLAT)
    together = sound.transform(rows)
    assert together.lengths.tolist() == [100, 100, 200, 200, 800, 100]
    for n, row in enumerate(rows):
        alone = sound.transform([row]).batch([0])
        company = together.batch([4, n])
        length = int(alone["mel_lengths"][0])
        assert torch.equal(alone["mel"][0], company["mel"][1, :length]) and not company["mel"][1, length:].any()


def test_a_picture_the_thesis_way_keeps_its_own_length():
    pictures = [Utterance("u", audio=AudioFeatures(mel=np.zeros((224, 224), np.float16), mel_kind="thesis"))]
    levels = MelStatistics((0.0,) * 224, (1.0,) * 224)
    assert MelPreprocessor(AudioSettings(mel="thesis", max_seconds=1), levels).transform(
        pictures
    ).lengths.tolist() == [224]


# Levels


def test_levels_are_the_mean_and_deviation_of_every_band_over_all_frames():
    draw = np.random.default_rng(0)
    mels = [draw.normal(-40, 9, size=(n, 64)).astype(np.float16) for n in (31, 400, 7)]
    levels, frames = MelStatistics.fit(iter(mels)), np.concatenate(mels).astype(np.float64)
    np.testing.assert_allclose(levels.means, frames.mean(0), rtol=1e-9)
    np.testing.assert_allclose(levels.stds, frames.std(0), rtol=1e-6)
    assert MelStatistics(*map(tuple, levels.to_dict().values())) == levels


def test_levels_are_those_of_train_whatever_dev_and_test_sound_like(spoken, weights, tmp_path):
    noise = write_wav(tmp_path / "loud.wav", tone(1.5, 3000), 16_000)
    other = spoken_corpus(
        tmp_path / "spoken", lambda u: u if u.split == "train" else replace(u, clip=Clip(noise))
    )
    recipe = spoken_recipe(weights, model={"features": ["functionals"]})
    one, two = preparer_of(recipe, spoken), preparer_of(recipe, other)
    assert one.mel.statistics == two.mel.statistics and one.scaler == two.scaler
    heard = attach_audio([u.blind() for u in spoken.train])
    assert one.mel.statistics == MelStatistics.fit(u.audio.mel for u in heard)
    assert not np.array_equal(
        two.transform(other.dev).batch([0])["mel"], one.transform(spoken.dev).batch([0])["mel"]
    )


def test_train_is_normalized_by_its_levels(spoken, weights):
    mels = preparer_of(spoken_recipe(weights), spoken).transform(spoken.train).mels
    frames = np.concatenate([mels.batch([n])["mel"][0, : len(mels.mels[n])] for n in range(len(mels.ids))])
    np.testing.assert_allclose(frames.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(frames.std(0), 1, atol=0.05)


def test_a_band_that_is_still_in_train_does_not_shout_where_it_is_not_later():
    levels = MelStatistics.fit([np.full((50, 64), -100, np.float16)])
    loud = Utterance("u", audio=AudioFeatures(mel=np.full((101, 64), -40, np.float16)))
    assert MelPreprocessor(AudioSettings(), levels).transform([loud]).batch([0])["mel"].abs().max() <= 60


def test_train_without_any_usable_sound_is_named(weights):
    gone = [Utterance("a", "train", clip=Clip(Path("gone.wav")))]
    recipe = spoken_recipe(weights)
    with pytest.raises(CorpusError, match="No train utterance has usable sound"):
        Pipeline(recipe, gone)


# Labels


@pytest.mark.parametrize("model", [LISTENS, BOTH, BOTH | {"context": "dialogue", "encoder": "finetune"}])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_other_labels_change_no_input(model, split, spoken, weights, tmp_path):
    draw = random.Random(1)

    def relabeled(u):
        return replace(
            u, labels={"emotion": (draw.choice(EMOTIONS),), "feelings": ()}, scores={"joy": draw.random()}
        )

    other = spoken_corpus(tmp_path / "spoken", relabeled)
    assert [u.labels for u in other.train] != [u.labels for u in spoken.train]
    recipe = spoken_recipe(weights, model=model)
    one, two = (preparer_of(recipe, c).transform(c.split(split)) for c in (spoken, other))
    assert one.ids == two.ids and one.units == two.units and one.encodings == two.encodings
    rows = list(range(len(one.ids)))
    first, second = one.batch(rows), two.batch(rows)
    assert first.keys() == second.keys() >= {"mel", "mel_lengths", "has_audio", "features"}
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first["has_audio"].all() and first["mel"].abs().sum() > 0


# Missing sides, and company


@pytest.fixture
def strange(tmp_path):
    """Utterances from outside: whole ones of many lengths, and some that lack a side or both."""
    said = {
        "short": ("So fine", 0.3), "second": ("I am crying.", 1.0), "more": ("They look fine!", 1.01),
        "long": ("She is lonely today.", 20), "mute": ("I am fine.", None), "wordless": (None, 0.7),
        "empty": ("", 1.4), "nothing": (None, None),
    }  # fmt: skip
    return [
        Utterance(key, text=text, clip=None if seconds is None else clip(tmp_path, seconds, hz=300 + 100 * n))
        for n, (key, (text, seconds)) in enumerate(said.items())
    ]


@pytest.mark.parametrize(
    "model",
    [
        {"features": []}, LISTENS, BOTH, BOTH | {"fusion": "concat", "encoder": "finetune"},
        BOTH | {"context": "dialogue"}, BOTH | {"context": "window"},
    ],
)  # fmt: skip
def test_a_clip_is_predicted_alike_alone_in_any_batch_order_and_company(model, strange, spoken, weights):
    recipe, space = spoken_recipe(weights, model=model), spoken.label_space("emotion")
    preparer = preparer_of(recipe, spoken)
    torch.manual_seed(0)
    network = preparer.build(space)

    def predicted(rows, batch=None):
        return predict_task(network, preparer.transform(rows), space, batch_size=batch)

    together = predicted(strange)
    p, ids = together.probabilities, together.ids
    assert len(np.unique(p.round(7), axis=0)) >= len(strange) - 2, "inputs make a difference"
    for other in (predicted(strange, batch=1), predicted(strange, batch=3), predicted(strange[::-1])):
        np.testing.assert_allclose(other.select(ids).probabilities, p, atol=1e-5)
    for n, u in enumerate(strange):
        np.testing.assert_allclose(predicted([u]).probabilities[0], p[n], atol=1e-5)


def test_what_is_missing_is_told_to_the_model(strange, spoken, weights):
    prepared = preparer_of(spoken_recipe(weights, model=BOTH), spoken).transform(strange)
    batch = prepared.batch(range(len(strange)))
    told = dict(
        zip(prepared.ids, zip(*(batch[n].tolist() for n in ("has_text", "has_audio")), strict=True), strict=True)
    )
    assert {key for key, sides in told.items() if sides != (True, True)} == {
        "mute",
        "wordless",
        "empty",
        "nothing",
    }
    assert told["mute"] == (True, False) and told["wordless"] == told["empty"] == (False, True)
    assert told["nothing"] == (False, False)
    silent = [n for n, key in enumerate(prepared.ids) if key in ("mute", "nothing")]
    assert not batch["mel"][silent].any()


def test_features_of_a_model_that_listens_know_their_source(spoken, weights):
    corpus = replace(
        spoken,
        utterances=tuple(replace(u, stacked_probabilities={"emotion.joy": 0.1}) for u in spoken.utterances),
    )
    for inner, expected in (({}, "text"), ({"kind": "emotion_model"}, "audio"), ({"features": ["thesis"]}, "")):
        recipe = spoken_recipe(weights, model=BOTH).override(stacking_on_text(weights, model=inner))
        recipe = recipe.override({"model": {"features": ["stacked", *BOTH["features"]]}})
        preparer = preparer_of(recipe, corpus)
        network = preparer.build(spoken.label_space("emotion"))
        rows = network.feature_modalities.tolist()
        source = {
            name: {(True, False): "text", (False, True): "audio", (False, False): ""}[pair]
            for name, pair in zip(preparer.scaler.names, zip(*rows, strict=True), strict=True)
        }
        assert source["stacked.emotion.joy"] == expected
        assert source["lexical.words"] == "text" and source["dialogue.turn"] == ""
        assert {s for name, s in source.items() if name.startswith("functionals.")} == {"audio"}


# Augmentation


def test_changes_are_a_function_of_seed_epoch_and_id():
    settings = AugmentSettings(masks=2, gain_db=6, shift_seconds=0.2, speed=0.1)
    rows = [of_frames(150), replace(of_frames(150), id="twin"), of_frames(90)]
    mels = MelPreprocessor(AudioSettings(), MelStatistics((75.0,) * 64, (40.0,) * 64)).transform(rows)

    def heard(order, seed=0, epoch=0, change=settings):
        found = mels.batch(order, SeededAugmentation(change, seed, epoch))["mel"]
        return {row: mel[: mels.lengths[row]] for row, mel in zip(order, found, strict=True)}

    plain, first = mels.batch([0, 1, 2])["mel"], heard([0, 1, 2])
    again = heard([2, 0]) | heard([1])
    assert all(torch.equal(first[n], again[n]) for n in range(3)), "neither order nor company matter"
    versions = [first[0], first[1], plain[0], heard([0], epoch=1)[0], heard([0], seed=1)[0]]
    assert all(not torch.equal(a, b) for n, a in enumerate(versions) for b in versions[:n])
    assert torch.equal(heard([0], change=AugmentSettings())[0], plain[0])
    assert not first[2][90:].any(), "what is padded stays the train mean"
