"""How results are called: readable, translated names for the short keys of metrics, labels and splits."""

from __future__ import annotations

from sentir.i18n import _, mark, quoted

AT_HALF = "@0.5"  # ends the names of metrics of several labels, each present from probability 0.5 on

_WORDS = {
    # metrics
    "acc5": mark("5-class accuracy"),
    "acc7": mark("7-class accuracy"),
    "accuracy": mark("accuracy"),
    "auc": mark("AUC"),
    "average_precision": mark("average precision"),
    "ccc": mark("concordance correlation"),
    "f1": mark("F1"),
    "has0_acc2": mark("accuracy, negative or not"),
    "has0_f1": mark("weighted F1, negative or not"),
    "jaccard_empty0": mark("Jaccard, none for none counts 0"),
    "jaccard_empty1": mark("Jaccard, none for none counts 1"),
    "macro_f1": mark("macro F1"),
    "mae": mark("mean absolute error"),
    "mean_answer": mark("mean answer"),
    "mean_auc": mark("mean AUC"),
    "mean_average_precision": mark("mean average precision"),
    "mean_weighted_accuracy": mark("mean weighted accuracy"),
    "mean_weighted_f1": mark("mean weighted F1, present and absent"),
    "micro_f1": mark("micro F1"),
    "micro_precision": mark("micro precision"),
    "micro_recall": mark("micro recall"),
    "non0_acc2": mark("accuracy, positive or negative"),
    "non0_f1": mark("weighted F1, positive or negative"),
    "pearson": mark("Pearson's correlation"),
    "precision": mark("precision"),
    "recall": mark("recall"),
    "sign_accuracy": mark("accuracy, three classes by sign"),
    "sign_weighted_f1": mark("weighted F1, three classes by sign"),
    "subset_accuracy": mark("subset accuracy"),
    "unweighted_average_recall": mark("unweighted average recall"),
    "weighted_accuracy": mark("weighted accuracy"),
    "weighted_f1": mark("weighted F1"),
    # tasks and labels
    "emotion": mark("emotion"),
    "sentiment": mark("sentiment"),
    "sentiment_intensity": mark("sentiment intensity"),
    "anger": mark("anger"),
    "calm": mark("calm"),
    "contempt": mark("contempt"),
    "disgust": mark("disgust"),
    "fear": mark("fear"),
    "joy": mark("joy"),
    "neutral": mark("neutral"),
    "sadness": mark("sadness"),
    "surprise": mark("surprise"),
    "negative": mark("negative"),
    "positive": mark("positive"),
    # splits, roles and what is counted
    "train": mark("train"),
    "dev": mark("dev"),
    "test": mark("test"),
    "baseline": mark("baseline"),
    "candidate": mark("candidate"),
    "finalist": mark("finalist"),
    "utterances": mark("utterances"),
    "dialogues": mark("dialogues"),
    "speakers": mark("speakers"),
    "dialogue": mark("dialogues"),
    "speaker": mark("speakers"),
    "utterance": mark("utterances"),
    "texts": mark("texts"),
    "sounds": mark("sounds"),
    "episode": mark("episode"),
    # families of models
    "text": mark("text"),
    "sound": mark("sound"),
    "sound_stacked": mark("sound + text model"),
    "text_sound": mark("text and sound"),
    "text_sound_stacked": mark("text and sound + another model"),
    "text_stacked": mark("text + another model"),
    # why a clip has no usable sound
    "sound.missing": mark("no clip, or its file is not there"),
    "sound.empty": mark("file without content"),
    "sound.undecodable": mark("cannot be decoded"),
    "sound.no_audio": mark("no audio track"),
    "sound.too_short": mark("too short"),
    "sound.outside": mark("cut lies outside the file"),
    # severities
    "problem": mark("problem"),
    "warning": mark("warning"),
    "note": mark("note"),
}


_BASELINES = {
    "majority": mark("majority class"),
    "bag of words": mark("bag of words"),
    "acoustic": mark("acoustic functionals"),
}


def model_name(name: str) -> str:
    """Return what a model is called, in the current language if it is a baseline; names of one's own stay."""
    return _(_BASELINES[name]) if name in _BASELINES else name


def named(name: str) -> str:
    """Return what a model is called, set apart from the sentence that it stands in."""
    return quoted(model_name(name))


def word(key: str) -> str:
    """Return the readable name of a metric (at 0.5 or not), task, label, split or role in the current language.

    A key we have no word for, such as a label of the user's own, keeps its letters; underscores become spaces.
    """
    if key.endswith(AT_HALF):
        return _("{metric} at 0.5", metric=word(key.removesuffix(AT_HALF)))
    return _(_WORDS[key]) if key in _WORDS else key.replace("_", " ")
