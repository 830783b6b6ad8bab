"""Where flaws are measured: train, dev and a part of train that stands for test; and how scores compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Utterance
from sentir.evaluation.intervals import chunk_sizes
from sentir.evaluation.metrics import compute_scores, compute_statistics, metrics_from_statistics, resolve_metric
from sentir.evaluation.results import CONFIDENCE_LEVEL, Run
from sentir.study.stacking import assign_folds

FOLDS = 5
Rows = Sequence[Utterance]


@dataclass(frozen=True, eq=False)
class HeldOutCorpus:
    """A corpus whose test split stays closed: ``held``, a fifth of train's dialogues, stands for it.

    ``repeats`` is how often what is drawn at random is drawn.
    """

    corpus: Corpus
    train: tuple[Utterance, ...]
    held_out: tuple[Utterance, ...]
    num_repeats: int = 3
    resamples: int = 2000

    @classmethod
    def hold_out(cls, corpus: Corpus, *, quick: bool = False) -> HeldOutCorpus:
        """Hold a fifth of train's dialogues out; if quick, of as many dialogues as hold 1,500 utterances."""
        rows = corpus.train
        if quick and len(rows) > 1500:
            last = rows[1500].dialogue
            rows = tuple(u for u in rows[:1500] if u.dialogue != last)
        fold_of = assign_folds(rows, FOLDS, 0)
        train, held = (tuple(u for u in rows if (fold_of[u.id] == 0) == is_held) for is_held in (False, True))
        return cls(corpus, train, held, *((1, 200) if quick else ()))

    @property
    def name(self) -> str:
        """The corpus's name."""
        return self.corpus.name

    @property
    def dev(self) -> tuple[Utterance, ...]:
        """The corpus's own dev split."""
        return self.corpus.dev

    def space(self, task: str) -> LabelSpace:
        """The label space of a task."""
        return self.corpus.label_space(task)


@dataclass(frozen=True)
class PredictedRows:
    """What was said of rows whose labels are known, by one or more runs."""

    space: LabelSpace
    rows: Rows
    runs: Sequence[Run]

    @property
    def truth(self) -> NDArray:
        """What `LabelSpace.encode` makes of the labels."""
        return encode_labels(self.space, self.rows)

    @property
    def score(self) -> float:
        """The headline metric, averaged over runs."""
        metric = resolve_metric(self.space)
        return float(np.mean([compute_scores(self.space, self.truth, *run)[metric] for run in self.runs]))

    def clusters(self, dialogues: Sequence[str]) -> NDArray[np.float64]:
        """Return the statistics by dialogue, ``(runs, C, S)``; zero where a dialogue has no row here."""
        place = {key: n for n, key in enumerate(dialogues)}
        own = sorted({place[u.dialogue or u.id] for u in self.rows})
        index = np.searchsorted(own, [place[u.dialogue or u.id] for u in self.rows])
        found = np.stack([compute_statistics(self.space, self.truth, *run, index) for run in self.runs])
        whole = np.zeros((len(found), len(dialogues), found.shape[2]))
        whole[:, own] = found
        return whole


@dataclass(frozen=True)
class Finding:
    """A row of the table.

    Attributes:
        flaw: what is done wrongly.
        measured_on: what it was measured on.
        correct: the score without the flaw.
        reported: the score that is reported with it.
        low: of ``told - right``, the end of the 95 % interval; ``high`` likewise.
        true_score: the score of the flawed model once the flaw no longer helps; ``None`` where that is ``right``.
    """

    flaw: str
    measured_on: str
    correct: float
    reported: float
    low: float
    high: float
    true_score: float | None = None

    def cells(self) -> list[str]:
        """The cells of its row, the difference in points."""
        points = [round(100 * n, 1) + 0.0 for n in (self.reported - self.correct, self.low, self.high)]  # no -0.0
        worth = "" if self.true_score is None else f"{self.true_score:.3f}"
        gap = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*points)
        return [self.flaw, self.measured_on, f"{self.correct:.3f}", f"{self.reported:.3f}", gap, worth]


def compare_scores(
    flaw: str,
    ground: HeldOutCorpus,
    correct: PredictedRows,
    reported: PredictedRows,
    true_score: PredictedRows | None = None,
) -> Finding:
    """Compare what is right with what is told, on resamples of dialogues that both share."""
    dialogues = sorted({u.dialogue or u.id for side in (correct, reported) for u in side.rows})
    metric = resolve_metric(correct.space)
    draws = [
        bootstrap_metrics(side.space, side.clusters(dialogues), ground.resamples)[metric]
        for side in (reported, correct)
    ]
    low, high = percentile_interval(draws[0] - draws[1])
    on = f"{ground.name}, {correct.space.task}"
    return Finding(
        flaw, on, correct.score, reported.score, low, high, None if true_score is None else true_score.score
    )


def bootstrap_metrics(
    space: LabelSpace, clusters: NDArray[np.floating], resamples: int
) -> dict[str, NDArray[np.floating]]:
    """Return the metrics, averaged over runs, of resamples of dialogues ``(runs, C, S)`` with replacement."""
    n, rng, parts = clusters.shape[1], np.random.default_rng(0), []
    for size in chunk_sizes(resamples, clusters):
        weights = rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
        found = metrics_from_statistics(space, weights @ clusters)
        parts.append({name: values.mean(axis=0) for name, values in found.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def percentile_interval(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the percentile interval."""
    low, high = np.quantile(values, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return float(low), float(high)


def encode_labels(space: LabelSpace, rows: Iterable[Utterance]) -> NDArray:
    """Return the encoded labels of rows that have some."""
    return space.encode([u.labels[space.task] for u in rows])
