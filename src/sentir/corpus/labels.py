"""What all label spaces have in common, and the names of emotions and sentiments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.label_synonyms import EMOTION_BY_SYNONYM, SENTIMENT_BY_SYNONYM, fold_word
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.repr_mixin import abbreviate_list

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
SENTIMENTS = ("negative", "neutral", "positive")
Label = str | float
"""The name of a label, or a number in a regression task."""

Floats = NDArray[np.floating]
Thresholds = NDArray[np.floating] | None
"""The ``(K,)`` probabilities from which on a label is predicted; none = 0.5."""

DecodedPrediction = tuple[tuple[str, ...], dict[str, float], dict[str, float]]
"""Label names, label → probability, and name → number; the first two are empty in regression, else the last."""


def normalize_emotion(name: str) -> str:
    """Return the canonical name of an emotion: ``"Happiness"``, ``"alegría"`` and ``"joy"`` are all ``"joy"``.

    The synonyms are listed in `sentir.corpus.label_synonyms`.

    Raises:
        CorpusError: if the word is unknown; nothing is guessed.
    """
    return _look_up_synonym(name, EMOTION_BY_SYNONYM, _("emotion"))


def normalize_sentiment(value: str | float) -> str:
    """Return negative, neutral or positive for a word, or for an intensity by its sign.

    An intensity below 0 is negative, 0 neutral, above 0 positive (the convention of CMU-MOSEI).

    Raises:
        CorpusError: if the word is unknown or the intensity is NaN.
    """
    if isinstance(value, str):
        return _look_up_synonym(value, SENTIMENT_BY_SYNONYM, _("sentiment"))
    if np.isnan(value):
        raise CorpusError(_("A sentiment intensity is missing (not a number)."))
    return SENTIMENTS[int(np.sign(value)) + 1]


def _look_up_synonym(name: str, known: Mapping[str, str], kind: str) -> str:
    key = fold_word(str(name))
    if key not in known:
        raise CorpusError(
            _(
                "'{name}' is not a known {kind}; known: {known}.",
                name=name,
                kind=kind,
                known=", ".join(sorted(set(known.values()))),
            )
        )
    return known[key]


@dataclass(frozen=True, slots=True)
class LabelSpace(ABC):
    """What the utterances of a task are labeled with: one label, any number of labels, or a number.

    Its three kinds are in `sentir.corpus.label_spaces`. What differs between them is a method here; losses,
    metrics, calibration and baselines are in one table by ``kind`` each, in their own layers.

    Attributes:
        task: its name, such as ``"emotion"`` or ``"sentiment"``.
    """

    task: str

    cell_type: ClassVar[type] = str
    """Type of a table cell with the labels of an utterance: ``str``, ``list`` or ``float``."""
    allows_no_label: ClassVar[bool] = False
    """Whether an annotated utterance may have none of the labels."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """``"single"``, ``"multi"`` or ``"regression"``, the key of losses, metrics and thresholds."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The K names, in the order of all arrays: the labels, or the one name of a number."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """The K labels; none in a regression task."""

    @property
    @abstractmethod
    def categories(self) -> tuple[str, ...]:
        """The names by which utterances are counted: the labels, or steps of the scale."""

    @property
    @abstractmethod
    def scale(self) -> tuple[float, float]:
        """The bounds of a regression task; ``(0, 1)``, the range of probabilities, otherwise."""

    def __len__(self) -> int:
        return len(self.names)

    def repr_fields(self) -> dict[str, object]:
        """Return the fields that the representations of other objects show."""
        return {"task": self.task, "labels" if self.classes else "value": abbreviate_list(self.names)}

    def accepts(self, other: LabelSpace) -> bool:
        """Return whether a model of this label space can be trained further on that kind of labels."""
        return self.kind == other.kind

    @abstractmethod
    def labels_from_scores(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        """Return the label that annotated intensities give in a regression task; ``None`` otherwise."""

    def soft_labels(self, scores: Mapping[str, float]) -> tuple[float, ...] | None:
        """Return what annotated votes or intensities say of the K labels, each from 0 to 1.

        In a single-label task, their shares, which sum to 1; in a multi-label task, intensities as parts of the
        highest possible one. ``None`` if a label has none, nobody voted, or in regression.
        """
        return None

    @abstractmethod
    def encode(self, labels: Iterable[Sequence[Label]]) -> NDArray[Any]:
        """Encode N label tuples as an array.

        Returns:
            single-label: ``(N,)`` int64 indices; multi-label: ``(N, K)`` float32 of 0 and 1; regression: ``(N,)``
            float64.

        Raises:
            CorpusError: if a label is not in the space, a number is off the scale, or a tuple does not have
                exactly one element in a single-label or regression task.
        """

    def encode_targets(self, labels: Iterable[Sequence[Label]]) -> NDArray[Any]:
        """Return `encode` as targets of a loss, with numbers scaled to [-1, 1]."""
        return self.encode(labels)

    @abstractmethod
    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Return the ``(N, K)`` probabilities of logits: a softmax over labels, or a sigmoid of each.

        In a regression task, ``(N, 1)`` outputs are scaled from [-1, 1] to the bounds, without clipping.
        """

    @abstractmethod
    def logits(self, probabilities: Floats) -> NDArray[np.float64]:
        """Return finite ``(N, K)`` logits whose `probabilities` are the given ones: their logarithms or log-odds.

        Probabilities of 0 and 1 count as 1e-12 and its complement.
        """

    def is_valid(self, probabilities: Floats) -> bool:
        """Return whether ``(N, K)`` numbers are valid probabilities, or in a regression task finite."""
        return bool(np.isfinite(probabilities).all())

    @abstractmethod
    def decide(self, probabilities: Floats, thresholds: Thresholds = None) -> NDArray[Any]:
        """Return predicted labels for ``(N, K)`` probabilities, as arrays like those of `encode`.

        In a single-label task, the most probable label; in a multi-label task, those at or above their threshold
        (0.5 by default); in a regression task, the number clipped to the scale.
        """

    @abstractmethod
    def decode(self, probabilities: Floats, thresholds: Thresholds = None) -> list[tuple[Label, ...]]:
        """Return the labels predicted by `decide` as N tuples of names, or of one number each."""

    @abstractmethod
    def decode_rows(self, probabilities: Floats, thresholds: Thresholds = None) -> list[DecodedPrediction]:
        """Return N decoded predictions: what `decode` returns, with the probability of each label."""

    @abstractmethod
    def categorize(self, labels: Sequence[Label]) -> tuple[str, ...]:
        """Return the `categories` of a label tuple: its labels, or the step nearest to its number."""

    def to_cell(self, labels: Sequence[Label]) -> object:
        """Return a label tuple as a table cell of `cell_type`."""
        return labels[0]
