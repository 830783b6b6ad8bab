"""Configuration: what a run reads, trains and judges, checked at one boundary.

A recipe is a TOML file. ``Recipe.load`` reads it, applies ``--set`` overrides, and answers every mistake with
the key it lies in. A `Recipe` describes one training; its ``study`` section lists the candidates of a study as
overrides of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sentir.errors import RecipeError
from sentir.i18n import _

DEFAULT_CLEANING = ("repair_encoding", "drop_stage_noises", "collapse_whitespace")


class Section(BaseModel):
    """A frozen table of settings that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Table(Section):
    """Columns of a table of the user's own (reader ``table``); every column is named, none is guessed.

    Attributes:
        file: CSV, TSV or Parquet file, relative to the root; the root itself may be the file.
        label: a column with one label name per row.
        labels: columns with an intensity each; a label is present above ``threshold``.
        features: numeric columns offered as inputs.
        group: column whose values never cross splits when there is no split column (else ``dialogue``).
        fractions: shares of train, dev and test for the split by group.
    """

    file: Path | None = None
    text: str | None = None
    id: str | None = None
    audio: str | None = None
    start: str | None = None
    end: str | None = None
    speaker: str | None = None
    dialogue: str | None = None
    split: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    threshold: float = 0.0
    normalize: bool = True
    features: tuple[str, ...] = ()
    group: str | None = None
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    seed: int = 0

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> Self:
        if bool(self.label) == bool(self.labels):
            raise ValueError(_("name either one column in 'label' or several in 'labels'"))
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(_("'fractions' must be three shares above 0 that sum to 1"))
        return self


class Data(Section):
    """Which corpus, which task of it, and how its text is cleaned.

    Attributes:
        cleaning: names of steps in `sentir.corpus.cleaning`, applied in order.
        min_train_words: leave utterances with fewer words after cleaning out of train (never of dev or test).
    """

    reader: str
    root: Path | None = None
    task: str = "emotion"
    cleaning: tuple[str, ...] = DEFAULT_CLEANING
    min_train_words: int = Field(0, ge=0)
    table: Table | None = None


class Model(Section):
    """The network.

    Attributes:
        backbone: a name in `sentir.models.text_backbones`, a hub id, or a local folder.
        weights: where the backbone's weights lie, if not where its name says (hub id or folder).
        pretrained: ``false`` for random weights of the backbone's architecture; the report says so.
        encoder: ``frozen`` (each utterance encoded once, a head is trained) or ``finetune``.
        layers: hidden layers to read, 0 being the embeddings; none = all when mixed, the last otherwise.
        layer_pooling: ``mix`` (learned weights over layers) or ``concat``.
        max_length: longest input in tokens; none = what the backbone allows.
        context: ``none``, ``window`` (previous turns in the text input) or ``dialogue`` (a recurrent layer).
        window: how many previous turns a window holds.
        window_speakers: whether a window names the speakers.
        features: names of feature sets in `sentir.features`.
        hidden: width of the head's layers (and of each direction of the recurrent layer).
    """

    kind: str = "hybrid_transformer"
    backbone: str = "minilm"
    weights: str | None = None
    pretrained: bool = True
    encoder: Literal["frozen", "finetune"] = "frozen"
    layers: tuple[int, ...] | None = Field(None, min_length=1)
    layer_pooling: Literal["mix", "concat"] = "mix"
    max_length: int | None = Field(None, ge=8)
    context: Literal["none", "window", "dialogue"] = "none"
    window: int = Field(3, ge=1)
    window_speakers: bool = True
    features: tuple[str, ...] = ()
    hidden: int = Field(256, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)


