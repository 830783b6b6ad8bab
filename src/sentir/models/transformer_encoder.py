"""`TransformerEncoder`: what text and speech encoders have in common."""

from __future__ import annotations

from typing import Any

from torch import nn

from sentir import torchvision_operators  # noqa: F401  (before transformers and timm)
from sentir.errors import RecipeError
from sentir.i18n import _


class TransformerEncoder(nn.Module):
    """A transformer that returns vectors of some of its layers.

    Args:
        transformer: a bare transformers encoder.
        layers: hidden layers to return, 0 being the input of the first one, negative ones from the end;
            ``None`` = all.
        pooling: names in `POOLINGS`; each gives a vector per layer.
        setting: the recipe key of ``layers``, for the error.

    Raises:
        RecipeError: if the transformer has no such layer.
    """

    def __init__(
        self,
        transformer: Any,
        layers: tuple[int, ...] | None,
        pooling: tuple[str, ...] = ("mean",),
        *,
        setting: str,
    ) -> None:
        super().__init__()
        self.transformer, self.pooling = transformer, pooling
        count = transformer.config.num_hidden_layers + 1
        requested = tuple(range(count)) if layers is None else layers
        if wrong := [n for n in requested if not -count <= n < count]:
            raise RecipeError(
                _("'{setting}' names layer {n}; the encoder has {low} to {high}.",
                  setting=setting, n=wrong[0], low=-count, high=count - 1)
            )  # fmt: skip
        self.layers = tuple(n % count for n in requested)

    @property
    def width(self) -> int:
        """Width d of a vector."""
        return int(self.transformer.config.hidden_size)

    @property
    def states_shape(self) -> tuple[int, int]:
        """Shape ``(L, d)`` of the output per utterance: all layers with one pooling, then with the next."""
        return len(self.layers) * len(self.pooling), self.width

    def enable_gradient_checkpointing(self) -> None:
        """Recompute activations in the backward pass to save memory (Chen et al. 2016).

        Raises:
            RecipeError: if the transformer does not support it.
        """
        if not self.transformer.supports_gradient_checkpointing:
            raise RecipeError(_("This text encoder does not support 'train.gradient_checkpointing'; remove it."))
        # transformers' new or old name
        enable = getattr(self.transformer, "activation_checkpointing_enable", None)
        (enable or self.transformer.gradient_checkpointing_enable)({"use_reentrant": False})
