"""Dialogue context: vectors of utterances that know what was said around them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CONTEXTS = ("none", "window", "dialogue")

_MAX_HEADS = 4
_MAX_DISTANCE = 16  # turns; whatever is farther away is as far as this


@dataclass(frozen=True, slots=True)
class DialogueContextConfig:
    """What kind of layer goes over the utterances of a dialogue.

    Attributes:
        layer: ``gru`` or ``attention``.
        direction: ``both``, what came before and what comes after, or ``past``: what comes after changes nothing.
        speakers: whether it tells the same speaker from another one.
        window: how many turns away attention reaches; ``None`` = the whole dialogue.
    """

    layer: Literal["gru", "attention"] = "gru"
    direction: Literal["bidirectional", "causal"] = "bidirectional"
    speakers: bool = False
    window: int | None = None


def pad_dialogues(dialogues: Tensor, turns: Tensor) -> tuple[Tensor, Tensor]:
    """Lay N utterances out by dialogue.

    Args:
        dialogues: ``(N,)`` integers, equal within a dialogue.
        turns: ``(N,)`` integers that order a dialogue.

    Returns:
        ``(D, T)`` indices into the N utterances, padded with 0, and the ``(D,)`` lengths.
    """
    order = torch.argsort(turns, stable=True)
    order = order[torch.argsort(dialogues[order], stable=True)]
    _values, lengths = torch.unique_consecutive(dialogues[order], return_counts=True)
    ends = lengths.cumsum(0)
    steps = torch.arange(int(lengths.max()), device=dialogues.device)
    positions = (ends - lengths).unsqueeze(1) + steps
    inside = steps < lengths.unsqueeze(1)
    return order[torch.where(inside, positions, 0)], lengths


def unpad_dialogues(padded: Tensor, index: Tensor, lengths: Tensor) -> Tensor:
    """Undo `by_dialogue`: ``(D, T, d)`` → ``(N, d)``."""
    inside = torch.arange(index.shape[1], device=index.device) < lengths.unsqueeze(1)
    rows = padded.new_zeros(int(lengths.sum()), padded.shape[-1])
    rows[index[inside]] = padded[inside]
    return rows


class RecurrentContext(nn.Module):
    """A GRU over the utterances of each dialogue, beside the utterance's own vector.

    A dialogue's output depends on nothing else in the batch (packed sequences). With ``speakers`` a second GRU
    goes over what the utterance's own speaker says in the dialogue.

    Args:
        width: width d of the vectors that come in.
        hidden: width of each direction; `width_out` is d and ``hidden`` for each direction of each GRU.
        kind: its ``reads`` and ``speakers``.
    """

    def __init__(self, width: int, hidden: int, config: DialogueContextConfig) -> None:
        super().__init__()
        both = config.direction == "bidirectional"
        self.gru = nn.GRU(width, hidden, batch_first=True, bidirectional=both)
        self.speaker_gru = (
            nn.GRU(width, hidden, batch_first=True, bidirectional=both) if config.speakers else None
        )
        self.width_out = width + hidden * (1 + both) * (1 + config.speakers)

    def forward(self, x: Tensor, dialogue: Tensor, turn: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Give ``(N, d)`` vectors their dialogue; ``speaker`` as `build_context` says."""
        found = [x, _run_gru(self.gru, x, dialogue, turn)]
        if self.speaker_gru is not None:
            pairs = torch.stack([dialogue, _speakers_or_unique(speaker, x)], dim=1)
            found.append(_run_gru(self.speaker_gru, x, pairs.unique(dim=0, return_inverse=True)[1], turn))
        return torch.cat(found, dim=-1)


def _run_gru(gru: nn.GRU, x: Tensor, group: Tensor, turn: Tensor) -> Tensor:
    """Run a GRU over ``(N, d)`` vectors, group by group."""
    index, lengths = pad_dialogues(group, turn)
    packed = pack_padded_sequence(x[index], lengths.cpu(), batch_first=True, enforce_sorted=False)
    return unpad_dialogues(pad_packed_sequence(gru(packed)[0], batch_first=True)[0], index, lengths)


def _speakers_or_unique(speaker: Tensor | None, x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device) if speaker is None else speaker


