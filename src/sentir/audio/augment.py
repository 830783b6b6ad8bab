"""Changes of a train mel, drawn anew in every epoch: gain, speed, shift and masks.

The random numbers are a function of (seed, epoch, key) alone, so neither the order of clips nor the number of
workers matters, and a training resumed in the middle goes on as it would have.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from sentir.audio.mel import HOP_LENGTH, MIN_DB, SAMPLING_RATE
from sentir.recipe import AugmentSettings

MelSpectrogram = NDArray[np.float32]


def augment_mel(
    mel: MelSpectrogram, settings: AugmentSettings, *, fill: MelSpectrogram, seed: int, epoch: int, key: str
) -> MelSpectrogram:
    """Change a mel as the settings ask; it keeps its length.

    Gain comes first, then speed, shift, and masks along bands and time (SpecAugment, Park et al. 2019), so that
    what is filled in is the train mean whatever the gain.

    Args:
        mel: ``(T, B)`` in dB, before normalization; left as it is.
        settings: what to change, and by how much; seconds are counted in frames of 10 ms.
        fill: ``(B,)`` the train mean of each band in dB, for what is masked or comes in from outside the clip.
        seed, epoch, key: what the random numbers are drawn from.

    Returns:
        ``(T, B)`` in dB; ``mel`` itself if every switch is off.
    """
    rng = _make_generator(seed, epoch, key)
    if settings.gain_db:
        mel = _apply_gain(mel, rng.uniform(-settings.gain_db, settings.gain_db))
    if settings.speed:
        mel = _change_speed(mel, 1 + rng.uniform(-settings.speed, settings.speed), fill)
    if settings.shift_seconds:
        most = min(
            _seconds_to_frames(settings.shift_seconds), len(mel) // 2
        )  # at least half of a short clip stays
        mel = _shift_time(mel, int(rng.integers(-most, most + 1)), fill)
    if settings.masks:
        mel = mel.copy()
        for _mask in range(settings.masks):
            bands = _random_span(rng, settings.mask_bands, mel.shape[1])
            mel[:, bands] = fill[bands]
            mel[_random_span(rng, _seconds_to_frames(settings.mask_seconds), len(mel))] = fill
    return mel


def _make_generator(seed: int, epoch: int, key: str) -> np.random.Generator:
    digest = hashlib.blake2b(f"{seed}/{epoch}/{key}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest))


def _seconds_to_frames(seconds: float) -> int:
    return round(seconds * SAMPLING_RATE / HOP_LENGTH)


def _apply_gain(mel: MelSpectrogram, decibels: float) -> MelSpectrogram:
    return np.maximum(mel + np.float32(decibels), np.float32(MIN_DB))


def _change_speed(mel: MelSpectrogram, factor: float, fill: MelSpectrogram) -> MelSpectrogram:
    """Read a mel ``factor`` times as fast, interpolating between frames; the end is cropped or filled."""
    places = np.arange(len(mel)) * factor
    places = places[places <= len(mel) - 1]
    before = places.astype(np.int64)
    after = np.minimum(before + 1, len(mel) - 1)
    weight = (places - before).astype(np.float32)[:, None]
    found = np.tile(fill, (len(mel), 1))
    found[: len(places)] = mel[before] * (1 - weight) + mel[after] * weight
    return found


def _shift_time(mel: MelSpectrogram, frames: int, fill: MelSpectrogram) -> MelSpectrogram:
    """Move a mel in time, to an earlier one if ``frames`` is negative."""
    found = np.roll(mel, frames, axis=0)
    found[: max(frames, 0)] = fill
    found[len(mel) + min(frames, 0) :] = fill
    return found


def _random_span(rng: np.random.Generator, longest: int, size: int) -> slice:
    """Draw a stretch of 0 to ``longest`` of ``size`` places."""
    length = int(rng.integers(0, min(longest, size) + 1))
    start = int(rng.integers(0, size - length + 1))
    return slice(start, start + length)
