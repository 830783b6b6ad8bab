"""What an evaluation says: scores with intervals, comparisons, and the rows of ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sentir.display_names import display_name, quoted_model_name
from sentir.i18n import _, format_count, localize_numbers
from sentir.repr_mixin import ReprMixin

CONFIDENCE_LEVEL = 0.95  # of every interval shown
ALPHA = 0.05  # the p-value below which a difference is proven
MIN_CLUSTERS = 10  # dialogues or speakers below which nothing has an interval
_LOWER_IS_BETTER = frozenset({"mae"})
_NOT_PROPORTIONS = frozenset({"mae", "pearson", "ccc", "mean_prediction"})


def is_proportion(metric: str) -> bool:
    """Say whether a metric is a share of something, whose hundredths are points."""
    return metric not in _NOT_PROPORTIONS


def negate_if_lower_is_better(metric: str, value: float) -> float:
    """Return a score, or a difference of scores, so that higher is better: an error changes its sign."""
    return -value if metric in _LOWER_IS_BETTER else value


@dataclass(frozen=True, slots=True)
class Score:
    """One metric: the mean over seeds, and its 95 % interval over dialogues.

    Attributes:
        value: mean over seeds.
        low, high: interval; ``None`` where a metric has none.
        sd: standard deviation over seeds; ``None`` with one seed.
    """

    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Scores of one label, means over seeds; ``metrics`` holds precision, recall, f1 and more by task kind.

    Attributes:
        interval: of the F1, 95 % over dialogues; ``None`` where it has none.
    """

    label: str
    support: int
    metrics: Mapping[str, float]
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ModelScores(ReprMixin):
    """How one model does on one split of one corpus: a row of ``results.json``.

    Attributes:
        role: ``baseline``, ``candidate`` or ``selected`` (on dev).
        n: scored utterances.
        num_seeds: trainings behind the mean.
        metrics: the headline first. For several labels those at dev-tuned thresholds, and beside each that needs
            thresholds the same at 0.5, called ``macro_f1@0.5``.
        confusion_matrix: ``(K, K)`` counts, truth by row, mean over seeds; ``None`` for several labels and for numbers.
        thresholds: label → dev-tuned threshold, mean over seeds; ``None`` for one label and for numbers.
        ids_hash: hash of the scored ids, so that two users can see whether they scored the same set.
        num_clusters: dialogues or speakers that the intervals are over; 0 in results of earlier versions.
        cluster_unit: what these are: ``dialogue``, ``speaker`` or ``utterance``.
        notes: what a reader must know, such as random weights or a synthetic corpus, in English; see `remarks`.
        family: inputs of a trained model: ``text``, ``audio``, ``audio_stacked``, …; ``""`` for a baseline.
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

    @property
    def localized_notes(self) -> tuple[str, ...]:
        """What a reader must know, in the current language: also what has no interval and what is not counted."""
        weak = [few_clusters_note(self.num_clusters)] if 0 < self.num_clusters < MIN_CLUSTERS else []
        told = (note.partition(": ") for note in self.notes)  # after a colon stands a name
        return (*(f"{_(note)}{colon}{name}" for note, colon, name in told), *self._absent_label_notes, *weak)

    @property
    def _absent_label_notes(self) -> tuple[str, ...]:
        """Say which labels occur nowhere in the split, and so do not count in a mean over labels."""
        names = [one.label for one in self.per_label if not one.support and "f1" in one.metrics]
        if not names or "macro_f1" not in self.metrics:
            return ()
        return (
            _("Macro F1 over {n} of {k} labels; nowhere in {split}: {names}.",
              n=len(self.per_label) - len(names), k=len(self.per_label), split=display_name(self.split),
              names=", ".join(map(display_name, names))),
        )  # fmt: skip

    @property
    def interval_basis(self) -> str:
        """Say what the intervals are over, in the current language; nothing where that was not recorded."""
        if not self.num_clusters:
            return ""
        return _(
            "intervals over {n} {unit}", n=format_count(self.num_clusters), unit=display_name(self.cluster_unit)
        )

    def _repr_fields(self) -> dict[str, object]:
        name, first = next(iter(self.metrics.items()), ("", None))
        shown = {} if first is None else {name: first.value, "low": first.low, "high": first.high}
        about = {"model": self.model, "corpus": self.corpus, "task": self.task, "split": self.split}
        return {**about, "n": self.n, **shown}

    def to_row(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same utterances: ``a`` less ``b`` in one metric.

    Attributes:
        difference: metric of a less metric of b, as a fraction (0.021 = 2.1 points) or in the metric's units.
        low, high: interval of the difference that leaves out 0 exactly where ``p_holm`` is below .05; ``None``
            where there is none.
        p: two-sided p-value of the paired permutation test with swaps per dialogue.
        p_holm: the same after Holm's correction over the table it stands in.
        num_clusters: how many were swapped; speakers, where they are what is swapped.
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
        """Whether the two differ: the one verdict, which the corrected p-value gives and the interval repeats."""
        return self.p_holm < ALPHA

    def sentence(self) -> str:
        """Say the comparison in one plain sentence of the current language, and add if it rests on few dialogues.

        Where the difference is proven it says better or worse, and by how much; elsewhere it states the
        difference, a less b, in the metric itself.
        """
        names = {"a": quoted_model_name(self.a), "b": quoted_model_name(self.b), "why": self._format_evidence()}
        amount = self._format_with_unit(abs(self.difference) if self.is_significant else self.difference)
        if not self.is_significant:
            found = _(
                "{a} and {b} are not significantly different: a difference of {amount} ({why}).",
                amount=amount,
                **names,
            )
        elif negate_if_lower_is_better(self.metric, self.difference) > 0:
            found = _("{a} is better than {b} by {amount} ({why}).", amount=amount, **names)
        else:
            found = _("{a} is worse than {b} by {amount} ({why}).", amount=amount, **names)
        return found if self.num_clusters >= MIN_CLUSTERS else f"{found} {few_clusters_note(self.num_clusters)}"

    @property
    def interval_text(self) -> str:
        """Write the interval for a table, in points where the metric is a share; a dash where there is none."""
        if self.low is None or self.high is None:
            return "–"
        factor = 100 if is_proportion(self.metric) else 1
        return localize_numbers(
            f"[{_format_number(self.low * factor, 2, 0)}, {_format_number(self.high * factor, 2, 0)}]"
        )

    def _format_evidence(self) -> str:
        """Return the interval, turned so that a proven difference is above 0, and the p-value."""
        known = [bound for bound in (self.low, self.high) if bound is not None]
        low_high = sorted(-bound for bound in known) if self.is_significant and self.difference < 0 else known
        bounds = [self._format_difference(bound, 0) for bound in low_high]
        interval = [_("95 % interval {low} to {high}", low=bounds[0], high=bounds[1])] if bounds else []
        corrected = (
            [_("corrected for {n} comparisons", n=self.num_comparisons)] if self.num_comparisons > 1 else []
        )
        return ", ".join([*interval, format_p_value(self.p_holm), *corrected])

    def _format_difference(self, value: float, boundary: float | None = None) -> str:
        """Write points of shares, and other metrics in their own units."""
        digits, factor = (1, 100) if is_proportion(self.metric) else (3, 1)
        return _format_number(value * factor, digits, boundary)

    def _format_with_unit(self, value: float) -> str:
        amount = self._format_difference(value)
        return _("{points} points", points=amount) if is_proportion(self.metric) else amount


def format_p_value(p: float) -> str:
    """Write a p-value, with as many digits as show on which side of .05 it lies."""
    return localize_numbers("p < 0.001") if p < 0.0005 else f"p = {_format_number(p, 3, ALPHA)}"


def _format_number(value: float, digits: int, boundary: float | None) -> str:
    """Write a number, with more digits where rounding would put it on a bar that it does not reach."""
    while boundary is not None and round(value, digits) == boundary != value and digits < 9:
        digits += 1
    return localize_numbers(f"{round(value, digits) + 0.0:.{digits}f}")


def few_clusters_note(num_clusters: int) -> str:
    """Say that scores rest on too few dialogues or speakers for an interval."""
    return _("Based on only {n} dialogues or speakers: too few for intervals, which take {least}.",
             n=num_clusters, least=MIN_CLUSTERS)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a test split, as the ledger counts it.

    Attributes:
        number: how many openings of this test split there have been, this one included.
        when: UTC time, ISO 8601.
        corpus: name of the corpus.
        test_fingerprint: hash of the test split's content; the ledger's key.
        reason: why it was opened.
        models: names of the models that were scored.
        opened_fingerprint: fingerprint of the split that was opened, where that is another one with at least half of the
            sentences; ``""`` where it is this very split.
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
    """One test split of a table that was discarded, and another one drawn.

    Attributes:
        when: UTC time, ISO 8601.
        corpus: name of the corpus.
        reason: why.
        seeds: ``data.table.seed`` before and after.
        discarded: fingerprint of the test split that was given up.
        openings: how often that one has been opened.
    """

    when: str
    corpus: str
    reason: str
    seeds: tuple[int, int]
    discarded: str
    openings: int
