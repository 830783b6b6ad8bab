"""The record of a metric: function, direction, unit and names; and what each kind of label space scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace, Thresholds

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
        interval: 95% interval of the F1, over dialogues; ``None`` where it has none.
    """

    label: str
    support: int
    metrics: Mapping[str, float]
    interval: tuple[float, float] | None = None


class KindMetrics(ABC):
    """Statistics and metrics of one label space; each kind of label space has a subclass.

    Attributes:
        default: the metric that selects and compares models, unless another is requested.
        count_metrics: those that are functions of sufficient statistics.
        label_metrics: those of each label.
        ranking_metrics: the other metrics of a model, means over labels.
        selecting_metrics: the tables that a new metric of this kind is added to.
    """

    default: ClassVar[str]
    selecting_metrics: ClassVar[tuple[dict[str, Metric], ...]]
    count_metrics: Mapping[str, Metric]
    label_metrics: ClassVar[Mapping[str, Metric]]
    ranking_metrics: ClassVar[Mapping[str, Metric]] = {}

    def __init__(self, space: LabelSpace) -> None:
        self.space = space

    @abstractmethod
    def compute_statistics(
        self, truth: NDArray, probabilities: FloatArray, thresholds: Thresholds, groups: NDArray[np.integer]
    ) -> Array:
        """Return the ``(G, S)`` statistics of groups."""

    @abstractmethod
    def compute_metrics(self, statistics: Array) -> dict[str, Array]:
        """Compute the `count_metrics` from statistics."""

    @abstractmethod
    def compute_label_metrics(
        self, truth: NDArray, probabilities: FloatArray, statistics: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the support of each label, or step of the scale, and its metrics."""

    def compute_label_f1(self, statistics: Array) -> Array | None:
        """Return the F1 of each label, ``(..., K)``; ``None`` in regression."""
        return None

    def compute_confusion_matrix(self, statistics: Array) -> Array | None:
        """Return ``(..., K, K)`` counts, truth by row; ``None`` where labels are not exclusive."""
        return None

    def compute_ranking_metrics(self, truth: NDArray, probabilities: FloatArray) -> dict[str, Array]:
        """Return the metrics of each label of which `ranking_metrics` are means, NaN where undefined."""
        return {}

    def compute_weighted_ranking(
        self, truth: NDArray, probabilities: FloatArray, weights: Array
    ) -> dict[str, Array]:
        """Return the `ranking_metrics` for R weightings ``(R, N)`` of the utterances, each ``(R,)``."""
        return {}

    def label_columns(self, truth: NDArray) -> NDArray[np.bool_]:
        """Return whether each utterance has each label, ``(N, K)``; ``(N, 0)`` in regression."""
        return np.zeros((len(truth), 0), dtype=bool)
