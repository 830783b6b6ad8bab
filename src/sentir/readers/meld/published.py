"""Checks of MELD against what is known of its authors' publication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Issue, Utterance
from sentir.i18n import _, localize_numbers
from sentir.readers.counts import check_counts
from sentir.readers.defects import apply_defects, load_defects

PUBLISHED_COUNTS = {"train": 9989, "dev": 1109, "test": 2610}  # rows of the authors' CSV files

# Nobody says more words per second than the maximum; a long clip with fewer than the minimum has other content.
_MAX_WORDS_PER_SECOND, _MIN_WORDS_PER_SECOND, _LONG_SECONDS = 10.0, 0.25, 8.0
_AUDIO_DEFECT_PREFIXES = ("clip_", "audio_")  # kinds of defects that do not concern text


def check_against_published(corpus: Corpus, *, audio: bool) -> Corpus:
    """Apply the known defects, and list missing rows and implausible speech rates.

    A clip that is known to be unpublished or wrong is not listed as missing too.

    Args:
        corpus: MELD as it was read.
        audio: whether clips were found; if not, defects of clips only are left out.
    """
    without_clip = {u.id for u in corpus if u.clip is None}
    known = [
        defect
        for defect in load_defects("meld")
        if (audio or defect.action != "report" or not defect.kind.startswith(_AUDIO_DEFECT_PREFIXES))
        and (defect.kind != "clip_not_published" or without_clip.issuperset(defect.ids))
    ]
    corpus = apply_defects(corpus, known)
    explained = {i.where for i in corpus.issues if i.kind in ("clip_not_published", "clip_mismatched")}
    issues = [i for i in corpus.issues if i.kind != "audio_file_missing" or i.where not in explained]
    counts = check_counts(corpus, PUBLISHED_COUNTS, "{}_sent_emo.csv")
    speech_rates = _check_speech_rate(u for u in corpus if u.clip is not None)
    return replace(corpus, issues=(*issues, *counts, *speech_rates))


def _check_speech_rate(utterances: Iterable[Utterance]) -> Iterator[Issue]:
    for u in utterances:
        seconds, words = u.numeric_features.get("duration"), len((u.text or "").split())
        if seconds is None or not words:
            continue
        values = {"n": words, "seconds": localize_numbers(str(seconds))}
        if words / seconds > _MAX_WORDS_PER_SECOND:
            message = _("{n} words in {seconds} s: the clip cannot contain them all.", **values)
        elif seconds > _LONG_SECONDS and words / seconds < _MIN_WORDS_PER_SECOND:
            message = _("{n} words in {seconds} s: most of the clip is something else.", **values)
        else:
            continue
        yield Issue("speech_rate_implausible", "warning", message, u.id)
