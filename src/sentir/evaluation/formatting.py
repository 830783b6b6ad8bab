"""Scores as text in the current language."""

from __future__ import annotations

from sentir.evaluation.results import Score
from sentir.i18n import localize_numbers


def format_number(value: float | None, digits: int = 3) -> str:
    """Format a score with its decimals; a dash for ``None`` and NaN."""
    return "–" if value is None or value != value else localize_numbers(f"{value:.{digits}f}")


def format_interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Format an interval of scores, ``[0.590, 0.633]``; empty without bounds."""
    if low is None or high is None:
        return ""
    return localize_numbers(f"[{format_number(low, digits)}, {format_number(high, digits)}]")


def format_score(score: Score, *, with_sd: bool = False) -> str:
    """Format a score with its interval, if it has one: ``0.612 [0.590, 0.633]``.

    Args:
        score: the score.
        with_sd: whether its standard deviation over seeds follows the value.
    """
    sd = f"± {format_number(score.sd)}" if with_sd and score.sd is not None else ""
    return " ".join(filter(None, (format_number(score.value), sd, format_interval(score.low, score.high))))


def format_points(score: Score) -> str:
    """Format a share in points, with its interval if it has one: ``2.3 [0.0, 3.9]``."""
    low, high = (None if bound is None else 100 * bound for bound in (score.low, score.high))
    return f"{format_number(100 * score.value, 1)} {format_interval(low, high, 1)}".rstrip()
