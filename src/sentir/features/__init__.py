"""Numeric features of utterances, computed without their labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance
from sentir.i18n import gettext_noop
from sentir.registry import Registry

FEATURE_SETS = Registry(
    gettext_noop("feature set"),
    {
        "lexical": "sentir.features.lexical:LEXICAL",
        "dialogue": "sentir.features.dialogue:DIALOGUE",
        "tabular": "sentir.features.dialogue:TABULAR",
        "stacked": "sentir.features.stacked:STACKED",
        "thesis": "sentir.features.acoustic:THESIS",
        "functionals": "sentir.features.acoustic:FUNCTIONALS",
    },
)
"""Feature sets by name; register a `FeatureSet` to add one."""

FeatureColumns = dict[str, NDArray[np.float64]]
"""Column name → ``(N,)`` values, NaN where unknown."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Numeric features that are computed together.

    Attributes:
        compute: returns the columns of N utterances, which are blind and come in whole dialogues.
        modality: ``text`` or ``audio`` if they are computed from it alone; ``None`` otherwise.
        columns: their names, if they are always the same: a saved model with others is refused.
    """

    compute: Callable[[Sequence[Utterance]], FeatureColumns]
    modality: Literal["text", "audio"] | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FeatureTable:
    """F named columns of N utterances.

    Attributes:
        values: ``(N, F)``, NaN where unknown.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def with_missing_tabular(self, names: Sequence[str]) -> FeatureTable:
        """Return a table with those columns of the set ``tabular`` among ``names`` that it lacks, as unknown."""
        missing = tuple(name for name in names if name.startswith("tabular.") and name not in self.names)
        unknown = np.full((len(self.values), len(missing)), np.nan, dtype=np.float32)
        return FeatureTable(self.names + missing, np.concatenate([self.values, unknown], axis=1))


def compute_features(set_names: Sequence[str], utterances: Sequence[Utterance]) -> FeatureTable:
    """Compute the named feature sets from the utterances without their labels.

    Returns:
        A table of N rows with columns called ``set.column``.

    Raises:
        UnknownNameError: if a set is not registered.
    """
    blind = [u.blind() for u in utterances]
    columns = {
        f"{name}.{column}": values
        for name in set_names
        for column, values in FEATURE_SETS.get(name).compute(blind).items()
    }
    values = np.stack(list(columns.values()), axis=1) if columns else np.zeros((len(blind), 0))
    return FeatureTable(tuple(columns), values.astype(np.float32))


def find_outdated_column(names: Sequence[str]) -> str | None:
    """Return the first ``set.column`` that its set no longer has; ``None`` if all are current."""
    for name in names:
        set_name, _dot, column = name.partition(".")
        columns = FEATURE_SETS.get(set_name).columns
        if columns is not None and column not in columns:
            return name
    return None
