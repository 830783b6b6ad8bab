"""Recipes: the validated settings of an experiment.

A recipe is a TOML file. ``Recipe.load`` reads it and applies ``--set`` overrides; error messages name the key. A
`Recipe` describes one training; its section ``study`` lists the candidates of a study as overrides of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.preflight import require_recipe
from sentir.recipe.corpora import CremadSettings, EmoboxSettings, IemocapSettings, MmeldSettings
from sentir.recipe.data import (
    DEFAULT_CLEANING,
    READER_SETTINGS,
    DataSettings,
    FinalSpecsSettings,
    MeldSettings,
    TableSettings,
)
from sentir.recipe.evaluation import EvaluationSettings, StudySettings
from sentir.recipe.model import AudioSettings, LoraSettings, ModelSettings, StackedSettings
from sentir.recipe.recipe_plugins import load_recipe_plugins
from sentir.recipe.relative_paths import relativize_paths, resolve_paths
from sentir.recipe.sections import FileSafeName, Section, check_settings
from sentir.recipe.toml import (
    Overrides,
    diff_settings,
    dump_toml,
    flatten_settings,
    format_toml_comment,
    merge_settings,
    parse_override,
    parse_overrides,
    read_toml,
)
from sentir.recipe.training import AugmentSettings, TrainSettings
from sentir.recipe.tuning import Dimension, TuneSettings
from sentir.recipe.validation_messages import format_validation_error
from sentir.repr_mixin import ReprMixin

__all__ = [
    "DEFAULT_CLEANING",
    "READER_SETTINGS",
    "AudioSettings",
    "AugmentSettings",
    "CremadSettings",
    "DataSettings",
    "Dimension",
    "EmoboxSettings",
    "EvaluationSettings",
    "FinalSpecsSettings",
    "IemocapSettings",
    "LoraSettings",
    "MeldSettings",
    "MmeldSettings",
    "ModelSettings",
    "Overrides",
    "Recipe",
    "Section",
    "StackedSettings",
    "StudySettings",
    "TableSettings",
    "TrainSettings",
    "TuneSettings",
    "diff_settings",
    "dump_toml",
    "flatten_settings",
    "format_toml_comment",
    "merge_settings",
    "parse_override",
    "relativize_paths",
    "resolve_paths",
]


class Recipe(ReprMixin, Section):
    """One experiment: data, model, training and evaluation settings.

    Attributes:
        name: by default that of the file.
        title: language → title of reports, such as ``title.en``.
        plugins: Python files with parts of your own, run before the recipe is read if that is allowed.
    """

    name: FileSafeName
    title: dict[str, str] = Field(default_factory=dict)
    plugins: tuple[Path, ...] = ()
    data: DataSettings
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    study: StudySettings = StudySettings()
    tune: TuneSettings = TuneSettings()

    @model_validator(mode="before")
    @classmethod
    def _check_settings(cls, tree: Any) -> Any:
        check_settings(tree)
        return tree

    @model_validator(mode="after")
    def _label_noise_needs_one_train(self) -> Self:
        if self.data.folds is not None and self.study.label_noise:
            raise ValueError(
                _("'study.label_noise' searches train, which 'data.folds' divides; remove one of them")
            )
        return self

    @classmethod
    def load(cls, path: PathLike, overrides: Overrides = (), *, allow_plugins: bool = False) -> Recipe:
        """Read a TOML recipe and apply overrides.

        Args:
            path: of the file, or the name of a bundled recipe, such as ``meld-text``.
            overrides: strings such as ``train.lr=2e-5``, or setting → value, ``{"train.lr": 2e-5}``.
            allow_plugins: whether the plug-ins that it names may be run; if not, they must be loaded already.

        Paths in the file are relative to its folder, paths in overrides to the working directory.

        Raises:
            RecipeError: if the file is missing or not TOML, or a key is unknown or has an invalid value.
            PluginError: if a plug-in cannot be loaded, or is not allowed.
        """
        path, changes = require_recipe(path), list(parse_overrides(overrides))
        tree = read_toml(path)
        load_recipe_plugins(path, tree, changes, allow=allow_plugins)
        tree = resolve_paths(tree, path.parent)
        tree.setdefault("name", path.stem)
        for change in changes:
            tree = merge_settings(tree, change)
        return cls.parse(tree, where=str(path))

    @classmethod
    def parse(cls, tree: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
        """Validate a nested dictionary.

        Raises:
            RecipeError: naming the first invalid key.
        """
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise RecipeError(format_validation_error(error, where, cls)) from error

    def override(self, changes: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
        """Return a validated copy with nested ``changes``."""
        return type(self).parse(merge_settings(self.to_dict(), changes), where=where)

    @property
    def auxiliary_tasks(self) -> tuple[str, ...]:
        """The auxiliary tasks of the model, without its own task."""
        return tuple(task for task in dict.fromkeys(self.model.auxiliary_tasks) if task != self.data.task)

    def stacked_recipe(self) -> Recipe | None:
        """Return the recipe of the model whose probabilities are features of this one, if there is one.

        For another task, its selection metric is the one in the table ``evaluation.metric``, or else the default.

        Raises:
            RecipeError: naming the first invalid key in ``model.stacked``.
        """
        inner = self.model.stacked
        if inner is None or not self.model.uses_stacking:
            return None
        tree, task = self.to_dict(), inner.task or self.data.task
        metric = self.evaluation.metric
        metric = metric if task == self.data.task or isinstance(metric, dict) else None
        changes = {
            "name": f"{self.name}: stacked",
            "data": {**tree["data"], "task": task},
            "model": inner.model,
            "train": {**inner.train, "seed": self.train.seed},
            "evaluation": {**tree["evaluation"], "metric": metric},
            "study": {},
        }
        return type(self).parse(tree | changes, where="model.stacked")

    def _repr_fields(self) -> dict[str, object]:
        return {"name": self.name, "reader": self.data.reader, "task": self.data.task, "kind": self.model.kind}

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved recipe as plain JSON values."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Return a short hash of the resolved recipe."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:12]
