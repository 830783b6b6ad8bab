"""Results of an evaluation: scores with intervals, comparisons, and entries of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Label
from sentir.display_names import display_name, quoted_model_name
from sentir.evaluation.enrollment_scores import EnrollmentScore
from sentir.evaluation.metrics import LabelScore, get_metric
from sentir.i18n import _, format_count, localize_numbers
from sentir.repr_mixin import ReprMixin

CONFIDENCE_LEVEL = 0.95  # of every interval shown
ALPHA = 0.05  # significance level: a difference with a smaller p-value is significant
MIN_CLUSTERS = 10  # fewest dialogues or speakers for an interval

Run = tuple[NDArray[np.floating], NDArray[np.floating] | None]
"""Predictions of one trained model (one seed): ``(N, K)`` probabilities, and its thresholds, ``(K,)`` or none.

In cross-validation, where each fold has its own thresholds, they are ``(N, K)``.
"""

GoldLabels = Mapping[str, tuple[Label, ...]]
"""Utterance id → annotated labels."""


@dataclass(frozen=True, slots=True)
class Score:
    """The value of one metric, with its 95% interval over dialogues.

    Attributes:
        value: mean over seeds.
        low, high: bounds of the interval; ``None`` without one.
        sd: standard deviation over seeds; ``None`` with one seed.
    """

    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class FoldScore:
    """Scores of one model on one fold of a cross-validation.

    Attributes:
        fold: name of the fold whose model is scored.
        n: scored utterances.
        metrics: metric → score, mean over seeds.
        model: name of the model, where each fold selects its own on dev.
    """

    fold: str
    n: int
    metrics: Mapping[str, float]
    model: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ModelScores(ReprMixin):
    """Scores of one model on one split of one corpus: a row of ``results.json``.

    Attributes:
        role: ``baseline``, ``candidate`` or ``selected``.
        n: scored utterances.
        num_seeds: trainings that are averaged.
        metrics: the default metric of the task first. In multi-label tasks, metrics at thresholds tuned on dev
            are each followed by the same at 0.5, called ``macro_f1@0.5``.
        confusion_matrix: ``(K, K)`` counts, truth by row, mean over seeds; ``None`` unless the task is
            single-label.
        thresholds: label → threshold tuned on dev, mean over seeds; ``None`` unless the task is multi-label.
        ids_hash: hash of the scored ids, which shows whether two results are for the same utterances.
        notes: caveats, such as random weights or a synthetic corpus, in English; see `localized_notes`.
        family: inputs of a trained model: ``text``, ``audio``, ``audio_stacked`` … ; ``""`` for a baseline.
        num_clusters: dialogues or speakers that the intervals are over; 0 if unknown.
        cluster_unit: what these are: ``dialogue``, ``speaker`` or ``utterance``.
        enrollment: scores of a model with speaker normalization that had unlabeled clips of the speakers;
            ``metrics`` are without.
        folds: scores of each fold of a cross-validation, whose utterances the others pool; empty without one.
    """

    model: str
    role: str
    corpus: str
    task: str
    split: str
    n: int
    num_seeds: int
    metrics: Mapping[str, Score]
    per_label: tuple[LabelScore, ...] = ()
    confusion_matrix: tuple[tuple[float, ...], ...] | None = None
    thresholds: Mapping[str, float] | None = None
    ids_hash: str = ""
    notes: tuple[str, ...] = field(default=())
    family: str = ""
    num_clusters: int = 0
    cluster_unit: str = "dialogue"
    enrollment: tuple[EnrollmentScore, ...] = ()
    folds: tuple[FoldScore, ...] = ()

    @property
    def localized_notes(self) -> tuple[str, ...]:
        """All caveats in the current language, those on absent labels and missing intervals included."""
        few = [few_clusters_note(self.num_clusters)] if 0 < self.num_clusters < MIN_CLUSTERS else []
        notes = (note.partition(": ") for note in self.notes)  # a name follows the colon
        return (*(f"{_(note)}{colon}{name}" for note, colon, name in notes), *self._absent_label_notes, *few)

    @property
    def _absent_label_notes(self) -> tuple[str, ...]:
        """A note on labels that are absent from the split and so left out of means over labels."""
        names = [one.label for one in self.per_label if not one.support and "f1" in one.metrics]
        if not names or "macro_f1" not in self.metrics:
            return ()
        return (
            _("Macro F1 over {n} of {k} labels; absent from {split}: {names}.",
              n=len(self.per_label) - len(names), k=len(self.per_label), split=display_name(self.split),
              names=", ".join(map(display_name, names))),
        )  # fmt: skip

    @property
    def interval_basis(self) -> str:
        """Number and kind of clusters that the intervals are over, in the current language; ``""`` if unknown."""
        if not self.num_clusters:
            return ""
        return _(
            "intervals over {n} {unit}", n=format_count(self.num_clusters), unit=display_name(self.cluster_unit)
        )

    def score_over_folds(self, metric: str) -> Score | None:
        """Return the mean of a metric over folds with its standard deviation; ``None`` without folds."""
        values = [fold.metrics[metric] for fold in self.folds if metric in fold.metrics]
        return Score(float(np.mean(values)), sd=float(np.std(values, ddof=1))) if len(values) > 1 else None

    def _repr_fields(self) -> dict[str, object]:
        name, first = next(iter(self.metrics.items()), ("", None))
        score = {} if first is None else {name: first.value, "low": first.low, "high": first.high}
        where = {"model": self.model, "corpus": self.corpus, "task": self.task, "split": self.split}
        return {**where, "n": self.n, **score}

    def to_row(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same utterances: ``a`` minus ``b`` in one metric.

    Attributes:
        difference: of the scores, as a fraction (0.021 = 2.1 points) or in the metric's units.
        low, high: interval of the difference, which excludes 0 exactly where ``p_holm`` is below .05; ``None`` if
            there is none.
        p: two-sided p-value of the paired permutation test with swaps per dialogue.
        p_holm: the same after Holm's correction over all comparisons of its table.
        n: utterances.
        num_clusters: dialogues or speakers, the units that were swapped.
        num_comparisons: comparisons in its table, for which interval and ``p_holm`` are corrected.
    """

    a: str
    b: str
    corpus: str
    task: str
    split: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    p: float
    p_holm: float
    n: int
    num_clusters: int
    num_comparisons: int = 1

    @property
    def is_significant(self) -> bool:
        """Whether the two differ by the corrected p-value, with which the interval agrees."""
        return self.p_holm < ALPHA

    def sentence(self) -> str:
        """Describe the comparison in one sentence of the current language; a note follows if dialogues are few.

        A significant difference is described as better or worse; otherwise the difference, a minus b, is stated.
        """
        names = {"a": quoted_model_name(self.a), "b": quoted_model_name(self.b), "why": self._format_evidence()}
        amount = self._format_with_unit(abs(self.difference) if self.is_significant else self.difference)
        if not self.is_significant:
            text = _(
                "{a} and {b} are not significantly different: a difference of {amount} ({why}).",
                amount=amount,
                **names,
            )
        elif get_metric(self.metric).sign * self.difference > 0:
            text = _("{a} is better than {b} by {amount} ({why}).", amount=amount, **names)
        else:
            text = _("{a} is worse than {b} by {amount} ({why}).", amount=amount, **names)
        return text if self.num_clusters >= MIN_CLUSTERS else f"{text} {few_clusters_note(self.num_clusters)}"

    @property
    def interval_text(self) -> str:
        """The interval for a table, in points if the metric is a proportion; a dash without one."""
        if self.low is None or self.high is None:
            return "–"
        factor = 100 if get_metric(self.metric).is_proportion else 1
        return localize_numbers(
            f"[{_format_number(self.low * factor, 2, 0)}, {_format_number(self.high * factor, 2, 0)}]"
        )

    def _format_evidence(self) -> str:
        """Return interval and p-value as text; of a significant difference, the interval of its size."""
        known = [bound for bound in (self.low, self.high) if bound is not None]
        low_high = sorted(-bound for bound in known) if self.is_significant and self.difference < 0 else known
        bounds = [self._format_difference(bound, 0) for bound in low_high]
        interval = [_("95% interval {low} to {high}", low=bounds[0], high=bounds[1])] if bounds else []
        corrected = (
            [_("corrected for {n} comparisons", n=self.num_comparisons)] if self.num_comparisons > 1 else []
        )
        return ", ".join([*interval, format_p_value(self.p_holm), *corrected])

    def _format_difference(self, value: float, boundary: float | None = None) -> str:
        """Format a difference: in points for a proportion, otherwise in the metric's units."""
        digits, factor = (1, 100) if get_metric(self.metric).is_proportion else (3, 1)
        return _format_number(value * factor, digits, boundary)

    def _format_with_unit(self, value: float) -> str:
        amount = self._format_difference(value)
        return _("{points} points", points=amount) if get_metric(self.metric).is_proportion else amount


