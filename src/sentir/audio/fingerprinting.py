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

from sentir.audio.mel import FLOOR_DB
from sentir.progress import task

SHORTEST = 0.5  # seconds of active sound; less tells too little
_RATE = 100  # frames per second
_BANDS = slice(4, 46)  # 200 to 3,400 Hz, what any telephone carries
_EDGES = np.linspace(0, 42, 18).round().astype(int)[:-1]  # 17 groups of bands, which give 16 bits a frame
_SMOOTH = np.hanning(10)[1:-1] / np.hanning(10).sum()
_STEP = 4  # frames over which a difference grows or shrinks
_ACTIVE_DB = 20.0
_NOTHING = 42 * 10 ** (FLOOR_DB / 10 + 1)  # 10 dB above what 42 bands of digital silence have
_LATEST = 30  # frames by which its sound may begin later or earlier than that of its copy
_SHARED = 0.8  # share of each clip's active frames that the other must cover
_MOST = 0.19  # share of bits that may differ: copies keep below .15, the same words said twice above .22
_STRETCH = 30  # frames
_MOST_IN_STRETCH = 0.3  # copies keep below .22 even in the worst one, another word is above .4
_CERTAIN = (0.1, 0.15)  # of all bits, and of the worst stretch: sentences of one synthetic voice keep above
_MOST_UNKNOWN = 0.2  # of the worst stretch, where nobody knows what is said
_SAME_LENGTH = 8  # frames by which a copy may be longer or shorter, as silence before it makes one
_NEAR_DB = 2.0  # root mean square difference of profiles that is worth a comparison
_NEIGHBORS = 8
_BLOCK = 512
_ONES = np.array([number.bit_count() for number in range(1 << 16)], dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What a clip is recognized by.

    Attributes:
        words: ``(T,)`` uint16, 16 bits for each frame of 10 ms from the first to the last active one.
        active: ``(T,)`` bool, where there is sound to compare.
        profile: ``(84,)`` float32, mean (whatever the gain) and deviation of 42 bands in dB.
    """

    words: NDArray[np.uint16]
    active: NDArray[np.bool_]
    profile: NDArray[np.float32]


def fingerprint(mel: NDArray[np.floating]) -> Fingerprint | None:
    """Return the fingerprint of a mel ``(T, 64)`` in dB, or ``None`` for less than half a second of sound."""
    decibels = np.asarray(mel[:, _BANDS], dtype=np.float32)
    power = 10 ** (decibels / 10)
    groups = _smooth(np.add.reduceat(power, _EDGES, axis=1))
    energy = groups.sum(axis=1)
    loud = energy > max(energy.max(initial=0.0) * 10 ** (-_ACTIVE_DB / 10), _NOTHING)
    if np.count_nonzero(loud) < SHORTEST * _RATE:
        return None
    level = np.log10(np.maximum(groups, groups.max() * 1e-5))
    slope = level[:, :-1] - level[:, 1:]
    bits = slope[_STEP:] > slope[:-_STEP]
    words = np.packbits(bits, axis=1).view(np.uint16)[:, 0]
    active = loud[_STEP:] | loud[:-_STEP]
    first, *_between, last = np.flatnonzero(active)
    return Fingerprint(words[first : last + 1], active[first : last + 1], _profile(decibels[loud]))


def _smooth(groups: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average over eight frames, weighted by a Hann window."""
    half = len(_SMOOTH) // 2
    padded = np.pad(groups, ((half, half - 1), (0, 0)))
    smooth = np.zeros_like(groups)
    for k, weight in enumerate(_SMOOTH.astype(np.float32)):
        smooth += weight * padded[k : k + len(groups)]
    return smooth


def _profile(decibels: NDArray[np.float32]) -> NDArray[np.float32]:
    heard = np.maximum(decibels, decibels.max() - 40)
    mean = heard.mean(axis=0)
    return np.concatenate([mean - mean.mean(), heard.std(axis=0)])


class Difference(NamedTuple):
    """The share of bits that differ where both clips sound: over all, and over the worst stretch of 0.3 s.

    0 for equal clips, about .5 for unrelated ones, 1 for clips that do not cover most of each other.
    """

    whole: float
    worst: float

    @property
    def is_copy(self) -> bool:
        """Whether it may be that of two copies; the worst stretch tells a sentence with another last word."""
        return self.whole <= _MOST and self.worst <= _MOST_IN_STRETCH

    @property
    def is_certain(self) -> bool:
        """Whether no two recordings are so alike, not even of one synthetic voice saying nearly the same."""
        return self.whole <= _CERTAIN[0] and self.worst <= _CERTAIN[1]


def difference(a: Fingerprint, b: Fingerprint) -> Difference:
    """Compare two clips at the shift of up to 0.3 s that fits best."""
    if len(a.words) > len(b.words):
        a, b = b, a
    sounding = np.count_nonzero(a.active), np.count_nonzero(b.active)
    if min(sounding) < _SHARED * max(sounding):
        return Difference(1.0, 1.0)
    words = _windows(np.pad(b.words, _LATEST), len(a.words))
    both = _windows(np.pad(b.active, _LATEST), len(a.words)) & a.active
    errors = _ONES[words ^ a.words] * both
    shared = np.count_nonzero(both, axis=1)
    enough = shared >= _SHARED * max(sounding)
    shares = np.where(enough, errors.sum(axis=1, dtype=np.int64) / np.maximum(16 * shared, 1), 1.0)
    best = int(shares.argmin())
    return Difference(float(shares[best]), _worst(errors[best], both[best]))


def _worst(errors: NDArray[np.uint8], both: NDArray[np.bool_]) -> float:
    """Return the highest share of errors in a stretch, of those of which half or more sounds."""
    starts = np.arange(0, len(errors), _STRETCH)
    shared = np.add.reduceat(both, starts, dtype=np.int64)
    wrong = np.add.reduceat(errors, starts, dtype=np.int64)
    judged = shared >= _STRETCH // 2
    return float((wrong[judged] / (16 * shared[judged])).max(initial=0.0))


def _windows(row: NDArray[Any], length: int) -> NDArray[Any]:
    return np.lib.stride_tricks.sliding_window_view(row, length)


def find_copies(prints: Sequence[Fingerprint | None], said: Sequence[str] | None = None) -> list[tuple[int, int]]:
    """Return the pairs of places ``(earlier, later)`` whose clips are copies of one another.

    Clips of one synthetic voice are much alike whatever it says. So those that are alike, but not beyond doubt,
    are copies if the same is said in both; where that is not known, if they are as long and nowhere far apart.

    Every clip is compared with the eight of the nearest profile; of more copies than that, some pairs are left
    out, but each is in a pair.

    Args:
        prints: of the clips.
        said: what is said in each, as it is compared; ``""`` where that is not known.
    """
    from sentir.i18n import _

    texts = said or [""] * len(prints)
    places = [place for place, found in enumerate(prints) if found is not None]
    found = [one for one in prints if one is not None]
    near = _near(np.array([one.profile for one in found], dtype=np.float32)) if len(found) > 1 else []
    pairs = []
    with task(_("Comparing clips"), len(near)) as advance:
        for a, b in near:
            if _are_copies(found[a], found[b], texts[places[a]], texts[places[b]]):
                pairs.append((places[a], places[b]))
            advance(1)
    return pairs


def _are_copies(a: Fingerprint, b: Fingerprint, said: str, other: str) -> bool:
    found = difference(a, b)
    if not found.is_copy or found.is_certain:
        return found.is_copy
    if said and other:
        return said == other
    return found.worst <= _MOST_UNKNOWN and abs(len(a.words) - len(b.words)) <= _SAME_LENGTH


def _near(profiles: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the pairs worth a comparison, a block of rows against all at a time."""
    squares = np.einsum("nd,nd->n", profiles, profiles)
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(profiles), _BLOCK):
        rows = slice(start, start + _BLOCK)
        far = squares[rows, None] + squares - 2 * profiles[rows] @ profiles.T
        far[np.arange(len(far)), np.arange(start, start + len(far))] = np.inf
        nearest = np.argpartition(far, min(_NEIGHBORS, far.shape[1] - 1) - 1, axis=1)[:, :_NEIGHBORS]
        close = np.take_along_axis(far, nearest, axis=1) < _NEAR_DB**2 * profiles.shape[1]
        for row, column in zip(*np.nonzero(close), strict=True):
            one, other = start + int(row), int(nearest[row, column])
            pairs.add((min(one, other), max(one, other)))
    return sorted(pairs)
