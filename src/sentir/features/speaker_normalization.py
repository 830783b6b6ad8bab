"""Speaker normalization: columns are standardized within their speaker, as far as clips of the speaker are known.

A speaker's level and spread of pitch, loudness or timbre say nothing about emotion. Some clips of a speaker,
without labels (the *enrollment*), suffice to estimate them; few clips are shrunk towards the speakers of train.

Each of D columns has mean 0 and variance 1 on train, and is modeled as ``x = b + e``: a speaker effect
``b ~ N(0, ρ)`` and a residual ``e ~ N(0, v)`` of a speaker's clips, whose variance ``v`` is ``1 - ρ`` on average.
Given n clips with mean m and squared deviations S, a further clip of the speaker has

- the mean ``n ρ m / (n ρ + 1 - ρ)``: the empirical-Bayes estimate of the speaker effect (Kelley 1927; best linear
  unbiased prediction in Searle, Casella & McCulloch, *Variance Components*, 1992, chapter 7);
- the variance ``(d (1 - ρ) + S) / (d + n - 1) + ρ (1 - ρ) / (n ρ + 1 - ρ)``: the moderated variance of Smyth
  (*Statistical Applications in Genetics and Molecular Biology* 3, 2004, section 4), as if the speakers of train
  gave d degrees of freedom, and the uncertainty of that mean.

`SpeakerNormalizer.normalize` standardizes by these. Without enrollment they are 0 and 1, so nothing changes; with
many clips they are those of the speaker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.i18n import _

Array = NDArray[np.float64]

_MAX_CORRELATION = 0.999  # so that the variance within speakers is not 0
_MAX_DEGREES_OF_FREEDOM = 1e4
_MIN_VARIANCE = 1e-3
_ROUNDING = 1e-9  # more than the rounding errors of a sum of squared deviations


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerMoments:
    """What is known of a speaker: of each column how many values, their sum, and the sum of their squares.

    Attributes:
        counts, sums, squares: ``(D,)`` of one speaker, or ``(N, D)`` of the speakers of N rows.
    """

    counts: Array
    sums: Array
    squares: Array

    @classmethod
    def of(cls, standardized: NDArray[np.floating]) -> SpeakerMoments:
        """Return the ``(N, D)`` moments of N single rows; NaN is unknown."""
        known = ~np.isnan(standardized)
        values = np.where(known, standardized, 0.0).astype(np.float64)
        return cls(known.astype(np.float64), values, values**2)

    def __add__(self, other: SpeakerMoments) -> SpeakerMoments:
        return SpeakerMoments(self.counts + other.counts, self.sums + other.sums, self.squares + other.squares)

    def __sub__(self, other: SpeakerMoments) -> SpeakerMoments:
        return SpeakerMoments(self.counts - other.counts, self.sums - other.sums, self.squares - other.squares)

    def total(self, rows: Sequence[int] | NDArray[np.integer] | slice) -> SpeakerMoments:
        """Return the ``(D,)`` moments of several rows together."""
        return SpeakerMoments(*(part[rows].sum(axis=0) for part in (self.counts, self.sums, self.squares)))

    @classmethod
    def stack(cls, moments: Sequence[SpeakerMoments]) -> SpeakerMoments:
        """Return the ``(N, D)`` moments of N speakers."""
        return cls(*(np.stack([getattr(one, part) for one in moments]) for part in ("counts", "sums", "squares")))

    @classmethod
    def none(cls, width: int) -> SpeakerMoments:
        """Return the ``(D,)`` moments of a speaker of whom nothing is known."""
        return cls(np.zeros(width), np.zeros(width), np.zeros(width))


@dataclass(frozen=True, slots=True)
class SpeakerNormalizer:
    """The variances of D columns between and within the speakers of train; see the module.

    Attributes:
        means, stds: of each column on train; a standard deviation of 0 marks a constant column.
        correlations: intraclass correlation ρ of each column, the share of its variance that is between speakers.
        degrees_of_freedom: d, how much the variance of a speaker's few clips is shrunk.
    """

    means: tuple[float, ...]
    stds: tuple[float, ...]
    correlations: tuple[float, ...]
    degrees_of_freedom: float

    def __post_init__(self) -> None:
        if not len(self.means) == len(self.stds) == len(self.correlations):
            raise ValueError(_("there must be one mean, standard deviation and correlation for each column"))
        if not all(0 <= rho <= _MAX_CORRELATION for rho in self.correlations) or self.degrees_of_freedom <= 0:
            raise ValueError(_("correlations must be in [0, 1), and degrees of freedom positive"))

    @classmethod
    def fit(cls, values: NDArray[np.floating], speakers: Sequence[str | None]) -> SpeakerNormalizer:
        """Estimate the variances by the moments of a one-way analysis of variance.

        Args:
            values: ``(N, D)`` of train, NaN where unknown.
            speakers: of the N rows; rows without one count for means and standard deviations only.
        """
        values = values.astype(np.float64)
        known = ~np.isnan(values)
        counts = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, values, 0.0).sum(axis=0) / counts
        stds = np.sqrt(np.where(known, (values - means) ** 2, 0.0).sum(axis=0) / counts)
        stds = np.where(stds > 1e-6 * np.maximum(np.abs(means), 1.0), stds, 0.0)
        moments = SpeakerMoments.of(_standardize(values, means, stds))
        rows: dict[str, list[int]] = {}
        for n, speaker in enumerate(speakers):
            if speaker:
                rows.setdefault(speaker, []).append(n)
        if len(rows) < 2:
            correlations, freedom = np.zeros(values.shape[1]), _MAX_DEGREES_OF_FREEDOM
        else:
            correlations, freedom = _estimate(SpeakerMoments.stack([moments.total(own) for own in rows.values()]))
        return cls(tuple(means.tolist()), tuple(stds.tolist()), tuple(correlations.tolist()), freedom)

    def moments(self, values: NDArray[np.floating]) -> SpeakerMoments:
        """Return the ``(N, D)`` moments of N rows of values, NaN where unknown."""
        return SpeakerMoments.of(self.standardize(values))

    def normalize(self, values: NDArray[np.floating], enrolled: SpeakerMoments) -> NDArray[np.float32]:
        """Standardize N rows within their speakers, on the scale of train.

        Args:
            values: ``(N, D)``.
            enrolled: ``(N, D)`` moments of the speaker of each row.

        Returns:
            ``(N, D)`` float32 with the means and standard deviations that train has; values of columns of which
            no value of the speaker is known are unchanged.
        """
        n, rho = enrolled.counts, np.array(self.correlations)
        mean = enrolled.sums / np.maximum(n, 1)
        deviations = np.maximum(enrolled.squares - n * mean**2, 0.0)
        reliability = n * rho / (n * rho + 1 - rho)
        d = self.degrees_of_freedom
        variance = (d * (1 - rho) + deviations) / (d + np.maximum(n - 1, 0)) + rho * (1 - reliability)
        z = (self.standardize(values) - reliability * mean) / np.sqrt(np.maximum(variance, _MIN_VARIANCE))
        normalized = (np.array(self.means) + np.array(self.stds) * z).astype(np.float32)
        return np.where((n > 0) & (np.array(self.stds) > 0), normalized, values.astype(np.float32))

    def standardize(self, values: NDArray[np.floating]) -> Array:
        """Return ``(N, D)`` values with mean 0 and standard deviation 1 on train; 0 for constant columns."""
        return _standardize(values.astype(np.float64), np.array(self.means), np.array(self.stds))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: list(one) if isinstance(one, tuple) else one for name, one in asdict(self).items()}


def _standardize(values: NDArray[np.floating], means: NDArray[np.floating], stds: NDArray[np.floating]) -> Array:
    return ((values - means) / np.where(stds > 0, stds, np.inf)).astype(np.float64, copy=False)


def _estimate(speakers: SpeakerMoments) -> tuple[Array, float]:
    """Return ``(D,)`` intraclass correlations and the degrees of freedom, from ``(S, D)`` moments of speakers."""
    n = speakers.counts
    total, num_speakers = n.sum(axis=0), (n > 0).sum(axis=0)
    means = speakers.sums / np.maximum(n, 1)
    deviations = speakers.squares - n * means**2
    deviations = np.where(deviations > _ROUNDING * speakers.squares, deviations, 0.0)  # of equal values
    grand = speakers.sums.sum(axis=0) / np.maximum(total, 1)
    within = deviations.sum(axis=0) / np.maximum(total - num_speakers, 1)
    between = (n * (means - grand) ** 2).sum(axis=0) / np.maximum(num_speakers - 1, 1)
    size = (total - (n**2).sum(axis=0) / np.maximum(total, 1)) / np.maximum(num_speakers - 1, 1)
    effect = np.maximum(between - within, 0.0) / np.maximum(size, 1.0)
    share = effect / np.maximum(effect + within, 1e-12)
    return np.minimum(share, _MAX_CORRELATION), _estimate_freedom(deviations, n - 1)


def _estimate_freedom(deviations: Array, freedom: Array) -> float:
    """Return d from how much the log variances of speakers differ beyond chance (Smyth 2004, section 6.2).

    Args:
        deviations, freedom: ``(S, D)`` sums of squared deviations, and their degrees of freedom.
    """
    from scipy.special import digamma, polygamma

    used = ((freedom >= 2) & (deviations > 0)).all(axis=0)
    if not used.any():
        return _MAX_DEGREES_OF_FREEDOM
    half = freedom[:, used] / 2
    logs = np.log(deviations[:, used] / freedom[:, used]) - digamma(half) + np.log(half)
    excess = float((logs.var(axis=0, ddof=1) - polygamma(1, half).mean(axis=0)).mean())
    low, high = 0.1, _MAX_DEGREES_OF_FREEDOM
    for _step in range(60):  # trigamma falls: bisection on a logarithmic scale
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if polygamma(1, middle / 2) > excess else (low, middle)
    return low
