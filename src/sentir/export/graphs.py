"""A network in the parts that are exported: utterances → vectors, and dialogues of equal length → logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sentir.export.equal_lengths import (
    EqualLengthSpeech,
    EqualLengthStages,
    EqualLengthText,
    equal_length_audio,
    shallow_copy,
)
from sentir.models.context import AttentionContext, NoContext, RecurrentContext
from sentir.models.multimodal import PerModality
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_encoder import TextEncoder

ONNX_OPSET = 20
_OTHER_INPUTS = ("has_text", "features")


class UtteranceGraph(nn.Module):
    """Inputs of N utterances of one padded length → their ``(N, W)`` vectors before the context.

    Args:
        network: a trained one, in eval mode.
        text_encoder, audio_encoder: its encoders that are frozen, whose embeddings the network takes.

    Attributes:
        input_names: of the network, with the inputs of frozen encoders in place of embeddings; without
            ``audio_encoder``, the embeddings of audio.
    """

    def __init__(
        self,
        network: Any,
        text_encoder: TextEncoder | None = None,
        audio_encoder: SpeechEncoder | StageEncoder | None = None,
    ) -> None:
        super().__init__()
        self.network: Any = shallow_copy(network)
        self.text: EqualLengthText | None = None
        self.audio: EqualLengthSpeech | EqualLengthStages | None = None
        text_names: tuple[str, ...] = ()
        audio_names: tuple[str, ...] = ()
        if "text_states" in network.input_names:
            assert text_encoder is not None
            self.text = EqualLengthText(text_encoder)
        if "input_ids" in network.input_names:
            self.network.encoder = EqualLengthText(network.encoder)
        if hasattr(network, "text_proj"):
            text_names = EqualLengthText.input_names
        if hasattr(network, "audio") and "audio_states" in network.input_names and audio_encoder is None:
            audio_names = network.audio.input_names
        elif hasattr(network, "audio"):
            self.network.audio, self.audio = equal_length_audio(network.audio, audio_encoder)
            clips: Any = self.audio or self.network.audio
            audio_names = clips.input_names
        others = (name for name in network.input_names if name in _OTHER_INPUTS)
        self.input_names: tuple[str, ...] = (*text_names, *audio_names, *others)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the vectors."""
        inputs = dict(inputs)
        if self.text is not None:
            tokens = {name: inputs.pop(name) for name in self.text.input_names if name in inputs}
            inputs["text_states"] = self.text(**tokens)
        if self.audio is not None:
            clips = {name: inputs[name] for name in self.audio.input_names}
            for name in clips.keys() - {"has_audio"}:
                inputs.pop(name)
            inputs["audio_states"] = self.audio(**clips)
        return self.network.encode(**inputs)


