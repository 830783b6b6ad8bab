"""Readable names, in the current language, of the keys that results, reports and messages use."""

from __future__ import annotations

from collections.abc import Iterable

from sentir.i18n import _, gettext_noop, quote_text

_DISPLAY_NAMES = {
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
    "valence": gettext_noop("valence"),
    "arousal": gettext_noop("arousal"),
    "dominance": gettext_noop("dominance"),
    "admiration": gettext_noop("admiration"),
    "amusement": gettext_noop("amusement"),
    "annoyance": gettext_noop("annoyance"),
    "approval": gettext_noop("approval"),
    "boredom": gettext_noop("boredom"),
    "caring": gettext_noop("caring"),
    "confusion": gettext_noop("confusion"),
    "curiosity": gettext_noop("curiosity"),
    "desire": gettext_noop("desire"),
    "disappointment": gettext_noop("disappointment"),
    "disapproval": gettext_noop("disapproval"),
    "embarrassment": gettext_noop("embarrassment"),
    "excitement": gettext_noop("excitement"),
    "frustration": gettext_noop("frustration"),
    "gratitude": gettext_noop("gratitude"),
    "grief": gettext_noop("grief"),
    "love": gettext_noop("love"),
    "nervousness": gettext_noop("nervousness"),
    "optimism": gettext_noop("optimism"),
    "peaceful": gettext_noop("peaceful"),
    "powerful": gettext_noop("powerful"),
    "pride": gettext_noop("pride"),
    "realization": gettext_noop("realization"),
    "relief": gettext_noop("relief"),
    "remorse": gettext_noop("remorse"),
    "negative": gettext_noop("negative"),
    "positive": gettext_noop("positive"),
    # splits, roles and what is counted
    "train": gettext_noop("train"),
    "dev": gettext_noop("dev"),
    "test": gettext_noop("test"),
    "baseline": gettext_noop("baseline"),
    "candidate": gettext_noop("candidate"),
    "selected": gettext_noop("selected model"),
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
    # inputs and families of models
    "text": gettext_noop("text"),
    "audio": gettext_noop("audio"),
    "context": gettext_noop("context"),
    "features": gettext_noop("features"),
    "audio_stacked": gettext_noop("audio + another model"),
    "text_audio": gettext_noop("text and audio"),
    "text_audio_stacked": gettext_noop("text and audio + another model"),
    "text_stacked": gettext_noop("text + another model"),
    # severities
    "problem": gettext_noop("problem"),
    "warning": gettext_noop("warning"),
    "note": gettext_noop("note"),
}

SELECTED_IN_EACH_FOLD = gettext_noop("selected in each fold")
"""Name of the model that is composed of what each fold of a cross-validation selects on its dev."""

