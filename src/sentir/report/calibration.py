"""Whether a model can be trusted, drawn and said: reliability, what abstaining gains, and how it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentir.evaluation.calibration.reliability import Reliability
from sentir.evaluation.results import Score, is_share
from sentir.i18n import _, localized, thousands
from sentir.report.figures import _SMALL, _TEXT, COLORS, _canvas, _look, _plain, _with_labels
from sentir.report.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_figure(reliability: Reliability) -> Figure:
    """Draw how often a model is right, or a label present, against how probable it says that is."""
    figure, axes = _canvas(height=3.9 + 0.17 * -(-len(reliability.curves) // 3))
    axes.plot([0, 1], [0, 1], color="black", alpha=0.3, lw=0.8, ls="--")
    for n, (name, bins) in enumerate(reliability.curves.items()):
        label = _plain(word(name)) if name else None
        axes.plot([b.stated for b in bins], [b.found for b in bins], marker="o", ms=3.5, label=label, **_look(n))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    axes.set_aspect("equal")
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    single = "" in reliability.curves
    axes.set_xlabel(_("confidence") if single else _("predicted probability"), fontsize=_TEXT)
    axes.set_ylabel(_("accuracy") if single else _("observed frequency"), fontsize=_TEXT)
    return figure if single else _with_labels(figure)


def risk_figure(reliability: Reliability) -> Figure:
    """Draw the share of wrong answers against the share of utterances that are answered, the surest first."""
    figure, axes = _canvas(height=3.3)
    coverages, risks = zip(*reliability.risks, strict=True)
    axes.plot(coverages, risks, color=COLORS[0], lw=1.6)
    axes.axvline(reliability.covered.value, color=COLORS[1], lw=1, ls="--")
    axes.text(
        reliability.covered.value,
        0,
        _("confident") + " ",
        ha="right",
        va="bottom",
        color=COLORS[1],
        fontsize=_SMALL,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.05 * max(risks) or 1)
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    single = "" in reliability.curves
    axes.set_xlabel(_("coverage (most confident first)"), fontsize=_TEXT)
    axes.set_ylabel(
        _("risk (error rate)") if single else _("risk (error rate of label decisions)"), fontsize=_TEXT
    )
    return figure


def sentences(reliability: Reliability, split: str) -> tuple[str, ...]:
    """Say on what it was measured, how far probabilities are off, and what the model gains by being unsure."""
    return (_measured_on(reliability, split), _off(reliability), _gained(reliability))


def _measured_on(reliability: Reliability, split: str) -> str:
    if reliability.how == "held_out":
        return _("Measured on {n} utterances of {split} that were not used for calibration.",
                 n=thousands(reliability.n), split=word(split))  # fmt: skip
    if reliability.how == "dev_halves":
        return _("Measured on {n} utterances of dev, whose dialogues are split into two halves, each calibrated "
                 "on the other; the epoch was selected on all of dev.", n=thousands(reliability.n))  # fmt: skip
    return _("Measured on {n} utterances of {split} that were used in training or calibration: optimistic.",
             n=thousands(reliability.n), split=word(split))  # fmt: skip


def _off(reliability: Reliability) -> str:
    return _(
        "Expected calibration error: {ece} points; a perfectly calibrated model would show {chance} on this many "
        "utterances. Brier score: {brier}. Area under the risk–coverage curve: {aurc}.",
        ece=points(reliability.ece),
        chance=localized(f"{100 * reliability.by_chance:.1f}"),
        brier=_exact(reliability.brier),
        aurc=_exact(reliability.aurc),
    )


def _gained(reliability: Reliability) -> str:
    values = {"stated": round(100 * reliability.stated), "covered": points(reliability.covered)}
    if reliability.sure is None or reliability.wrong_if_sure is None:
        return _(
            "The confidence threshold is set so that {stated} % of dev is above it; here nothing is.", **values
        )
    values |= {
        "few": points(reliability.wrong_if_sure),
        "many": points(reliability.wrong),
        "metric": word(reliability.metric),
        "kept": _written(reliability.metric, reliability.sure),
        "whole": _written(reliability.metric, reliability.everything),
    }
    if "" in reliability.curves:
        return _("The confidence threshold is set so that {stated} % of dev is above it; here {covered} % is. "
                 "Error rate above the threshold: {few} %, overall: {many} %; {metric} above the "
                 "threshold: {kept}, overall: {whole}.",
                 **values)  # fmt: skip
    return _("The confidence threshold is set so that {stated} % of dev is above it; here {covered} % is. "
             "Error rate of label decisions above the threshold: {few} %, overall: {many} %; {metric} above the "
             "threshold: {kept}, overall: {whole}.", **values)  # fmt: skip


def points(score: Score) -> str:
    """Write a share in hundredths, with its interval if it has one: ``2.3 [0.0, 3.9]``."""
    value = localized(f"{100 * score.value:.1f}")
    if score.low is None or score.high is None:
        return value
    return localized(f"{value} [{100 * score.low:.1f}, {100 * score.high:.1f}]")


def _exact(score: Score) -> str:
    if score.low is None or score.high is None:
        return localized(f"{score.value:.3f}")
    return localized(f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]")


def _written(metric: str, score: Score) -> str:
    return points(score) if is_share(metric) else _exact(score)
