"""Encoders: inputs of N utterances → one vector per utterance and layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sentir.errors import RecipeError, WeightsError
from sentir.i18n import _
from sentir.models.loading import check_usable, load_config
from sentir.models.text_backbones import (
    TextBackbone,
    get_text_backbone,
    limit_max_length,
    load_tokenizer,
    load_transformer,
)
from sentir.models.tokenization import TextTokenizer
from sentir.models.weights import WeightsSource

_CPU_BATCH_SIZE = 16  # sequences that a CPU pads together: 1.8 times as fast as 64 on MELD's dialogues


def get_best_device() -> torch.device:
    """Return the accelerator where there is one (CUDA, MPS), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Average ``(N, T, d)`` over the positions where the ``(N, T)`` mask is 1 → ``(N, d)``."""
    weight = mask.unsqueeze(-1).to(states.dtype)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1)


def masked_max(states: Tensor, mask: Tensor) -> Tensor:
    """Take the largest of ``(N, T, d)`` where the ``(N, T)`` mask is 1 → ``(N, d)``; 0 where it is 1 nowhere."""
    known = mask.bool().unsqueeze(-1)
    return torch.where(known.any(1), states.masked_fill(~known, -torch.inf).amax(1), 0.0)


POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mean": masked_mean, "max": masked_max}


def enable_gradient_checkpointing(transformer: Any) -> None:
    """Let a transformer compute activations anew in the backward pass, under transformers' new or old name."""
    enable = getattr(transformer, "activation_checkpointing_enable", None)
    (enable or transformer.gradient_checkpointing_enable)({"use_reentrant": False})


def resolve_layers(transformer: Any, layers: tuple[int, ...] | None, *, setting: str) -> tuple[int, ...]:
    """Return which hidden layers are read, 0 being the embeddings, from what a ``setting`` names; ``None`` = all.

    Raises:
        RecipeError: if the transformer has no such layer.
    """
    count = transformer.config.num_hidden_layers + 1
    wanted = tuple(range(count)) if layers is None else layers
    if wrong := [n for n in wanted if not -count <= n < count]:
        raise RecipeError(
            _("'{setting}' names layer {n}; the encoder has {low} to {high}.",
              setting=setting, n=wrong[0], low=-count, high=count - 1)
        )  # fmt: skip
    return tuple(n % count for n in wanted)


