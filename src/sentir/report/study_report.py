"""The content of a study's report: plain values, collected by the study and rendered by `sentir.report.html`."""

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
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.repr_mixin import ReprMixin


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """The summary of a corpus in a report.

    Attributes:
        splits: split → ``{"utterances": n, "dialogues": n, "speakers": n}``.
        labels: task → split (train and dev only) → label → count.
        issues: kind of issue → how many.
        metrics: task → the headline metric, by which models are selected.
        audio: how many clips are usable, by split; empty for a corpus read without audio.
        durations: histogram of the durations of its utterances, where they are known.
        grade: grade of its audit, ``A`` to ``E``; ``""`` if it was not audited.
        num_folds: folds of a cross-validation, whose sizes ``splits`` has then; 0 without one.
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
    num_folds: int = 0

    @property
    def splits_heading(self) -> str:
        """What the keys of ``splits`` are, in the current language."""
        return _("fold") if self.num_folds else _("split")


@dataclass(frozen=True, slots=True)
class ModelCardFacts:
    """The content of a candidate's model card; see `sentir.recognizer.card.make_model_card`."""

    recipe: Recipe
    space: LabelSpace
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """One training: a point per epoch.

    Attributes:
        points: rows with ``epoch``, ``loss`` (train) and ``score`` (headline metric on dev).
        best_epoch: the epoch whose weights are used.
    """

    corpus: str
    task: str
    model: str
    seed: int
    points: tuple[Mapping[str, float], ...]
    best_epoch: float


@dataclass(frozen=True, slots=True)
class ExamplePrediction:
    """One model's prediction for an example.

    Attributes:
        predicted: label → probability, mean over seeds; empty if no label is predicted. In regression, the
            nearest step of the scale → the predicted value.
    """

    task: str
    model: str
    family: str
    predicted: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An utterance that the report shows with its spectrogram and its audio.

    Attributes:
        labels: task → annotated labels; in regression, the nearest step of the scale.
        mel: mel spectrogram, ``(frames, bands)`` in dB.
        waveform: ``(samples,)``, the audio of the spectrogram.
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
        scores: rows of ``results.json``, on ``dev`` (for selection) and on ``test`` (if it was evaluated).
        selected: (corpus, task) → the best model on dev, a candidate or a baseline.
        best_per_family: (corpus, task) → the best candidate of each family on dev, the best of all first.
        recipes: corpus → the resolved recipe.
        seconds: duration of the run; cached stages are not counted again.
        titles: language → title, where the recipe has one; ``title`` is used for other languages.
        label_curves: ROC and precision–recall curves per label of the selected models, on dev and test.
        settings: (corpus, candidate) → its settings, flattened, to compare candidates by.
        model_cards: (corpus, task) → the content of the best candidate's model card.
        analyses: error analyses of the best candidates on dev and test, rows of ``analyses.json``.
        error_examples: clips of their most confident errors.
        ledger: the ledger that counts the evaluations on test.
        redraws: test splits of these corpora that were discarded and redrawn.
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