class Train(Section):
    """How the network learns.

    Attributes:
        batch: utterances per step; with dialogue context, whole dialogues of about as many utterances.
        lr: learning rate of new layers; ``encoder_lr`` is the encoder's when fine-tuned.
        warmup: share of all steps with rising learning rate.
        freeze_epochs: epochs at the start in which a fine-tuned encoder does not move.
        balance: class weights, ``none``, ``sqrt`` or ``inverse`` of the label counts, with mean 1 over train.
        patience: epochs without a better dev score before training stops.
    """

    epochs: int = Field(20, ge=1)
    patience: int = Field(5, ge=1)
    batch: int = Field(64, ge=1)
    lr: float = Field(1e-3, gt=0)
    encoder_lr: float = Field(3e-5, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    freeze_epochs: int = Field(0, ge=0)
    balance: Literal["none", "sqrt", "inverse"] = "none"
    max_grad_norm: float = Field(1.0, gt=0)
    seed: int = 0


class Evaluation(Section):
    """How models are judged.

    Attributes:
        metric: the dev score that selects; none = weighted F1 for one label, macro F1 for several.
        resamples: bootstrap resamples of dialogues behind every interval.
        permutations: shuffles behind every p-value.
    """

    metric: str | None = None
    resamples: int = Field(2000, ge=100)
    permutations: int = Field(2000, ge=100)


class Study(Section):
    """Which trainings stand against one another.

    Attributes:
        tasks: tasks of the corpus, each with its own finalist; none = the recipe's task.
        seeds: every candidate is trained once with each; none = its ``train.seed``.
        candidates: name → overrides of the recipe, as nested tables.
        always_report: candidates whose test score is shown beside the finalist's, whatever their dev score.
    """

    tasks: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    candidates: dict[str, dict[str, Any]] = Field(default_factory=dict)
    always_report: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _reported_exist(self) -> Self:
        if unknown := [name for name in self.always_report if name not in self.candidates]:
            raise ValueError(_("'always_report' names '{name}', which is no candidate", name=unknown[0]))
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(_("'seeds' names a seed twice"))
        return self


class Recipe(Section):
    """One experiment: data, model, training and evaluation settings."""

    name: str
    title: dict[str, str] = Field(default_factory=dict)
    plugins: tuple[Path, ...] = ()
    data: Data
    model: Model = Model()
    train: Train = Train()
    evaluation: Evaluation = Evaluation()
    study: Study = Study()

    @classmethod
    def load(cls, path: Path, overrides: Iterable[str] = ()) -> Recipe:
        """Read a TOML recipe and apply overrides such as ``train.lr=2e-5``.

        Raises:
            RecipeError: if the file is missing or not TOML, or a key is unknown or has an unusable value.
        """
        if not path.is_file():
            raise RecipeError(_("There is no recipe {path}; give the path of a TOML file.", path=path))
        try:
            tree = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(_("{path} is not valid TOML: {why}.", path=path, why=error)) from error
        tree.setdefault("name", path.stem)
        for text in overrides:
            tree = merge(tree, parse_override(text))
        return cls.parse(tree, where=str(path))

    @classmethod
    def parse(cls, tree: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
        """Check a nested dictionary.

        Raises:
            RecipeError: naming the first key that cannot be used.
        """
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise RecipeError(_explain(error, where)) from error

    def override(self, changes: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
        """Return a copy with nested ``changes`` applied and checked."""
        return type(self).parse(merge(self.tree(), changes), where=where)

    def tree(self) -> dict[str, Any]:
        """Return the resolved recipe as plain JSON values."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Return a short hash of the resolved recipe."""
        return hashlib.sha256(json.dumps(self.tree(), sort_keys=True).encode()).hexdigest()[:12]


def merge(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``tree`` with ``changes`` laid over it, table by table."""
    merged = dict(tree)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def parse_override(text: str) -> dict[str, Any]:
    """Turn ``train.lr=2e-5`` into a nested dictionary; a value that is not TOML is taken as a string.

    Raises:
        RecipeError: if there is no ``=``.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(_("'{text}' is not an override; write section.key=value.", text=text))
    try:
        parsed = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    for part in reversed(key.strip().split(".")):
        parsed = {part: parsed}
    return parsed


def _explain(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path) or _("top level")
    if first["type"] == "extra_forbidden":
        near = get_close_matches(path[-1], _known_keys(path[:-1]), n=1, cutoff=0.5)
        hint = _("did you mean '{name}'?", name=near[0]) if near else _("remove it.")
        return _("{where}: there is no setting '{key}'; {hint}", where=where, key=key, hint=hint)
    if first["type"] == "missing":
        return _("{where}: the setting '{key}' is missing.", where=where, key=key)
    why, value = first["msg"].removeprefix("Value error, "), first["input"]
    if isinstance(value, Mapping):
        return _("{where}: '{key}' cannot be used: {why}.", where=where, key=key, why=why)
    return _("{where}: '{key}' cannot be {value!r}: {why}.", where=where, key=key, value=value, why=why)


def _known_keys(path: list[str]) -> list[str]:
    section: Any = Recipe
    for part in path:
        annotation = section.model_fields[part].annotation
        section = annotation if isinstance(annotation, type) else Table
    return list(section.model_fields)


def toml_text(tree: Mapping[str, Any], prefix: str = "") -> str:
    """Write nested settings the way a recipe reads, values first, then a table for each section.

    TOML has no null: a setting that is not set stands as a comment.
    """
    lines, rest = [], []
    for key, value in tree.items():
        name = key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key, ensure_ascii=False)
        if isinstance(value, Mapping):
            rest.append(toml_text(value, f"{prefix}{name}."))
        elif value is None:
            lines.append(f"# {name} =")
        else:
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False, default=str)}")
    if lines and prefix:
        lines.insert(0, f"[{prefix.rstrip('.')}]")
    return "\n\n".join(block for block in ("\n".join(lines), *rest) if block)
