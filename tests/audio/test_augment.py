"""Augmentation: what each setting does, and random numbers that depend only on (seed, epoch, key)."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sentir.audio.augment import augment_mel
from sentir.audio.mel import MIN_DB
from sentir.recipe import AugmentSettings

BANDS = 16
FILL = np.linspace(-60, -30, BANDS, dtype=np.float32)
EVERYTHING = AugmentSettings(masks=2, gain_db=6, shift_seconds=0.3, speed=0.2)
SETTINGS = {
    "masks": AugmentSettings(masks=2, mask_bands=6, mask_seconds=0.5),
    "gain": AugmentSettings(gain_db=6),
    "shift": AugmentSettings(shift_seconds=0.5),
    "speed": AugmentSettings(speed=0.2),
}

mels = st.integers(1, 250).flatmap(
    lambda n: arrays(np.float32, (n, BANDS), elements=st.floats(-100, 20, width=32), fill=st.just(-50.0))
)


def noise(frames=120):
    """A mel spectrogram without equal values."""
    return (
        np.random.default_rng(0)
        .permutation(np.linspace(-90, 0, frames * BANDS))
        .astype(np.float32)
        .reshape(-1, BANDS)
    )


def augment(mel, settings, *, seed=0, epoch=0, key="a/train/1"):
    return augment_mel(mel, settings, fill=FILL, seed=seed, epoch=epoch, key=key)


def augment_in_epochs(mel, settings, n=60):
    return [augment(mel, settings, epoch=epoch) for epoch in range(n)]


def test_without_settings_a_mel_spectrogram_is_returned_as_it_is():
    mel = noise()
    assert augment(mel, AugmentSettings()) is mel


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_each_setting_changes_a_copy_of_the_mel_spectrogram(settings):
    mel = noise()
    original = mel.copy()
    assert sum(not np.array_equal(one, mel) for one in augment_in_epochs(mel, settings, 10)) >= 9
    assert np.array_equal(mel, original)


@given(mels, st.integers(0, 5), st.integers(0, 5), st.text(max_size=8))
def test_length_type_and_bounds_hold_for_any_mel_spectrogram(mel, seed, epoch, key):
    augmented = augment(mel, EVERYTHING, seed=seed, epoch=epoch, key=key)
    assert augmented.shape == mel.shape and augmented.dtype == np.float32
    low, high = min(mel.min(), FILL.min()) - 6.001, max(mel.max(), FILL.max()) + 6.001
    assert augmented.min() >= max(low, MIN_DB) and augmented.max() <= high


def test_seed_epoch_and_key_each_change_the_random_numbers():
    mel = noise()
    augmented = [
        augment(mel, EVERYTHING),
        *(augment(mel, EVERYTHING, **one) for one in ({"seed": 1}, {"epoch": 1}, {"key": "b"})),
    ]
    assert len({one.tobytes() for one in augmented}) == 4


def test_neither_order_nor_the_global_generator_matters():
    mel, keys = noise(), ["a", "b", "c"]
    np.random.seed(0)
    forward = {key: augment(mel, EVERYTHING, key=key) for key in keys}
    np.random.seed(1)
    state = np.random.get_state()[1].tobytes()
    backward = {key: augment(mel, EVERYTHING, key=key) for key in reversed(keys)}
    assert all(np.array_equal(forward[key], backward[key]) for key in keys)
    assert np.random.get_state()[1].tobytes() == state


def test_another_process_computes_the_same():
    code = (
        "import numpy as np; from sentir.audio.augment import augment_mel;"
        "from sentir.recipe import AugmentSettings;"
        "mel = np.arange(480, dtype=np.float32).reshape(60, 8) / 10;"
        "print(repr(augment_mel(mel, AugmentSettings(masks=1, gain_db=3, shift_seconds=0.1, speed=0.1),"
        "fill=mel.mean(0), seed=3, epoch=2, key='ñ').astype(np.float64).sum()))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": s}
        )
        for s in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout != ""


def test_gain_adds_the_same_decibels_everywhere_down_to_the_floor():
    mel = noise()
    mel[:10] = MIN_DB
    gains = set()
    for augmented in augment_in_epochs(mel, SETTINGS["gain"]):
        gain = float((augmented - mel)[60:].mean())
        np.testing.assert_allclose(augmented, np.maximum(mel + gain, MIN_DB), atol=1e-3)
        gains.add(round(gain, 3))
    assert len(gains) > 50 and -6 <= min(gains) < -3 and 3 < max(gains) <= 6


def test_shift_moves_frames_and_fills_the_others():
    mel = noise()
    shifts = set()
    for augmented in augment_in_epochs(mel, SETTINGS["shift"]):
        filled = (augmented == FILL).all(1)
        start = int((mel == augmented[~filled][0]).all(1).argmax())
        n = int((~filled).argmax()) - start
        expected = np.tile(FILL, (len(mel), 1))
        expected[max(n, 0) : len(mel) + min(n, 0)] = mel[max(-n, 0) : len(mel) - max(n, 0)]
        assert np.array_equal(augmented, expected)
        shifts.add(n)
    assert -50 <= min(shifts) < -25 and 25 < max(shifts) <= 50


def test_a_shift_keeps_at_least_half_of_a_short_clip():
    mel = noise(11)
    kept = [(~(one == FILL).all(1)).sum() for one in augment_in_epochs(mel, AugmentSettings(shift_seconds=5))]
    assert min(kept) == 6 and max(kept) == 11


def test_speed_stretches_a_ramp_to_another_ramp_and_fills_the_end():
    ramp = np.repeat(np.arange(200, dtype=np.float32)[:, None], BANDS, axis=1)
    factors = set()
    for augmented in augment_in_epochs(ramp, SETTINGS["speed"]):
        filled = (augmented == FILL).all(1)
        kept = augmented[~filled]
        factor = float(kept[1, 0])
        np.testing.assert_allclose(kept, np.repeat(np.arange(len(kept))[:, None] * factor, BANDS, 1), atol=0.02)
        assert filled[len(kept) :].all() and (factor > 1) == filled.any()
        assert not filled.any() or len(kept) * factor > 199
        factors.add(factor)
    assert 0.8 <= min(factors) < 0.9 and 1.1 < max(factors) <= 1.2


def test_masks_are_the_train_mean_along_whole_bands_and_frames():
    mel = noise()
    widest, longest = 0, 0
    for augmented in augment_in_epochs(mel, AugmentSettings(masks=1, mask_bands=6, mask_seconds=0.5)):
        masked = augmented == FILL
        assert np.array_equal(augmented[~masked], mel[~masked])
        bands, frames = masked.all(0), masked.all(1)
        assert np.array_equal(masked, bands | frames[:, None])
        for mask in (bands, frames):
            assert np.abs(np.diff(mask.astype(int))).sum() <= 2, "one span each"
        widest, longest = max(widest, bands.sum()), max(longest, frames.sum())
    assert widest == 6 and 40 < longest <= 50
