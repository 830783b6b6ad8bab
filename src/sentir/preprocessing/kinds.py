"""What a kind of model needs of an utterance, and whether its settings can be used."""

from __future__ import annotations

from pathlib import Path

from sentir.errors import RecipeError
from sentir.features import FEATURE_SETS
from sentir.i18n import _, gettext_noop
from sentir.models.audio_backbones import get_audio_backbone, get_audio_weights_file, resolve_audio_weights
from sentir.models.factory import MODELS
from sentir.models.fusion import FUSIONS
from sentir.models.loading import load_config
from sentir.models.speech_backbones import get_speech_backbone, is_speech_backbone, load_speech_config
from sentir.models.text_backbones import get_text_backbone
from sentir.models.weights import WeightsSource
from sentir.recipe import AudioSettings, ModelSettings


def uses_speech_encoder(model: ModelSettings) -> bool:
    """Tell whether a model listens through a speech encoder rather than a network over mels."""
    return "audio" in MODELS.get(model.kind).modalities and is_speech_backbone(model.audio.backbone)


def required_mel_kinds(model: ModelSettings) -> frozenset[str]:
    """Return the kinds of mel that a model and its feature sets listen to; none if they do not."""
    kinds = {model.audio.mel} if "audio" in MODELS.get(model.kind).modalities else set()
    return frozenset(kinds | {"mel"} if "audio" in _own_feature_modalities(model) else kinds)


def input_modalities(model: ModelSettings) -> frozenset[str]:
    """Return what a model takes and what its own features are measured from: ``text``, ``sound`` or both."""
    needs: frozenset[str] = MODELS.get(model.kind).modalities
    return needs | _own_feature_modalities(model)


def _own_feature_modalities(model: ModelSettings) -> set[str]:
    """Return the modalities of a model's feature sets, without those of a stacked model."""
    return {modality for name in model.features if (modality := FEATURE_SETS.get(name).modality)}


def randomly_initialized_parts(model: ModelSettings) -> tuple[str, ...]:
    """Say which parts of a network began with random weights where pretrained ones are usual, to translate."""
    needs = MODELS.get(model.kind).modalities
    notes = [gettext_noop("text encoder drawn at random")] if "text" in needs and not model.pretrained else []
    if "audio" in needs and not model.audio.pretrained:
        notes.append(gettext_noop("audio backbone drawn at random"))
    return tuple(notes)


def check_model(model: ModelSettings) -> None:
    """Look up every name that a training would look up.

    Raises:
        UnknownNameError: if there is no such model, backbone, fusion or feature set.
        RecipeError: if a model that only listens is asked for dialogue context, a frozen encoder has nothing
            pretrained, a context that reads the past gets features or a stacked model that know what
            follows, or the sound side has
            settings of the other kind.
    """
    needs = MODELS.get(model.kind).modalities
    if "text" in needs:
        get_text_backbone(model.backbone)
        require_pretrained(model)
    elif model.context != "none":
        raise RecipeError(
            _("'model.context' = '{context}' needs a model that reads; '{kind}' takes 'none'.",
              context=model.context, kind=model.kind)
        )  # fmt: skip
    if model.context == "dialogue" and model.dialogue.direction == "causal":
        _check_causal(model)
    if "audio" in needs:
        _check_audio(model.audio)
    FUSIONS.get(model.fusion)
    for name in model.features:
        FEATURE_SETS.get(name)


def _check_causal(model: ModelSettings) -> None:
    if "dialogue" in model.features:
        raise RecipeError(
            _("'model.dialogue.direction' = 'causal' must not know what follows, but the feature set 'dialogue' tells "
              "how many turns do; remove it from 'model.features'.")
        )  # fmt: skip
    if (
        model.uses_stacking
        and model.stacked is not None
        and uses_future_turns(ModelSettings.model_validate(model.stacked.model))
    ):
        raise RecipeError(
            _("'model.dialogue.direction' = 'causal' must not know what follows, but the stacked model looks at later "
              "turns; give 'model.stacked.model' a context of the past, or none.")
        )  # fmt: skip


def uses_future_turns(model: ModelSettings) -> bool:
    """Tell whether a prediction may change with what is said later in the dialogue."""
    if "dialogue" in model.features:
        return True
    if (
        model.uses_stacking
        and model.stacked is not None
        and uses_future_turns(ModelSettings.model_validate(model.stacked.model))
    ):
        return True
    if model.context == "dialogue":
        return model.dialogue.direction == "bidirectional"
    return model.context == "window" and model.window_right > 0


