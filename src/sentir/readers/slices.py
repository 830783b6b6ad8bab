"""Slices of a corpus by the names of its groups, as ``data.slices`` of a recipe lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sentir.corpus.corpus import Corpus
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.folds import find_groups


def slice_by_groups(
    corpus: Corpus, slices: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, dict[str, str]]:
    """Return kind → utterance id → slice; utterances of groups that are not listed are in no slice of that kind.

    Args:
        corpus: the corpus.
        slices: kind → slice → groups, by their names in `sentir.readers.folds.find_groups`.

    Raises:
        CorpusError: if there is no such group.
    """
    groups = find_groups(corpus, corpus.utterances, None)
    named = {kind: {name: one for one, names in own.items() for name in names} for kind, own in slices.items()}
    for kind, slice_of in named.items():
        if unknown := sorted(slice_of.keys() - set(groups.values())):
            raise CorpusError(
                _("'data.slices.{kind}' names '{group}', which is no group of '{corpus}'.",
                  kind=kind, group=unknown[0], corpus=corpus.name)
            )  # fmt: skip
    return {
        kind: {key: slice_of[group] for key, group in groups.items() if group in slice_of}
        for kind, slice_of in named.items()
    }
