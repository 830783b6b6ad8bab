"""Audio attribution of a convolutional network: Grad-CAM, and the values of its two gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import HOP_LENGTH
from sentir.explanation.results import AUDIO_MAPS, AttributionMap, AudioAttribution
from sentir.explanation.score_function import ScoreFunction
from sentir.preprocessing.preprocessor import ModelInputs

_GATE_MODULES = ("local_gate", "global_gate")


def attribute_audio(
    score_function: ScoreFunction, prepared: ModelInputs, row: int, *, mel_kind: str
) -> AudioAttribution | None:
    """Compute the maps of a score over the mel spectrogram.

    Args:
        score_function: that is explained.
        prepared: the inputs that it was made from.
        row: of the explained utterance in ``prepared``.
        mel_kind: kind of mel spectrogram of the model.

    Returns:
        The maps; ``None`` without audio.
    """
    mels = prepared.mels
    if mels is None or (mel := mels.mels[row]) is None:
        return None
    padded = int(mels.lengths[row])
    skipped = max(0, (len(mel) - padded) // 2)
    cropped = np.asarray(mel[skipped : skipped + padded], dtype=np.float32)
    return AudioAttribution(
        cropped, compute_audio_maps(score_function), padded, skipped * HOP_LENGTH / SAMPLING_RATE, mel_kind
    )


def compute_audio_maps(score_function: ScoreFunction) -> dict[str, AttributionMap]:
    """Return the maps of the explained utterance, name of `AUDIO_MAPS` → ``(t, b)``.

    Grad-CAM (Selvaraju et al., ICCV 2017): the channels of the last feature map, the input of the global gate,
    weighted by the mean gradient of the score, summed, and clipped at 0.
    """
    audio: Any = score_function.model.audio
    inputs: dict[str, list[Tensor]] = {name: [] for name in _GATE_MODULES}
    hooks = [
        getattr(audio, name).register_forward_pre_hook(_make_capture_hook(inputs[name])) for name in _GATE_MODULES
    ]
    try:
        with torch.enable_grad():
            score = score_function.score().sum()
    finally:
        for hook in hooks:
            hook.remove()
    group, index = _locate_in_batch(score_function)
    local, last = (inputs[name][group] for name in _GATE_MODULES)
    (gradients,) = torch.autograd.grad(score, last)
    with torch.no_grad():
        grad_cam = (gradients.mean((2, 3), keepdim=True) * last).sum(1).relu()
        gates = [
            getattr(audio, name).weights(x)[:, 0] for name, x in zip(_GATE_MODULES, (local, last), strict=True)
        ]
    maps = zip(AUDIO_MAPS, (grad_cam, *gates), strict=True)
    return {name: values[index].float().cpu().numpy() for name, values in maps}


def _make_capture_hook(store: list[Tensor]) -> Any:
    """Return a hook that stores the input of a gate as a leaf of the gradient graph."""

    def hook(gate: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        store.append(args[0].detach().requires_grad_())
        return (store[-1],)

    return hook


def _locate_in_batch(score_function: ScoreFunction) -> tuple[int, int]:
    """Return which of the encoder's groups of equal length has the explained utterance, and its index there."""
    row, has_audio = score_function.row, score_function.inputs["has_audio"]
    lengths = score_function.inputs["mel_lengths"]
    own = int(lengths[row])
    before = has_audio[:row] & (lengths[:row] == own)
    return lengths[has_audio].unique().tolist().index(own), int(before.sum())
