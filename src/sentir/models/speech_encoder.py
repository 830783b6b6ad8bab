"""`SpeechEncoder`: waveforms of N clips → one vector per clip and layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sentir.models.pooling import masked_mean
from sentir.models.text_encoder import enable_gradient_checkpointing, resolve_layers


class SpeechEncoder(nn.Module):
    """A speech transformer; each of its layers is averaged over frames.

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
    pooling = ("mean",)

    def __init__(
        self,
        transformer: Any,
        *,
        stride: int,
        receptive_field: int,
        layers: tuple[int, ...] | None = None,
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        self.transformer, self.pretrained = transformer, pretrained
        self.stride, self.receptive_field = stride, receptive_field
        self.layers = resolve_layers(transformer, layers, setting="model.audio.layers")
        self._is_whisper = transformer.config.model_type == "whisper"
        self._uses_attention_mask = getattr(transformer.config, "feat_extract_norm", "") == "layer"

    @property
    def width(self) -> int:
        """Width d of a vector."""
        return int(self.transformer.config.hidden_size)

    @property
    def states_shape(self) -> tuple[int, int]:
        """Shape ``(L, d)`` of the output per clip."""
        return len(self.layers), self.width

    def enable_gradient_checkpointing(self) -> None:
        """Recompute activations in the backward pass to save memory (Chen et al. 2016)."""
        enable_gradient_checkpointing(self.transformer)

    def forward(self, waveform: Tensor, num_frames: Tensor, has_audio: Tensor) -> Tensor:
        """Encode N clips, whatever else is in the batch.

        Args:
            waveform: ``(N, T)`` zero-padded outputs of `SpeechFeatureExtractor.extract`; Whisper's are
                ``(N, B, F)``.
            num_frames: ``(N,)`` int64, frames of each.
            has_audio: ``(N,)`` bool; the vectors of rows without audio are 0.

        Returns:
            ``(N, L, d)``.
        """
        outputs = waveform.new_zeros(len(waveform), *self.states_shape)
        for rows in self._group_rows(num_frames, has_audio):
            vectors = self._encode(waveform[rows], num_frames[rows])
            outputs = outputs.index_copy(0, rows, vectors.to(outputs.dtype))
        return outputs

    def _group_rows(self, num_frames: Tensor, has_audio: Tensor) -> list[Tensor]:
        """Return the groups of rows that share a pass of the transformer."""
        if self._is_whisper or self._uses_attention_mask:
            rows = has_audio.nonzero().squeeze(1)
            return [rows] if len(rows) else []
        lengths = num_frames[has_audio].unique().tolist()
        return [(has_audio & (num_frames == length)).nonzero().squeeze(1) for length in lengths]

    def _encode(self, waveform: Tensor, num_frames: Tensor) -> Tensor:
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
        return torch.stack([masked_mean(states[n], mask) for n in self.layers], dim=1)


def _length_mask(lengths: Tensor, width: int) -> Tensor:
    """Return an ``(n, width)`` int64 mask, 1 up to each length."""
    return (torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)).long()
