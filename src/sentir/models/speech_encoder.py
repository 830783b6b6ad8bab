"""`SpeechEncoder`: waveforms of N clips → one vector per clip and layer, pooled by `PooledSpeechEncoder`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentir.models.pooling import AttentionPooling, build_layer_pooling, masked_mean
from sentir.models.transformer_encoder import TransformerEncoder


class SpeechEncoder(TransformerEncoder):
    """A speech transformer; each of its layers is pooled over frames.

    Args:
        transformer: a bare transformers encoder.
        stride, receptive_field: samples between frames, and of one frame; see `SpeechFeatureExtractor`.
        layers: hidden layers to return, 0 being the input of the first one, negative ones from the end;
            ``None`` = all.
        pretrained: whether its weights are pretrained.

    Raises:
        RecipeError: if the transformer has no such layer.
    """

    input_names = ("waveform", "num_frames", "has_audio")

    def __init__(
        self,
        transformer: Any,
        *,
        stride: int,
        receptive_field: int,
        layers: tuple[int, ...] | None = None,
        pretrained: bool = True,
    ) -> None:
        super().__init__(transformer, layers, setting="model.audio.layers")
        self.pretrained = pretrained
        self.stride, self.receptive_field = stride, receptive_field
        self._is_whisper = transformer.config.model_type == "whisper"
        self._uses_attention_mask = getattr(transformer.config, "feat_extract_norm", "") == "layer"

    def forward(
        self,
        waveform: Tensor,
        num_frames: Tensor,
        has_audio: Tensor,
        *,
        attention: AttentionPooling | None = None,
    ) -> Tensor:
        """Encode N clips, whatever else is in the batch.

        Args:
            waveform: ``(N, T)`` zero-padded outputs of `SpeechFeatureExtractor.extract`; Whisper's are
                ``(N, B, F)``.
            num_frames: ``(N,)`` int64, frames of each.
            has_audio: ``(N,)`` bool; the vectors of rows without audio are 0.
            attention: pools the frames; by default their mean.

        Returns:
            ``(N, L, d)``.
        """
        outputs = waveform.new_zeros(len(waveform), *self.states_shape)
        for rows in self._group_rows(num_frames, has_audio):
            vectors = self._encode(waveform[rows], num_frames[rows], attention)
            outputs = outputs.index_copy(0, rows, vectors.to(outputs.dtype))
        return outputs

    def _group_rows(self, num_frames: Tensor, has_audio: Tensor) -> list[Tensor]:
        """Return the groups of rows that share a pass of the transformer."""
        if self._is_whisper or self._uses_attention_mask:
            rows = has_audio.nonzero().squeeze(1)
            return [rows] if len(rows) else []
        lengths = num_frames[has_audio].unique().tolist()
        return [(has_audio & (num_frames == length)).nonzero().squeeze(1) for length in lengths]

    def _encode(self, waveform: Tensor, num_frames: Tensor, attention: AttentionPooling | None) -> Tensor:
        """Encode n clips; ``(n, L, d)``."""
        longest = int(num_frames.max())
        options = {}
        if not self._is_whisper:
            waveform = waveform[:, : self.receptive_field + (longest - 1) * self.stride]
            if int(num_frames.min()) < longest:
                num_samples = self.receptive_field + (num_frames - 1) * self.stride
                options["attention_mask"] = _length_mask(num_samples, waveform.shape[1])
        output = self.transformer(waveform, output_hidden_states=True, **options)
        states = (*output.hidden_states[:-1], output.last_hidden_state)  # the last one after its layer norm
        mask = _length_mask(num_frames, states[-1].shape[1])
        return pool_frames([states[n] for n in self.layers], mask, attention)


def pool_frames(layers: Sequence[Tensor], mask: Tensor, attention: AttentionPooling | None) -> Tensor:
    """Pool the ``(N, T, d)`` frames of L layers where the ``(N, T)`` mask is 1 → ``(N, L, d)``."""
    if attention is None:
        return torch.stack([masked_mean(states, mask) for states in layers], dim=1)
    return torch.stack([attention(states, mask, n) for n, states in enumerate(layers)], dim=1)


class PooledSpeechEncoder(nn.Module):
    """Waveforms, or precomputed embeddings → one vector per clip.

    Args:
        encoder: a speech encoder to use and train; none with ``states_shape``.
        states_shape: ``(L, d)`` of precomputed embeddings.
        layer_pooling: ``mix`` or ``concat``.
        frame_pooling: ``mean`` or, with an encoder, ``attention``.

    Attributes:
        widths: the width of the vector, as a tuple of one.
        position_width: d.
    """

    def __init__(
        self,
        encoder: SpeechEncoder | None = None,
        *,
        states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        frame_pooling: str = "mean",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        shape = states_shape or encoder.states_shape  # type: ignore[union-attr]
        self.frame_attention = AttentionPooling(*shape) if frame_pooling == "attention" else None
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.widths, self.position_width = (self.layer_pooling.width_out,), shape[1]
        self.input_names = ("audio_states", "has_audio") if encoder is None else encoder.input_names
        self.pretrained_prefixes = ("encoder.",) if encoder is not None and encoder.pretrained else ()

    def forward(
        self,
        has_audio: Tensor,
        audio_states: Tensor | None = None,
        *,
        return_positions: bool = False,
        **encoder_inputs: Tensor,
    ) -> tuple[Tensor, ...]:
        """Encode N clips.

        Args:
            has_audio: ``(N,)`` bool.
            audio_states: ``(N, L, d)`` precomputed embeddings, for a module without encoder.
            return_positions: whether to return the normalized layers too.
            encoder_inputs: of the `SpeechEncoder`.

        Returns:
            ``(N, d)``, 0 for rows without audio. With ``return_positions`` also the ``(N, L, d)`` layers, and
            their ``(N, L)`` mask, false for rows without audio.
        """
        if self.encoder is None:
            states = audio_states
        else:
            states = self.encoder(has_audio=has_audio, attention=self.frame_attention, **encoder_inputs)
        vectors = self.layer_pooling(states) * has_audio.unsqueeze(1)
        if not return_positions:
            return (vectors,)
        layers = self.layer_pooling.norm(states)
        return vectors, layers, has_audio.unsqueeze(1).expand(layers.shape[:2])


def _length_mask(lengths: Tensor, width: int) -> Tensor:
    """Return an ``(n, width)`` int64 mask, 1 up to each length."""
    return (torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)).long()
