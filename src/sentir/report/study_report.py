"""What a study's report is made of: plain values, gathered by the study, drawn by `sentir.report.html`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import Waveform
from sentir.audio.store_report import SplitAudioCounts
from sentir.audit.results import Histogram
from sentir.corpus.labels import LabelSpace
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.locked.ledger import LedgerInfo
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores, Opening, Redraw
from sentir.recipe import Recipe
from sentir.repr_mixin import ReprMixin


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """The facts of a corpus that stand at the top of a report.

    Attributes:
        splits: split → ``{"utterances": n, "dialogues": n, "speakers": n}``.
        labels: task → split (train and dev only) → label → count.
        issues: kind of issue → how many.
        metrics: task → the headline metric that selects.
        audio: what came of its clips, by split; empty for a corpus read without sound.
        durations: how long its utterances are, where that is known.
        grade: of its audit, ``A`` to ``E``; ``""`` if it was not audited.
    """

    name: str
    synthetic: bool
    fingerprint: str
    splits: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, Mapping[str, Mapping[str, int]]]
    issues: Mapping[str, int]
    metrics: Mapping[str, str]
    audio: tuple[SplitAudioCounts, ...] = ()
    durations: Histogram | None = None
    grade: str = ""


@dataclass(frozen=True, slots=True)
class ModelCardFacts:
    """What the model card of a candidate is made of; see `sentir.recognizer.card.model_card`."""

    recipe: Recipe
    space: LabelSpace
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """One training: a point per epoch.

    Attributes:
        points: rows with ``epoch``, ``loss`` (train) and ``score`` (headline metric on dev).
        best_epoch: the epoch whose weights were kept.
    """

    corpus: str
    task: str
    model: str
    seed: int
    points: tuple[Mapping[str, float], ...]
    best_epoch: float


@dataclass(frozen=True, slots=True)
class ExamplePrediction:
    """What one model says of an example.

    Attributes:
        predicted: label → probability, a mean over seeds; empty where it says that none of the labels holds. Of a
            number, the nearest step of its scale → the number.
    """

    task: str
    model: str
    family: str
    predicted: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A dev utterance to look at and to listen to.

    Attributes:
        labels: task → what is annotated; of a number, the nearest step of its scale.
        mel: ``(frames, bands)`` in dB.
        waveform: ``(samples,)``, what the mel shows.
    """

    corpus: str
    id: str
    speaker: str | None
    text: str | None
    labels: Mapping[str, tuple[str, ...]]
    mel: NDArray[np.float16]
    waveform: Waveform
    predictions: tuple[ExamplePrediction, ...]


@dataclass(frozen=True, slots=True, repr=False)
class StudyReport(ReprMixin):
    """Everything a report shows.

    Attributes:
        scores: rows of ``results.json``; split ``dev`` for selection, ``test`` for what was opened.
        selected: (corpus, task) → what is best on dev, a candidate or a baseline.
        best_per_family: (corpus, task) → the best candidate of each family on dev, the best of all first.
        recipes: corpus → the resolved recipe.
        seconds: how long the study's own work took, cached stages not counted again.
        titles: language → title, where the recipe gives one; ``title`` stands for the others.
        label_curves: curves of each label, of the finalists on dev and on the opened test split.
        settings: (corpus, candidate) → its settings, flat, by which two candidates differ.
        model_cards: (corpus, task) → what the best candidate's model card is made of.
        analyses: closer looks at the best candidates, rows of ``details.json``, on dev and on the opened test.
        error_examples: the clips of their mistakes.
        ledger: which one counted the openings.
        redraws: tests of these corpora that were discarded and drawn anew.
    """

    title: str
    created: str
    corpora: tuple[CorpusSummary, ...]
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]
    learning_curves: tuple[LearningCurve, ...]
    openings: tuple[Opening, ...]
    selected: Mapping[tuple[str, str], str]
    versions: Mapping[str, str]
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    titles: Mapping[str, str] = field(default_factory=dict)
    best_per_family: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    label_curves: tuple[RankingCurves, ...] = ()
    settings: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    model_cards: Mapping[tuple[str, str], ModelCardFacts] = field(default_factory=dict)
    analyses: tuple[ErrorAnalysis, ...] = ()
    error_examples: tuple[Example, ...] = ()
    ledger: LedgerInfo = field(default_factory=LedgerInfo)
    redraws: tuple[Redraw, ...] = ()
