"""What an evaluation says: scores with intervals, comparisons, and the rows of ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sentir.i18n import _

CONFIDENCE = 0.95  # of every interval shown
FEW = 30  # draw units (dialogues, speakers) below which an interval is known to be too narrow
AT_HALF = "@0.5"  # ends the names of metrics of several labels, each present from probability 0.5 on
_LOWER = frozenset({"mae"})
_PLAIN = frozenset({"mae", "pearson", "ccc", "mean_answer"})


def is_share(metric: str) -> bool:
    """Say whether a metric is a share of something, whose hundredths are points."""
    return metric not in _PLAIN


def gain(metric: str, value: float) -> float:
    """Return a score, or a difference of scores, so that higher is better: an error changes its sign."""
    return -value if metric in _LOWER else value


@dataclass(frozen=True, slots=True)
class Score:
    """One metric: the mean over seeds, and its 95 % interval by bootstrap over dialogues.

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
        interval: of the F1, 95 % by bootstrap over dialogues; ``None`` for a number.
    """

    label: str
    support: int
    metrics: Mapping[str, float]
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ModelScores:
    """How one model does on one split of one corpus: a row of ``results.json``.

    Attributes:
        role: ``baseline``, ``candidate`` or ``finalist``.
        n: scored utterances.
        seeds: trainings behind the mean.
        metrics: the headline first. For several labels those at dev-tuned thresholds, and beside each that needs
            thresholds the same at 0.5, called ``macro_f1@0.5``.
        confusion: ``(K, K)`` counts, truth by row, mean over seeds; ``None`` for several labels and for numbers.
        thresholds: label → dev-tuned threshold, mean over seeds; ``None`` for one label and for numbers.
        scored: hash of the scored ids, so that two users can see whether they scored the same set.
        clusters: dialogues or speakers that the intervals are drawn from; 0 in results of earlier versions.
        notes: what a reader must know, such as random weights or a synthetic corpus, in English; see `remarks`.
        family: what a trained model lives on: ``text``, ``sound``, ``sound_stacked`` … ; ``""`` for a baseline.
    """

    model: str
    role: str
    corpus: str
    task: str
    split: str
    n: int
    seeds: int
    metrics: Mapping[str, Score]
    per_label: tuple[LabelScore, ...] = ()
    confusion: tuple[tuple[float, ...], ...] | None = None
    thresholds: Mapping[str, float] | None = None
    scored: str = ""
    notes: tuple[str, ...] = field(default=())
    family: str = ""
    clusters: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know, in the current language; that intervals rest on few dialogues, too."""
        weak = [few(self.clusters)] if 0 < self.clusters < FEW else []
        told = (note.partition(": ") for note in self.notes)  # after a colon stands a name
        return (*(f"{_(note)}{colon}{name}" for note, colon, name in told), *weak)

    def to_row(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same utterances: ``a`` less ``b`` in one metric.

    Attributes:
        difference: metric of a less metric of b, as a fraction (0.021 = 2.1 points) or in the metric's units.
        low, high: interval of the difference by paired bootstrap over dialogues.
        p: two-sided p-value of the paired permutation test with swaps per dialogue.
        p_holm: the same after Holm's correction over the table it stands in.
        dialogues: how many were drawn and swapped; speakers, where the recipe says so.
    """

    a: str
    b: str
    corpus: str
    task: str
    split: str
    metric: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    n: int
    dialogues: int

    def sentence(self) -> str:
        """Say the comparison in one plain sentence of the current language, and add if it rests on few dialogues.

        It says better or worse only where both the interval and the corrected p-value do, then by how much, and
        between which bounds; elsewhere it states the difference, a less b, in the metric itself.
        """
        names = {"a": self.a, "b": self.b}
        p = "p < 0.001" if self.p_holm < 0.0005 else f"p = {self.p_holm:.3f}"
        proven = self.p_holm < 1 - CONFIDENCE and not self.low <= 0 <= self.high
        low, high = (self.low, self.high) if not proven or self.low > 0 else (-self.high, -self.low)
        bounds = {"low": self._amount(low), "high": self._amount(high), "p": p}
        amount = self._named(abs(self.difference) if proven else self.difference)
        if not proven:
            found = _("{a} and {b} cannot be told apart: a difference of {amount} "
                      "(95 % interval {low} to {high}, {p}).", amount=amount, **names, **bounds)  # fmt: skip
        elif gain(self.metric, self.low) > 0:
            found = _("{a} is better than {b} by {amount} (95 % interval {low} to {high}, {p}).",
                      amount=amount, **names, **bounds)  # fmt: skip
        else:
            found = _("{a} is worse than {b} by {amount} (95 % interval {low} to {high}, {p}).",
                      amount=amount, **names, **bounds)  # fmt: skip
        return found if self.dialogues >= FEW else f"{found} {few(self.dialogues)}"

    def _amount(self, value: float) -> str:
        """Write points of shares, and other metrics in their own units."""
        digits, factor = (1, 100) if is_share(self.metric) else (3, 1)
        return f"{round(value * factor, digits) + 0.0:.{digits}f}"

    def _named(self, value: float) -> str:
        amount = self._amount(value)
        return _("{points} points", points=amount) if is_share(self.metric) else amount


def few(clusters: int) -> str:
    """Say that intervals rest on few draw units, and so are too narrow."""
    return _("Rests on only {n} dialogues or speakers: intervals are too narrow and p-values coarse.", n=clusters)


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
        seen_as: fingerprint of the split that was opened, where that is another one with at least half of the
            sentences; ``""`` where it is this very split.
    """

    number: int
    when: str
    corpus: str
    test_fingerprint: str
    reason: str
    models: tuple[str, ...] = ()
    seen_as: str = ""
