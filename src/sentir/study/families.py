"""The family of a model, by its inputs, the models that it stacks on, and remarks on its weights."""

from __future__ import annotations

from sentir.preprocessing.kinds import input_modalities, randomly_initialized_parts
from sentir.recipe import ModelSettings, Recipe


def model_notes(recipe: Recipe) -> tuple[str, ...]:
    """Return which parts of a model, and of the models that it stacks on, are randomly initialized."""
    models = [own.model for own in stacked_recipes(recipe)]
    return tuple(dict.fromkeys(note for model in models for note in randomly_initialized_parts(model)))


def modality_family(model: ModelSettings) -> str:
    """Return the modalities that a model uses, such as ``text_audio``; ``_stacked`` if it also stacks."""
    return name_family(input_modalities(model), is_stacked=model.uses_stacking)


def name_family(modalities: frozenset[str], *, is_stacked: bool = False) -> str:
    """Return the name of the models of some modalities, such as ``text_audio_stacked``."""
    return "_".join([*sorted(modalities, reverse=True), *(["stacked"] if is_stacked else [])])


def stacked_recipes(recipe: Recipe) -> list[Recipe]:
    """Return a recipe, that of the model it stacks on, and so on."""
    inner = recipe.stacked_recipe()
    return [recipe] if inner is None else [recipe, *stacked_recipes(inner)]