class TextEncoder(nn.Module):
    """A text transformer that gives vectors of its layers, pooled over tokens.

    Args:
        transformer: a bare transformers encoder.
        layers: hidden layers to read, 0 being the embeddings, negative ones from the end; ``None`` = all.
        pooling: names in `POOLINGS`; each gives a vector per layer.

    Raises:
        RecipeError: if the transformer has no such layer.
    """

    input_names = ("input_ids", "attention_mask", "token_type_ids", "pool_mask")

    def __init__(
        self, transformer: Any, layers: tuple[int, ...] | None = None, pooling: tuple[str, ...] = ("mean",)
    ) -> None:
        super().__init__()
        self.transformer, self.pooling = transformer, pooling
        self.layers = resolve_layers(transformer, layers, setting="model.layers")

    @property
    def width(self) -> int:
        """Width d of a vector."""
        return int(self.transformer.config.hidden_size)

    @property
    def states_shape(self) -> tuple[int, int]:
        """Shape ``(L, d)`` of what it gives of one utterance: all layers pooled one way, then the next."""
        return len(self.layers) * len(self.pooling), self.width

    def enable_gradient_checkpointing(self) -> None:
        """Compute activations anew in the backward pass instead of keeping them (Chen et al. 2016).

        Raises:
            RecipeError: if the transformer cannot.
        """
        if not self.transformer.supports_gradient_checkpointing:
            raise RecipeError(
                _("This text encoder cannot be trained with 'train.gradient_checkpointing'; remove it.")
            )
        enable_gradient_checkpointing(self.transformer)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pool_mask: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        return_positions: bool = False,
    ) -> Any:
        """Encode N token sequences ``(N, T)`` → ``(N, L, d)``, whatever their padding.

        A CPU computes sequences of like length together, for a batch of dialogues is mostly padding.

        With ``return_positions``, return beside it the ``(N, T, d)`` tokens of the last of the layers, and ``(N, T)``
        booleans, true for those that are pooled.
        """
        tokens = {"input_ids": input_ids, "attention_mask": attention_mask, "pool_mask": pool_mask}
        tokens |= {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        in_parts = self.training or torch.is_inference_mode_enabled()  # not where captum watches layers
        if (
            return_positions
            or not in_parts
            or input_ids.device.type != "cpu"
            or len(input_ids) <= _CPU_BATCH_SIZE
        ):
            return self._encode(tokens, return_positions)
        order = attention_mask.sum(1).argsort(stable=True)
        states = [self._encode(_trim_padding(tokens, rows), False) for rows in order.split(_CPU_BATCH_SIZE)]
        return torch.cat(states)[order.argsort()]

    def _encode(self, tokens: Mapping[str, Tensor], return_positions: bool) -> Any:
        taken = {name: tensor for name, tensor in tokens.items() if name != "pool_mask"}
        states = self.transformer(**taken, output_hidden_states=True).hidden_states
        pool = tokens["pool_mask"]
        ways = [POOLINGS[name] for name in self.pooling]
        pooled = torch.stack([way(states[n], pool) for way in ways for n in self.layers], dim=1)
        return (pooled, states[self.layers[-1]], pool.bool()) if return_positions else pooled


def _trim_padding(tokens: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    """Take rows, without the positions in which all of them are padded."""
    real = tokens["attention_mask"][rows].any(0)
    return {name: tensor[rows][:, real] for name, tensor in tokens.items()}


def load_text_encoder(
    name: str,
    *,
    weights: str | None = None,
    pretrained: bool = True,
    layers: tuple[int, ...] | None = None,
    pooling: tuple[str, ...] = ("mean",),
    max_length: int | None = None,
) -> tuple[TextEncoder, TextTokenizer, TextBackbone]:
    """Load a text backbone and its tokenizer.

    Args:
        name: a name in `TEXT_BACKBONES`, a hub id or a local folder.
        weights: a folder or hub id to take the weights and tokenizer from instead.
        pretrained: ``False`` keeps the architecture and draws random weights.
        layers: hidden layers to read; ``None`` = all.
        pooling: names in `POOLINGS`.
        max_length: longest input in tokens, if shorter than what the backbone allows.

    Raises:
        UnknownNameError: if there is no such backbone.
        WeightsError: if the weights can neither be found nor fetched, or are no text encoder.
        RecipeError: if the encoder does not have the ``layers``.
    """
    source = get_text_backbone(name).resolve_weights(weights)
    transformer = load_transformer(source, pretrained=pretrained)
    tokenizer, spec = _build_tokenizer(name, source, transformer.config, max_length)
    encoder = TextEncoder(transformer, layers, pooling)
    if pretrained:
        check_usable(source, partial(_encode_sample, encoder, tokenizer))
    return encoder, tokenizer, spec


def load_text_tokenizer(name: str, *, weights: str | None = None, max_length: int | None = None) -> TextTokenizer:
    """Load the tokenizer of a text backbone, as `load_text_encoder` does, without the backbone."""
    source = get_text_backbone(name).resolve_weights(weights)
    return _build_tokenizer(name, source, load_config(source), max_length)[0]


def _build_tokenizer(
    name: str, source: WeightsSource, config: Any, max_length: int | None
) -> tuple[TextTokenizer, TextBackbone]:
    spec = limit_max_length(get_text_backbone(name), config)
    tokenizer = load_tokenizer(source, spec.tokenizer_options)
    length = min(max_length or spec.max_length, spec.max_length, tokenizer.model_max_length)
    if tokenizer.pad_token is None:
        raise WeightsError(
            _("'{name}' cannot be used: its tokenizer has no padding token; give a text encoder.",
              name=source.location)
        )  # fmt: skip
    return TextTokenizer(tokenizer, length, spec.normalize), spec


def _encode_sample(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    """Read two texts of different length, as training will.

    Raises:
        ValueError: if there are tokens without a vector.
    """
    rows = encoder.transformer.get_input_embeddings().num_embeddings
    if max(tokenizer.tokenizer.get_vocab().values()) >= rows:
        raise ValueError(_("its tokenizer has more tokens than it has vectors for, {n}", n=rows))
    encoder(**tokenizer.pad([tokenizer.encode("a"), tokenizer.encode("a b", ["c"])]))


def save_text_encoder(encoder: TextEncoder, tokenizer: TextTokenizer, folder: Path) -> None:
    """Write an encoder and its tokenizer so that `load_text_encoder` gives the same again.

    Args:
        folder: receives what transformers saves, the weights as safetensors.
    """
    encoder.transformer.save_pretrained(folder)
    plain = tokenizer.tokenizer
    plain.save_pretrained(folder)
    if hasattr(plain, "bpe_ranks"):  # BERTweet: transformers leaves out the counts that it then expects to read
        codes = sorted(plain.bpe_ranks, key=plain.bpe_ranks.__getitem__)
        text = "".join(f"{left} {right} 1\n" for left, right in codes)
        (folder / "bpe.codes").write_text(text, encoding="utf-8")
