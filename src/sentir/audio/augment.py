"""Augmentation of mel spectrograms for training, different in each epoch: gain, speed, shift and masks.

The random numbers depend only on (seed, epoch, key), so neither the order of clips nor the number of workers
matters, and a resumed training equals an uninterrupted one.
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
    """Augment a mel spectrogram; its length stays the same.

    Gain comes first, then speed, shift, and masks along bands and time (SpecAugment, Park et al. 2019), so that
    the gain does not change the fill values.

    Args:
        mel: ``(T, B)`` in dB, before normalization; not modified.
        settings: which augmentations, and how strong; seconds are rounded to frames of 10 ms.
        fill: ``(B,)`` the train mean of each band in dB, for masks and for frames from outside the clip.
        seed, epoch, key: seed of the random numbers.

    Returns:
        ``(T, B)`` in dB; ``mel`` itself if all augmentations are off.
    """
    rng = _make_generator(seed, epoch, key)
    if settings.gain_db:
        mel = _apply_gain(mel, rng.uniform(-settings.gain_db, settings.gain_db))
    if settings.speed:
        mel = _change_speed(mel, 1 + rng.uniform(-settings.speed, settings.speed), fill)
    if settings.shift_seconds:
        limit = min(_seconds_to_frames(settings.shift_seconds), len(mel) // 2)  # at least half of a clip stays
        mel = _shift_time(mel, int(rng.integers(-limit, limit + 1)), fill)
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
    """Play ``factor`` times as fast, interpolating between frames; the end is cropped or filled."""
    positions = np.arange(len(mel)) * factor
    positions = positions[positions <= len(mel) - 1]
    before = positions.astype(np.int64)
    after = np.minimum(before + 1, len(mel) - 1)
    weight = (positions - before).astype(np.float32)[:, None]
    changed = np.tile(fill, (len(mel), 1))
    changed[: len(positions)] = mel[before] * (1 - weight) + mel[after] * weight
    return changed


def _shift_time(mel: MelSpectrogram, frames: int, fill: MelSpectrogram) -> MelSpectrogram:
    """Shift in time, to earlier frames if ``frames`` is negative."""
    shifted = np.roll(mel, frames, axis=0)
    shifted[: max(frames, 0)] = fill
    shifted[len(mel) + min(frames, 0) :] = fill
    return shifted


def _random_span(rng: np.random.Generator, max_length: int, size: int) -> slice:
    """Return a random span of 0 to ``max_length`` of ``size`` positions."""
    length = int(rng.integers(0, min(max_length, size) + 1))
    start = int(rng.integers(0, size - length + 1))
    return slice(start, start + length)
