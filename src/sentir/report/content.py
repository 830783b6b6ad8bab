"""What a study's report is made of: plain values, gathered by the study, drawn by `sentir.report.html`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sentir.evaluation.results import Comparison, ModelScores, Opening


@dataclass(frozen=True, slots=True)
class CorpusCard:
    """The facts of a corpus that stand at the top of a report.

    Attributes:
        splits: split → ``{"utterances": n, "dialogues": n, "speakers": n}``.
        labels: task → split (train and dev only) → label → count.
        issues: kind of issue → how many.
        metrics: task → the headline metric that selects.
    """

    name: str
    synthetic: bool
    fingerprint: str
    splits: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, Mapping[str, Mapping[str, int]]]
    issues: Mapping[str, int]
    metrics: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Curve:
    """One training: a point per epoch.

    Attributes:
        points: rows with ``epoch``, ``loss`` (train) and ``score`` (headline metric on dev).
        best: the epoch whose weights were kept.
    """

    corpus: str
    task: str
    model: str
    seed: int
    points: tuple[Mapping[str, float], ...]
    best: float


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Everything a report shows.

    Attributes:
        scores: rows of ``results.json``; split ``dev`` for selection, ``test`` for what was opened.
        selected: (corpus, task) → the candidate chosen on dev.
        recipes: corpus → the resolved recipe.
        seconds: how long the study's own work took, cached stages not counted again.
        titles: language → title, where the recipe gives one; ``title`` stands for the others.
    """

    title: str
    created: str
    corpora: tuple[CorpusCard, ...]
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]
    curves: tuple[Curve, ...]
    openings: tuple[Opening, ...]
    selected: Mapping[tuple[str, str], str]
    versions: Mapping[str, str]
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    titles: Mapping[str, str] = field(default_factory=dict)
