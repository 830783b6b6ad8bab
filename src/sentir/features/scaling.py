"""Standardization of numeric features, fitted once on train and saved with the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.errors import CorpusError
from sentir.features import FeatureTable
from sentir.i18n import _


@dataclass(frozen=True, slots=True)
class FeatureScaler:
    """Mean and standard deviation of F named columns; a deviation of 0 marks a column that never varies.

    It cannot know what it is fitted on: fit it on the train split only.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(set(self.names)) == len(self.names) == len(self.means) == len(self.stds):
            raise ValueError(_("means and deviations must be one for each column"))

    @classmethod
    def fit(cls, table: FeatureTable) -> FeatureScaler:
        """Measure the columns of ``table``, unknown values aside; a column without values counts as constant."""
        known = [column[~np.isnan(column)] for column in table.values.astype(np.float64).T]
        varies = [len(column) > 0 and column.min() < column.max() for column in known]
        return cls(
            table.names,
            tuple(float(column.mean()) if len(column) else 0.0 for column in known),
            tuple(float(column.std()) if vary else 0.0 for column, vary in zip(known, varies, strict=True)),
        )

    def transform(self, table: FeatureTable) -> NDArray[np.float32]:
        """Standardize the columns this scaler knows, found by name, in its own order.

        Returns:
            ``(N, F)`` float32: mean 0 and deviation 1 over what was fitted; 0 where a value is unknown and in
            columns that never varied. Columns the scaler does not know are left out.

        Raises:
            CorpusError: if a column is missing.
        """
        place = {name: k for k, name in enumerate(table.names)}
        for name in self.names:
            if name not in place:
                raise CorpusError(
                    _(
                        "The feature '{name}' is missing; the model was fitted on: {known}.",
                        name=name,
                        known=", ".join(self.names),
                    )
                )
        values = table.values[:, [place[name] for name in self.names]].astype(np.float64)
        deviations = np.array(self.stds)
        scaled = (values - np.array(self.means)) / np.where(deviations > 0, deviations, np.inf)
        with np.errstate(over="ignore"):  # the model says of an absurd number that its own are not finite
            return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: list(value) for key, value in asdict(self).items()}