_MODEL_NAMES = {
    "majority": gettext_noop("majority class"),
    "bag of words": gettext_noop("bag of words"),
    "acoustic": gettext_noop("acoustic functionals"),
    SELECTED_IN_EACH_FOLD: SELECTED_IN_EACH_FOLD,
}
_AUDIO_PROBLEMS = {
    "missing": gettext_noop("no file"),
    "empty": gettext_noop("empty file"),
    "undecodable": gettext_noop("cannot be decoded"),
    "no_audio": gettext_noop("no audio track"),
    "too_short": gettext_noop("too short"),
    "out_of_range": gettext_noop("segment outside the file"),
    "invalid_samples": gettext_noop("invalid samples"),
}
_SLICE_KINDS = {
    "speaker": gettext_noop("speaker"),
    "text": gettext_noop("text"),
    "duration": gettext_noop("duration"),
    "turn": gettext_noop("turn in its dialogue"),
    "shift": gettext_noop("label since the speaker's previous turn"),
    "missing": gettext_noop("missing input"),
    "gender": gettext_noop("gender"),
    "fold": gettext_noop("fold"),
    "intensity": gettext_noop("intensity"),
    "voice": gettext_noop("voice"),
    "words": gettext_noop("list of words"),
    "word": gettext_noop("word"),
    "age": gettext_noop("age"),
    "style": gettext_noop("style"),
    "session": gettext_noop("session"),
}
_SLICE_NAMES = {
    ("speaker", "seen"): gettext_noop("also in train"),
    ("speaker", "unseen"): gettext_noop("not in train"),
    ("text", "seen"): gettext_noop("also in train"),
    ("text", "unseen"): gettext_noop("not in train"),
    ("duration", "short"): gettext_noop("short"),
    ("duration", "middle"): gettext_noop("medium"),
    ("duration", "long"): gettext_noop("long"),
    ("turn", "first"): gettext_noop("first"),
    ("turn", "second_to_fifth"): gettext_noop("second to fifth"),
    ("turn", "later"): gettext_noop("later"),
    ("shift", "same"): gettext_noop("unchanged"),
    ("shift", "shifts"): gettext_noop("changed"),
    ("missing", "nothing"): gettext_noop("nothing"),
    ("missing", "clip"): gettext_noop("clip"),
    ("missing", "text"): gettext_noop("text"),
    ("missing", "both"): gettext_noop("text and clip"),
}
ISSUE_NAMES = {
    "rating_missing": gettext_noop("annotators without a rating"),
    "corpus_without_audio": gettext_noop("no audio files next to the table"),
    "audio_file_missing": gettext_noop("clip whose file is missing"),
    "clip_not_named": gettext_noop("no clip given"),
    "clip_not_published": gettext_noop("known defect: no clip"),
    "clip_damaged": gettext_noop("known defect: clip that cannot be decoded"),
    "clip_embedded": gettext_noop("clips extracted from the table"),
    "clip_too_long": gettext_noop("known defect: clip that is too long"),
    "clip_renamed": gettext_noop("clips found under another spelling"),
    "clip_shared": gettext_noop("known defect: one clip for two utterances"),
    "clip_mismatched": gettext_noop("known defect: wrong clip"),
    "clips_unreferenced": gettext_noop("audio files not referenced by any utterance"),
    "augmented_copies_ignored": gettext_noop("augmented copies of pictures, ignored"),
    "segment_in_two_splits": gettext_noop("known defect: audio segment in two splits"),
    "segment_repeated": gettext_noop("known defect: repeated audio segment"),
    "file_encoding": gettext_noop("file read in another encoding"),
    "file_ignored": gettext_noop("file not needed, ignored"),
    "file_unreadable": gettext_noop("unreadable file"),
    "ids_decimal": gettext_noop("ids written with a decimal point"),
    "ids_truncated": gettext_noop("ids that lost digits"),
    "intensity_clamped": gettext_noop("intensity off the scale, clamped"),
    "label_missing": gettext_noop("no label"),
    "label_tied": gettext_noop("as many votes for several labels"),
    "label_unknown": gettext_noop("unknown label"),
    "layout_recognized": gettext_noop("layout recognized"),
    "empty_label_cells": gettext_noop("empty label cells taken as absent"),
    "name_normalized": gettext_noop("names with invisible characters"),
    "number_invalid": gettext_noop("invalid number"),
    "video_outside_folds": gettext_noop("in no official split, ignored"),
    "speech_rate_implausible": gettext_noop("implausible speech rate"),
    "quotes_literal": gettext_noop("quotes kept as characters"),
    "quotes_ambiguous": gettext_noop("ambiguous quotes"),
    "row_skipped": gettext_noop("row skipped"),
    "row_count_differs": gettext_noop("number of rows differs from the published one"),
    "rows_reordered": gettext_noop("rows reordered"),
    "sheets_ignored": gettext_noop("sheets ignored"),
    "audio_distorted": gettext_noop("known defect: distorted audio"),
    "audio_misaligned": gettext_noop("known defect: audio that does not match its times"),
    "multiple_speakers": gettext_noop("several speakers in one row"),
    "split_generated": gettext_noop("split generated, as none is given"),
    "split_small": gettext_noop("small split, as there are few groups"),
    "split_differs_from_official": gettext_noop("split differs from the official one"),
    "start_clamped": gettext_noop("negative start time, set to 0"),
    "corpus_without_text": gettext_noop("no texts next to the labels"),
    "text_encoding": gettext_noop("text with repaired characters"),
    "text_missing": gettext_noop("no text"),
    "clip_times_invalid": gettext_noop("invalid clip times"),
    "times_unparsable": gettext_noop("unreadable times"),
    "times_invalid": gettext_noop("end before start"),
    "transcripts_unlabeled": gettext_noop("transcripts without labels, ignored"),
    "turn_repeated": gettext_noop("rows with the same turn"),
    "turn_invalid": gettext_noop("invalid turn"),
    "speakers_shared": gettext_noop("speakers in train and test"),
    "votes_missing": gettext_noop("no raters' votes"),
    "duplicate_clip_used": gettext_noop("corrected one of two clips used"),
}


def model_display_name(name: str) -> str:
    """Return the name of a model, in the current language if it is not that of a candidate."""
    return _(_MODEL_NAMES[name]) if name in _MODEL_NAMES else name


def quoted_model_name(name: str) -> str:
    """Return the name of a model in quotes."""
    return quote_text(model_display_name(name))


def display_name(key: str) -> str:
    """Return the readable name of a task, label, split or role in the current language.

    A key without one, such as a label of the user's own, is returned with spaces for its underscores.
    """
    return _(_DISPLAY_NAMES[key]) if key in _DISPLAY_NAMES else key.replace("_", " ")


def label_names(labels: Iterable[object]) -> str:
    """Return the names of the labels of an utterance; ``none of them`` without any."""
    return ", ".join(display_name(str(label)) for label in labels) or _("none of them")


def slice_kind_name(kind: str) -> str:
    """Return the name of a criterion by which a split is sliced."""
    return _(_SLICE_KINDS[kind]) if kind in _SLICE_KINDS else kind.replace("_", " ")


def slice_name(kind: str, name: str) -> str:
    """Return the name of one slice of a kind."""
    return _(_SLICE_NAMES[kind, name]) if (kind, name) in _SLICE_NAMES else name


def audio_problem_name(kind: str) -> str:
    """Return why a clip has no usable audio, by the kind of its `sentir.errors.AudioError`."""
    return _(_AUDIO_PROBLEMS[kind]) if kind in _AUDIO_PROBLEMS else kind


def issue_name(kind: str) -> str:
    """Return the name of a kind of issue in the current language; an unknown kind is returned as it is."""
    return _(ISSUE_NAMES[kind]) if kind in ISSUE_NAMES else kind
