"""What an evaluation says: scores with intervals, comparisons, and the rows of ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sentir.i18n import _

CONFIDENCE = 0.95  # of every interval shown


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
    """Scores of one label, means over seeds; ``metrics`` holds precision, recall, f1 and more by task kind."""

    label: str
    support: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ModelScores:
    """How one model does on one split of one corpus: a row of ``results.json``.

    Attributes:
        role: ``baseline``, ``candidate`` or ``finalist``.
        n: scored utterances.
        seeds: trainings behind the mean.
        confusion: ``(K, K)`` counts, truth by row, mean over seeds; ``None`` for several labels at once.
        thresholds: label → dev-tuned threshold, mean over seeds; ``None`` for one label.
        scored: hash of the scored ids, so that two users can see whether they scored the same set.
        notes: what a reader must know, such as random weights or a synthetic corpus.
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

    def to_row(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same utterances: ``a`` less ``b`` in one metric.

    Attributes:
        difference: metric of a less metric of b, as a fraction (0.021 = 2.1 points).
        low, high: interval of the difference by paired bootstrap over dialogues.
        p: two-sided p-value of the paired permutation test with swaps per dialogue.
        p_holm: the same after Holm's correction over the table it stands in.
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
        """Say the comparison in one plain sentence of the current language.

        It says better or worse only where both the interval and the corrected p-value do.
        """
        values = {
            "a": self.a,
            "b": self.b,
            "points": f"{abs(self.difference) * 100:.1f}",
            "low": _points(self.low),
            "high": _points(self.high),
            "p": f"{self.p_holm:.3f}",
        }
        proven = self.p_holm < 1 - CONFIDENCE
        if proven and self.low > 0:
            return _(
                "{a} is better than {b} by {points} points (95 % interval {low} to {high}, p = {p}).",
                **values,
            )
        if proven and self.high < 0:
            return _(
                "{a} is worse than {b} by {points} points (95 % interval {low} to {high}, p = {p}).", **values
            )
        return _(
            "{a} and {b} cannot be told apart: a difference of {points} points "
            "(95 % interval {low} to {high}, p = {p}).",
            **values | {"points": _points(self.difference)},
        )


def _points(share: float) -> str:
    return f"{share * 100 + 0.0:.1f}".replace("-0.0", "0.0")


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
    """

    number: int
    when: str
    corpus: str
    test_fingerprint: str
    reason: str
    models: tuple[str, ...] = ()
