"""How results are called: readable, translated names for the short keys of metrics, labels and splits."""

from __future__ import annotations

from sentir.i18n import _, gettext_noop, quote_text

AT_HALF_SUFFIX = "@0.5"  # ends the names of metrics of several labels, each present from probability 0.5 on

_DISPLAY_NAMES = {
    # metrics
    "acc5": gettext_noop("5-class accuracy"),
    "acc7": gettext_noop("7-class accuracy"),
    "accuracy": gettext_noop("accuracy"),
    "auc": gettext_noop("AUC"),
    "average_precision": gettext_noop("average precision"),
    "ccc": gettext_noop("concordance correlation"),
    "f1": gettext_noop("F1"),
    "has0_acc2": gettext_noop("accuracy, negative or not"),
    "has0_f1": gettext_noop("weighted F1, negative or not"),
    "jaccard_empty0": gettext_noop("Jaccard, none for none counts 0"),
    "jaccard_empty1": gettext_noop("Jaccard, none for none counts 1"),
    "macro_f1": gettext_noop("macro F1"),
    "mae": gettext_noop("mean absolute error"),
    "mean_prediction": gettext_noop("mean answer"),
    "mean_auc": gettext_noop("mean AUC"),
    "mean_average_precision": gettext_noop("mean average precision"),
    "mean_weighted_accuracy": gettext_noop("mean weighted accuracy"),
    "mean_weighted_f1": gettext_noop("mean weighted F1, present and absent"),
    "micro_f1": gettext_noop("micro F1"),
    "micro_precision": gettext_noop("micro precision"),
    "micro_recall": gettext_noop("micro recall"),
    "non0_acc2": gettext_noop("accuracy, positive or negative"),
    "non0_f1": gettext_noop("weighted F1, positive or negative"),
    "pearson": gettext_noop("Pearson's correlation"),
    "precision": gettext_noop("precision"),
    "recall": gettext_noop("recall"),
    "sign_accuracy": gettext_noop("accuracy, three classes by sign"),
    "sign_weighted_f1": gettext_noop("weighted F1, three classes by sign"),
    "subset_accuracy": gettext_noop("subset accuracy"),
    "unweighted_average_recall": gettext_noop("unweighted average recall"),
    "weighted_accuracy": gettext_noop("weighted accuracy"),
    "weighted_f1": gettext_noop("weighted F1"),
    # tasks and labels
    "emotion": gettext_noop("emotion"),
    "sentiment": gettext_noop("sentiment"),
    "sentiment_intensity": gettext_noop("sentiment intensity"),
    "anger": gettext_noop("anger"),
    "calm": gettext_noop("calm"),
    "contempt": gettext_noop("contempt"),
    "disgust": gettext_noop("disgust"),
    "fear": gettext_noop("fear"),
    "joy": gettext_noop("joy"),
    "neutral": gettext_noop("neutral"),
    "sadness": gettext_noop("sadness"),
    "surprise": gettext_noop("surprise"),
    "negative": gettext_noop("negative"),
    "positive": gettext_noop("positive"),
    # splits, roles and what is counted
    "train": gettext_noop("train"),
    "dev": gettext_noop("dev"),
    "test": gettext_noop("test"),
    "baseline": gettext_noop("baseline"),
    "candidate": gettext_noop("candidate"),
    "finalist": gettext_noop("finalist"),
    "utterances": gettext_noop("utterances"),
    "dialogues": gettext_noop("dialogues"),
    "speakers": gettext_noop("speakers"),
    "dialogue": gettext_noop("dialogues"),
    "speaker": gettext_noop("speakers"),
    "utterance": gettext_noop("utterances"),
    "texts": gettext_noop("texts"),
    "clips": gettext_noop("clips"),
    "duplicates": gettext_noop("duplicates"),
    "episode": gettext_noop("episode"),
    # families of models
    "text": gettext_noop("text"),
    "audio": gettext_noop("audio"),
    "sound_stacked": gettext_noop("sound + text model"),
    "text_audio": gettext_noop("text and audio"),
    "text_audio_stacked": gettext_noop("text and audio + another model"),
    "text_stacked": gettext_noop("text + another model"),
    # why a clip has no usable sound
    "audio.missing": gettext_noop("no clip, or its file is not there"),
    "audio.empty": gettext_noop("file without content"),
    "audio.undecodable": gettext_noop("cannot be decoded"),
    "audio.no_audio": gettext_noop("no audio track"),
    "audio.too_short": gettext_noop("too short"),
    "audio.outside_file": gettext_noop("segment lies outside the file"),
    "audio.invalid_samples": gettext_noop("invalid samples"),
    # severities
    "problem": gettext_noop("problem"),
    "warning": gettext_noop("warning"),
    "note": gettext_noop("note"),
}


_BASELINE_NAMES = {
    "majority": gettext_noop("majority class"),
    "bag of words": gettext_noop("bag of words"),
    "acoustic": gettext_noop("acoustic functionals"),
}


def model_display_name(name: str) -> str:
    """Return what a model is called, in the current language if it is a baseline; names of one's own stay."""
    return _(_BASELINE_NAMES[name]) if name in _BASELINE_NAMES else name


def quoted_model_name(name: str) -> str:
    """Return what a model is called, set apart from the sentence that it stands in."""
    return quote_text(model_display_name(name))


def display_name(key: str) -> str:
    """Return the readable name of a metric (at 0.5 or not), task, label, split or role in the current language.

    A key we have no word for, such as a label of the user's own, keeps its letters; underscores become spaces.
    """
    if key.endswith(AT_HALF_SUFFIX):
        return _("{metric} at 0.5", metric=display_name(key.removesuffix(AT_HALF_SUFFIX)))
    return _(_DISPLAY_NAMES[key]) if key in _DISPLAY_NAMES else key.replace("_", " ")