class AttentionContext(nn.Module):
    """A transformer layer over the utterances of each dialogue, beside the utterance's own vector.

    Each head adds to its scores a learned number for the distance in turns (Raffel et al. 2020) and, with
    ``speakers``, one for an utterance of the same speaker and one for another's. Normalization comes first (Xiong
    et al. 2020).

    Args:
        width: width d of the vectors that come in.
        hidden: width of the layer; `width_out` is ``d + hidden``.
        kind: its ``reads``, ``speakers`` and ``span``.
        dropout: probability on what the layer adds.
    """

    def __init__(self, width: int, hidden: int, config: DialogueContextConfig, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.causal, self.window = (
            math.gcd(hidden, _MAX_HEADS),
            config.direction == "causal",
            config.window,
        )
        self.proj_in = nn.Linear(width, hidden)
        self.norm_in = nn.LayerNorm(hidden)
        self.qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.attn_out = nn.Sequential(nn.Linear(hidden, hidden), nn.Dropout(dropout))
        self.ffn = nn.Sequential(
            nn.LayerNorm(hidden),
            nn.Linear(hidden, 2 * hidden),
            nn.GELU(),
            nn.Linear(2 * hidden, hidden),
            nn.Dropout(dropout),
        )
        self.distance_bias = nn.Embedding(2 * _MAX_DISTANCE + 1, self.num_heads)
        self.speaker_bias = nn.Embedding(2, self.num_heads) if config.speakers else None
        self.norm_out = nn.LayerNorm(hidden)
        self.width_out = width + hidden

    def forward(self, x: Tensor, dialogue: Tensor, turn: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Give ``(N, d)`` vectors their dialogue; ``speaker`` as `build_context` says."""
        index, lengths = pad_dialogues(dialogue, turn)
        states = self.proj_in(x[index])
        scores = self._attention_bias(_speakers_or_unique(speaker, x)[index], lengths)
        q, k, v = self.qkv(self.norm_in(states)).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        found = scaled_dot_product_attention(q, k, v, attn_mask=scores.to(q.dtype))
        states = states + self.attn_out(found.transpose(1, 2).flatten(2))
        states = self.norm_out(states + self.ffn(states))
        return torch.cat([x, unpad_dialogues(states, index, lengths)], dim=-1)

    def _attention_bias(self, speaker: Tensor, lengths: Tensor) -> Tensor:
        """Return what is added to the scores of ``(D, T)`` utterances: ``(D, heads, T, T)``."""
        place = torch.arange(speaker.shape[1], device=speaker.device)
        away = place - place.unsqueeze(1)
        scores = self.distance_bias(away.clamp(-_MAX_DISTANCE, _MAX_DISTANCE) + _MAX_DISTANCE).expand(
            len(speaker), -1, -1, -1
        )
        if self.speaker_bias is not None:
            scores = scores + self.speaker_bias((speaker.unsqueeze(1) == speaker.unsqueeze(2)).long())
        seen = (place < lengths.unsqueeze(1)).unsqueeze(1)
        if self.causal:
            seen = seen & (away <= 0)
        if self.window is not None:
            seen = seen & (away.abs() <= self.window)
        seen = seen | (away == 0)  # padding sees itself, lest it see nothing and learn NaN
        return scores.masked_fill(~seen.unsqueeze(-1), -torch.inf).permute(0, 3, 1, 2)


class NoContext(nn.Module):
    """Every utterance by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width_out = width

    def forward(
        self, x: Tensor, dialogue: Tensor | None = None, turn: Tensor | None = None, speaker: Tensor | None = None
    ) -> Tensor:
        """Return ``x``."""
        return x


def build_context(
    context_kind: str,
    width: int,
    hidden: int,
    *,
    config: DialogueContextConfig | None = None,
    dropout: float = 0.0,
) -> NoContext | RecurrentContext | AttentionContext:
    """Build what ``(N, d)`` vectors go through before the head.

    It takes ``x (N, d)``, ``dialogue``, ``turn`` and ``speaker``: ``(N,)`` integers, of which ``speaker`` is
    equal where the same one speaks in the same dialogue; without it, every utterance has a speaker of its own.

    Args:
        context_kind: ``none``, ``window`` (whose turns lie in the text input) or ``dialogue``.
        width: d.
        hidden: width of a layer over dialogues.
        config: of that layer; by default a `DialogueKind` as it is.
        dropout: probability inside it.

    Returns:
        A module with ``width_out``.
    """
    config = config or DialogueContextConfig()
    if context_kind != "dialogue":
        return NoContext(width)
    if config.layer == "gru":
        return RecurrentContext(width, hidden, config)
    return AttentionContext(width, hidden, config, dropout)


def context_inputs(context_kind: str, config: DialogueContextConfig | None) -> tuple[str, ...]:
    """Return the inputs of a model that `build_context` needs."""
    speakers = context_kind == "dialogue" and config is not None and config.speakers
    return ("dialogue", "turn", "speaker") if speakers else ("dialogue", "turn")
