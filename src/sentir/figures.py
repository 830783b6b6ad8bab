"""Figures for notebooks and papers: each function returns a Matplotlib figure and leaves pyplot's state alone.

>>> from sentir import figures
>>> summary = figures.summarize_corpus(sentir.load_corpus("recipe.toml"))
>>> figures.plot_label_distribution(summary, "emotion").savefig("labels.svg")
"""

from sentir.report.calibration import plot_reliability_diagram, plot_risk_coverage_curve
from sentir.report.corpus_summary import summarize_corpus
from sentir.report.figures import (
    plot_confusion_matrix,
    plot_differences,
    plot_histogram,
    plot_label_distribution,
    plot_learning_curves,
    plot_precision_recall_curves,
    plot_roc_curves,
    plot_scores,
)
from sentir.report.spectrogram import plot_spectrogram
from sentir.report.tuning_page import plot_optimization_history, plot_param_importances

__all__ = [
    "plot_confusion_matrix",
    "plot_differences",
    "plot_histogram",
    "plot_label_distribution",
    "plot_learning_curves",
    "plot_optimization_history",
    "plot_param_importances",
    "plot_precision_recall_curves",
    "plot_reliability_diagram",
    "plot_risk_coverage_curve",
    "plot_roc_curves",
    "plot_scores",
    "plot_spectrogram",
    "summarize_corpus",
]
