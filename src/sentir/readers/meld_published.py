"""What is known of MELD as its authors published it, held against what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sentir.corpus.types import Issue, Utterance
from sentir.i18n import _
from sentir.readers.defects import apply_defects, load_defects

UTTERANCES = {"train": 9989, "dev": 1109, "test": 2610}  # rows of the authors' CSV files

# Nobody says more words in a second than the first, and of a cut that lasts longer than so many seconds and holds
# fewer than the second the line is a small part.
_FASTEST, _SLOWEST, _LONG = 10.0, 0.25, 8.0
_ABOUT_SOUND = ("clip_", "sound_")  # how the kinds of defects begin that do not matter to those who read


def compare_with_published(
    utterances: Sequence[Utterance], issues: Iterable[Issue], *, sound: bool
) -> tuple[list[Utterance], list[Issue]]:
    """Apply the known defects, and list rows that are not there and cuts that do not hold their words.

    Args:
        utterances: with their clips if ``sound``.
        issues: what was found until now; a clip that is known to be absent is not listed twice.
        sound: whether clips were looked for; defects of sound are passed over if not.
    """
    silent = {u.id for u in utterances if u.clip is None}
    known = [
        defect
        for defect in load_defects("meld")
        if (sound or not defect.kind.startswith(_ABOUT_SOUND))
        and (defect.kind != "clip_absent" or silent.issuperset(defect.ids))
    ]
    rows, listed = apply_defects(utterances, known)
    explained = {issue.where for issue in listed if issue.kind in ("clip_absent", "clip_wrong")}
    kept = [issue for issue in issues if issue.kind != "audio_missing" or issue.where not in explained]
    pace = _check_pace(u for u in rows if u.clip is not None)
    return rows, [*kept, *_check_counts(rows), *listed, *pace]


def _check_counts(utterances: Iterable[Utterance]) -> Iterator[Issue]:
    counts = Counter(u.split for u in utterances)
    for split, published in UTTERANCES.items():
        if counts[split] != published:
            message = _(
                "Utterances of {split}: {n}, where the authors' file has {published}; scores on it are not "
                "comparable with published ones.",
                split=split,
                n=f"{counts[split]:,}",
                published=f"{published:,}",
            )
            yield Issue("rows_differ", "warning", message, f"{split}_sent_emo.csv")


def _check_pace(utterances: Iterable[Utterance]) -> Iterator[Issue]:
    for u in utterances:
        seconds, words = u.numbers.get("duration"), len((u.text or "").split())
        if seconds is None or not words:
            continue
        if words / seconds > _FASTEST:
            message = _("{n} words in {seconds} s: the cut cannot hold them all.", n=words, seconds=seconds)
        elif seconds > _LONG and words / seconds < _SLOWEST:
            message = _("{n} words in {seconds} s: most of the cut is something else.", n=words, seconds=seconds)
        else:
            continue
        yield Issue("pace_impossible", "warning", message, u.id)
