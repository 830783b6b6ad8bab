"""Which clips are copies of one another, however they were encoded: fingerprints of mels, and their comparison.

After Haitsma and Kalker, A Highly Robust Audio Fingerprinting System (2002): a bit tells whether the difference
between two neighboring bands grows or shrinks over a short time, which gain leaves alone and codecs hardly touch.
What was measured with it stands in docs/decisions/audit.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentir.audio.mel import MIN_DB
from sentir.progress import progress_bar

MIN_ACTIVE_SECONDS = 0.5  # seconds of active sound; less tells too little
_FRAME_RATE = 100  # frames per second
_COMPARED_BANDS = slice(4, 46)  # 200 to 3,400 Hz, what any telephone carries
_BAND_GROUP_EDGES = (
    np.linspace(0, 42, 18).round().astype(int)[:-1]
)  # 17 groups of bands, which give 16 bits a frame
_SMOOTHING_WINDOW = np.hanning(10)[1:-1] / np.hanning(10).sum()
_DELTA_FRAMES = 4  # frames over which a difference grows or shrinks
_ACTIVE_DB = 20.0
_SILENCE_POWER = 42 * 10 ** (MIN_DB / 10 + 1)  # 10 dB above what 42 bands of digital silence have
_MAX_SHIFT = 30  # frames by which its sound may begin later or earlier than that of its copy
_MIN_OVERLAP = 0.8  # share of each clip's active frames that the other must cover
_MAX_BIT_ERROR_RATE = (
    0.19  # share of bits that may differ: copies keep below .15, the same words said twice above .22
)
_WINDOW_FRAMES = 30  # frames
_MAX_WINDOW_BIT_ERROR_RATE = 0.3  # copies keep below .22 even in the worst one, another word is above .4
_CERTAIN_BIT_ERROR_RATES = (
    0.1,
    0.15,
)  # of all bits, and of the worst stretch: sentences of one synthetic voice keep above
_MAX_WINDOW_BIT_ERROR_RATE_WITHOUT_TEXT = 0.2  # of the worst stretch, where nobody knows what is said
_MAX_LENGTH_DIFFERENCE = 8  # frames by which a copy may be longer or shorter, as silence before it makes one
_MAX_PROFILE_DISTANCE_DB = 2.0  # root mean square difference of profiles that is worth a comparison
_NUM_NEIGHBORS = 8
_BLOCK_ROWS = 512
_BIT_COUNTS = np.array([number.bit_count() for number in range(1 << 16)], dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class AudioFingerprint:
    """What a clip is recognized by.

    Attributes:
        sub_fingerprints: ``(T,)`` uint16, 16 bits for each frame of 10 ms from the first to the last active one.
        active: ``(T,)`` bool, where there is sound to compare.
        band_profile: ``(84,)`` float32, mean (whatever the gain) and deviation of 42 bands in dB.
    """

    sub_fingerprints: NDArray[np.uint16]
    active: NDArray[np.bool_]
    band_profile: NDArray[np.float32]


def compute_audio_fingerprint(mel: NDArray[np.floating]) -> AudioFingerprint | None:
    """Return the fingerprint of a mel ``(T, 64)`` in dB, or ``None`` for less than half a second of sound."""
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
    words = np.packbits(bits, axis=1).view(np.uint16)[:, 0]
    active = loud[_DELTA_FRAMES:] | loud[:-_DELTA_FRAMES]
    first, *_between, last = np.flatnonzero(active)
    return AudioFingerprint(
        words[first : last + 1], active[first : last + 1], _compute_band_profile(decibels[loud])
    )


def _smooth_frames(groups: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average over eight frames, weighted by a Hann window."""
    half = len(_SMOOTHING_WINDOW) // 2
    padded = np.pad(groups, ((half, half - 1), (0, 0)))
    smooth = np.zeros_like(groups)
    for k, weight in enumerate(_SMOOTHING_WINDOW.astype(np.float32)):
        smooth += weight * padded[k : k + len(groups)]
    return smooth


def _compute_band_profile(decibels: NDArray[np.float32]) -> NDArray[np.float32]:
    heard = np.maximum(decibels, decibels.max() - 40)
    mean = heard.mean(axis=0)
    return np.concatenate([mean - mean.mean(), heard.std(axis=0)])


class BitErrorRate(NamedTuple):
    """The share of bits that differ where both clips sound: over all, and over the worst stretch of 0.3 s.

    0 for equal clips, about .5 for unrelated ones, 1 for clips that do not cover most of each other.
    """

    overall: float
    worst_window: float

    @property
    def is_duplicate(self) -> bool:
        """Whether it may be that of two copies; the worst stretch tells a sentence with another last word."""
        return self.overall <= _MAX_BIT_ERROR_RATE and self.worst_window <= _MAX_WINDOW_BIT_ERROR_RATE

    @property
    def is_certain(self) -> bool:
        """Whether no two recordings are so alike, not even of one synthetic voice saying nearly the same."""
        return self.overall <= _CERTAIN_BIT_ERROR_RATES[0] and self.worst_window <= _CERTAIN_BIT_ERROR_RATES[1]


