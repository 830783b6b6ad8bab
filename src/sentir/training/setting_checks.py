"""Checks of settings that have no effect or are invalid, before anything is trained."""

from __future__ import annotations

from sentir.corpus.cleaning import CLEANING_STEPS
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.train_classes import inspect_train_classes
from sentir.errors import CorpusError, RecipeError
from sentir.i18n import _
from sentir.models.kinds import MODELS
from sentir.optional_dependencies import require_extra
from sentir.preprocessing.kinds import has_speaker_columns, uses_speech_encoder, uses_stage_encoder
from sentir.recipe import ModelSettings, Recipe, TrainSettings
from sentir.training.hardware import resolve_mixed_precision
from sentir.training.losses import loss_settings


def check_settings(recipe: Recipe, space: LabelSpace) -> None:
    """Refuse settings that have no effect with the rest of the recipe, or with these labels.

    Raises:
        RecipeError: naming the setting and what it requires; or if this machine does not support
            ``train.precision``, or the package for LoRA is missing.
        UnknownNameError: if there is no such cleaning step.
    """
    for name in recipe.data.cleaning:
        CLEANING_STEPS.get(name)
    train, model = recipe.train, recipe.model
    unused = unused_settings(model, train) | _unused_for_label_space(recipe, space)
    for key, what in unused.items():
        raise RecipeError(_("'{key}' has no effect here: it needs {what}; remove it.", key=key, what=what))
    if train.soft_labels and train.sampling == "balanced":
        raise RecipeError(
            _("'train.sampling = balanced' draws utterances by one label, which soft labels do not have; use "
              "train.class_weights, or set train.soft_labels = false.")
        )  # fmt: skip
    if train.micro_batches > train.batch_size:
        raise RecipeError(
            _("'train.micro_batches' = {parts} is more than 'train.batch_size' = {batch}; a micro-batch has at "
              "least one utterance.", parts=train.micro_batches, batch=train.batch_size)
        )  # fmt: skip
    if model.auxiliary_tasks and not recipe.auxiliary_tasks:
        raise RecipeError(
            _("'model.auxiliary_tasks' names only '{task}', the recipe's main task; name another, or remove it.",
              task=recipe.data.task)
        )  # fmt: skip
    if model.encoder == "lora" and "text" in MODELS.get(model.kind).modalities:
        require_extra("lora", "'model.encoder = lora'")
    resolve_mixed_precision(train.precision)


def check_classes(corpus: Corpus, task: str) -> list[str]:
    """Refuse a task in which all train utterances have the same label or number.

    Returns:
        Sentences on labels that none or all of the train utterances have, in the current language.

    Raises:
        CorpusError: naming the corpus and the task.
    """
    classes = inspect_train_classes(corpus, task)
    if classes.constant:
        raise CorpusError(
            _("All train utterances of '{name}' have the same label for '{task}'; there is nothing to learn.",
              name=corpus.name, task=task)
        )  # fmt: skip
    warnings = []
    if classes.absent:
        warnings.append(
            _("{corpus}: no train utterance has these labels of '{task}', which cannot be learned: {labels}.",
              corpus=corpus.name, task=task, labels=", ".join(classes.absent))
        )  # fmt: skip
    if classes.always_present:
        warnings.append(
            _("{corpus}: all train utterances have these labels of '{task}', which cannot be learned: {labels}.",
              corpus=corpus.name, task=task, labels=", ".join(classes.always_present))
        )  # fmt: skip
    return warnings


def unused_settings(model: ModelSettings, train: TrainSettings) -> dict[str, str]:
    """Return the settings, such as ``train.augment``, that have no effect on a model, and what each needs."""
    return _unused_training_settings(model, train) | _unused_model_settings(model)


