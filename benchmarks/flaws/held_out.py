"""The data that flaws are measured on, train, dev and a held-out part of train, and how scores are compared."""

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
    """A corpus whose test split is not used: ``held_out``, a fifth of train's dialogues, takes its place.

    ``num_repeats`` is how often random draws are repeated.
    """

    corpus: Corpus
    train: tuple[Utterance, ...]
    held_out: tuple[Utterance, ...]
    num_repeats: int = 3
    resamples: int = 2000

    @classmethod
    def hold_out(cls, corpus: Corpus, *, quick: bool = False) -> HeldOutCorpus:
        """Hold out a fifth of train's dialogues; if quick, only the first 1,500 utterances are used."""
        rows = corpus.train
        if quick and len(rows) > 1500:
            last = rows[1500].dialogue
            rows = tuple(u for u in rows[:1500] if u.dialogue != last)
        fold_of = assign_folds(rows, FOLDS, 0)
        train, held = (tuple(u for u in rows if (fold_of[u.id] == 0) == is_held) for is_held in (False, True))
        return cls(corpus, train, held, *((1, 200) if quick else ()))

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.corpus.name

    @property
    def dev(self) -> tuple[Utterance, ...]:
        """The corpus's own dev split."""
        return self.corpus.dev

    def label_space(self, task: str) -> LabelSpace:
        """The label space of a task."""
        return self.corpus.label_space(task)


@dataclass(frozen=True)
class PredictedRows:
    """Labeled rows with the predictions of one or more runs."""

    space: LabelSpace
    rows: Rows
    runs: Sequence[Run]

    @property
    def truth(self) -> NDArray:
        """The encoded labels."""
        return encode_labels(self.space, self.rows)

    @property
    def score(self) -> float:
        """The headline metric, averaged over runs."""
        metric = resolve_metric(self.space)
        return float(np.mean([compute_scores(self.space, self.truth, *run)[metric] for run in self.runs]))

    def clusters(self, dialogues: Sequence[str]) -> NDArray[np.float64]:
        """Return the statistics by dialogue, ``(runs, C, S)``; zero where a dialogue has no row here."""
        position = {key: n for n, key in enumerate(dialogues)}
        own = sorted({position[u.dialogue or u.id] for u in self.rows})
        index = np.searchsorted(own, [position[u.dialogue or u.id] for u in self.rows])
        statistics = np.stack([compute_statistics(self.space, self.truth, *run, index) for run in self.runs])
        padded = np.zeros((len(statistics), len(dialogues), statistics.shape[2]))
        padded[:, own] = statistics
        return padded


@dataclass(frozen=True)
class Finding:
    """A row of the table.

    Attributes:
        flaw: what is done wrong.
        measured_on: corpus and task.
        correct: the score without the flaw.
        reported: the score with it.
        low, high: 95 % interval of ``reported - correct``.
        true_score: the score of the flawed model where the flaw does not help; ``None`` if that is ``correct``.
    """

    flaw: str
    measured_on: str
    correct: float
    reported: float
    low: float
    high: float
    true_score: float | None = None

    def cells(self) -> list[str]:
        """Return the cells of its row; differences are in points."""
        points = [round(100 * n, 1) + 0.0 for n in (self.reported - self.correct, self.low, self.high)]  # no -0.0
        true_score = "" if self.true_score is None else f"{self.true_score:.3f}"
        gap = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*points)
        return [self.flaw, self.measured_on, f"{self.correct:.3f}", f"{self.reported:.3f}", gap, true_score]


def compare_scores(
    flaw: str,
    data: HeldOutCorpus,
    correct: PredictedRows,
    reported: PredictedRows,
    true_score: PredictedRows | None = None,
) -> Finding:
    """Compare the correct score with the reported one, on shared resamples of dialogues."""
    dialogues = sorted({u.dialogue or u.id for side in (correct, reported) for u in side.rows})
    metric = resolve_metric(correct.space)
    draws = [
        bootstrap_metrics(side.space, side.clusters(dialogues), data.resamples)[metric]
        for side in (reported, correct)
    ]
    low, high = percentile_interval(draws[0] - draws[1])
    measured_on = f"{data.name}, {correct.space.task}"
    return Finding(
        flaw,
        measured_on,
        correct.score,
        reported.score,
        low,
        high,
        None if true_score is None else true_score.score,
    )


def bootstrap_metrics(
    space: LabelSpace, clusters: NDArray[np.floating], resamples: int
) -> dict[str, NDArray[np.floating]]:
    """Return the metrics, averaged over runs, of resamples with replacement of dialogues ``(runs, C, S)``."""
    n, rng, parts = clusters.shape[1], np.random.default_rng(0), []
    for size in chunk_sizes(resamples, clusters):
        weights = rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
        metrics = metrics_from_statistics(space, weights @ clusters)
        parts.append({name: values.mean(axis=0) for name, values in metrics.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def percentile_interval(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the percentile interval."""
    low, high = np.quantile(values, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return float(low), float(high)


def encode_labels(space: LabelSpace, rows: Iterable[Utterance]) -> NDArray:
    """Return the encoded labels of labeled rows."""
    return space.encode([u.labels[space.task] for u in rows])
