"""Adapters of low rank in a text encoder while it learns (LoRA, Hu et al. 2022); then merged into its weights."""

from __future__ import annotations

import importlib.util
import warnings

from torch import nn

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.models.text_encoder import TextEncoder
from sentir.recipe import LoraSettings


def require_peft() -> None:
    """Check that adapters can be made.

    Raises:
        RecipeError: if the package peft is missing.
    """
    if importlib.util.find_spec("peft") is None:
        raise RecipeError(
            _("'model.encoder = lora' needs the package peft; install it with: pip install 'sentir[lora]'.")
        )


def add_lora(encoder: TextEncoder, settings: LoraSettings) -> None:
    """Freeze an encoder and put adapters into all its linear layers; they alone learn.

    Raises:
        RecipeError: if the package peft is missing.
    """
    require_peft()
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules="all-linear"
    )
    with warnings.catch_warnings():  # peft asks transformers by a name of old
        warnings.simplefilter("ignore", FutureWarning)
        encoder.transformer = get_peft_model(encoder.transformer, config)


def merge_lora(model: nn.Module) -> None:
    """Add the adapters of a model's encoder to its weights; what is left is saved and loaded without peft."""
    for module in model.modules():
        if isinstance(module, TextEncoder) and hasattr(module.transformer, "merge_and_unload"):
            module.transformer = module.transformer.merge_and_unload()
