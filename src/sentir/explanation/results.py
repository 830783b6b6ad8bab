"""What an explanation says: plain values that page, command line and JSON read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import RATE
from sentir.audio.mel import HOP, MEL, mel_filters
from sentir.corpus.labels import Label
from sentir.evaluation.results import Comparison, Score
from sentir.repr_mixin import Brief

Map = NDArray[np.float32]
MAPS = ("evidence", "local_gate", "global_gate")


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the model reads it, and what it adds to the score.

    Attributes:
        glued: whether it follows the word before it without a space, as in the text.
    """

    text: str
    value: float
    glued: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of one turn, or those of other turns that a window holds.

    Attributes:
        id: of the utterance; ``""`` for turns of a window.
        place: ``own``, ``before`` or ``after``, seen from the explained utterance.
    """

    id: str
    speaker: str | None
    place: str
    words: tuple[Word, ...]

    @property
    def total(self) -> float:
        """What all its words add to the score."""
        return sum(word.value for word in self.words)


@dataclass(frozen=True, slots=True)
class WordMap:
    """Integrated gradients of every word that the answer hangs on.

    Attributes:
        passages: in the order of the dialogue.
        without: the score with every word replaced by ``token``.
        delta: by how much the words' values miss the difference of the two scores; 0 is complete.
        steps: of the integration.
        token: what words are replaced by.
    """

    passages: tuple[Passage, ...]
    without: float
    delta: float
    steps: int
    token: str

    @property
    def values(self) -> NDArray[np.float64]:
        """The value of every word, in order."""
        return np.array([word.value for passage in self.passages for word in passage.words])


@dataclass(frozen=True, slots=True, eq=False)
class SoundMap:
    """Where in time and frequency a convolutional network finds what speaks for the label.

    Attributes:
        mel: ``(T, B)`` in dB, the part that the network heard.
        maps: `MAPS` → ``(t, b)`` in the network's own coarser grid over ``padded`` frames and B bands:
            ``evidence`` is Grad-CAM on the last map, the others are what the two gates let through, in 0–1.
        padded: frames of the network's input, silence at the end included.
        start: second of the clip at which it begins to hear.
        kind: ``mel``, or ``thesis`` for pictures without known axes.
    """

    mel: Map
    maps: Mapping[str, Map]
    padded: int
    start: float = 0.0
    kind: str = "mel"

    def resampled(self, name: str) -> Map:
        """Return a map on the frames and bands of the mel, ``(T, B)``, by bilinear interpolation."""
        import torch
        from torch.nn.functional import interpolate

        coarse = torch.from_numpy(np.ascontiguousarray(self.maps[name]))[None, None]
        size = (self.padded, self.mel.shape[1])
        fine: Map = interpolate(coarse, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
        return fine[: len(self.mel)]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The middle of each of T frames, in seconds of the clip."""
        return self.start + np.arange(len(self.mel)) * HOP / RATE

    @property
    def hertz(self) -> NDArray[np.float64]:
        """The middle of each of B bands."""
        return band_hertz()

    def peak(self, name: str) -> tuple[float, float, float, float] | None:
        """Return the cell of the network's grid where a map is highest, among those where the clip sounds.

        Returns:
            Its first and last second, its lowest and highest frequency in Hz; ``None`` without known axes.
        """
        if self.kind != "mel":
            return None
        values, bands = self.maps[name], self.mel.shape[1]
        long, wide = self.padded / values.shape[0], bands / values.shape[1]
        heard = values[: max(1, round(len(self.mel) / long))]
        frame, band = np.unravel_index(int(heard.argmax()), heard.shape)
        times = self.start + np.array([frame, frame + 1]) * long * HOP / RATE
        hertz = np.interp(np.array([band, band + 1]) * wide - 0.5, np.arange(bands), self.hertz)
        return float(times[0]), float(times[1]), float(hertz[0]), float(hertz[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the maps in the network's own grid, with the middle of every cell in seconds and Hz."""
        return {"kind": self.kind, "maps": [self._plain(name) for name in self.maps]}

    def _plain(self, name: str) -> dict[str, Any]:
        values = self.maps[name]
        axes: dict[str, Any] = {}
        bands = self.mel.shape[1]
        if self.kind == "mel":
            times, heights = (_middles(n, of) for n, of in zip(values.shape, (self.padded, bands), strict=True))
            axes["seconds"] = np.round(self.start + times * HOP / RATE, 3).tolist()
            axes["hertz"] = np.interp(heights, np.arange(bands), self.hertz).round().tolist()
        return {"name": name, **axes, "values": values.astype(float).round(5).tolist()}


def _middles(cells: int, of: int) -> NDArray[np.float64]:
    """Return the middles of equal cells over ``of`` places."""
    return (np.arange(cells) + 0.5) * of / cells - 0.5


def band_hertz() -> NDArray[np.float64]:
    """Return the middle of each band of the mel, in Hz."""
    return mel_filters().argmax(axis=0) * RATE / MEL.fft


@dataclass(frozen=True, slots=True)
class Randomized:
    """How like a map is to that of the same network with other weights (Adebayo et al. 2018).

    Attributes:
        map: ``words`` or one of `MAPS`.
        part: whose weights were shuffled: ``head`` (all that is new) or ``whole`` (the encoders too).
        correlation: Spearman's, mean over the draws; near 0, the map shows what was learned.
        draws: how many times.
    """

    map: str
    part: str
    correlation: float
    draws: int


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Brief):
    """Why a recognizer gives one utterance the score of one label.

    Attributes:
        label: what is explained; the name of the number, where one is recognized.
        score: the log-odds of its probability, or the number.
        labels: what was recognized.
        probabilities: label → probability; empty for a number.
        gold: the annotated labels, where they are known and not sealed.
        synthetic: whether the recognizer was trained on a synthetic corpus.
        words: ``None`` if it does not read, or there is nothing to read.
        sound: ``None`` if it does not listen, or there is nothing to hear.
        checks: the sanity check, where it was asked for.
    """

    id: str
    text: str | None
    speaker: str | None
    model: str
    task: str
    label: str
    is_number: bool
    score: float
    labels: tuple[Label, ...]
    probabilities: Mapping[str, float]
    gold: tuple[Label, ...] | None = None
    synthetic: bool = False
    words: WordMap | None = None
    sound: SoundMap | None = None
    checks: tuple[Randomized, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; sound maps without the spectrogram."""
        deep = ("words", "sound", "checks")
        return {
            **{one.name: getattr(self, one.name) for one in fields(self) if one.name not in deep},
            "words": None if self.words is None else asdict(self.words),
            "sound": None if self.sound is None else self.sound.to_dict(),
            "checks": [asdict(check) for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Importance:
    """What a score loses when columns of numbers are permuted within dev, all rows' values kept.

    Attributes:
        name: of the column, or of the feature set whose columns move together.
        columns: how many move.
        loss: score with them less score without, mean over the permutations; of an error, the other way round.
        low, high: 95 % interval, over dialogues; ``None`` with too few.
        sd: standard deviation over the permutations.
    """

    name: str
    columns: int
    loss: float
    low: float | None
    high: float | None
    sd: float


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a score loses when the model gets nothing of one kind.

    Attributes:
        part: ``text``, ``sound``, ``context`` or ``numbers``.
        how: what stands in its place: ``missing`` (what the model was trained to see where there is none),
            ``train_mean``, ``alone`` (each utterance a dialogue of its own).
        score: without it.
        comparison: all of it against without, paired by dialogue, corrected by Holm's method.
    """

    part: str
    how: str
    score: float
    comparison: Comparison


@dataclass(frozen=True, slots=True, repr=False)
class ModelExplanation(Brief):
    """What a recognizer's dev score hangs on.

    Attributes:
        metric: what is scored, ``score`` its value on dev with nothing withheld.
        n: utterances.
        clusters: dialogues or speakers, as the intervals draw them.
        sets, columns: importance of feature sets and of single columns, the largest first.
    """

    model: str
    corpus: str
    task: str
    metric: str
    score: Score
    n: int
    clusters: int
    synthetic: bool
    withheld: tuple[Withheld, ...]
    sets: tuple[Importance, ...] = field(default=())
    columns: tuple[Importance, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)
