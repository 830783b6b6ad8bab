"""Label spaces and the names of emotions and sentiments.

A `LabelSpace` is a value: it alone knows single-label from multi-label. Everything else asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.errors import CorpusError
from sentir.i18n import _

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
SENTIMENTS = ("negative", "neutral", "positive")

_EMOTION_NAMES = {
    "anger": "anger angry mad rage enojo ira enfado rabia enfadado enojado",
    "calm": "calm tranquilo calma serenidad",
    "contempt": "contempt contemptuous desprecio",
    "disgust": "disgust disgusted asco repugnancia repulsión disgusto",
    "fear": "fear fearful afraid scared miedo temor",
    "joy": "joy happy happiness joyful alegría alegria felicidad feliz alegre",
    "neutral": "neutral neutrality none neutro neutralidad",
    "sadness": "sadness sad sorrow tristeza triste",
    "surprise": "surprise surprised sorpresa sorprendido",
}
_SENTIMENT_NAMES = {
    "negative": "negative neg negativo negativa",
    "neutral": "neutral neu neutro neutra",
    "positive": "positive pos positivo positiva",
}


def _reverse(names: dict[str, str]) -> dict[str, str]:
    return {synonym: name for name, synonyms in names.items() for synonym in synonyms.split()}


_EMOTION_OF = _reverse(_EMOTION_NAMES)
_SENTIMENT_OF = _reverse(_SENTIMENT_NAMES)


def normalize_emotion(name: str) -> str:
    """Return our name of an emotion: ``"Happiness"``, ``"alegría"`` and ``"joy"`` are all ``"joy"``.

    Raises:
        CorpusError: if the word is not known; it is never guessed.
    """
    return _known(name, _EMOTION_OF, _("emotion"))


def normalize_sentiment(value: str | float) -> str:
    """Return negative, neutral or positive for a word, or for an intensity by its sign.

    An intensity below 0 is negative, 0 is neutral, above 0 positive (the convention of CMU-MOSEI).

    Raises:
        CorpusError: if the word is not known or the number is not a number.
    """
    if isinstance(value, str):
        return _known(value, _SENTIMENT_OF, _("sentiment"))
    if np.isnan(value):
        raise CorpusError(_("A sentiment intensity is missing (not a number)."))
    return SENTIMENTS[int(np.sign(value)) + 1]


def _known(name: str, known: dict[str, str], kind: str) -> str:
    key = str(name).strip().casefold()
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
class LabelSpace:
    """The labels of one task, in a fixed order, one of them at a time or several at once.

    Attributes:
        task: what is recognized, such as ``"emotion"`` or ``"sentiment"``.
        names: the K labels in the order of every array; stored with every model.
        multilabel: whether an utterance may carry several labels, or none.
    """

    task: str
    names: tuple[str, ...]
    multilabel: bool = False

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names) or not self.names or "id" in self.names:
            raise CorpusError(
                _(
                    "The labels of '{task}' must be one or more different names, none of them 'id'.",
                    task=self.task,
                )
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def kind(self) -> str:
        """``"single"`` or ``"multi"``: the key by which losses, metrics and thresholds are looked up."""
        return "multi" if self.multilabel else "single"

    def encode(self, labels: Iterable[Sequence[str]]) -> NDArray[np.int64] | NDArray[np.float32]:
        """Turn N label tuples into an ``(N,)`` int64 array of indices, or ``(N, K)`` float32 of zeros and ones.

        Raises:
            CorpusError: if a label is not in the space, or a single-label row has not exactly one.
        """
        rows = [tuple(row) for row in labels]
        index = {name: k for k, name in enumerate(self.names)}
        for row in rows:
            if not set(row) <= set(index) or (not self.multilabel and len(row) != 1):
                raise CorpusError(
                    _("{row} is not a label of '{task}': {names}.", row=row, task=self.task, names=self.names)
                )
        if not self.multilabel:
            return np.array([index[row[0]] for row in rows], dtype=np.int64)
        encoded = np.zeros((len(rows), len(self.names)), dtype=np.float32)
        for n, row in enumerate(rows):
            encoded[n, [index[name] for name in row]] = 1.0
        return encoded

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn ``(N, K)`` logits into probabilities: softmax over labels, or a sigmoid for each."""
        z = np.asarray(logits, dtype=np.float64)
        if self.multilabel:
            return np.exp(-np.logaddexp(0.0, -z))
        z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
        return z / z.sum(axis=1, keepdims=True)

    def decide(
        self, probabilities: NDArray[np.floating], thresholds: NDArray[np.floating] | None = None
    ) -> NDArray[np.int64] | NDArray[np.float32]:
        """Turn ``(N, K)`` probabilities into the arrays that `encode` makes.

        One label is the most probable one; several are those at or above their threshold (0.5 by default).
        """
        p = np.asarray(probabilities)
        if not self.multilabel:
            return p.argmax(axis=1).astype(np.int64)
        cut = np.full(len(self.names), 0.5) if thresholds is None else np.asarray(thresholds)
        return (p >= cut).astype(np.float32)

    def decode(
        self, probabilities: NDArray[np.floating], thresholds: NDArray[np.floating] | None = None
    ) -> list[tuple[str, ...]]:
        """Turn ``(N, K)`` probabilities into N tuples of label names; an empty tuple is "none of them"."""
        decided = self.decide(probabilities, thresholds)
        if not self.multilabel:
            return [(self.names[k],) for k in decided]
        return [tuple(name for name, on in zip(self.names, row, strict=True) if on) for row in decided]
