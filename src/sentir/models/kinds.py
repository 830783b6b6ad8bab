"""The kinds of models by the name that a recipe gives them, described without torch."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import gettext_noop
from sentir.registry import Registry


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of model.

    Attributes:
        modalities: ``text``, ``audio`` or both.
    """

    modalities: frozenset[str]


MODELS = Registry(
    gettext_noop("model"),
    {
        "hybrid_transformer": ModelKind(frozenset({"text"})),
        "emotion_model": ModelKind(frozenset({"audio"})),
        "multimodal": ModelKind(frozenset({"text", "audio"})),
    },
)
