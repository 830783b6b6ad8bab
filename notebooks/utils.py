"""The functions of `sentir` that the notebooks use, under one name each."""

from sentir import (
    Recipe,
    analyze,
    clean_text,
    explain,
    explain_model,
    export_model,
    load_corpus,
    load_recipe,
    predict,
    run_study,
    set_language,
    timeline,
    train,
    tune,
)
from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.audio.store import attach_audio
from sentir.audio.thesis_mel import compute_thesis_mel
from sentir.audit import audit, scan_audio
from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING
from sentir.corpus.cleaning_report import trace_cleaning
from sentir.corpus.labels import EMOTIONS, normalize_emotion, normalize_sentiment
from sentir.corpus.tables import to_frame
from sentir.evaluation.metrics import compute_scores
from sentir.explanation.figures import audio_attribution_figure, importance_figure
from sentir.features import compute_features
from sentir.figures import (
    plot_confusion_matrix,
    plot_differences,
    plot_histogram,
    plot_label_distribution,
    plot_learning_curves,
    plot_optimization_history,
    plot_param_importances,
    plot_precision_recall_curves,
    plot_reliability_diagram,
    plot_risk_coverage_curve,
    plot_roc_curves,
    plot_scores,
    plot_spectrogram,
    summarize_corpus,
)
from sentir.readers.discovery import find_corpora
from sentir.recipe import DEFAULT_CLEANING, DataSettings
from sentir.report.dataframes import (
    cleaning_to_frame,
    comparisons_to_frame,
    errors_to_frame,
    scores_to_frame,
    slices_to_frame,
)
from sentir.report.sentences import summarize_study
from sentir.report.task_sections import task_sections
from sentir.report.tuning_page import tuning_sentences
from sentir.study.cleaning_ablation import ablate_cleaning
from sentir.study.stacking import cross_predict
from sentir.training.recognizers import fit_recognizer

__all__ = [  # noqa: RUF022 (in the order of the study)
    # corpora
    "DataSettings",
    "find_corpora",
    "load_corpus",
    "to_frame",
    "audit",
    "scan_audio",
    # cleaning
    "CLEANING_STEPS",
    "DEFAULT_CLEANING",
    "THESIS_CLEANING",
    "ablate_cleaning",
    "clean_text",
    "trace_cleaning",
    # labels
    "EMOTIONS",
    "normalize_emotion",
    "normalize_sentiment",
    # features and spectrograms
    "SAMPLING_RATE",
    "attach_audio",
    "compute_features",
    "compute_thesis_mel",
    "decode",
    # models and studies
    "Recipe",
    "analyze",
    "compute_scores",
    "cross_predict",
    "explain",
    "explain_model",
    "export_model",
    "fit_recognizer",
    "load_recipe",
    "predict",
    "run_study",
    "summarize_study",
    "task_sections",
    "timeline",
    "train",
    "tune",
    "tuning_sentences",
    # tables and figures
    "cleaning_to_frame",
    "comparisons_to_frame",
    "errors_to_frame",
    "scores_to_frame",
    "slices_to_frame",
    "audio_attribution_figure",
    "importance_figure",
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
    # language
    "set_language",
]
