"""Where a convolutional network hears what speaks for a label: Grad-CAM, and what its two gates let through."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import HOP_LENGTH
from sentir.explanation.results import AttributionMap, AudioAttribution
from sentir.explanation.score_function import ScoreFunction
from sentir.preprocessing.preprocessor import ModelInputs

_GATE_MODULES = ("local_gate", "global_gate")


def attribute_audio(
    score_function: ScoreFunction, prepared: ModelInputs, row: int, *, mel_kind: str
) -> AudioAttribution | None:
    """Map a probe's score onto the spectrogram.

    Args:
        score_function: held still.
        prepared: what it was made of.
        row: of the explained utterance in ``prepared``.
        mel_kind: which mel the model hears.

    Returns:
        The maps; ``None`` if there is nothing to hear.
    """
    mels = prepared.mels
    if mels is None or (mel := mels.mels[row]) is None:
        return None
    padded = int(mels.lengths[row])
    skipped = max(0, (len(mel) - padded) // 2)
    heard = np.asarray(mel[skipped : skipped + padded], dtype=np.float32)
    return AudioAttribution(
        heard, compute_audio_maps(score_function), padded, skipped * HOP_LENGTH / SAMPLING_RATE, mel_kind
    )


def compute_audio_maps(score_function: ScoreFunction) -> dict[str, AttributionMap]:
    """Return the maps of the explained utterance, ``(t, b)`` each, by the names of `SoundMap.maps`.

    Grad-CAM (Selvaraju et al., ICCV 2017): the channels of the last map, which the global gate reads, weighted by
    the mean gradient of the score, added up, and what is negative set to 0.
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
    group, place = _locate_in_batch(score_function)
    local, last = (inputs[name][group] for name in _GATE_MODULES)
    (slopes,) = torch.autograd.grad(score, last)
    with torch.no_grad():
        evidence = (slopes.mean((2, 3), keepdim=True) * last).sum(1).relu()
        gates = [
            getattr(audio, name).weights(x)[:, 0] for name, x in zip(_GATE_MODULES, (local, last), strict=True)
        ]
    names = ("evidence", *_GATE_MODULES)
    return {
        name: found[place].float().cpu().numpy() for name, found in zip(names, (evidence, *gates), strict=True)
    }


def _make_capture_hook(store: list[Tensor]) -> Any:
    """Return a hook that begins the gradient at the input of a gate and keeps it."""

    def hook(gate: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor]:
        store.append(given[0].detach().requires_grad_())
        return (store[-1],)

    return hook


def _locate_in_batch(score_function: ScoreFunction) -> tuple[int, int]:
    """Return in which of the encoder's groups of equal length the explained utterance is, and where in it."""
    frames, heard = score_function.inputs["mel_lengths"], score_function.inputs["has_audio"]
    own = int(frames[score_function.row])
    lengths = frames[heard].unique().tolist()
    before = heard[: score_function.row] & (frames[: score_function.row] == own)
    return lengths.index(own), int(before.sum())
