"""Standardization of numeric features, fitted on train and saved with the model."""

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
    """Mean and standard deviation of F named columns; a standard deviation of 0 marks a constant column.

    Fit it on the train split only.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(set(self.names)) == len(self.names) == len(self.means) == len(self.stds):
            raise ValueError(_("there must be one mean and one standard deviation for each column"))

    @classmethod
    def fit(cls, table: FeatureTable) -> FeatureScaler:
        """Compute means and standard deviations of the known values; a column without any is constant."""
        known = [column[~np.isnan(column)] for column in table.values.astype(np.float64).T]
        varies = [len(column) > 0 and column.min() < column.max() for column in known]
        return cls(
            table.names,
            tuple(float(column.mean()) if len(column) else 0.0 for column in known),
            tuple(float(column.std()) if vary else 0.0 for column, vary in zip(known, varies, strict=True)),
        )

    def select(self, table: FeatureTable) -> NDArray[np.float32]:
        """Return the ``(N, F)`` fitted columns, matched by name, in the order in which they were fitted.

        Raises:
            CorpusError: if a column is missing.
        """
        index = {name: k for k, name in enumerate(table.names)}
        for name in self.names:
            if name not in index:
                raise CorpusError(
                    _(
                        "The feature '{name}' is missing; the model was fitted on: {known}.",
                        name=name,
                        known=", ".join(self.names),
                    )
                )
        return table.values[:, [index[name] for name in self.names]]

    def transform(self, table: FeatureTable) -> NDArray[np.float32]:
        """Standardize the columns of `select`.

        Returns:
            ``(N, F)`` float32 with mean 0 and standard deviation 1 on the fitted data; 0 for unknown values and
            constant columns. Other columns are left out.

        Raises:
            CorpusError: if a column is missing.
        """
        values = self.select(table).astype(np.float64)
        stds = np.array(self.stds)
        scaled = (values - np.array(self.means)) / np.where(stds > 0, stds, np.inf)
        with np.errstate(over="ignore"):  # infinite features give a NonFiniteError in prediction
            return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: list(value) for key, value in asdict(self).items()}