def format_p_value(p: float) -> str:
    """Format a p-value, with as many digits as it takes to show on which side of .05 it is."""
    return localize_numbers("p < 0.001") if p < 0.0005 else f"p = {_format_number(p, 3, ALPHA)}"


def _format_number(value: float, digits: int, boundary: float | None) -> str:
    """Format a number, with more digits where rounding would make it equal a boundary that it is not on."""
    while boundary is not None and round(value, digits) == boundary != value and digits < 9:
        digits += 1
    return localize_numbers(f"{round(value, digits) + 0.0:.{digits}f}")


def few_clusters_note(num_clusters: int) -> str:
    """Return a note that there are too few dialogues or speakers for intervals."""
    return _("Based on only {n} dialogues or speakers: intervals need at least {least}.",
             n=num_clusters, least=MIN_CLUSTERS)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a test split, as recorded in the ledger.

    Attributes:
        number: openings of this test split so far, this one included.
        when: UTC time, ISO 8601.
        corpus: name of the corpus.
        test_fingerprint: hash of the content of the test split; the ledger's key.
        reason: why it was opened.
        models: names of the models that were scored.
        opened_fingerprint: fingerprint of the split that was opened if it is a different one that shares at least
            half of its sentences with this one; ``""`` if it is this one.
    """

    number: int
    when: str
    corpus: str
    test_fingerprint: str
    reason: str
    models: tuple[str, ...] = ()
    opened_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Redraw:
    """One test split of a table that was discarded and replaced by another random one.

    Attributes:
        when: UTC time, ISO 8601.
        corpus: name of the corpus.
        reason: why.
        seeds: ``data.table.seed`` before and after.
        discarded: fingerprint of the discarded test split.
        openings: how often the discarded split had been opened.
    """

    when: str
    corpus: str
    reason: str
    seeds: tuple[int, int]
    discarded: str
    openings: int