def _unused_training_settings(model: ModelSettings, train: TrainSettings) -> dict[str, str]:
    modalities, augment, has_speech = MODELS.get(model.kind).modalities, train.augment, uses_speech_encoder(model)
    tunes_text = "text" in modalities and model.encoder != "frozen"
    tunes_speech = has_speech and not model.audio.is_encoder_frozen
    has_mels = "audio" in modalities and not has_speech and not uses_stage_encoder(model)
    tunes_encoder = tunes_text or tunes_speech
    tunes_pretrained = tunes_text or ((tunes_speech or has_mels) and model.audio.pretrained)
    augments = any((augment.masks, augment.gain_db, augment.shift_seconds, augment.speed))
    pretrained_part, text_encoder = _("a fine-tuned pretrained part"), _("a fine-tuned text encoder")
    encoder, mel_network = _("a fine-tuned text or speech encoder"), _("a fine-tuned network on mel spectrograms")
    return _unused(
        ("train.rdrop", train.rdrop > 0, model.dropout > 0 or tunes_encoder, "model.dropout > 0"),
        ("train.layer_decay", train.layer_decay < 1, tunes_pretrained, pretrained_part),
        ("train.freeze_epochs", train.freeze_epochs > 0, tunes_pretrained, pretrained_part),
        ("train.gradient_checkpointing", train.gradient_checkpointing, tunes_encoder, encoder),
        ("train.augment", augments, has_mels, mel_network),
        ("train.group_by_length", train.group_by_length, tunes_text, text_encoder),
    )


def _unused_model_settings(model: ModelSettings) -> dict[str, str]:
    modalities, default = MODELS.get(model.kind).modalities, ModelSettings()
    has_text = "text" in modalities
    window = (model.context == "window", "model.context = window")
    both = (modalities >= {"text", "audio"}, _("a model of text and audio"))
    requirements = {
        "token_pooling": (has_text, _("a model of text")),
        "fusion": both,
        "modality_dropout": both,
        "head": (
            model.kind == "emotion_model" and uses_stage_encoder(model),
            _("a frozen network on mel spectrograms"),
        ),
        "speaker_normalization": (
            has_speaker_columns(model),
            _("numeric features of audio, or a frozen audio encoder"),
        ),
        "lora": (has_text and model.encoder == "lora", "model.encoder = lora"),
        "dialogue": (model.context == "dialogue", "model.context = dialogue"),
        "window": window,
        "window_right": window,
        "window_speakers": window,
        "window_separators": window,
    }
    tunes_speech = uses_speech_encoder(model) and not model.audio.is_encoder_frozen
    attends = model.audio.frame_pooling != default.audio.frame_pooling
    return _unused(
        ("model.audio.frame_pooling", attends, tunes_speech, _("a fine-tuned speech encoder")),
        *((f"model.{key}", getattr(model, key) != getattr(default, key), *requirement)
          for key, requirement in requirements.items())
    )  # fmt: skip


def _unused_for_label_space(recipe: Recipe, space: LabelSpace) -> dict[str, str]:
    train, classification = recipe.train, _("a classification task")
    used = loss_settings(space) | ({"auxiliary_weight"} if recipe.auxiliary_tasks else set())
    settings = (
        ("logit_adjustment", train.logit_adjustment > 0, _("a single-label task")),
        ("label_smoothing", train.label_smoothing > 0, classification),
        ("loss = focal", train.loss == "focal", classification),
        ("loss = ccc", train.loss == "ccc", _("a regression task")),
        ("rdrop", train.rdrop > 0, classification),
        ("soft_labels", train.soft_labels, classification),
        ("sampling", train.sampling == "balanced", classification),
        ("auxiliary_weight", train.auxiliary_weight != 1, _("another task in 'model.auxiliary_tasks'")),
        ("class_weights", train.class_weights != "none", classification),
    )
    is_kernel = recipe.model.head == "kernel_ridge"
    return _unused(
        ("model.head", is_kernel, "kernel_ridge" in used, _("a single-label task")),
        ("model.auxiliary_tasks", bool(recipe.auxiliary_tasks), not is_kernel, "model.head = mlp"),
        *((f"train.{key}", is_set, key in used, what) for key, is_set, what in settings),
    )


def _unused(*settings: tuple[str, bool, bool, str]) -> dict[str, str]:
    """Return key → requirement of the settings (key, is set, has an effect, requirement) without an effect."""
    return {key: what for key, is_set, has_effect, what in settings if is_set and not has_effect}
