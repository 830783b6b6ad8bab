"""Ablation: the candidates without one part of the recipe each, as listed in ``study.ablate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.models.kinds import MODELS
from sentir.preprocessing.kinds import feature_modalities
from sentir.recipe import Recipe, Section, merge_settings
from sentir.training.setting_checks import unused_settings

FULL_RECIPE = "model"  # the recipe itself
_UNIMODAL_KINDS = {"text": "emotion_model", "audio": "hybrid_transformer"}  # ablated modality → kind of model


def ablation_overrides(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return name → overrides: the recipe itself, then without each part that ``study.ablate`` lists.

    A list is emptied, or loses one of its names; any other setting is reset to its default. Without ``text`` or
    ``audio`` the model is unimodal, and feature sets computed from that modality are removed too. Settings that
    have no effect then are also reset to their defaults.

    Raises:
        RecipeError: if there is no such part, or the recipe does not use it.
    """
    overrides: dict[str, dict[str, Any]] = {FULL_RECIPE: {}}
    for part in recipe.study.ablate:
        changes = _without_modality(recipe, part) if part in _UNIMODAL_KINDS else _without_setting(recipe, part)
        overrides[f"{FULL_RECIPE} − {part.removeprefix('model.')}"] = _reset_unused_settings(recipe, changes)
    return overrides


def _reset_unused_settings(recipe: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    changed, before = recipe.override(changes), unused_settings(recipe.model, recipe.train)
    for key in unused_settings(changed.model, changed.train):
        if key not in before:
            changes = merge_settings(changes, _default_override(recipe, key.split(".")))
    return changes


def _without_modality(recipe: Recipe, part: str) -> dict[str, Any]:
    model = recipe.model
    if MODELS.get(model.kind).modalities != {"text", "audio"}:
        raise RecipeError(
            _("study.ablate: '{part}' can only be ablated from a model of text and audio, which '{kind}' is not.",
              part=part, kind=model.kind)
        )  # fmt: skip
    features = [name for name in model.features if part not in feature_modalities(name, model)]
    context = {"context": "none"} if part == "text" else {}  # a model of audio alone has none
    return {"model": {"kind": _UNIMODAL_KINDS[part], "features": features, **context}}


def _without_setting(recipe: Recipe, part: str) -> dict[str, Any]:
    path = part.split(".")
    if len(path) < 2:
        raise RecipeError(
            _("study.ablate: '{part}' is not a setting; give it with its section, such as {example}.",
              part=part, example="model.context")
        )  # fmt: skip
    parent, name = _get_value(recipe, path[:-1]), path[-1]
    if isinstance(parent, tuple) and name in parent:
        return _nested_override(path[:-1], [other for other in parent if other != name])
    if not isinstance(parent, Section):
        raise _nothing_to_ablate_error(part)
    value, fields = getattr(parent, name, None), type(parent).model_fields
    if name not in fields:
        recipe.override(
            _nested_override(path, None), where="study.ablate"
        )  # raises an error that names the wrong key
    default = fields[name].get_default(call_default_factory=True)
    ablated = () if isinstance(value, tuple) and isinstance(default, tuple) else default
    if value == ablated:
        raise _nothing_to_ablate_error(part)
    return _nested_override(path, ablated.model_dump(mode="json") if isinstance(ablated, Section) else ablated)


def _default_override(recipe: Recipe, path: Sequence[str]) -> dict[str, Any]:
    """Return the override that resets a setting to its default."""
    defaults = type(_get_value(recipe, path[:-1]))().model_dump(mode="json")
    return _nested_override(path, defaults[path[-1]])


def _get_value(recipe: Recipe, path: Sequence[str]) -> Any:
    value: Any = recipe
    for key in path:
        value = getattr(value, key, None) if isinstance(value, Section) else None
    return value


def _nested_override(path: Sequence[str], value: Any) -> dict[str, Any]:
    tree: Mapping[str, Any] = reduce(lambda inner, key: {key: inner}, reversed(path), value)
    return dict(tree)


def _nothing_to_ablate_error(part: str) -> RecipeError:
    return RecipeError(
        _("study.ablate: the recipe does not use '{part}'; there is nothing to ablate.", part=part)
    )
