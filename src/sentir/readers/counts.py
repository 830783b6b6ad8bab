"""Comparison of a corpus with the number of utterances that its authors published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from sentir.corpus.utterances import Issue, Utterance
from sentir.i18n import _, format_count


def check_counts(utterances: Iterable[Utterance], published: Mapping[str, int], file: str) -> Iterator[Issue]:
    """Yield a warning for each split with another number of utterances than published.

    Args:
        utterances: of all splits.
        published: split → number of utterances.
        file: name of the authors' file, with ``{}`` for the split.
    """
    counts = Counter(u.split for u in utterances)
    for split, number in published.items():
        if counts[split] != number:
            message = _(
                "{split} has {n} utterances instead of the {published} of the authors' file; its scores are not "
                "comparable with published ones.",
                split=split,
                n=format_count(counts[split]),
                published=format_count(number),
            )
            yield Issue("row_count_differs", "warning", message, file.format(split))


def check_total(n: int, published: int, where: str) -> Iterator[Issue]:
    """Yield a warning if a corpus without published splits has another number of utterances than published."""
    if n != published:
        message = _(
            "The corpus has {n} utterances instead of the {published} published; its scores are not comparable "
            "with published ones.",
            n=format_count(n),
            published=format_count(published),
        )
        yield Issue("row_count_differs", "warning", message, where)
