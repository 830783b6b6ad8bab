"""The record of a metric: function, direction, unit and names; and the scores of one label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FloatArray = NDArray[np.floating]
AT_HALF_SUFFIX = "@0.5"  # ends the names of multi-label metrics computed with every threshold at 0.5


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a model or of a label.

    Attributes:
        function: computes it from the sufficient statistics of its kind of task; the docstring states the
            convention.
        higher_is_better: ``False`` for an error; ``None`` for a description that cannot select a model.
        unit: ``proportion`` (0 to 1, differences in points), ``correlation``, or ``scale`` (units of the scale).
        name: display name, in English and marked for translation.
        short_name: display name for narrow columns; ``""`` = ``name``.
    """

    function: Callable[..., Any]
    higher_is_better: bool | None
    unit: Literal["proportion", "correlation", "scale"]
    name: str
    short_name: str = ""

    @property
    def sign(self) -> int:
        """1, or -1 for an error: the score times this is what model selection maximizes.

        Raises:
            ValueError: if neither direction is better.
        """
        if self.higher_is_better is None:
            raise ValueError(f"{self.name}: neither direction is better, so it cannot select a model")
        return 1 if self.higher_is_better else -1

    @property
    def is_proportion(self) -> bool:
        """Whether it lies between 0 and 1, so that differences are given in points."""
        return self.unit == "proportion"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Scores of one label, means over seeds; ``metrics`` holds precision, recall, F1 and more by kind of task.

    Attributes:
        interval: 95 % interval of the F1, over dialogues; ``None`` where it has none.
    """

    label: str
    support: int
    metrics: Mapping[str, float]
    interval: tuple[float, float] | None = None
