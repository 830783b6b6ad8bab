"""Settings that would do nothing, or cannot be used, in what a recipe sets up: met before anything is trained."""

from __future__ import annotations

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.train_classes import inspect_train_classes
from sentir.errors import CorpusError, RecipeError
from sentir.i18n import _
from sentir.models.factory import MODELS
from sentir.models.lora import require_peft
from sentir.preprocessing.kinds import is_speech_encoder_frozen, uses_speech_encoder
from sentir.recipe import ModelSettings, Recipe, TrainSettings
from sentir.training.hardware import resolve_mixed_precision


def check_settings(recipe: Recipe, space: LabelSpace) -> None:
    """Refuse settings that the rest of the recipe, or these labels, give nothing to do.

    Raises:
        RecipeError: naming the setting and what it needs; or if the machine cannot train in ``train.precision``,
            or the package that adapters need is missing.
    """
    train, model = recipe.train, recipe.model
    idle = unused_settings(model, train) | _unused_for_label_space(recipe, space)
    for key, what in idle.items():
        raise RecipeError(_("'{key}' does nothing here: it needs {what}; remove it.", key=key, what=what))
    if train.micro_batches > train.batch_size:
        raise RecipeError(
            _("'train.micro_batches' = {parts} is more than 'train.batch_size' = {batch}; a batch has no more parts than "
              "utterances.", parts=train.micro_batches, batch=train.batch_size)
        )  # fmt: skip
    if model.auxiliary_tasks and not recipe.auxiliary_tasks:
        raise RecipeError(
            _("'model.auxiliary_tasks' names only '{task}', the recipe's own task; name another, or remove it.",
              task=recipe.data.task)
        )  # fmt: skip
    if model.encoder == "lora" and "text" in MODELS.get(model.kind).modalities:
        require_peft()
    resolve_mixed_precision(train.precision)


def check_classes(corpus: Corpus, task: str) -> list[str]:
    """Refuse a task of which all train utterances have one label, or one number.

    Returns:
        What train cannot teach, in sentences of the current language: labels that none or all of it has.

    Raises:
        CorpusError: naming the corpus and the task.
    """
    classes = inspect_train_classes(corpus, task)
    if classes.constant:
        raise CorpusError(
            _("All train utterances of '{name}' have the same label for '{task}'; there is nothing to learn.",
              name=corpus.name, task=task)
        )  # fmt: skip
    told = []
    if classes.absent:
        told.append(
            _("{corpus}: of '{task}', no train utterance has these labels, they cannot be learned: {labels}.",
              corpus=corpus.name, task=task, labels=", ".join(classes.absent))
        )  # fmt: skip
    if classes.always_present:
        told.append(
            _("{corpus}: of '{task}', all train utterances have these labels, they cannot be learned: {labels}.",
              corpus=corpus.name, task=task, labels=", ".join(classes.always_present))
        )  # fmt: skip
    return told


def unused_settings(model: ModelSettings, train: TrainSettings) -> dict[str, str]:
    """Return the settings, such as ``train.augment``, that a model gives nothing to do, and what each needs."""
    return _unused_training_settings(model, train) | _unused_model_settings(model)


def _unused_training_settings(model: ModelSettings, train: TrainSettings) -> dict[str, str]:
    needs, augment, waves = MODELS.get(model.kind).modalities, train.augment, uses_speech_encoder(model)
    reads = "text" in needs and model.encoder != "frozen"
    learns_waves = waves and not is_speech_encoder_frozen(model.audio)
    over_mels = "audio" in needs and not waves
    tuned = reads or ((learns_waves or over_mels) and model.audio.pretrained)
    changes = any((augment.masks, augment.gain_db, augment.shift_seconds, augment.speed))
    wants_text, wants_tuned = _("a text encoder that is fine-tuned"), _("a pretrained part that is fine-tuned")
    wants_encoder, wants_mel = _("a text or speech encoder that is fine-tuned"), _("a network over mels")
    drops = model.dropout > 0 or reads or learns_waves
    return _unused(
        ("train.rdrop", train.rdrop > 0, drops, "model.dropout > 0"),
        ("train.layer_decay", train.layer_decay < 1, tuned, wants_tuned),
        ("train.freeze_epochs", train.freeze_epochs > 0, tuned, wants_tuned),
        ("train.gradient_checkpointing", train.gradient_checkpointing, reads or learns_waves, wants_encoder),
        ("train.augment", changes, over_mels, wants_mel),
        ("train.group_by_length", train.group_by_length, reads, wants_text),
    )


def _unused_model_settings(model: ModelSettings) -> dict[str, str]:
    needs, usual = MODELS.get(model.kind).modalities, ModelSettings()
    reads, both = "text" in needs, needs >= {"text", "audio"}
    window, dialogue = model.context == "window", model.context == "dialogue"
    wants_window, wants_dialogue = "model.context = window", "model.context = dialogue"
    wants_both, wants_lora = _("a model that reads and listens"), "model.encoder = lora"
    found = {
        "token_pooling": (reads, _("a model that reads")),
        "fusion": (both, wants_both),
        "modality_dropout": (both, wants_both),
        "lora": (reads and model.encoder == "lora", wants_lora),
        "dialogue": (dialogue, wants_dialogue),
        "window": (window, wants_window),
        "window_right": (window, wants_window),
        "window_speakers": (window, wants_window),
        "window_separators": (window, wants_window),
    }
    return _unused(
        *((f"model.{key}", getattr(model, key) != getattr(usual, key), *works) for key, works in found.items())
    )


def _unused_for_label_space(recipe: Recipe, space: LabelSpace) -> dict[str, str]:
    train, labels = recipe.train, space.kind != "regression"
    wants_one, wants_labels = _("a task with one label per utterance"), _("a task of labels")
    return _unused(
        ("train.logit_adjustment", train.logit_adjustment > 0, space.kind == "single", wants_one),
        ("train.label_smoothing", train.label_smoothing > 0, labels, wants_labels),
        ("train.loss", train.loss == "focal", labels, wants_labels),
        ("train.rdrop", train.rdrop > 0, labels, wants_labels),
        ("train.sampling", train.sampling == "balanced", labels, wants_labels),
        (
            "train.auxiliary_weight",
            train.auxiliary_weight != 1,
            bool(recipe.auxiliary_tasks),
            _("another task in 'model.auxiliary_tasks'"),
        ),
        ("train.class_weights", train.class_weights != "none", labels, wants_labels),
    )


def _unused(*settings: tuple[str, bool, bool, str]) -> dict[str, str]:
    """Return what is set and does not work, of key, whether it is set, whether it works, and what it needs."""
    return {key: what for key, is_set, works, what in settings if is_set and not works}
