"""What is to be seen in a figure, in words, for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.audit.results import Histogram
from sentir.evaluation.metrics.ranking import Ranking
from sentir.evaluation.results import ModelScores, gain
from sentir.i18n import _, decimal, localized
from sentir.report.study_report import CorpusCard, Curve
from sentir.report.words import word

_MOST = 5  # mix-ups that are told


def confusion_text(scores: ModelScores) -> str:
    """Say of each label how many are found, and what is most often taken for what."""
    matrix = scores.confusion or ()
    names = [word(row.label) for row in scores.per_label]
    found = [
        _("{label}: {right} of {all} right", label=names[i], right=f"{row[i]:.0f}", all=f"{sum(row):.0f}")
        for i, row in enumerate(matrix)
    ]
    mixed = sorted(
        ((count, i, j) for i, row in enumerate(matrix) for j, count in enumerate(row) if i != j and count),
        reverse=True,
    )
    found += [
        _("{label} taken for {other} {n} times", label=names[i], other=names[j], n=f"{count:.0f}")
        for count, i, j in mixed[:_MOST]
    ]
    return "; ".join(found)


def curves_text(curves: Sequence[Curve], metric: str) -> str:
    """Say what each model reached at best, and in which epoch."""
    best: dict[str, list[tuple[float, float]]] = {}
    for curve in curves:
        points = [(gain(metric, point["score"]), point["epoch"]) for point in curve.points]
        best.setdefault(curve.model, []).append(max(points, key=lambda point: point[0]))
    return "; ".join(
        _("{model}: best {score}, in epoch {epoch}",
          model=model, score=localized(f"{gain(metric, max(found)[0]):.3f}"), epoch=f"{max(found)[1]:g}")
        for model, found in best.items()
    )  # fmt: skip


def label_text(card: CorpusCard, task: str) -> str:
    """Say how often each label occurs."""
    return "; ".join(
        f"{word(split)}: {', '.join(f'{word(name)} {n}' for name, n in counts.items())}"
        for split, counts in card.labels[task].items()
    )


def ranking_text(rankings: Sequence[Ranking], measure: str) -> str:
    """Say the area under each label's curve; ``measure`` is ``auc`` or ``average_precision``."""
    values = ", ".join(f"{word(one.label)} {decimal(getattr(one, measure), 2)}" for one in rankings)
    return f"{word(measure)}: {values}"


def spread_text(histogram: Histogram) -> str:
    """Say the middle of each split."""
    return "; ".join(
        _("{split}: half of the utterances below {middle} {unit}",
          split=word(split), middle=_middle(histogram, counts), unit=histogram.unit)
        for split, counts in histogram.counts.items()
    )  # fmt: skip


def _middle(histogram: Histogram, counts: tuple[int, ...]) -> str:
    so_far = 0
    for edge, count in zip(histogram.edges[1:], counts, strict=True):
        so_far += count
        if 2 * so_far >= sum(counts):
            return localized(f"{edge:.3g}")
    return localized(f"{histogram.edges[-1]:.3g}")
