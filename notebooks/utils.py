"""The vocabulary of the study as the notebooks use it: names for what `sentir` does, and nothing else."""

from sentir import (
    EMOTIONS,
    Recipe,
    Recognizer,
    clean,
    conclusions,
    cross_predict,
    examine,
    explain,
    explain_model,
    find_corpora,
    load_recipe,
    normalize_emotion,
    normalize_sentiment,
    predict,
    read_corpus,
    run_study,
    set_language,
    train,
    tune,
    weigh_cleaning,
)
from sentir.audio.media import RATE, decode
from sentir.audio.store import attach_audio
from sentir.audio.thesis import thesis_mel
from sentir.audit import audit, scan_audio
from sentir.corpus.cleaned import clean_stepwise
from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING
from sentir.evaluation.metrics import compute_scores
from sentir.explanation.figures import importance_figure, audio_attribution_figure
from sentir.features import compute_features
from sentir.figures import (
    plot_confusion_matrix,
    summarize_corpus,
    plot_learning_curves,
    plot_differences,
    plot_optimization_history,
    plot_label_distribution,
    plot_precision_recall_curves,
    plot_reliability_diagram,
    plot_risk_coverage_curve,
    plot_roc_curves,
    plot_scores,
    plot_param_importances,
    plot_spectrogram,
    plot_histogram,
)
from sentir.recipe import DEFAULT_CLEANING, DataSettings
from sentir.report.frames import cleaning_frame, comparison_frame, mistake_frame, score_frame, slice_frame
from sentir.report.tables import sections
from sentir.report.tuning import sentences as tuning_sentences

preprocess_text = clean
trace_cleaning = clean_stepwise
compute_spectrogram = thesis_mel

__all__ = [  # noqa: RUF022 (in the order in which the study needs them)
    # corpora
    "Data",
    "find_corpora",
    "read_corpus",
    "audit",
    "hear_corpus",
    # cleaning of corpora and preprocessing of text
    "CLEANING",
    "DEFAULT_CLEANING",
    "THESIS_CLEANING",
    "clean_corpus",
    "preprocess_text",
    "weigh_cleaning",
    # normalization of emotions and sentiments
    "EMOTIONS",
    "normalize_emotion",
    "normalize_sentiment",
    # numbers and spectrograms
    "RATE",
    "compute_features",
    "decode",
    "listen",
    "make_spectrogram",
    # models and studies
    "Recipe",
    "Recognizer",
    "conclusions",
    "cross_predict",
    "examine",
    "explain",
    "explain_model",
    "load_recipe",
    "predict",
    "run_study",
    "score",
    "sections",
    "train",
    "tune",
    "tuning_sentences",
    # tables and figures
    "cleaning_frame",
    "comparison_frame",
    "mistake_frame",
    "score_frame",
    "slice_frame",
    "confusion_figure",
    "corpus_card",
    "curves_figure",
    "differences_figure",
    "history_figure",
    "importance_figure",
    "label_figure",
    "precision_recall_figure",
    "reliability_figure",
    "risk_figure",
    "roc_figure",
    "scores_figure",
    "hyperparameter_importance_figure",
    "sound_figure",
    "spectrogram_figure",
    "spread_figure",
    # language
    "set_language",
]
