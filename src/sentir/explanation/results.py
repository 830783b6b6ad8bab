"""What an explanation says: plain values that page, command line and JSON read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import DEFAULT_MEL, HOP_LENGTH, mel_filter_bank
from sentir.corpus.labels import Label
from sentir.evaluation.results import Comparison, Score
from sentir.repr_mixin import ReprMixin

AttributionMap = NDArray[np.float32]
AUDIO_MAPS = ("evidence", "local_gate", "global_gate")


@dataclass(frozen=True, slots=True)
class WordAttribution:
    """One word as the model reads it, and what it adds to the score.

    Attributes:
        follows_without_space: whether it follows the word before it without a space, as in the text.
    """

    text: str
    value: float
    follows_without_space: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of one turn, or those of other turns that a window holds.

    Attributes:
        id: of the utterance; ``""`` for turns of a window.
        position: ``own``, ``before`` or ``after``, seen from the explained utterance.
    """

    id: str
    speaker: str | None
    position: str
    words: tuple[WordAttribution, ...]

    @property
    def total(self) -> float:
        """What all its words add to the score."""
        return sum(word.value for word in self.words)


@dataclass(frozen=True, slots=True)
class TextAttribution:
    """Integrated gradients of every word that the answer hangs on.

    Attributes:
        passages: in the order of the dialogue.
        baseline_score: the score with every word replaced by ``token``.
        convergence_delta: by how much the words' values miss the difference of the two scores; 0 is complete.
        steps: of the integration.
        baseline_token: what words are replaced by.
    """

    passages: tuple[Passage, ...]
    baseline_score: float
    convergence_delta: float
    steps: int
    baseline_token: str

    @property
    def values(self) -> NDArray[np.float64]:
        """The value of every word, in order."""
        return np.array([word.value for passage in self.passages for word in passage.words])


