"""Checks of a model's settings and initial weights before it is trained."""

from __future__ import annotations

from pathlib import Path

from sentir.errors import RecipeError
from sentir.features import FEATURE_SETS
from sentir.i18n import _
from sentir.models.audio_backbones import get_audio_backbone, get_audio_weights_file, resolve_audio_weights
from sentir.models.fusion import FUSIONS
from sentir.models.kinds import MODELS
from sentir.models.loading import load_config
from sentir.models.speech_backbones import get_speech_backbone, is_speech_backbone, load_speech_config
from sentir.models.text_backbones import get_text_backbone
from sentir.models.weights import WeightsSource
from sentir.preprocessing.kinds import stacks_on_future_turns, uses_speech_encoder
from sentir.recipe import AudioSettings, ModelSettings


def check_model(model: ModelSettings) -> None:
    """Check the names and settings of a model before it is trained.

    Raises:
        UnknownNameError: if there is no such model, backbone, fusion or feature set.
        RecipeError: if a model without text has a context, a frozen encoder is not pretrained, a causal context
            gets features or a stacked model that use later turns, or a setting is not for this audio backbone.
    """
    modalities = MODELS.get(model.kind).modalities
    if "text" in modalities:
        get_text_backbone(model.backbone)
        require_pretrained(model, "model", frozen=model.is_encoder_frozen)
    elif model.context != "none":
        raise RecipeError(
            _("'model.context' = '{context}' needs a model that takes text; '{kind}' allows only 'none'.",
              context=model.context, kind=model.kind)
        )  # fmt: skip
    if model.context == "dialogue" and model.dialogue.direction == "causal":
        _check_causal(model)
    if "audio" in modalities:
        _check_audio(model.audio)
    FUSIONS.get(model.fusion)
    for name in model.features:
        FEATURE_SETS.get(name)


def _check_causal(model: ModelSettings) -> None:
    if "dialogue" in model.features:
        raise RecipeError(
            _("'model.dialogue.direction' = 'causal' excludes later turns, but the feature set 'dialogue' counts "
              "them; remove it from 'model.features'.")
        )  # fmt: skip
    if stacks_on_future_turns(model):
        raise RecipeError(
            _("'model.dialogue.direction' = 'causal' excludes later turns, but the stacked model uses them; give "
              "'model.stacked.model' a causal context, or none.")
        )  # fmt: skip


def _check_audio(audio: AudioSettings) -> None:
    if is_speech_backbone(audio.backbone):
        get_speech_backbone(audio.backbone)
        require_pretrained(audio, "model.audio", frozen=audio.is_encoder_frozen)
        if audio.mel != "mel":
            raise RecipeError(
                _("'model.audio.mel' has no effect here: '{name}' takes waveforms; remove it.",
                  name=audio.backbone)
            )  # fmt: skip
        return
    get_audio_backbone(audio.backbone)
    require_pretrained(audio, "model.audio", frozen=audio.encoder == "frozen")
    if audio.layers is not None:
        raise RecipeError(
            _("'model.audio.{key}' has no effect here: '{name}' is not a speech encoder; remove it.",
              key="layers", name=audio.backbone)
        )  # fmt: skip


def weight_sources(model: ModelSettings) -> dict[str, WeightsSource]:
    """Return the source of the initial weights of each modality of a model, ``text`` and ``audio``.

    Raises:
        SentirError: if there is no such file, folder or repository, or its content is not the expected one.
    """
    modalities, audio, sources = MODELS.get(model.kind).modalities, model.audio, {}
    if "text" in modalities:
        source = get_text_backbone(model.backbone).resolve_weights(model.weights)
        sources["text"] = source if model.pretrained else WeightsSource(source.location, "random")
    if uses_speech_encoder(model):
        source = get_speech_backbone(audio.backbone).resolve_weights(audio.weights)
        sources["audio"] = source if audio.pretrained else WeightsSource(source.location, "random")
    elif "audio" in modalities:
        sources["audio"] = resolve_audio_weights(
            audio.backbone, pretrained=audio.pretrained, weights=_audio_weights_path(audio)
        )
    return sources


def check_weights(model: ModelSettings) -> None:
    """Find or download the weights that a training starts from.

    Raises:
        RecipeError: if audio weights are given though the backbone is not pretrained.
        WeightsError: if weights can neither be found nor downloaded.
    """
    modalities, audio = MODELS.get(model.kind).modalities, model.audio
    if "text" in modalities:
        load_config(get_text_backbone(model.backbone).resolve_weights(model.weights))
    if uses_speech_encoder(model):
        load_speech_config(get_speech_backbone(audio.backbone).resolve_weights(audio.weights))
    elif "audio" in modalities:
        get_audio_weights_file(audio.backbone, pretrained=audio.pretrained, weights=_audio_weights_path(audio))


def _audio_weights_path(audio: AudioSettings) -> Path | None:
    return None if audio.weights is None else Path(audio.weights)


def require_pretrained(settings: ModelSettings | AudioSettings, section: str, *, frozen: bool) -> None:
    """Refuse a frozen encoder without pretrained weights.

    Args:
        settings: of the encoder.
        section: name of these settings, ``model`` or ``model.audio``.
        frozen: whether the encoder is frozen.

    Raises:
        RecipeError: naming the settings to change.
    """
    if frozen and not settings.pretrained:
        raise RecipeError(
            _("'{section}.encoder = frozen' needs pretrained weights; set {section}.pretrained=true or "
              "{section}.encoder=finetune.", section=section)
        )  # fmt: skip
