"""Encoders for batches of one padded length: what they share with `sentir.models` is weights and numbers.

The encoders of `sentir.models` group rows by values of their inputs, which no exported graph can; here the caller
has grouped the rows, and nothing is padded.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sentir.models.audio_encoder import AudioEncoder
from sentir.models.pooling import POOLINGS, AttentionPooling
from sentir.models.speech_encoder import PooledSpeechEncoder, SpeechEncoder, pool_frames
from sentir.models.stage_encoder import StageEncoder, StandardizedStates
from sentir.models.text_encoder import TextEncoder


class EqualLengthText(nn.Module):
    """A `TextEncoder` for N texts of as many tokens each; without an attention mask."""

    input_names = ("input_ids", "token_type_ids", "pool_mask")

    def __init__(self, encoder: TextEncoder) -> None:
        super().__init__()
        self.transformer, self.layers, self.pooling = encoder.transformer, encoder.layers, encoder.pooling

    def forward(
        self,
        input_ids: Tensor,
        pool_mask: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        return_positions: bool = False,
    ) -> Tensor | tuple[Tensor, ...]:
        """Encode ``(N, T)`` tokens; see `TextEncoder.forward`."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.transformer(input_ids, **types, output_hidden_states=True).hidden_states
        functions = [POOLINGS[name] for name in self.pooling]
        pooled = torch.stack([pool(states[n], pool_mask) for pool in functions for n in self.layers], dim=1)
        return (pooled, states[self.layers[-1]], pool_mask.bool()) if return_positions else pooled


class EqualLengthSpeech(nn.Module):
    """A `SpeechEncoder` for N clips of as many frames each; Whisper's, all of 30 s, also take their frames."""

    def __init__(self, encoder: SpeechEncoder) -> None:
        super().__init__()
        self.transformer, self.layers = _without_parametrizations(encoder.transformer), encoder.layers
        self.is_whisper = encoder.transformer.config.model_type == "whisper"
        self.input_names = ("waveform", *(("num_frames",) if self.is_whisper else ()), "has_audio")

    def forward(
        self,
        waveform: Tensor,
        has_audio: Tensor,
        num_frames: Tensor | None = None,
        *,
        attention: AttentionPooling | None = None,
    ) -> Tensor:
        """Encode ``(N, T)`` waveforms, or Whisper's ``(N, B, F)``; see `SpeechEncoder.forward`."""
        output = self.transformer(waveform, output_hidden_states=True)
        states = (*output.hidden_states[:-1], output.last_hidden_state)
        layers = [states[n] for n in self.layers]
        mask = torch.ones_like(layers[0][..., 0], dtype=torch.bool)
        if num_frames is not None:
            mask = torch.arange(mask.shape[1], device=waveform.device) < num_frames.unsqueeze(1)
        vectors = pool_frames(layers, mask, attention)
        return vectors * has_audio[:, None, None]


class EqualLengthMel(nn.Module):
    """An `AudioEncoder` for N mel spectrograms of as many frames each."""

    input_names = ("mel", "has_audio")

    def __init__(self, encoder: AudioEncoder) -> None:
        super().__init__()
        self.encoder, self.widths = encoder, encoder.widths

    def forward(self, mel: Tensor, has_audio: Tensor, *, return_positions: bool = False) -> tuple[Tensor, ...]:
        """Encode ``(N, T, B)`` spectrograms; see `AudioEncoder.forward`."""
        local, last = self.encoder._feature_maps(mel)
        here = has_audio.unsqueeze(1)
        vectors = (self.encoder.local_gate(local) * here, self.encoder.global_gate(last) * here)
        if not return_positions:
            return vectors
        steps = (last * self.encoder.global_gate.weights(last)).mean(3).transpose(1, 2)
        return (*vectors, steps, here.expand(steps.shape[:2]))


class EqualLengthStages(nn.Module):
    """A `StageEncoder` for N mel spectrograms of as many frames each."""

    input_names = ("mel", "has_audio")

    def __init__(self, encoder: StageEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, mel: Tensor, has_audio: Tensor) -> Tensor:
        """Encode ``(N, T, B)`` spectrograms; see `StageEncoder.forward`."""
        return self.encoder.encode(mel) * has_audio[:, None, None]


def equal_length_audio(
    audio: AudioEncoder | PooledSpeechEncoder | StandardizedStates, frozen: SpeechEncoder | StageEncoder | None
) -> tuple[nn.Module, EqualLengthSpeech | EqualLengthStages | None]:
    """Return an audio encoder for clips of one length, and the frozen encoder before it."""
    if isinstance(audio, AudioEncoder):
        return EqualLengthMel(audio), None
    if isinstance(audio, StandardizedStates) or audio.encoder is None:
        assert frozen is not None
        return audio, EqualLengthStages(frozen) if isinstance(frozen, StageEncoder) else EqualLengthSpeech(frozen)
    clone: Any = shallow_copy(audio)
    clone.encoder = EqualLengthSpeech(audio.encoder)
    clone.input_names = clone.encoder.input_names
    return clone, None


def shallow_copy(module: nn.Module) -> nn.Module:
    """Return a copy whose submodules can be replaced; it shares them, and all weights, with the original."""
    clone = copy.copy(module)
    clone._modules = dict(module._modules)
    return clone


def _without_parametrizations(transformer: nn.Module) -> nn.Module:
    """Return a transformer whose parametrized weights, such as wav2vec 2.0's weight norm, are plain tensors.

    `torch.nn.utils.parametrize.remove_parametrizations` would change the class that a copy shares with its
    original, which could not be used any more.
    """
    if not any(parametrize.is_parametrized(module) for module in transformer.modules()):
        return transformer
    clone = copy.deepcopy(transformer)
    for module in list(clone.modules()):
        if parametrize.is_parametrized(module):
            _bake_parametrizations(module)
    return clone


def _bake_parametrizations(module: Any) -> None:
    """Do what torch's `remove_parametrizations` does, which would change the class that copies share."""
    values = {name: getattr(module, name).detach() for name in module.parametrizations}
    module.__class__ = type(module).__base__
    del module.parametrizations
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value, requires_grad=False))
