"""Results of explanations: plain values for page, command line and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import HOP_LENGTH, mel_band_frequencies
from sentir.corpus.labels import Label
from sentir.evaluation.results import Comparison, Score
from sentir.repr_mixin import ReprMixin

AttributionMap = NDArray[np.float32]
AUDIO_MAPS = ("grad_cam", "local_gate", "global_gate")


@dataclass(frozen=True, slots=True)
class WordAttribution:
    """A word and its attribution.

    Attributes:
        text: of the word.
        value: what it adds to the score.
        follows_without_space: whether there is no space between it and the word before it.
    """

    text: str
    value: float
    follows_without_space: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """The words of one turn, or of the other turns in a window.

    Attributes:
        id: of the utterance; ``""`` for other turns in a window.
        speaker: of the utterance, if known.
        position: ``own``, ``before`` or ``after``, relative to the explained utterance.
        words: with their attributions.
    """

    id: str
    speaker: str | None
    position: str
    words: tuple[WordAttribution, ...]

    @property
    def total(self) -> float:
        """Sum of the attributions of its words."""
        return sum(word.value for word in self.words)


@dataclass(frozen=True, slots=True)
class TextAttribution:
    """Integrated gradients of every word that the prediction depends on.

    Attributes:
        passages: in the order of the dialogue.
        baseline_score: the score with every word replaced by ``baseline_token``.
        convergence_delta: sum of the attributions minus the difference of the two scores.
        steps: of the integration.
        baseline_token: that words are replaced by.
    """

    passages: tuple[Passage, ...]
    baseline_score: float
    convergence_delta: float
    steps: int
    baseline_token: str

    @property
    def values(self) -> NDArray[np.float64]:
        """The attributions of all words, in order."""
        return np.array([word.value for passage in self.passages for word in passage.words])


@dataclass(frozen=True, slots=True, eq=False)
class AudioAttribution:
    """Maps of a convolutional network over time and frequency.

    Attributes:
        mel: mel spectrogram that the network was given, ``(T, B)`` in dB.
        maps: one of `AUDIO_MAPS` → ``(t, b)``, on the network's coarser grid over the padded frames and B bands:
            ``grad_cam`` is Grad-CAM on the last feature map, the others are the values of the two gates (0 to 1).
        num_padded_frames: frames of the network's input, padding included.
        start: second of the clip at which the input begins.
        kind: ``mel``, or ``thesis`` for pictures with unknown axes.
    """

    mel: AttributionMap
    maps: Mapping[str, AttributionMap]
    num_padded_frames: int
    start: float = 0.0
    kind: str = "mel"

    def upsample(self, name: str) -> AttributionMap:
        """Return a map upsampled to the mel spectrogram, ``(T, B)``, by bilinear interpolation."""
        import torch
        from torch.nn.functional import interpolate

        coarse = torch.from_numpy(np.ascontiguousarray(self.maps[name]))[None, None]
        size = (self.num_padded_frames, self.mel.shape[1])
        fine: AttributionMap = interpolate(coarse, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
        return fine[: len(self.mel)]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The time of each of the T frames, in seconds of the clip."""
        return self.start + np.arange(len(self.mel)) * HOP_LENGTH / SAMPLING_RATE

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """The center of each of the B bands, in Hz."""
        return mel_band_frequencies()

    def find_peak(self, name: str) -> tuple[float, float, float, float] | None:
        """Return the cell of the network's grid with the maximum of a map, outside the padding.

        Returns:
            Its start and end in seconds, its lowest and highest frequency in Hz; ``None`` if axes are unknown.
        """
        if self.kind != "mel":
            return None
        values, bands = self.maps[name], self.mel.shape[1]
        long, wide = self.num_padded_frames / values.shape[0], bands / values.shape[1]
        unpadded = values[: max(1, round(len(self.mel) / long))]
        frame, band = np.unravel_index(int(unpadded.argmax()), unpadded.shape)
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
    """Return the centers of equal cells over ``length`` positions."""
    return (np.arange(cells) + 0.5) * length / cells - 0.5


@dataclass(frozen=True, slots=True)
class RandomizationResult:
    """Rank correlation of a map with that of the same network with shuffled weights (Adebayo et al. 2018).

    Attributes:
        map: ``words`` or one of `AUDIO_MAPS`.
        randomized: which weights were shuffled: ``head`` (all but pretrained encoders) or ``all``.
        correlation: Spearman's, mean over the shuffles; near 0 if the map reflects what was learned.
        num_shuffles: how many times weights were shuffled.
    """

    map: str
    randomized: str
    correlation: float
    num_shuffles: int


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(ReprMixin):
    """Explanation of the score of one label for one utterance.

    Attributes:
        id, text, speaker: of the utterance.
        model, task: of the recognizer.
        label: that is explained; in regression, the name of the value.
        is_regression: whether ``score`` is a value rather than log-odds.
        score: log-odds of the label, or the predicted value.
        labels: as predicted.
        probabilities: label → probability; empty in regression.
        gold: the annotated labels, if known and not sealed.
        synthetic: whether the recognizer was trained on a synthetic corpus.
        text_attribution: ``None`` if the model has no text input or the text is empty.
        audio_attribution: ``None`` if the model has no mel spectrogram as input or there is no audio.
        sanity_checks: results of the sanity check, if requested.
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
        """Return plain JSON values, without the spectrogram."""
        nested = {
            "text_attribution": None if self.text_attribution is None else asdict(self.text_attribution),
            "audio_attribution": None if self.audio_attribution is None else self.audio_attribution.to_dict(),
            "sanity_checks": [asdict(check) for check in self.sanity_checks],
        }
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in nested} | nested


@dataclass(frozen=True, slots=True)
class FeatureImportance:
    """Permutation importance of a feature, or of a feature set.

    Attributes:
        name: of the feature, or of the set, whose columns are permuted together.
        num_columns: number of permuted columns.
        score_drop: decrease of the score (increase of an error), mean over permutations.
        low, high: 95% interval, over dialogues; ``None`` with too few of them.
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
    """The dev score without one kind of input.

    Attributes:
        ablated: ``text``, ``audio``, ``context`` or ``features``.
        replacement: ``missing`` (as in training), ``train_mean``, or ``without_context`` (each utterance a
            dialogue of its own).
        score: without the input.
        comparison: of all inputs with those without it, paired by dialogue, corrected by Holm's method.
    """

    ablated: str
    replacement: str
    score: float
    comparison: Comparison


@dataclass(frozen=True, slots=True, repr=False)
class ModelExplanation(ReprMixin):
    """Explanation of a recognizer: the inputs that its dev score depends on.

    Attributes:
        model, corpus, task: what is explained.
        metric: of the scores.
        score: on dev, with all inputs.
        n: utterances.
        num_clusters: dialogues or speakers, over which intervals are computed.
        synthetic: whether the corpus is synthetic.
        ablations: scores without each kind of input.
        feature_sets, columns: importance of feature sets and of single features, in descending order.
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
