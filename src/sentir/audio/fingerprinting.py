"""Audio fingerprints of mel spectrograms, to find duplicate clips whatever their encoding.

After Haitsma and Kalker, A Highly Robust Audio Fingerprinting System (2002): each bit is the sign of the change
over time of the difference between two neighboring bands, which does not depend on gain and hardly on the codec.
For measurements see docs/decisions/audit.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentir.audio.mel import MIN_DB
from sentir.i18n import _
from sentir.progress import progress_bar

MIN_ACTIVE_SECONDS = 0.5  # clips with less active audio are not compared
_FRAME_RATE = 100  # frames per second
_COMPARED_BANDS = slice(4, 46)  # 200 to 3,400 Hz, the band of telephones
_BAND_GROUP_EDGES = np.linspace(0, 42, 18).round().astype(int)[:-1]  # 17 groups of bands: 16 bits per frame
_SMOOTHING_WINDOW = np.hanning(10)[1:-1] / np.hanning(10).sum()
_DELTA_FRAMES = 4  # frames over which the change is measured
_ACTIVE_DB = 20.0
_SILENCE_POWER = 42 * 10 ** (MIN_DB / 10 + 1)  # 10 dB above 42 bands of digital silence
_MAX_SHIFT = 30  # frames by which a duplicate may start earlier or later
_MIN_OVERLAP = 0.8  # share of each clip's active frames that the other must cover
_MAX_BIT_ERROR_RATE = 0.19  # duplicates are below .15, two recordings of the same words above .22
_WINDOW_FRAMES = 30  # frames
_MAX_WINDOW_BIT_ERROR_RATE = 0.3  # duplicates are below .22 in their worst window, another word is above .4
_CERTAIN_BIT_ERROR_RATES = (0.1, 0.15)  # overall and worst window: sentences of one synthetic voice are above
_MAX_WINDOW_BIT_ERROR_RATE_WITHOUT_TEXT = 0.2  # where the transcripts are unknown
_MAX_LENGTH_DIFFERENCE = 8  # frames, where the transcripts are unknown: leading silence changes the length
_MAX_PROFILE_DISTANCE_DB = 2.0  # root mean square difference of profiles; only closer clips are compared
_NUM_NEIGHBORS = 8
_BLOCK_ROWS = 512
_BIT_COUNTS = np.array([number.bit_count() for number in range(1 << 16)], dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class AudioFingerprint:
    """The fingerprint of a clip.

    Attributes:
        sub_fingerprints: ``(T,)`` uint16, 16 bits for each frame of 10 ms from the first to the last active one.
        active: ``(T,)`` bool, frames that are loud enough to compare.
        band_profile: ``(84,)`` float32, mean (gain removed) and standard deviation of 42 bands in dB.
    """

    sub_fingerprints: NDArray[np.uint16]
    active: NDArray[np.bool_]
    band_profile: NDArray[np.float32]


def compute_audio_fingerprint(mel: NDArray[np.floating]) -> AudioFingerprint | None:
    """Return the fingerprint of a mel spectrogram ``(T, 64)`` in dB; ``None`` for under 0.5 s of active audio."""
    decibels = np.asarray(mel[:, _COMPARED_BANDS], dtype=np.float32)
    power = 10 ** (decibels / 10)
    groups = _smooth_frames(np.add.reduceat(power, _BAND_GROUP_EDGES, axis=1))
    energy = groups.sum(axis=1)
    loud = energy > max(energy.max(initial=0.0) * 10 ** (-_ACTIVE_DB / 10), _SILENCE_POWER)
    if np.count_nonzero(loud) < MIN_ACTIVE_SECONDS * _FRAME_RATE:
        return None
    level = np.log10(np.maximum(groups, groups.max() * 1e-5))
    slope = level[:, :-1] - level[:, 1:]
    bits = slope[_DELTA_FRAMES:] > slope[:-_DELTA_FRAMES]
    sub_fingerprints = np.packbits(bits, axis=1).view(np.uint16)[:, 0]
    active = loud[_DELTA_FRAMES:] | loud[:-_DELTA_FRAMES]
    first, *_between, last = np.flatnonzero(active)
    span = slice(first, last + 1)
    return AudioFingerprint(sub_fingerprints[span], active[span], _compute_band_profile(decibels[loud]))


def _smooth_frames(groups: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average over eight frames, weighted by a Hann window."""
    half = len(_SMOOTHING_WINDOW) // 2
    padded = np.pad(groups, ((half, half - 1), (0, 0)))
    smooth = np.zeros_like(groups)
    for k, weight in enumerate(_SMOOTHING_WINDOW.astype(np.float32)):
        smooth += weight * padded[k : k + len(groups)]
    return smooth