def compute_bit_error_rate(a: AudioFingerprint, b: AudioFingerprint) -> BitErrorRate:
    """Compare two clips at the shift of up to 0.3 s that fits best."""
    if len(a.sub_fingerprints) > len(b.sub_fingerprints):
        a, b = b, a
    sounding = np.count_nonzero(a.active), np.count_nonzero(b.active)
    if min(sounding) < _MIN_OVERLAP * max(sounding):
        return BitErrorRate(1.0, 1.0)
    words = _sliding_windows(np.pad(b.sub_fingerprints, _MAX_SHIFT), len(a.sub_fingerprints))
    both = _sliding_windows(np.pad(b.active, _MAX_SHIFT), len(a.sub_fingerprints)) & a.active
    errors = _BIT_COUNTS[words ^ a.sub_fingerprints] * both
    shared = np.count_nonzero(both, axis=1)
    enough = shared >= _MIN_OVERLAP * max(sounding)
    shares = np.where(enough, errors.sum(axis=1, dtype=np.int64) / np.maximum(16 * shared, 1), 1.0)
    best = int(shares.argmin())
    return BitErrorRate(float(shares[best]), _compute_worst_window(errors[best], both[best]))


def _compute_worst_window(errors: NDArray[np.uint8], both_active: NDArray[np.bool_]) -> float:
    """Return the highest share of errors in a stretch, of those of which half or more sounds."""
    starts = np.arange(0, len(errors), _WINDOW_FRAMES)
    shared = np.add.reduceat(both_active, starts, dtype=np.int64)
    wrong = np.add.reduceat(errors, starts, dtype=np.int64)
    judged = shared >= _WINDOW_FRAMES // 2
    return float((wrong[judged] / (16 * shared[judged])).max(initial=0.0))


def _sliding_windows(row: NDArray[Any], length: int) -> NDArray[Any]:
    return np.lib.stride_tricks.sliding_window_view(row, length)


def find_duplicate_clips(
    fingerprints: Sequence[AudioFingerprint | None], transcripts: Sequence[str] | None = None
) -> list[tuple[int, int]]:
    """Return the pairs of places ``(earlier, later)`` whose clips are copies of one another.

    Clips of one synthetic voice are much alike whatever it says. So those that are alike, but not beyond doubt,
    are copies if the same is said in both; where that is not known, if they are as long and nowhere far apart.

    Every clip is compared with the eight of the nearest profile; of more copies than that, some pairs are left
    out, but each is in a pair.

    Args:
        fingerprints: of the clips.
        transcripts: what is said in each, as it is compared; ``""`` where that is not known.
    """
    from sentir.i18n import _

    texts = transcripts or [""] * len(fingerprints)
    places = [place for place, found in enumerate(fingerprints) if found is not None]
    found = [one for one in fingerprints if one is not None]
    near = (
        _find_candidate_pairs(np.array([one.band_profile for one in found], dtype=np.float32))
        if len(found) > 1
        else []
    )
    pairs = []
    with progress_bar(_("Comparing clips"), len(near)) as advance:
        for a, b in near:
            if _are_duplicates(found[a], found[b], texts[places[a]], texts[places[b]]):
                pairs.append((places[a], places[b]))
            advance(1)
    return pairs


def _are_duplicates(a: AudioFingerprint, b: AudioFingerprint, text: str, other_text: str) -> bool:
    found = compute_bit_error_rate(a, b)
    if not found.is_duplicate or found.is_certain:
        return found.is_duplicate
    if text and other_text:
        return text == other_text
    return (
        found.worst_window <= _MAX_WINDOW_BIT_ERROR_RATE_WITHOUT_TEXT
        and abs(len(a.sub_fingerprints) - len(b.sub_fingerprints)) <= _MAX_LENGTH_DIFFERENCE
    )


def _find_candidate_pairs(profiles: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the pairs worth a comparison, a block of rows against all at a time."""
    squares = np.einsum("nd,nd->n", profiles, profiles)
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(profiles), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        far = squares[rows, None] + squares - 2 * profiles[rows] @ profiles.T
        far[np.arange(len(far)), np.arange(start, start + len(far))] = np.inf
        nearest = np.argpartition(far, min(_NUM_NEIGHBORS, far.shape[1] - 1) - 1, axis=1)[:, :_NUM_NEIGHBORS]
        close = np.take_along_axis(far, nearest, axis=1) < _MAX_PROFILE_DISTANCE_DB**2 * profiles.shape[1]
        for row, column in zip(*np.nonzero(close), strict=True):
            one, other = start + int(row), int(nearest[row, column])
            pairs.add((min(one, other), max(one, other)))
    return sorted(pairs)
