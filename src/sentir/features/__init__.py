"""Numeric features of utterances, which never see a label.

A feature set is a function ``(utterances) -> {column name: (N,) float array}``; unknown values are NaN. It is
given blind utterances, whole dialogues at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance
from sentir.i18n import gettext_noop
from sentir.registry import Registry

FEATURE_SETS = Registry(
    gettext_noop("feature set"),
    {
        "lexical": "sentir.features.lexical:lexical",
        "dialogue": "sentir.features.dialogue:dialogue",
        "given": "sentir.features.dialogue:given",
        "stacked": "sentir.features.stacked:stacked",
        "thesis": "sentir.features.acoustic:thesis",
        "functionals": "sentir.features.acoustic:functionals",
    },
)

AUDIO_FEATURE_SETS = frozenset({"thesis", "functionals"})  # the sets that need sound


@dataclass(frozen=True)
class FeatureTable:
    """N utterances by F named columns, float32, NaN where a value is unknown."""

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def with_missing_tabular(self, names: Sequence[str]) -> FeatureTable:
        """Add the columns of the set ``given`` among ``names`` that these utterances lack, as unknown."""
        lacking = tuple(name for name in names if name.startswith("given.") and name not in self.names)
        unknown = np.full((len(self.values), len(lacking)), np.nan, dtype=np.float32)
        return FeatureTable(self.names + lacking, np.concatenate([self.values, unknown], axis=1))


def compute_features(set_names: Sequence[str], utterances: Sequence[Utterance]) -> FeatureTable:
    """Compute the named feature sets side by side, from utterances made blind first.

    Returns:
        A table of shape ``(N, F)``; columns are called ``set.column``.

    Raises:
        UnknownNameError: if a set is not registered.
    """
    blind = [u.blind() for u in utterances]
    columns = {
        f"{name}.{column}": values
        for name in set_names
        for column, values in FEATURE_SETS.get(name)(blind).items()
    }
    values = np.stack(list(columns.values()), axis=1) if columns else np.zeros((len(blind), 0))
    return FeatureTable(tuple(columns), values.astype(np.float32))
