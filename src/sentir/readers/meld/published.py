"""What is known of MELD as its authors published it, held against what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Issue, Utterance
from sentir.i18n import _, format_count
from sentir.readers.defects import apply_defects, load_defects

PUBLISHED_COUNTS = {"train": 9989, "dev": 1109, "test": 2610}  # rows of the authors' CSV files

# Nobody says more words in a second than the first, and of a cut that lasts longer than so many seconds and holds
# fewer than the second the line is a small part.
_MAX_WORDS_PER_SECOND, _MIN_WORDS_PER_SECOND, _LONG_SECONDS = 10.0, 0.25, 8.0
_AUDIO_DEFECT_PREFIXES = ("clip_", "audio_")  # kinds of defects that do not concern text


def check_against_published(corpus: Corpus, *, audio: bool) -> Corpus:
    """Apply the known defects, and list rows that are not there and cuts that do not hold their words.

    A clip that is known to be absent or wrong is not listed as missing as well.

    Args:
        corpus: MELD as it was read.
        audio: whether clips were found; what is wrong with clips alone is passed over if not.
    """
    silent = {u.id for u in corpus if u.clip is None}
    known = [
        defect
        for defect in load_defects("meld")
        if (audio or defect.action != "report" or not defect.kind.startswith(_AUDIO_DEFECT_PREFIXES))
        and (defect.kind != "clip_not_published" or silent.issuperset(defect.ids))
    ]
    found = apply_defects(corpus, known)
    explained = {issue.where for issue in found.issues if issue.kind in ("clip_not_published", "clip_mismatched")}
    kept = [issue for issue in found.issues if issue.kind != "audio_file_missing" or issue.where not in explained]
    pace = _check_speaking_rate(u for u in found if u.clip is not None)
    return replace(found, issues=(*kept, *_check_counts(found), *pace))


def _check_counts(utterances: Iterable[Utterance]) -> Iterator[Issue]:
    counts = Counter(u.split for u in utterances)
    for split, published in PUBLISHED_COUNTS.items():
        if counts[split] != published:
            message = _(
                "Utterances of {split}: {n}, where the authors' file has {published}; scores on it are not "
                "comparable with published ones.",
                split=split,
                n=format_count(counts[split]),
                published=format_count(published),
            )
            yield Issue("row_count_differs", "warning", message, f"{split}_sent_emo.csv")


def _check_speaking_rate(utterances: Iterable[Utterance]) -> Iterator[Issue]:
    for u in utterances:
        seconds, words = u.numeric_features.get("duration"), len((u.text or "").split())
        if seconds is None or not words:
            continue
        if words / seconds > _MAX_WORDS_PER_SECOND:
            message = _("{n} words in {seconds} s: the cut cannot hold them all.", n=words, seconds=seconds)
        elif seconds > _LONG_SECONDS and words / seconds < _MIN_WORDS_PER_SECOND:
            message = _("{n} words in {seconds} s: most of the cut is something else.", n=words, seconds=seconds)
        else:
            continue
        yield Issue("speech_rate_implausible", "warning", message, u.id)