class AudioGraph(nn.Module):
    """Clips of N utterances of one padded length → the ``(N, L, d)`` embeddings of a frozen encoder."""

    def __init__(self, network: Any, audio_encoder: SpeechEncoder | StageEncoder) -> None:
        super().__init__()
        encoder = equal_length_audio(network.audio, audio_encoder)[1]
        assert encoder is not None
        self.encoder: nn.Module = encoder
        self.input_names: tuple[str, ...] = encoder.input_names

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the embeddings."""
        return self.encoder(**inputs)


class SpeakerGraph(nn.Module):
    """G sequences of T turns of one speaker each → the outputs of the speaker GRUs, ``(G, T, S)``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        contexts, self.widths = split_context(network)
        grus = [OnnxGRU(context.speaker_gru) for context in contexts]
        self.width_out = sum(gru.hidden_size * (1 + gru.bidirectional) for gru in grus)
        self.grus = nn.ModuleList(grus)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Run the GRUs on ``vectors (G, T, W)``."""
        parts = zip(self.grus, inputs["vectors"].split(self.widths, dim=-1), strict=True)
        return torch.cat([gru(part) for gru, part in parts], dim=-1)


class DialogueGraph(nn.Module):
    """D dialogues of T utterances each → logits ``(D, T, K)``, and the vectors before the head.

    Attributes:
        input_names: ``vectors``; ``speaker_states``, the outputs of `SpeakerGraph`; ``speaker``, for attention
            that distinguishes speakers; ``has_text`` and ``has_audio``, for late fusion.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network
        contexts, self.widths = split_context(network)
        equal_length = [EqualLengthContext(context) for context in contexts]
        names = dict.fromkeys(name for context in equal_length for name in context.input_names)
        self.contexts = nn.ModuleList(equal_length)
        masks = ("has_text", "has_audio") if getattr(network, "fusion_level", "") == "logits" else ()
        self.input_names = ("vectors", *names, *masks)

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits and the vectors before the head; inputs are ``(D, T, …)``."""
        vectors, speaker, speaker_states = map(inputs.get, ("vectors", "speaker", "speaker_states"))
        assert vectors is not None
        num_dialogues, num_turns = vectors.shape[:2]
        parts = vectors.split(self.widths, dim=-1)
        states = [None] * len(parts) if speaker_states is None else speaker_states.chunk(len(parts), dim=-1)
        outputs = [
            context(part, one, speaker) for context, part, one in zip(self.contexts, parts, states, strict=True)
        ]
        x = torch.cat(outputs, dim=-1)
        masks = [inputs[name].flatten() for name in ("has_text", "has_audio") if name in inputs]
        logits = self.network.classify(x.flatten(0, 1), *masks)
        return logits.unflatten(0, (num_dialogues, num_turns)), x


class EqualLengthContext(nn.Module):
    """A context module for dialogues of as many utterances each."""

    def __init__(self, context: nn.Module) -> None:
        super().__init__()
        self.context: Any = context
        self.input_names: tuple[str, ...] = ()
        if isinstance(context, RecurrentContext):
            self.context = OnnxGRU(context.gru)
            self.input_names = () if context.speaker_gru is None else ("speaker_states",)
        elif isinstance(context, AttentionContext):
            self.input_names = () if context.speaker_bias is None else ("speaker",)
        else:
            assert isinstance(context, NoContext)

    def forward(self, x: Tensor, speaker_states: Tensor | None, speaker: Tensor | None) -> Tensor:
        """Add context to ``(D, T, d)`` vectors."""
        if isinstance(self.context, OnnxGRU):
            states = [] if speaker_states is None else [speaker_states]
            return torch.cat([x, self.context(x), *states], dim=-1)
        if isinstance(self.context, AttentionContext):
            if speaker is None:
                speaker = torch.zeros_like(x[..., 0], dtype=torch.long)
            lengths = torch.full_like(speaker[:, 0], x.shape[1])
            return torch.cat([x, self.context.attend(x, speaker, lengths)], dim=-1)
        return x


def split_context(network: Any) -> tuple[list[Any], list[int]]:
    """Return the context modules of a network, one unless they are per modality, and the width of each input."""
    context = network.context
    if isinstance(context, PerModality):
        return list(context.branches), [context.width] * len(context.branches)
    return [context], [context.width_in]


class OnnxGRU(nn.Module):
    """A GRU as one node of ONNX, so that the number of steps stays dynamic: torch unrolls it when exported.

    Its gates are in the order update, reset, new; torch's are in the order reset, update, new.
    """

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.hidden_size, self.bidirectional = gru.hidden_size, gru.bidirectional
        suffixes = ("_l0", "_l0_reverse") if gru.bidirectional else ("_l0",)
        weights = {
            name: torch.stack([self._reorder(getattr(gru, name + suffix)) for suffix in suffixes])
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        self.w, self.r = (nn.Parameter(weights[name], requires_grad=False) for name in ("weight_ih", "weight_hh"))
        bias = torch.cat([weights["bias_ih"], weights["bias_hh"]], dim=-1)
        self.b = nn.Parameter(bias, requires_grad=False)

    @staticmethod
    def _reorder(gates: Tensor) -> Tensor:
        reset, update, new = gates.detach().chunk(3)
        return torch.cat([update, reset, new])

    def forward(self, x: Tensor) -> Tensor:
        """Run on ``(D, T, d)`` → ``(D, T, h)``, or ``(D, T, 2 · h)`` in both directions."""
        num_dialogues, num_turns, _width = x.shape
        attributes: dict[str, Any] = {
            "hidden_size": self.hidden_size,
            "direction": "bidirectional" if self.bidirectional else "forward",
            "linear_before_reset": 1,  # as in torch
        }
        output = torch.onnx.ops.symbolic(
            "GRU",
            (x.transpose(0, 1), self.w, self.r, self.b),
            attributes,
            dtype=x.dtype,
            shape=(num_turns, 1 + self.bidirectional, num_dialogues, self.hidden_size),
            version=18,
        )
        return output.permute(2, 0, 1, 3).flatten(2)
