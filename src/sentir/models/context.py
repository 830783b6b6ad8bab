"""Dialogue context: vectors of utterances that know what was said around them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def by_dialogue(dialogue: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """Lay N utterances out by dialogue.

    Args:
        dialogue: ``(N,)`` integers, equal within a dialogue.
        turn: ``(N,)`` integers that order a dialogue.

    Returns:
        ``(D, T)`` indices into the N utterances, padded with 0, and the ``(D,)`` lengths.
    """
    order = torch.argsort(turn, stable=True)
    order = order[torch.argsort(dialogue[order], stable=True)]
    _values, lengths = torch.unique_consecutive(dialogue[order], return_counts=True)
    ends = lengths.cumsum(0)
    steps = torch.arange(int(lengths.max()), device=dialogue.device)
    positions = (ends - lengths).unsqueeze(1) + steps
    inside = steps < lengths.unsqueeze(1)
    return order[torch.where(inside, positions, 0)], lengths


class DialogueContext(nn.Module):
    """A bidirectional GRU over the utterances of each dialogue, beside the utterance's own vector.

    A dialogue's output depends on nothing else in the batch (packed sequences).

    Args:
        width: width d of the vectors that come in.
        hidden: width of each direction; `width_out` is ``d + 2 · hidden``.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, hidden, batch_first=True, bidirectional=True)
        self.width_out = width + 2 * hidden

    def forward(self, x: Tensor, dialogue: Tensor, turn: Tensor) -> Tensor:
        """Give ``(N, d)`` vectors their dialogue: ``(N, d + 2 · hidden)``."""
        index, lengths = by_dialogue(dialogue, turn)
        packed = pack_padded_sequence(x[index], lengths.cpu(), batch_first=True, enforce_sorted=False)
        padded, _lengths = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        inside = torch.arange(index.shape[1], device=x.device) < lengths.unsqueeze(1)
        around = torch.zeros(x.shape[0], padded.shape[-1], dtype=padded.dtype, device=x.device)
        around[index[inside]] = padded[inside]
        return torch.cat([x, around], dim=-1)


class NoContext(nn.Module):
    """Every utterance by itself."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.width_out = width

    def forward(self, x: Tensor, dialogue: Tensor | None = None, turn: Tensor | None = None) -> Tensor:
        """Return ``x``."""
        return x


# A window of earlier turns lies in the text input, so the head sees no context of its own.
CONTEXTS: dict[str, type[DialogueContext | NoContext]] = {
    "none": NoContext,
    "window": NoContext,
    "dialogue": DialogueContext,
}
