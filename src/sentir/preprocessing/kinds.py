"""The inputs that a model takes, by its settings."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.audio.store import attach_corpus_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS
from sentir.features import FEATURE_SETS
from sentir.i18n import gettext_noop
from sentir.models.kinds import MODELS
from sentir.models.speech_backbones import is_speech_backbone
from sentir.recipe import ModelSettings


def uses_speech_encoder(model: ModelSettings) -> bool:
    """Return whether a model encodes audio by a speech encoder rather than a network on mel spectrograms."""
    return "audio" in MODELS.get(model.kind).modalities and is_speech_backbone(model.audio.backbone)


def uses_stage_encoder(model: ModelSettings) -> bool:
    """Return whether a model encodes audio by a frozen network on mel spectrograms."""
    is_mel_network = "audio" in MODELS.get(model.kind).modalities and not uses_speech_encoder(model)
    return is_mel_network and model.audio.encoder == "frozen"


def has_speaker_columns(model: ModelSettings) -> bool:
    """Return whether a model has inputs for speaker normalization: features of audio, a frozen audio encoder."""
    frozen = uses_stage_encoder(model) or (uses_speech_encoder(model) and model.audio.is_encoder_frozen)
    return frozen or "audio" in _own_feature_modalities(model)


def required_mel_kind(model: ModelSettings) -> str:
    """Return the kind of mel spectrograms to attach for a model and its feature sets; ``""`` without audio."""
    if "audio" in MODELS.get(model.kind).modalities:
        return model.audio.mel
    return "mel" if "audio" in _own_feature_modalities(model) else ""


def attach_required_audio(corpus: Corpus, model: ModelSettings, *, splits: Sequence[str] = SPLITS) -> Corpus:
    """Return the corpus with the audio that a model takes, so that what follows does not read the store again.

    Raises:
        SentirError: if the store cannot be written.
    """
    kind = required_mel_kind(model)
    return attach_corpus_audio(corpus, mel_kind=kind, splits=splits) if kind else corpus


def input_modalities(model: ModelSettings) -> frozenset[str]:
    """Return the modalities of a model and of its own features: ``text``, ``audio`` or both."""
    modalities: frozenset[str] = MODELS.get(model.kind).modalities
    return modalities | _own_feature_modalities(model)


def _own_feature_modalities(model: ModelSettings) -> set[str]:
    """Return the modalities of a model's feature sets, without those of a stacked model."""
    return {modality for name in model.features if (modality := FEATURE_SETS.get(name).modality)}


def randomly_initialized_parts(model: ModelSettings) -> tuple[str, ...]:
    """Return the parts of a network that are randomly initialized rather than pretrained, to be translated."""
    modalities, parts = MODELS.get(model.kind).modalities, []
    if "text" in modalities and not model.pretrained:
        parts.append(gettext_noop("randomly initialized text encoder"))
    if "audio" in modalities and not model.audio.pretrained:
        parts.append(gettext_noop("randomly initialized audio backbone"))
    return tuple(parts)


def uses_future_turns(model: ModelSettings) -> bool:
    """Return whether later turns of a dialogue can change the prediction for a turn."""
    if "dialogue" in model.features or stacks_on_future_turns(model):
        return True
    if model.context == "dialogue":
        return model.dialogue.direction == "bidirectional"
    return model.context == "window" and model.window_right > 0


def stacks_on_future_turns(model: ModelSettings) -> bool:
    """Return whether later turns of a dialogue can change the probabilities of the stacked model."""
    return (
        model.uses_stacking
        and model.stacked is not None
        and uses_future_turns(ModelSettings.model_validate(model.stacked.model))
    )


def feature_modality(feature_set: str, model: ModelSettings) -> str:
    """Return the modality of a feature set; ``""`` if it has none, or both."""
    modalities = feature_modalities(feature_set, model)
    return next(iter(modalities)) if len(modalities) == 1 else ""


def feature_modalities(feature_set: str, model: ModelSettings) -> set[str]:
    """Return the modalities that a feature set is computed from: ``text``, ``audio``, both or neither."""
    if feature_set != "stacked" or model.stacked is None:
        modality = FEATURE_SETS.get(feature_set).modality
        return {modality} if modality else set()
    inner = ModelSettings.model_validate(model.stacked.model)
    return set(MODELS.get(inner.kind).modalities).union(
        *(feature_modalities(name, inner) for name in inner.features)
    )
