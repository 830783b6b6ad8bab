"""Figures for notebooks and papers: each function returns a Matplotlib figure, and pyplot's own are left alone.

>>> from sentir import figures
>>> card = figures.corpus_card(sentir.read_corpus(recipe.data))
>>> figures.label_figure(card, "emotion").savefig("labels.svg")
"""

from sentir.report.calibration import reliability_figure, risk_figure
from sentir.report.corpus_summary import corpus_card
from sentir.report.dots import differences_figure, scores_figure
from sentir.report.figures import (
    confusion_figure,
    curves_figure,
    label_figure,
    precision_recall_figure,
    roc_figure,
    spread_figure,
)
from sentir.report.spectrogram import spectrogram_figure
from sentir.report.tuning_page import history_figure
from sentir.report.tuning_page import importance_figure as settings_figure

__all__ = [
    "confusion_figure",
    "corpus_card",
    "curves_figure",
    "differences_figure",
    "history_figure",
    "label_figure",
    "precision_recall_figure",
    "reliability_figure",
    "risk_figure",
    "roc_figure",
    "scores_figure",
    "settings_figure",
    "spectrogram_figure",
    "spread_figure",
]
