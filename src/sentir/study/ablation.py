"""What a recipe is worth without one of its parts: the candidates that ``study.ablate`` asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.models.factory import MODELS
from sentir.preprocessing.kinds import feature_modalities
from sentir.recipe import Recipe, Section, merge_settings
from sentir.training.setting_checks import unused_settings

FULL_RECIPE = "model"  # the recipe itself
_UNIMODAL_KINDS = {"text": "emotion_model", "audio": "hybrid_transformer"}  # what is left without it


def ablation_overrides(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return name → overrides: the recipe itself, then it without each part that ``study.ablate`` names.

    A list is emptied, or loses one of its names; any other setting goes back to its default. Without ``text`` or
    ``sound`` the network takes the other alone, and feature sets measured from it are left out with it. Settings
    that have nothing to do then go back to their defaults, too.

    Raises:
        RecipeError: if there is no such part, or the recipe does without it already.
    """
    found: dict[str, dict[str, Any]] = {FULL_RECIPE: {}}
    for part in recipe.study.ablate:
        changes = _without_modality(recipe, part) if part in _UNIMODAL_KINDS else _without_setting(recipe, part)
        found[f"{FULL_RECIPE} − {part.removeprefix('model.')}"] = _reset_unused_settings(recipe, changes)
    return found


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
            _("study.ablate: '{part}' can be left out of a model that reads and listens, and '{kind}' does not.",
              part=part, kind=model.kind)
        )  # fmt: skip
    kept = [name for name in model.features if part not in feature_modalities(name, model)]
    context = {"context": "none"} if part == "text" else {}  # a model that only listens has none
    return {"model": {"kind": _UNIMODAL_KINDS[part], "features": kept, **context}}


def _without_setting(recipe: Recipe, part: str) -> dict[str, Any]:
    path = part.split(".")
    if len(path) < 2:
        raise RecipeError(
            _("study.ablate: '{part}' is no setting; name one with its section, such as {example}.",
              part=part, example="model.context")
        )  # fmt: skip
    holder, name = _get_value(recipe, path[:-1]), path[-1]
    if isinstance(holder, tuple) and name in holder:
        return _nested_override(path[:-1], [other for other in holder if other != name])
    if not isinstance(holder, Section):
        raise _nothing_to_ablate_error(part)
    value, fields = getattr(holder, name, None), type(holder).model_fields
    if name not in fields:
        recipe.override(_nested_override(path, None), where="study.ablate")  # knows what to say of a wrong key
    default = fields[name].get_default(call_default_factory=True)
    rest = () if isinstance(value, tuple) and isinstance(default, tuple) else default
    if value == rest:
        raise _nothing_to_ablate_error(part)
    return _nested_override(path, rest.model_dump(mode="json") if isinstance(rest, Section) else rest)


def _default_override(recipe: Recipe, path: Sequence[str]) -> dict[str, Any]:
    """Return the override that gives a setting its default back."""
    usual = type(_get_value(recipe, path[:-1]))().model_dump(mode="json")
    return _nested_override(path, usual[path[-1]])


def _get_value(recipe: Recipe, path: Sequence[str]) -> Any:
    found: Any = recipe
    for key in path:
        found = getattr(found, key, None) if isinstance(found, Section) else None
    return found


def _nested_override(path: Sequence[str], value: Any) -> dict[str, Any]:
    tree: Mapping[str, Any] = reduce(lambda inner, key: {key: inner}, reversed(path), value)
    return dict(tree)


def _nothing_to_ablate_error(part: str) -> RecipeError:
    return RecipeError(
        _("study.ablate: the recipe does without '{part}' already; there is nothing to leave out.", part=part)
    )
