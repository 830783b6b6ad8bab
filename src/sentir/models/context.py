"""Dialogue context: each utterance's vector, with information from the turns around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

_MAX_HEADS = 4
_MAX_DISTANCE = 16  # turns; larger distances share one bias


@dataclass(frozen=True, slots=True)
class DialogueContextConfig:
    """Settings of the layer over the utterances of a dialogue.

    Attributes:
        layer: ``gru`` or ``attention``.
        direction: ``bidirectional``, or ``causal``: later turns change nothing.
        speakers: whether the layer distinguishes the same speaker from others.
        window: largest distance in turns that attention reaches; ``None`` = the whole dialogue.
    """

    layer: Literal["gru", "attention"] = "gru"
    direction: Literal["bidirectional", "causal"] = "bidirectional"
    speakers: bool = False
    window: int | None = None


def pad_dialogues(dialogues: Tensor, turns: Tensor) -> tuple[Tensor, Tensor]:
    """Group N utterances into padded dialogues.

    Args:
        dialogues: ``(N,)`` integers, equal within a dialogue.
        turns: ``(N,)`` integers that order the utterances of a dialogue.

    Returns:
        ``(D, T)`` indices into the N utterances, padded with 0, and the ``(D,)`` lengths.
    """
    order = torch.argsort(turns, stable=True)
    order = order[torch.argsort(dialogues[order], stable=True)]
    _values, lengths = torch.unique_consecutive(dialogues[order], return_counts=True)
    ends = lengths.cumsum(0)
    steps = torch.arange(int(lengths.max()), device=dialogues.device)
    positions = (ends - lengths).unsqueeze(1) + steps
    mask = steps < lengths.unsqueeze(1)
    return order[torch.where(mask, positions, 0)], lengths


def unpad_dialogues(padded: Tensor, index: Tensor, lengths: Tensor) -> Tensor:
    """Undo `pad_dialogues`: ``(D, T, d)`` → ``(N, d)``."""
    mask = torch.arange(index.shape[1], device=index.device) < lengths.unsqueeze(1)
    rows = padded.new_zeros(int(lengths.sum()), padded.shape[-1])
    rows[index[mask]] = padded[mask]
    return rows


class RecurrentContext(nn.Module):
    """A GRU over the utterances of each dialogue; its output is concatenated to the utterance's own vector.

    A dialogue's output depends on nothing else in the batch (packed sequences). With ``speakers`` a second GRU
    runs over the turns of the utterance's own speaker in the dialogue.

    Args:
        width: width d of the inputs.
        hidden_size: of each direction; `width_out` is d plus ``hidden_size`` for each direction of each GRU.
        config: its ``direction`` and ``speakers``.
    """

    def __init__(self, width: int, hidden_size: int, config: DialogueContextConfig) -> None:
        super().__init__()
        both = config.direction == "bidirectional"
        self.gru = nn.GRU(width, hidden_size, batch_first=True, bidirectional=both)
        self.speaker_gru = (
            nn.GRU(width, hidden_size, batch_first=True, bidirectional=both) if config.speakers else None
        )
        self.width_in, self.width_out = width, width + hidden_size * (1 + both) * (1 + config.speakers)

    def forward(self, x: Tensor, dialogue: Tensor, turn: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Add context to ``(N, d)`` vectors; ``speaker`` as in `build_context`."""
        outputs = [x, _run_gru(self.gru, x, dialogue, turn)]
        if self.speaker_gru is not None:
            pairs = torch.stack([dialogue, _speakers_or_unique(speaker, x)], dim=1)
            outputs.append(_run_gru(self.speaker_gru, x, pairs.unique(dim=0, return_inverse=True)[1], turn))
        return torch.cat(outputs, dim=-1)


def _run_gru(gru: nn.GRU, x: Tensor, group: Tensor, turn: Tensor) -> Tensor:
    """Run a GRU over ``(N, d)`` vectors, group by group."""
    index, lengths = pad_dialogues(group, turn)
    packed = pack_padded_sequence(x[index], lengths.cpu(), batch_first=True, enforce_sorted=False)
    return unpad_dialogues(pad_packed_sequence(gru(packed)[0], batch_first=True)[0], index, lengths)


def _speakers_or_unique(speaker: Tensor | None, x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device) if speaker is None else speaker


