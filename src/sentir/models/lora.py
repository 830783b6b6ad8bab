"""LoRA: low-rank adapters of a text encoder (Hu et al. 2022), merged into its weights after training."""

from __future__ import annotations

import warnings

from torch import nn

from sentir.models.text_encoder import TextEncoder
from sentir.optional_dependencies import require_extra
from sentir.recipe import LoraSettings


def add_lora(encoder: TextEncoder, settings: LoraSettings) -> None:
    """Freeze an encoder and add trainable adapters to all its linear layers.

    Raises:
        RecipeError: if the package peft is missing.
    """
    require_extra("lora", "'model.encoder = lora'")
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules="all-linear"
    )
    with warnings.catch_warnings():  # peft uses a deprecated name of transformers
        warnings.simplefilter("ignore", FutureWarning)
        encoder.transformer = get_peft_model(encoder.transformer, config)


def merge_lora(model: nn.Module) -> None:
    """Merge the adapters of a model's encoder into its weights; the result needs no peft."""
    for module in model.modules():
        if isinstance(module, TextEncoder) and hasattr(module.transformer, "merge_and_unload"):
            module.transformer = module.transformer.merge_and_unload()
