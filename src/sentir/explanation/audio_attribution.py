"""Where a convolutional network hears what speaks for a label: Grad-CAM, and what its two gates let through."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentir.audio.decoding import RATE
from sentir.audio.mel import HOP
from sentir.explanation.results import Map, SoundMap
from sentir.explanation.score_function import Probe
from sentir.preprocessing.preprocessor import Prepared

_GATES = ("local_gate", "global_gate")


def explain_sound(probe: Probe, prepared: Prepared, row: int, *, kind: str) -> SoundMap | None:
    """Map a probe's score onto the spectrogram.

    Args:
        probe: held still.
        prepared: what it was made of.
        row: of the explained utterance in ``prepared``.
        kind: which mel the model hears.

    Returns:
        The maps; ``None`` if there is nothing to hear.
    """
    mels = prepared.mels
    if mels is None or (mel := mels.mels[row]) is None:
        return None
    padded = int(mels.frames[row])
    skipped = max(0, (len(mel) - padded) // 2)
    heard = np.asarray(mel[skipped : skipped + padded], dtype=np.float32)
    return SoundMap(heard, sound_maps(probe), padded, skipped * HOP / RATE, kind)


def sound_maps(probe: Probe) -> dict[str, Map]:
    """Return the maps of the explained utterance, ``(t, b)`` each, by the names of `SoundMap.maps`.

    Grad-CAM (Selvaraju et al., ICCV 2017): the channels of the last map, which the global gate reads, weighted by
    the mean gradient of the score, added up, and what is negative set to 0.
    """
    audio: Any = probe.model.audio
    inputs: dict[str, list[Tensor]] = {name: [] for name in _GATES}
    hooks = [getattr(audio, name).register_forward_pre_hook(_keep(inputs[name])) for name in _GATES]
    try:
        with torch.enable_grad():
            score = probe.score().sum()
    finally:
        for hook in hooks:
            hook.remove()
    group, place = _place(probe)
    local, last = (inputs[name][group] for name in _GATES)
    (slopes,) = torch.autograd.grad(score, last)
    with torch.no_grad():
        evidence = (slopes.mean((2, 3), keepdim=True) * last).sum(1).relu()
        gates = [getattr(audio, name).weights(x)[:, 0] for name, x in zip(_GATES, (local, last), strict=True)]
    names = ("evidence", *_GATES)
    return {
        name: found[place].float().cpu().numpy() for name, found in zip(names, (evidence, *gates), strict=True)
    }


def _keep(store: list[Tensor]) -> Any:
    """Return a hook that begins the gradient at the input of a gate and keeps it."""

    def hook(gate: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor]:
        store.append(given[0].detach().requires_grad_())
        return (store[-1],)

    return hook


def _place(probe: Probe) -> tuple[int, int]:
    """Return in which of the encoder's groups of equal length the explained utterance is, and where in it."""
    frames, heard = probe.inputs["frames"], probe.inputs["has_sound"]
    own = int(frames[probe.row])
    lengths = frames[heard].unique().tolist()
    before = heard[: probe.row] & (frames[: probe.row] == own)
    return lengths.index(own), int(before.sum())
