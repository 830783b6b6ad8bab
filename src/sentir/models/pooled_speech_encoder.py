"""`PooledSpeechEncoder`: a speech encoder with its layers pooled."""

from __future__ import annotations

from torch import Tensor, nn

from sentir.models.pooling import build_layer_pooling
from sentir.models.speech_encoder import SpeechEncoder


class PooledSpeechEncoder(nn.Module):
    """Waveforms, or precomputed embeddings → one vector per clip.

    Args:
        encoder: a speech encoder to use and train; none with ``states_shape``.
        states_shape: ``(L, d)`` of precomputed embeddings.
        layer_pooling: ``mix`` or ``concat``.

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
    ) -> None:
        super().__init__()
        self.encoder = encoder
        shape = states_shape or encoder.states_shape  # type: ignore[union-attr]
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.widths, self.position_width = (self.layer_pooling.width_out,), shape[1]
        self.input_names = ("speech_states", "has_audio") if encoder is None else encoder.input_names
        self.pretrained_prefixes = ("encoder.",) if encoder is not None and encoder.pretrained else ()

    def forward(
        self,
        has_audio: Tensor,
        speech_states: Tensor | None = None,
        *,
        return_positions: bool = False,
        **encoder_inputs: Tensor,
    ) -> tuple[Tensor, ...]:
        """Encode N clips.

        Args:
            has_audio: ``(N,)`` bool.
            speech_states: ``(N, L, d)`` precomputed embeddings, for a module without encoder.
            return_positions: whether to return the normalized layers too.
            encoder_inputs: of the `SpeechEncoder`.

        Returns:
            ``(N, d)``, 0 for rows without audio. With ``return_positions`` also the ``(N, L, d)`` layers, and
            their ``(N, L)`` mask, false for rows without audio.
        """
        states = speech_states if self.encoder is None else self.encoder(has_audio=has_audio, **encoder_inputs)
        vectors = self.layer_pooling(states) * has_audio.unsqueeze(1)
        if not return_positions:
            return (vectors,)
        layers = self.layer_pooling.norm(states)
        return vectors, layers, has_audio.unsqueeze(1).expand(layers.shape[:2])