class AttentionContext(nn.Module):
    """A transformer layer over the utterances of each dialogue; its output is concatenated to the inputs.

    Each head adds a learned bias for the distance in turns to its scores (Raffel et al. 2020) and, with
    ``speakers``, one for turns of the same speaker and one for others. Pre-norm (Xiong et al. 2020).

    Args:
        width: width d of the inputs.
        hidden_size: width of the layer; `width_out` is ``d + hidden_size``.
        config: its ``direction``, ``speakers`` and ``window``.
        dropout: probability on the residual branches.
    """

    def __init__(self, width: int, hidden_size: int, config: DialogueContextConfig, dropout: float) -> None:
        super().__init__()
        self.num_heads = math.gcd(hidden_size, _MAX_HEADS)
        self.causal, self.window = config.direction == "causal", config.window
        self.proj_in = nn.Linear(width, hidden_size)
        self.norm_in = nn.LayerNorm(hidden_size)
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size, bias=False)
        self.attn_out = nn.Sequential(nn.Linear(hidden_size, hidden_size), nn.Dropout(dropout))
        self.ffn = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, 2 * hidden_size),
            nn.GELU(),
            nn.Linear(2 * hidden_size, hidden_size),
            nn.Dropout(dropout),
        )
        self.distance_bias = nn.Embedding(2 * _MAX_DISTANCE + 1, self.num_heads)
        self.speaker_bias = nn.Embedding(2, self.num_heads) if config.speakers else None
        self.norm_out = nn.LayerNorm(hidden_size)
        self.width_in, self.width_out = width, width + hidden_size

    def forward(self, x: Tensor, dialogue: Tensor, turn: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Add context to ``(N, d)`` vectors; ``speaker`` as in `build_context`."""
        index, lengths = pad_dialogues(dialogue, turn)
        states = self.attend(x[index], _speakers_or_unique(speaker, x)[index], lengths)
        return torch.cat([x, unpad_dialogues(states, index, lengths)], dim=-1)

    def attend(self, x: Tensor, speaker: Tensor, lengths: Tensor) -> Tensor:
        """Return the outputs ``(D, T, hidden_size)`` of the layer for padded dialogues.

        Args:
            x: ``(D, T, d)``.
            speaker: ``(D, T)``.
            lengths: ``(D,)``, turns of each.
        """
        states = self.proj_in(x)
        bias = self._attention_bias(speaker, lengths)
        q, k, v = self.qkv(self.norm_in(states)).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        states = states + self.attn_out(attended.transpose(1, 2).flatten(2))
        return self.norm_out(states + self.ffn(states))

    def _attention_bias(self, speaker: Tensor, lengths: Tensor) -> Tensor:
        """Return the additive mask of the scores of ``(D, T)`` utterances: ``(D, heads, T, T)``."""
        position = torch.arange(speaker.shape[1], device=speaker.device)
        distance = position - position.unsqueeze(1)
        clamped = distance.clamp(-_MAX_DISTANCE, _MAX_DISTANCE) + _MAX_DISTANCE
        bias = self.distance_bias(clamped).expand(len(speaker), -1, -1, -1)
        if self.speaker_bias is not None:
            bias = bias + self.speaker_bias((speaker.unsqueeze(1) == speaker.unsqueeze(2)).long())
        visible = (position < lengths.unsqueeze(1)).unsqueeze(1)
        if self.causal:
            visible = visible & (distance <= 0)
        if self.window is not None:
            visible = visible & (distance.abs() <= self.window)
        visible = visible | (distance == 0)  # padding attends to itself, as a fully masked row would be NaN
        return bias.masked_fill(~visible.unsqueeze(-1), -torch.inf).permute(0, 3, 1, 2)


class NoContext(nn.Module):
    """No context: every utterance on its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width_in = self.width_out = width

    def forward(
        self, x: Tensor, dialogue: Tensor | None = None, turn: Tensor | None = None, speaker: Tensor | None = None
    ) -> Tensor:
        """Return ``x``."""
        return x


def build_context(
    context_kind: str,
    width: int,
    hidden_size: int,
    *,
    config: DialogueContextConfig | None = None,
    dropout: float = 0.0,
) -> NoContext | RecurrentContext | AttentionContext:
    """Build the context module, which ``(N, d)`` vectors go through before the head.

    It takes ``x (N, d)``, and ``dialogue``, ``turn`` and ``speaker``: ``(N,)`` integers, of which ``speaker`` is
    equal for the same speaker in the same dialogue; without it, every utterance has its own speaker.

    Args:
        context_kind: ``none``, ``window`` (whose turns are part of the text input) or ``dialogue``.
        width: d.
        hidden_size: width of a layer over dialogues.
        config: of that layer; by default a `DialogueContextConfig()`.
        dropout: probability inside it.

    Returns:
        A module with ``width_in`` = d and ``width_out``.
    """
    config = config or DialogueContextConfig()
    if context_kind != "dialogue":
        return NoContext(width)
    if config.layer == "gru":
        return RecurrentContext(width, hidden_size, config)
    return AttentionContext(width, hidden_size, config, dropout)


def context_inputs(context_kind: str, config: DialogueContextConfig | None) -> tuple[str, ...]:
    """Return the names of the inputs that the module of `build_context` needs."""
    speakers = context_kind == "dialogue" and config is not None and config.speakers
    return ("dialogue", "turn", "speaker") if speakers else ("dialogue", "turn")
