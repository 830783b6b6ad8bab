"""What the kinds of issues that readers list are called in a report, which has them in two languages."""

from __future__ import annotations

from sentir.i18n import _, mark

ISSUES = {
    "answer_missing": mark("annotators without an answer"),
    "audio_absent": mark("no audio beside the table"),
    "audio_missing": mark("clip without a file"),
    "audio_none": mark("no clip named"),
    "clip_absent": mark("known defect: no clip"),
    "clip_damaged": mark("known defect: clip that cannot be decoded"),
    "clip_embedded": mark("clips stored inside the table, extracted"),
    "clip_long": mark("known defect: clip that is too long"),
    "clip_renamed": mark("clips found under another spelling"),
    "clip_shared": mark("known defect: one clip for two utterances"),
    "clip_wrong": mark("known defect: clip of something else"),
    "clips_ignored": mark("files that are nobody's clip, left alone"),
    "copies_ignored": mark("copies of pictures, left alone"),
    "cut_in_two_splits": mark("known defect: one stretch of sound in two splits"),
    "cut_repeated": mark("known defect: one stretch of sound twice"),
    "file_encoding": mark("file read in another encoding"),
    "file_ignored": mark("file that was not needed"),
    "file_unreadable": mark("file that cannot be read"),
    "ids_decimal": mark("ids written with a decimal point"),
    "ids_shortened": mark("ids that lost digits"),
    "intensity_clamped": mark("intensity off the scale, moved to its end"),
    "label_missing": mark("no label"),
    "label_unknown": mark("unknown label"),
    "layout": mark("layout recognized"),
    "marks": mark("empty cells taken as no"),
    "name_invisible": mark("names with invisible characters"),
    "number_unreadable": mark("number that cannot be read"),
    "outside_folds": mark("in no official split, left out"),
    "pace_impossible": mark("more words than anybody can say in that time"),
    "quotes_bare": mark("quotes that are characters"),
    "quotes_doubtful": mark("quotes that may be characters"),
    "row_unusable": mark("row that cannot be used"),
    "rows_differ": mark("another number of rows than published"),
    "rows_reordered": mark("rows out of order, put in order"),
    "sheets_ignored": mark("sheets that were not read"),
    "sound_disturbed": mark("known defect: disturbed sound"),
    "sound_misaligned": mark("known defect: sound beside its times"),
    "speakers_several": mark("several speakers in one row"),
    "split_drawn": mark("split drawn, for none is given"),
    "split_uneven": mark("split with few rows, for groups are few"),
    "split_official": mark("split otherwise than officially"),
    "start_clamped": mark("start before the file begins, moved to it"),
    "text_absent": mark("no texts beside the labels"),
    "text_encoding": mark("text with repaired characters"),
    "text_missing": mark("no text"),
    "time_unusable": mark("time that cannot be used"),
    "times_unreadable": mark("times that cannot be read"),
    "times_unusable": mark("end before start"),
    "transcripts_unlabeled": mark("transcripts without labels, left alone"),
    "turn_repeated": mark("rows with the same turn"),
    "turn_unreadable": mark("turn that cannot be read"),
    "twin_taken": mark("the corrected one of two clips taken"),
}


def issue_word(kind: str) -> str:
    """Return what a kind of issue is called in the current language; a kind that we do not know keeps its key."""
    return _(ISSUES[kind]) if kind in ISSUES else kind