@dataclass(frozen=True, slots=True, eq=False)
class AudioAttribution:
    """Where in time and frequency a convolutional network finds what speaks for the label.

    Attributes:
        mel: ``(T, B)`` in dB, the part that the network heard.
        maps: `MAPS` → ``(t, b)`` in the network's own coarser grid over ``padded`` frames and B bands:
            ``evidence`` is Grad-CAM on the last map, the others are what the two gates let through, in 0–1.
        num_padded_frames: frames of the network's input, silence at the end included.
        start: second of the clip at which it begins to hear.
        kind: ``mel``, or ``thesis`` for pictures without known axes.
    """

    mel: AttributionMap
    maps: Mapping[str, AttributionMap]
    num_padded_frames: int
    start: float = 0.0
    kind: str = "mel"

    def upsample(self, name: str) -> AttributionMap:
        """Return a map on the frames and bands of the mel, ``(T, B)``, by bilinear interpolation."""
        import torch
        from torch.nn.functional import interpolate

        coarse = torch.from_numpy(np.ascontiguousarray(self.maps[name]))[None, None]
        size = (self.num_padded_frames, self.mel.shape[1])
        fine: AttributionMap = interpolate(coarse, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
        return fine[: len(self.mel)]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The middle of each of T frames, in seconds of the clip."""
        return self.start + np.arange(len(self.mel)) * HOP_LENGTH / SAMPLING_RATE

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """The middle of each of B bands."""
        return mel_band_frequencies()

    def find_peak(self, name: str) -> tuple[float, float, float, float] | None:
        """Return the cell of the network's grid where a map is highest, among those where the clip sounds.

        Returns:
            Its first and last second, its lowest and highest frequency in Hz; ``None`` without known axes.
        """
        if self.kind != "mel":
            return None
        values, bands = self.maps[name], self.mel.shape[1]
        long, wide = self.num_padded_frames / values.shape[0], bands / values.shape[1]
        heard = values[: max(1, round(len(self.mel) / long))]
        frame, band = np.unravel_index(int(heard.argmax()), heard.shape)
        times = self.start + np.array([frame, frame + 1]) * long * HOP_LENGTH / SAMPLING_RATE
        hertz = np.interp(np.array([band, band + 1]) * wide - 0.5, np.arange(bands), self.frequencies)
        return float(times[0]), float(times[1]), float(hertz[0]), float(hertz[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the maps in the network's own grid, with the middle of every cell in seconds and Hz."""
        return {"kind": self.kind, "maps": [self._map_to_dict(name) for name in self.maps]}

    def _map_to_dict(self, name: str) -> dict[str, Any]:
        values = self.maps[name]
        axes: dict[str, Any] = {}
        bands = self.mel.shape[1]
        if self.kind == "mel":
            times, heights = (
                _cell_centers(n, of) for n, of in zip(values.shape, (self.num_padded_frames, bands), strict=True)
            )
            axes["seconds"] = np.round(self.start + times * HOP_LENGTH / SAMPLING_RATE, 3).tolist()
            axes["hertz"] = np.interp(heights, np.arange(bands), self.frequencies).round().tolist()
        return {"name": name, **axes, "values": values.astype(float).round(5).tolist()}


def _cell_centers(cells: int, length: int) -> NDArray[np.float64]:
    """Return the middles of equal cells over ``length`` places."""
    return (np.arange(cells) + 0.5) * length / cells - 0.5


def mel_band_frequencies() -> NDArray[np.float64]:
    """Return the middle of each band of the mel, in Hz."""
    return mel_filter_bank().argmax(axis=0) * SAMPLING_RATE / DEFAULT_MEL.n_fft


@dataclass(frozen=True, slots=True)
class RandomizationResult:
    """How like a map is to that of the same network with other weights (Adebayo et al. 2018).

    Attributes:
        map: ``words`` or one of `MAPS`.
        randomized: whose weights were shuffled: ``head`` (all that is new) or ``whole`` (the encoders too).
        correlation: Spearman's, mean over the draws; near 0, the map shows what was learned.
        num_shuffles: how many times.
    """

    map: str
    randomized: str
    correlation: float
    num_shuffles: int


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(ReprMixin):
    """Why a recognizer gives one utterance the score of one label.

    Attributes:
        label: what is explained; the name of the number, where one is recognized.
        score: the log-odds of its probability, or the number.
        labels: what was recognized.
        probabilities: label → probability; empty for a number.
        gold: the annotated labels, where they are known and not sealed.
        synthetic: whether the recognizer was trained on a synthetic corpus.
        text_attribution: ``None`` if it does not read, or there is nothing to read.
        audio_attribution: ``None`` if it does not listen, or there is nothing to hear.
        sanity_checks: the sanity check, where it was asked for.
    """

    id: str
    text: str | None
    speaker: str | None
    model: str
    task: str
    label: str
    is_regression: bool
    score: float
    labels: tuple[Label, ...]
    probabilities: Mapping[str, float]
    gold: tuple[Label, ...] | None = None
    synthetic: bool = False
    text_attribution: TextAttribution | None = None
    audio_attribution: AudioAttribution | None = None
    sanity_checks: tuple[RandomizationResult, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; audio maps without the spectrogram."""
        text, audio = self.text_attribution, self.audio_attribution
        return {one.name: getattr(self, one.name) for one in fields(self)} | {
            "text_attribution": None if text is None else asdict(text),
            "audio_attribution": None if audio is None else audio.to_dict(),
            "sanity_checks": [asdict(check) for check in self.sanity_checks],
        }


@dataclass(frozen=True, slots=True)
class FeatureImportance:
    """What a score loses when columns of numbers are permuted within dev, all rows' values kept.

    Attributes:
        name: of the column, or of the feature set whose columns move together.
        num_columns: how many move.
        score_drop: score with them minus score without, mean over the permutations; of an error, the reverse.
        low, high: 95 % interval, over dialogues; ``None`` with too few.
        sd: standard deviation over the permutations.
    """

    name: str
    num_columns: int
    score_drop: float
    low: float | None
    high: float | None
    sd: float


@dataclass(frozen=True, slots=True)
class Ablation:
    """What a score loses when the model gets nothing of one kind.

    Attributes:
        ablated: ``text``, ``sound``, ``context`` or ``numbers``.
        replacement: what stands in its place: ``missing`` (what the model was trained to see where there is none),
            ``train_mean``, ``alone`` (each utterance a dialogue of its own).
        score: without it.
        comparison: all of it against without, paired by dialogue, corrected by Holm's method.
    """

    ablated: str
    replacement: str
    score: float
    comparison: Comparison


@dataclass(frozen=True, slots=True, repr=False)
class ModelExplanation(ReprMixin):
    """What a recognizer's dev score hangs on.

    Attributes:
        metric: what is scored, ``score`` its value on dev with nothing withheld.
        n: utterances.
        num_clusters: dialogues or speakers, as the intervals draw them.
        feature_sets, columns: importance of feature sets and of single columns, the largest first.
    """

    model: str
    corpus: str
    task: str
    metric: str
    score: Score
    n: int
    num_clusters: int
    synthetic: bool
    ablations: tuple[Ablation, ...]
    feature_sets: tuple[FeatureImportance, ...] = field(default=())
    columns: tuple[FeatureImportance, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)
