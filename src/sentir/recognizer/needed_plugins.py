"""The plug-ins that a model needs: recorded in its training, required by name when it is used, never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sentir.corpus.cleaning import CLEANING_STEPS
from sentir.errors import PluginError
from sentir.evaluation.metrics import METRICS
from sentir.features import FEATURE_SETS
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.audio_backbones import AUDIO_BACKBONES
from sentir.models.speech_backbones import SPEECH_BACKBONES
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.paths import PathLike
from sentir.plugins import Plugin
from sentir.readers import READERS
from sentir.recipe import Recipe
from sentir.registry import Registry

_REGISTRIES: dict[str, Registry] = {
    "cleaning_step": CLEANING_STEPS,
    "feature_set": FEATURE_SETS,
    "text_backbone": TEXT_BACKBONES,
    "audio_backbone": AUDIO_BACKBONES,
    "speech_backbone": SPEECH_BACKBONES,
    "reader": READERS,
    "metric": METRICS,
}
_PREPROCESSING = ("cleaning_step", "feature_set", "text_backbone")
NEEDED_BY_BACKEND = {
    "onnx": _PREPROCESSING,
    "torch": (*_PREPROCESSING, "audio_backbone", "speech_backbone", "fusion"),
}
"""Kinds of names without which a model cannot predict; a reader and a metric are needed to score it."""


def _registry(kind: str) -> Registry:
    if kind == "fusion":  # whose modules need torch
        from sentir.models.fusion import FUSIONS

        return FUSIONS
    return _REGISTRIES[kind]


def list_needed_plugins(recipe: Recipe) -> list[dict[str, Any]]:
    """Return what identifies each plug-in that a recipe uses, and the names that it registered, by kind."""
    names_of: dict[Plugin, dict[str, list[str]]] = {}
    for kind, name in _used_names(recipe):
        if (plugin := _registry(kind).plugin_of(name)) is not None:
            names_of.setdefault(plugin, {}).setdefault(kind, []).append(name)
    return [
        {"name": plugin.name, "sha256": plugin.sha256, "package": plugin.package, "registers": names}
        for plugin, names in names_of.items()
    ]


def _used_names(recipe: Recipe) -> Iterator[tuple[str, str]]:
    model, metric = recipe.model, recipe.evaluation.metric
    yield "reader", recipe.data.reader
    yield "text_backbone", model.backbone
    yield "audio_backbone", model.audio.backbone
    yield "speech_backbone", model.audio.backbone
    yield "fusion", model.fusion
    yield from (("cleaning_step", name) for name in recipe.data.cleaning)
    yield from (("feature_set", name) for name in model.features)
    yield from (("metric", name) for name in (metric.values() if isinstance(metric, dict) else (metric,)) if name)


def require_plugins(
    model: PathLike, facts: Mapping[str, Any], kinds: Iterable[str] = NEEDED_BY_BACKEND["torch"]
) -> None:
    """Refuse a model whose plug-ins are not loaded; warn if one is not that of its training.

    Args:
        model: its folder or name.
        facts: of its training.
        kinds: of the names that are needed.

    Raises:
        PluginError: naming what is missing, and the plug-in that it comes from.
    """
    for needed in facts.get("plugins", ()):
        for kind in kinds:
            for name in needed["registers"].get(kind, ()):
                registry = _registry(kind)
                if name not in registry:
                    raise _missing_error(model, registry, name, needed)
                _warn_if_different(model, registry.plugin_of(name), needed)


def _missing_error(model: PathLike, registry: Registry, name: str, needed: Mapping[str, Any]) -> PluginError:
    values = {"model": model, "kind": _(registry.kind), "name": name}
    if needed["package"]:
        return PluginError(
            _("The model {model} needs the {kind} '{name}' of the package {package}; install it.",
              package=needed["package"], **values)
        )  # fmt: skip
    if not needed["name"]:
        return PluginError(
            _("The model {model} needs the {kind} '{name}', which the program that trained it registered; put "
              "that into a file, and give it with --plugin FILE, in Python with plugins=[FILE].", **values)
        )  # fmt: skip
    return PluginError(
        _("The model {model} needs the {kind} '{name}' of the plug-in {plugin}; give that file with --plugin "
          "FILE, in Python with plugins=[FILE].", plugin=needed["name"], **values)
    )  # fmt: skip


def _warn_if_different(model: PathLike, plugin: Plugin | None, needed: Mapping[str, Any]) -> None:
    if plugin is None or (plugin.sha256, plugin.package) != (needed["sha256"], needed["package"]):
        logger.warning(
            _("The model {model} was trained with another version of the plug-in {plugin}; its predictions may "
              "differ.", model=model, plugin=needed["package"] or needed["name"])
        )  # fmt: skip
