"""Calibration in figures and sentences: reliability, risk and coverage, and how they were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentir.display_names import display_name
from sentir.evaluation.calibration.reliability import Reliability
from sentir.evaluation.formatting import format_number, format_points, format_score
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import Score
from sentir.i18n import _, format_count
from sentir.report.plot_style import (
    COLORS,
    SMALL_FONT_SIZE,
    add_legend,
    escape_label,
    line_style,
    make_curve_axes,
    make_square_axes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_reliability_diagram(reliability: Reliability) -> Figure:
    """Draw the accuracy, or the frequency of each label, against the predicted probability."""
    single = "" in reliability.reliability_curves
    x_label = _("confidence") if single else _("predicted probability")
    y_label = _("accuracy") if single else _("observed frequency")
    figure, axes = make_square_axes(len(reliability.reliability_curves), x_label, y_label)
    for n, (name, bins) in enumerate(reliability.reliability_curves.items()):
        points = ([b.mean_probability for b in bins], [b.observed_frequency for b in bins])
        label = escape_label(display_name(name)) if name else None
        axes.plot(*points, marker="o", ms=3.5, label=label, **line_style(n))
    return figure if single else add_legend(figure)


def plot_risk_coverage_curve(reliability: Reliability) -> Figure:
    """Draw the error rate against coverage, the share of utterances kept, most confident first."""
    single = "" in reliability.reliability_curves
    y_label = _("risk (error rate)") if single else _("risk (error rate of label decisions)")
    figure, axes = make_curve_axes(3.3, _("coverage (most confident first)"), y_label)
    coverages, risks = zip(*reliability.risk_coverage_curve, strict=True)
    axes.plot(coverages, risks, color=COLORS[0], lw=1.6)
    threshold, text = reliability.coverage.value, _("confident") + " "
    axes.axvline(threshold, color=COLORS[1], lw=1, ls="--")
    axes.text(threshold, 0, text, ha="right", va="bottom", color=COLORS[1], fontsize=SMALL_FONT_SIZE)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.05 * max(risks) or 1)
    return figure


def calibration_sentences(reliability: Reliability, split: str) -> tuple[str, ...]:
    """Return sentences on the data, the calibration error, and the errors above the confidence threshold."""
    return (
        _measured_on_sentence(reliability, split),
        _calibration_error_sentence(reliability),
        _confidence_threshold_sentence(reliability),
    )


def _measured_on_sentence(reliability: Reliability, split: str) -> str:
    values = {"n": format_count(reliability.n), "split": display_name(split)}
    if reliability.protocol == "held_out":
        return _("Measured on {n} utterances of {split} that were not used for calibration.", **values)
    if reliability.protocol == "cross_fit":
        return _("Measured on {n} utterances of dev, whose dialogues are split into two halves, each calibrated "
                 "on the other; the epoch was selected on all of dev.", n=values["n"])  # fmt: skip
    return _(
        "Measured on {n} utterances of {split} that were used in training or calibration: optimistic.", **values
    )


def _calibration_error_sentence(reliability: Reliability) -> str:
    return _(
        "Expected calibration error: {ece} points; a perfectly calibrated model would show {chance} on this many "
        "utterances. Brier score: {brier}. Area under the risk–coverage curve: {aurc}.",
        ece=format_points(reliability.ece),
        chance=format_number(100 * reliability.ece_if_calibrated, 1),
        brier=format_score(reliability.brier),
        aurc=format_score(reliability.aurc),
    )


def _confidence_threshold_sentence(reliability: Reliability) -> str:
    values = {
        "target": round(100 * reliability.target_coverage),
        "coverage": format_points(reliability.coverage),
    }
    if reliability.confident_score is None or reliability.confident_error_rate is None:
        return _(
            "The confidence threshold is set so that {target}% of dev is above it; here nothing is.", **values
        )
    values |= {
        "error_above": format_points(reliability.confident_error_rate),
        "error_overall": format_points(reliability.error_rate),
        "metric": metric_display_name(reliability.metric),
        "score_above": _format_metric(reliability.metric, reliability.confident_score),
        "score_overall": _format_metric(reliability.metric, reliability.overall_score),
    }
    if "" in reliability.reliability_curves:
        return _("The confidence threshold is set so that {target}% of dev is above it; here {coverage}% is. "
                 "Error rate above the threshold: {error_above}%, overall: {error_overall}%; {metric} above "
                 "the threshold: {score_above}, overall: {score_overall}.", **values)  # fmt: skip
    return _("The confidence threshold is set so that {target}% of dev is above it; here {coverage}% is. "
             "Error rate of label decisions above the threshold: {error_above}%, overall: {error_overall}%; "
             "{metric} above the threshold: {score_above}, overall: {score_overall}.", **values)  # fmt: skip


def _format_metric(metric: str, score: Score) -> str:
    return format_points(score) if get_metric(metric).is_proportion else format_score(score)
