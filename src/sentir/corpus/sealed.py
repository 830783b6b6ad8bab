"""Sealed (held-out) test labels, read only by `sentir.evaluation.locked.ledger.open_annotations`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn

from sentir.corpus.fingerprints import compute_test_fingerprint
from sentir.errors import LockedTestError
from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.corpus.utterances import Labels, Utterance


class SealedLabels:
    """The labels and scores of a test split, accessible only to the ledger and to the counts of the audit."""

    __slots__ = ("__fingerprint", "__labels", "__scores")

    def __init__(self, utterances: Iterable[Utterance]) -> None:
        rows = list(utterances)
        self.__labels = {u.id: dict(u.labels) for u in rows}
        self.__scores = {u.id: dict(u.scores) for u in rows}
        self.__fingerprint = compute_test_fingerprint(rows)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the test utterances."""
        return frozenset(self.__labels)

    @property
    def fingerprint(self) -> str:
        """Hash of the texts and annotations, by which the ledger counts evaluations on test."""
        return self.__fingerprint

    def _reveal(self) -> tuple[dict[str, Labels], dict[str, Mapping[str, float]]]:
        """Return id → labels and id → scores. Only for `sentir.evaluation.locked.ledger` and `sentir.audit`."""
        return dict(self.__labels), dict(self.__scores)

    def __repr__(self) -> str:
        return f"SealedLabels({len(self.__labels)} utterances)"

    def __copy__(self) -> SealedLabels:
        return self

    def __deepcopy__(self, memo: object) -> SealedLabels:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise LockedTestError(
            _("A corpus cannot be pickled because its test labels are sealed; pass its utterances instead.")
        )
