"""What the kinds of issues that readers list are called in a report, which has them in two languages."""

from __future__ import annotations

from sentir.i18n import _, gettext_noop

ISSUE_NAMES = {
    "rating_missing": gettext_noop("annotators without an answer"),
    "corpus_without_audio": gettext_noop("no audio beside the table"),
    "audio_file_missing": gettext_noop("clip without a file"),
    "clip_not_named": gettext_noop("no clip named"),
    "clip_not_published": gettext_noop("known defect: no clip"),
    "clip_damaged": gettext_noop("known defect: clip that cannot be decoded"),
    "clip_embedded": gettext_noop("clips stored inside the table, extracted"),
    "clip_too_long": gettext_noop("known defect: clip that is too long"),
    "clip_renamed": gettext_noop("clips found under another spelling"),
    "clip_shared": gettext_noop("known defect: one clip for two utterances"),
    "clip_mismatched": gettext_noop("known defect: clip of something else"),
    "clips_unreferenced": gettext_noop("files that are nobody's clip, left alone"),
    "augmented_copies_ignored": gettext_noop("copies of pictures, left alone"),
    "segment_in_two_splits": gettext_noop("known defect: one stretch of sound in two splits"),
    "segment_repeated": gettext_noop("known defect: one stretch of sound twice"),
    "file_encoding": gettext_noop("file read in another encoding"),
    "file_ignored": gettext_noop("file that was not needed"),
    "file_unreadable": gettext_noop("file that cannot be read"),
    "ids_decimal": gettext_noop("ids written with a decimal point"),
    "ids_truncated": gettext_noop("ids that lost digits"),
    "intensity_clamped": gettext_noop("intensity off the scale, moved to its end"),
    "label_missing": gettext_noop("no label"),
    "label_unknown": gettext_noop("unknown label"),
    "layout": gettext_noop("layout recognized"),
    "empty_label_cells": gettext_noop("empty cells taken as no"),
    "name_normalized": gettext_noop("names with invisible characters"),
    "number_invalid": gettext_noop("number that cannot be read"),
    "video_outside_folds": gettext_noop("in no official split, left out"),
    "speech_rate_implausible": gettext_noop("more words than anybody can say in that time"),
    "quotes_literal": gettext_noop("quotes that are characters"),
    "quotes_ambiguous": gettext_noop("quotes that may be characters"),
    "row_skipped": gettext_noop("row that cannot be used"),
    "row_count_differs": gettext_noop("another number of rows than published"),
    "rows_reordered": gettext_noop("rows out of order, put in order"),
    "sheets_ignored": gettext_noop("sheets that were not read"),
    "sound_disturbed": gettext_noop("known defect: disturbed sound"),
    "sound_misaligned": gettext_noop("known defect: sound beside its times"),
    "multiple_speakers": gettext_noop("several speakers in one row"),
    "split_generated": gettext_noop("split drawn, for none is given"),
    "split_small": gettext_noop("split with few rows, for groups are few"),
    "split_differs_from_official": gettext_noop("split otherwise than officially"),
    "start_clamped": gettext_noop("start before the file begins, moved to it"),
    "corpus_without_text": gettext_noop("no texts beside the labels"),
    "text_encoding": gettext_noop("text with repaired characters"),
    "text_missing": gettext_noop("no text"),
    "clip_times_invalid": gettext_noop("time that cannot be used"),
    "times_unparsable": gettext_noop("times that cannot be read"),
    "times_invalid": gettext_noop("end before start"),
    "transcripts_unlabeled": gettext_noop("transcripts without labels, left alone"),
    "turn_repeated": gettext_noop("rows with the same turn"),
    "turn_invalid": gettext_noop("turn that cannot be read"),
    "duplicate_clip_used": gettext_noop("the corrected one of two clips taken"),
}


def issue_name(kind: str) -> str:
    """Return what a kind of issue is called in the current language; a kind that we do not know keeps its key."""
    return _(ISSUE_NAMES[kind]) if kind in ISSUE_NAMES else kind
