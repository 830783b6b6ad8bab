"""`SpeechEncoder`: waves of N clips → one vector per clip and layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sentir.models.text_encoder import enable_gradient_checkpointing, masked_mean, resolve_layers


class SpeechEncoder(nn.Module):
    """A speech transformer that gives the mean frame vector of each of its layers.

    Args:
        transformer: a bare transformers encoder.
        stride, receptive_field: samples between frames, and of one frame; see `SpeechExtractor`.
        layers: hidden layers to read, 0 being what enters the first one, negative ones from the end; ``None`` =
            all.
        pretrained: whether its weights are not random.

    Raises:
        RecipeError: if the transformer has no such layer.
    """

    input_names = ("wave", "steps", "has_audio")
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
        self.transformer, self.stride, self.receptive_field, self.pretrained = (
            transformer,
            stride,
            receptive_field,
            pretrained,
        )
        self.layers = resolve_layers(transformer, layers, setting="model.audio.layers")
        self._is_whisper = transformer.config.model_type == "whisper"
        self._uses_attention_mask = getattr(transformer.config, "feat_extract_norm", "") == "layer"

    @property
    def width(self) -> int:
        """Width d of a vector."""
        return int(self.transformer.config.hidden_size)

    @property
    def states_shape(self) -> tuple[int, int]:
        """Shape ``(L, d)`` of what it gives of one clip."""
        return len(self.layers), self.width

    def enable_gradient_checkpointing(self) -> None:
        """Compute activations anew in the backward pass instead of keeping them (Chen et al. 2016)."""
        enable_gradient_checkpointing(self.transformer)

    def forward(self, wave: Tensor, steps: Tensor, has_audio: Tensor) -> Tensor:
        """Encode N clips, each as if it were alone.

        Args:
            wave: ``(N, T)`` what `SpeechExtractor.encode` gives, zeros behind it; of Whisper ``(N, B, F)``.
            steps: ``(N,)`` int64, frames of each.
            has_audio: ``(N,)`` bool; the vectors of rows without sound are 0.

        Returns:
            ``(N, L, d)``.
        """
        found = wave.new_zeros(len(wave), *self.states_shape)
        for rows in self._group_rows(steps, has_audio):
            vectors = self._encode(wave[rows], steps[rows])
            found = found.index_copy(0, rows, vectors.to(found.dtype))
        return found

    def _group_rows(self, steps: Tensor, has_audio: Tensor) -> list[Tensor]:
        """Return the rows that go through the transformer at once."""
        if self._is_whisper or self._uses_attention_mask:
            heard = has_audio.nonzero().squeeze(1)
            return [heard] if len(heard) else []
        lengths = steps[has_audio].unique().tolist()
        return [(has_audio & (steps == length)).nonzero().squeeze(1) for length in lengths]

    def _encode(self, wave: Tensor, steps: Tensor) -> Tensor:
        """Encode n clips; ``(n, L, d)``."""
        longest = int(steps.max())
        options = {}
        if not self._is_whisper:
            wave = wave[:, : self.receptive_field + (longest - 1) * self.stride]
            if int(steps.min()) < longest:
                samples = self.receptive_field + (steps - 1) * self.stride
                options["attention_mask"] = _length_mask(samples, wave.shape[1])
        output = self.transformer(wave, output_hidden_states=True, **options)
        states = (*output.hidden_states[:-1], output.last_hidden_state)  # the last one normalized as it is meant
        mask = _length_mask(steps, states[-1].shape[1])
        return torch.stack([masked_mean(states[n], mask) for n in self.layers], dim=1)


def _length_mask(lengths: Tensor, width: int) -> Tensor:
    """Return ``(n, width)`` int64, 1 where a row has not ended."""
    return (torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)).long()
