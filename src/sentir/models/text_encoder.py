"""`TextEncoder`: tokens of N utterances → one vector per utterance and layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sentir.errors import WeightsError
from sentir.i18n import _
from sentir.models.device import to_tensors
from sentir.models.loading import check_usable, load_config, load_weights, quiet_transformers
from sentir.models.pooling import POOLINGS
from sentir.models.text_backbones import TextBackbone, get_text_backbone
from sentir.models.tokenization import TextTokenizer
from sentir.models.tokenizer_loading import build_text_tokenizer
from sentir.models.transformer_encoder import TransformerEncoder
from sentir.models.weights import WeightsSource

_WITH_POOLER = ("bert", "roberta", "xlm-roberta")  # their pooler may be randomly initialized: never built
_CPU_BATCH_SIZE = 16  # 1.8 times as fast as 64 on MELD's dialogues
_TOKENS_PER_PASS = 8192  # of predictions on an accelerator: all layers of a large decoder then take a few GB


class TextEncoder(TransformerEncoder):
    """A text transformer; each of its layers is pooled over tokens.

    Args:
        transformer: a bare transformers encoder.
        layers: hidden layers to return, 0 being the embeddings, negative ones from the end; ``None`` = all.
        pooling: names in `POOLINGS`; each gives a vector per layer.

    Raises:
        RecipeError: if the transformer has no such layer.
    """

    input_names = ("input_ids", "attention_mask", "token_type_ids", "pool_mask")

    def __init__(
        self, transformer: Any, layers: tuple[int, ...] | None = None, pooling: tuple[str, ...] = ("mean",)
    ) -> None:
        super().__init__(transformer, layers, pooling, setting="model.layers")

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

        On a CPU, sequences of similar length are encoded together, as a batch of dialogues is mostly padding. On
        an accelerator, predictions are cut into parts that fit its memory.

        With ``return_positions``, also return the ``(N, T, d)`` tokens of the last of the layers, and the
        ``(N, T)`` mask of those that are pooled.
        """
        tokens = {"input_ids": input_ids, "attention_mask": attention_mask, "pool_mask": pool_mask}
        tokens |= {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        on_cpu, inference = input_ids.device.type == "cpu", torch.is_inference_mode_enabled()
        may_split = inference or (self.training and on_cpu)  # not under captum's hooks
        size = _CPU_BATCH_SIZE if on_cpu else max(1, _TOKENS_PER_PASS // input_ids.shape[1])
        if return_positions or not may_split or len(input_ids) <= size:
            return self._encode(tokens, return_positions)
        order = attention_mask.sum(1).argsort(stable=True)
        states = [self._encode(_trim_padding(tokens, rows), False) for rows in order.split(size)]
        return torch.cat(states)[order.argsort()]

    def _encode(self, tokens: Mapping[str, Tensor], return_positions: bool) -> Any:
        inputs = {name: tensor for name, tensor in tokens.items() if name != "pool_mask"}
        states = self.transformer(**inputs, output_hidden_states=True).hidden_states
        mask = tokens["pool_mask"]
        functions = [POOLINGS[name] for name in self.pooling]
        pooled = torch.stack([pool(states[n], mask) for pool in functions for n in self.layers], dim=1)
        return (pooled, states[self.layers[-1]], mask.bool()) if return_positions else pooled


def _trim_padding(tokens: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    """Take rows, without the positions that are padding in all of them."""
    used = tokens["attention_mask"][rows].any(0)
    return {name: tensor[rows][:, used] for name, tensor in tokens.items()}


def load_text_encoder(
    name: str,
    *,
    weights: str | None = None,
    pretrained: bool = True,
    layers: tuple[int, ...] | None = None,
    pooling: tuple[str, ...] | None = None,
    max_length: int | None = None,
) -> tuple[TextEncoder, TextTokenizer, TextBackbone]:
    """Load a text backbone and its tokenizer.

    Args:
        name: a name in `TEXT_BACKBONES`, a hub id or a local folder.
        weights: a folder or hub id to take the weights and tokenizer from instead.
        pretrained: ``False`` initializes the architecture randomly.
        layers: hidden layers to return; ``None`` = all.
        pooling: names in `POOLINGS`; ``None`` = the backbone's.
        max_length: longest input in tokens, if shorter than the backbone's.

    Raises:
        UnknownNameError: if there is no such backbone.
        WeightsError: if the weights can neither be found nor downloaded, or are no text encoder.
        RecipeError: if the encoder does not have the ``layers``.
    """
    source = get_text_backbone(name).resolve_weights(weights)
    transformer = _load_transformer(source, pretrained=pretrained)
    tokenizer, spec = build_text_tokenizer(name, source, transformer.config.to_dict(), max_length)
    encoder = TextEncoder(transformer, layers, pooling or (spec.pooling,))
    if pretrained:
        check_usable(source, partial(_encode_sample, encoder, tokenizer))
    return encoder, tokenizer, spec


def _load_transformer(source: WeightsSource, *, pretrained: bool = True) -> Any:
    """Return the bare encoder, pretrained or randomly initialized.

    Raises:
        WeightsError: if it can neither be found nor downloaded, has a decoder, or some weights are missing or
            unreadable.
    """
    from transformers import AutoModel

    config = load_config(source)
    if config.is_encoder_decoder:
        raise WeightsError(
            _(
                "'{name}' cannot be used: it is an encoder-decoder model; give a text encoder.",
                name=source.location,
            )
        )
    config.use_cache = False  # of decoders
    extra: dict[str, Any] = {"add_pooling_layer": False} if config.model_type in _WITH_POOLER else {}
    build = partial(AutoModel.from_config, config, **extra)
    return load_weights(source, AutoModel.from_pretrained, build, **extra) if pretrained else build().float()


def _encode_sample(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    """Encode two texts of different length, as in training.

    Raises:
        ValueError: if there are tokens without an embedding.
    """
    num_embeddings = encoder.transformer.get_input_embeddings().num_embeddings
    if tokenizer.tokenizer.vocab_size > num_embeddings:
        raise ValueError(_("its tokenizer has more tokens than its {n} embeddings", n=num_embeddings))
    encoder(**to_tensors(tokenizer.pad([tokenizer.encode("a"), tokenizer.encode("a b", ["c"])])))


def save_text_encoder(encoder: TextEncoder, tokenizer: TextTokenizer, folder: Path) -> None:
    """Save an encoder and its tokenizer for `load_text_encoder`.

    Args:
        folder: the target; weights are saved as safetensors.
    """
    with quiet_transformers():
        encoder.transformer.save_pretrained(folder)
    tokenizer.tokenizer.save_pretrained(folder)