def _check_audio(audio: AudioSettings) -> None:
    if is_speech_backbone(audio.backbone):
        get_speech_backbone(audio.backbone)
        require_pretrained_speech(audio)
        if audio.mel != "mel":
            raise RecipeError(
                _("'model.audio.mel' does nothing here: '{name}' hears the wave; remove it.", name=audio.backbone)
            )
        return
    get_audio_backbone(audio.backbone)
    for key, value in (("encoder", audio.encoder), ("layers", audio.layers)):
        if value is not None:
            raise RecipeError(
                _("'model.audio.{key}' does nothing here: '{name}' is no speech encoder; remove it.",
                  key=key, name=audio.backbone)
            )  # fmt: skip


def weight_sources(model: ModelSettings) -> dict[str, WeightsSource]:
    """Say where a training would take the weights of ``text`` and ``sound`` from, as far as the model has them.

    Raises:
        SentirError: if there is no such place, or what lies there is not what is known.
    """
    needs, audio, found = MODELS.get(model.kind).modalities, model.audio, {}
    if "text" in needs:
        source = get_text_backbone(model.backbone).resolve_weights(model.weights)
        found["text"] = source if model.pretrained else WeightsSource(source.location, "random")
    if uses_speech_encoder(model):
        source = get_speech_backbone(audio.backbone).resolve_weights(audio.weights)
        found["audio"] = source if audio.pretrained else WeightsSource(source.location, "random")
    elif "audio" in needs:
        found["audio"] = resolve_audio_weights(
            audio.backbone, pretrained=audio.pretrained, weights=_audio_weights_path(audio)
        )
    return found


def check_weights(model: ModelSettings) -> None:
    """Find or fetch the weights that a training would start from.

    Raises:
        RecipeError: if audio weights are given and none are wanted.
        WeightsError: if weights can neither be found nor fetched.
    """
    needs, audio = MODELS.get(model.kind).modalities, model.audio
    if "text" in needs:
        load_config(get_text_backbone(model.backbone).resolve_weights(model.weights))
    if uses_speech_encoder(model):
        load_speech_config(get_speech_backbone(audio.backbone).resolve_weights(audio.weights))
    elif "audio" in needs:
        get_audio_weights_file(audio.backbone, pretrained=audio.pretrained, weights=_audio_weights_path(audio))


def _audio_weights_path(audio: AudioSettings) -> Path | None:
    return None if audio.weights is None else Path(audio.weights)


def feature_modality(feature_set: str, model: ModelSettings) -> str:
    """Return what a feature set is measured from; ``""`` for what is neither text nor sound, or both."""
    found = feature_modalities(feature_set, model)
    return next(iter(found)) if len(found) == 1 else ""


def feature_modalities(feature_set: str, model: ModelSettings) -> set[str]:
    """Return what a feature set of a model is measured from: ``text``, ``sound``, both or neither."""
    if feature_set != "stacked" or model.stacked is None:
        modality = FEATURE_SETS.get(feature_set).modality
        return {modality} if modality else set()
    inner = ModelSettings.model_validate(model.stacked.model)
    return set(MODELS.get(inner.kind).modalities).union(
        *(feature_modalities(name, inner) for name in inner.features)
    )


def require_pretrained(model: ModelSettings) -> None:
    """Refuse a frozen encoder of random weights.

    Raises:
        RecipeError: saying what to set.
    """
    if model.encoder == "frozen" and not model.pretrained:
        raise RecipeError(
            _("'model.encoder = frozen' needs pretrained weights; set model.pretrained=true or fine-tune.")
        )


def is_speech_encoder_frozen(audio: AudioSettings) -> bool:
    """Tell whether the speech encoder of a recipe does not learn."""
    return audio.encoder != "finetune"


def require_pretrained_speech(audio: AudioSettings) -> None:
    """Refuse a frozen speech encoder of random weights.

    Raises:
        RecipeError: saying what to set.
    """
    if is_speech_encoder_frozen(audio) and not audio.pretrained:
        raise RecipeError(
            _(
                "'model.audio.encoder = frozen' needs pretrained weights; set model.audio.pretrained=true or "
                "model.audio.encoder=finetune."
            )
        )