def _compute_band_profile(decibels: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.maximum(decibels, decibels.max() - 40)
    mean = clipped.mean(axis=0)
    return np.concatenate([mean - mean.mean(), clipped.std(axis=0)])


class BitErrorRate(NamedTuple):
    """The share of bits that differ where both clips are active: overall, and in the worst window of 0.3 s.

    It is 0 for equal clips, about .5 for unrelated ones, and 1 for clips that overlap too little.
    """

    overall: float
    worst_window: float

    @property
    def is_duplicate(self) -> bool:
        """Whether the clips may be duplicates; the worst window detects a sentence with another last word."""
        return self.overall <= _MAX_BIT_ERROR_RATE and self.worst_window <= _MAX_WINDOW_BIT_ERROR_RATE

    @property
    def is_certain(self) -> bool:
        """Whether the clips are certainly duplicates, even if both are of one synthetic voice."""
        return self.overall <= _CERTAIN_BIT_ERROR_RATES[0] and self.worst_window <= _CERTAIN_BIT_ERROR_RATES[1]


def compute_bit_error_rate(a: AudioFingerprint, b: AudioFingerprint) -> BitErrorRate:
    """Compare two clips at the best shift of up to 0.3 s."""
    if len(a.sub_fingerprints) > len(b.sub_fingerprints):
        a, b = b, a
    num_active = np.count_nonzero(a.active), np.count_nonzero(b.active)
    if min(num_active) < _MIN_OVERLAP * max(num_active):
        return BitErrorRate(1.0, 1.0)
    shifted = _sliding_windows(np.pad(b.sub_fingerprints, _MAX_SHIFT), len(a.sub_fingerprints))
    both = _sliding_windows(np.pad(b.active, _MAX_SHIFT), len(a.sub_fingerprints)) & a.active
    errors = _BIT_COUNTS[shifted ^ a.sub_fingerprints] * both
    overlap = np.count_nonzero(both, axis=1)
    is_enough = overlap >= _MIN_OVERLAP * max(num_active)
    rates = np.where(is_enough, errors.sum(axis=1, dtype=np.int64) / np.maximum(16 * overlap, 1), 1.0)
    best = int(rates.argmin())
    return BitErrorRate(float(rates[best]), _compute_worst_window(errors[best], both[best]))


def _compute_worst_window(errors: NDArray[np.uint8], both_active: NDArray[np.bool_]) -> float:
    """Return the highest bit error rate of a window, among those of which at least half is active."""
    starts = np.arange(0, len(errors), _WINDOW_FRAMES)
    num_active = np.add.reduceat(both_active, starts, dtype=np.int64)
    num_errors = np.add.reduceat(errors, starts, dtype=np.int64)
    compared = num_active >= _WINDOW_FRAMES // 2
    return float((num_errors[compared] / (16 * num_active[compared])).max(initial=0.0))


def _sliding_windows(row: NDArray[Any], length: int) -> NDArray[Any]:
    return np.lib.stride_tricks.sliding_window_view(row, length)


def find_duplicate_clips(
    fingerprints: Sequence[AudioFingerprint | None], transcripts: Sequence[str] | None = None
) -> list[tuple[int, int]]:
    """Return the pairs of positions ``(earlier, later)`` of duplicate clips.

    Clips of one synthetic voice are much alike whatever it says. So clips that are similar, but not certainly
    duplicates, count as duplicates if their transcripts are equal; without transcripts, if they have about the
    same length and no window differs much.

    Each clip is compared with the eight clips of the nearest profiles. Of more duplicates of one clip, some pairs
    are missing, but each clip is in a pair.

    Args:
        fingerprints: of the clips.
        transcripts: normalized text of each clip; ``""`` if it is unknown.
    """
    texts = transcripts or [""] * len(fingerprints)
    rows = [(n, one, texts[n]) for n, one in enumerate(fingerprints) if one is not None]
    profiles = np.array([one.band_profile for _n, one, _text in rows], dtype=np.float32)
    candidates = _find_candidate_pairs(profiles) if len(rows) > 1 else []
    pairs = []
    with progress_bar(_("Comparing clips"), len(candidates)) as advance:
        for earlier, later in candidates:
            (a, fingerprint, text), (b, other_fingerprint, other_text) = rows[earlier], rows[later]
            if _are_duplicates(fingerprint, other_fingerprint, text, other_text):
                pairs.append((a, b))
            advance(1)
    return pairs


def _are_duplicates(a: AudioFingerprint, b: AudioFingerprint, text: str, other_text: str) -> bool:
    rate = compute_bit_error_rate(a, b)
    if not rate.is_duplicate or rate.is_certain:
        return rate.is_duplicate
    if text and other_text:
        return text == other_text
    return (
        rate.worst_window <= _MAX_WINDOW_BIT_ERROR_RATE_WITHOUT_TEXT
        and abs(len(a.sub_fingerprints) - len(b.sub_fingerprints)) <= _MAX_LENGTH_DIFFERENCE
    )


def _find_candidate_pairs(profiles: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the pairs of rows with similar profiles; compares a block of rows with all rows at a time."""
    squares = np.einsum("nd,nd->n", profiles, profiles)
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(profiles), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        distances = squares[rows, None] + squares - 2 * profiles[rows] @ profiles.T
        distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = np.inf
        last = min(_NUM_NEIGHBORS, len(profiles) - 1) - 1
        nearest = np.argpartition(distances, last, axis=1)[:, :_NUM_NEIGHBORS]
        limit = _MAX_PROFILE_DISTANCE_DB**2 * profiles.shape[1]
        is_close = np.take_along_axis(distances, nearest, axis=1) < limit
        for row, column in zip(*np.nonzero(is_close), strict=True):
            one, other = start + int(row), int(nearest[row, column])
            pairs.add((min(one, other), max(one, other)))
    return sorted(pairs)
