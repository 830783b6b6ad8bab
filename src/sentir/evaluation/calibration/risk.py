"""The risk–coverage curve of dev: how many of the predictions that a confidence threshold keeps are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from sentir.errors import RecognizerError
from sentir.i18n import _, format_decimal

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """A confidence threshold, and what it keeps on dev.

    Attributes:
        confidence: predictions with at least this confidence are kept.
        error: share of the kept that are wrong; in multi-label tasks, of their label decisions.
        coverage: share of predictions that are kept.
    """

    confidence: float
    error: float
    coverage: float


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """The thresholds that any maximum error needs, by rising confidence.

    The error of what a threshold keeps does not fall steadily with the threshold. Here are those with a smaller
    error than every lower threshold, so that the first point whose error is small enough is the lowest threshold
    (selective classification: El-Yaniv and Wiener, JMLR 2010).

    Attributes:
        confidences: ``(M,)``, rising.
        errors: ``(M,)``, falling.
        coverages: ``(M,)``, falling.
    """

    confidences: tuple[float, ...]
    errors: tuple[float, ...]
    coverages: tuple[float, ...]

    def find_threshold(self, max_error: float) -> RiskPoint:
        """Return the lowest threshold at which at most the share ``max_error`` of what is kept was wrong on dev.

        Raises:
            RecognizerError: if the share is not between 0 and 1, or no threshold reaches it.
        """
        if isinstance(max_error, bool) or not isinstance(max_error, Real) or not 0 <= max_error <= 1:
            raise RecognizerError(
                _("The maximum error must be a share between 0 and 1, such as 0.2, not {value}.", value=max_error)
            )
        for point in map(RiskPoint, self.confidences, self.errors, self.coverages):
            if point.error <= max_error + 1e-12:
                return point
        raise RecognizerError(
            _("No confidence threshold keeps the error on dev at {wanted}% or below; the lowest error is "
              "{lowest}%, at {coverage}% of the predictions.",
              wanted=format_decimal(100 * max_error, 1), lowest=format_decimal(100 * self.errors[-1], 1),
              coverage=format_decimal(100 * self.coverages[-1], 1))
        )  # fmt: skip

    def is_valid(self) -> bool:
        """Whether it is such a curve."""
        columns = (self.confidences, self.errors, self.coverages)
        if not self.errors or len({len(column) for column in columns}) > 1 or not np.isfinite(columns).all():
            return False
        rising, errors, coverages = (np.diff(column) for column in columns)
        shares = np.array(columns[1:])
        return bool((rising > 0).all() and (errors < 0).all() and (coverages < 0).all() and _are_shares(shares))


def fit_risk_curve(confidences: Array, correctness: Array) -> RiskCurve:
    """Return the curve of N predictions for dev.

    Args:
        confidences: ``(N,)``.
        correctness: ``(N,)``, see `sentir.evaluation.calibration.confidence.compute_correctness`.
    """
    order = np.argsort(confidences, kind="stable")
    ordered, wrong = confidences[order], 1 - correctness[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-np.inf) > 0)  # of equal confidences all are kept, or none
    kept = len(ordered) - first
    errors = np.round(np.cumsum(wrong[::-1])[::-1][first] / kept, 12)  # sums of shares are not exact
    lowest = np.minimum.accumulate(errors)
    is_record = np.diff(lowest, prepend=np.inf) < 0
    columns = (ordered[first], errors, kept / len(ordered))
    return RiskCurve(*(tuple(column[is_record].tolist()) for column in columns))


def _are_shares(values: NDArray[np.float64]) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())
