"""`SpeechEncoder`: waves of N clips → one vector per clip and layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sentir.models.text_encoder import enable_checkpointing, masked_mean, read_layers


class SpeechEncoder(nn.Module):
    """A speech transformer that gives the mean frame vector of each of its layers.

    Args:
        transformer: a bare transformers encoder.
        hop, field: samples between frames, and of one frame; see `SpeechExtractor`.
        layers: hidden layers to read, 0 being what enters the first one, negative ones from the end; ``None`` =
            all.
        pretrained: whether its weights are not random.

    Raises:
        RecipeError: if the transformer has no such layer.
    """

    inputs = ("wave", "steps", "has_sound")
    pooling = ("mean",)

    def __init__(
        self,
        transformer: Any,
        *,
        hop: int,
        field: int,
        layers: tuple[int, ...] | None = None,
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        self.transformer, self.hop, self.field, self.pretrained = transformer, hop, field, pretrained
        self.layers = read_layers(transformer, layers, setting="model.audio.layers")
        self._whisper = transformer.config.model_type == "whisper"
        self._masks = getattr(transformer.config, "feat_extract_norm", "") == "layer"

    @property
    def width(self) -> int:
        """Width d of a vector."""
        return int(self.transformer.config.hidden_size)

    @property
    def states_shape(self) -> tuple[int, int]:
        """Shape ``(L, d)`` of what it gives of one clip."""
        return len(self.layers), self.width

    def checkpoint_gradients(self) -> None:
        """Compute activations anew in the backward pass instead of keeping them (Chen et al. 2016)."""
        enable_checkpointing(self.transformer)

    def forward(self, wave: Tensor, steps: Tensor, has_sound: Tensor) -> Tensor:
        """Encode N clips, each as if it were alone.

        Args:
            wave: ``(N, T)`` what `SpeechExtractor.encode` gives, zeros behind it; of Whisper ``(N, B, F)``.
            steps: ``(N,)`` int64, frames of each.
            has_sound: ``(N,)`` bool; the vectors of rows without sound are 0.

        Returns:
            ``(N, L, d)``.
        """
        found = wave.new_zeros(len(wave), *self.states_shape)
        for rows in self._together(steps, has_sound):
            vectors = self._encode(wave[rows], steps[rows])
            found = found.index_copy(0, rows, vectors.to(found.dtype))
        return found

    def _together(self, steps: Tensor, has_sound: Tensor) -> list[Tensor]:
        """Return the rows that go through the transformer at once."""
        if self._whisper or self._masks:
            heard = has_sound.nonzero().squeeze(1)
            return [heard] if len(heard) else []
        lengths = steps[has_sound].unique().tolist()
        return [(has_sound & (steps == length)).nonzero().squeeze(1) for length in lengths]

    def _encode(self, wave: Tensor, steps: Tensor) -> Tensor:
        """Encode n clips; ``(n, L, d)``."""
        longest = int(steps.max())
        options = {}
        if not self._whisper:
            wave = wave[:, : self.field + (longest - 1) * self.hop]
            if int(steps.min()) < longest:
                samples = self.field + (steps - 1) * self.hop
                options["attention_mask"] = _mask(samples, wave.shape[1])
        output = self.transformer(wave, output_hidden_states=True, **options)
        states = (*output.hidden_states[:-1], output.last_hidden_state)  # the last one normalized as it is meant
        mask = _mask(steps, states[-1].shape[1])
        return torch.stack([masked_mean(states[n], mask) for n in self.layers], dim=1)


def _mask(lengths: Tensor, width: int) -> Tensor:
    """Return ``(n, width)`` int64, 1 where a row has not ended."""
    return (torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)).long()
