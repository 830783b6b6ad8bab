"""The pretrained encoders of a model, and the embeddings of frozen ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sized
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from torch import nn

from sentir.models.device import get_best_device
from sentir.models.factory import NetworkSpec, build_network
from sentir.models.kinds import MODELS
from sentir.models.lora import add_lora
from sentir.models.speech_backbones import load_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.speech_features import SpeechFeatureExtractor
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.models.text_encoder import TextEncoder, load_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.models.weights import SAFETENSORS_FILE
from sentir.preprocessing.kinds import feature_modality, uses_speech_encoder, uses_stage_encoder
from sentir.preprocessing.mel import MelInputs
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.recipe import AudioSettings, ModelSettings
from sentir.recognizer.embedding_cache import encoder_digest, last_modified_ns
from sentir.recognizer.frozen_encoders import encode_mels, encode_texts, encode_waveforms
from sentir.recognizer.model_checks import require_pretrained

EncoderT = TypeVar("EncoderT")
ProcessorT = TypeVar("ProcessorT")


@dataclass(frozen=True)
class PretrainedEncoder(Generic[EncoderT, ProcessorT]):
    """An encoder with its tokenizer or feature extractor.

    Attributes:
        encoder: the network.
        processor: tokenizer or feature extractor.
        digest: hash of the weights and settings of a frozen encoder; ``""`` for one that is trained.
    """

    encoder: EncoderT
    processor: ProcessorT
    digest: str

    @property
    def frozen(self) -> bool:
        """Whether it is never trained, so that embeddings are computed once."""
        return bool(self.digest)


AudioPretrainedEncoder = (
    PretrainedEncoder[SpeechEncoder, SpeechFeatureExtractor] | PretrainedEncoder[StageEncoder, None]
)


@dataclass(frozen=True)
class Encoders:
    """The encoders of a model; ``None`` if it has none of that modality.

    A network on mel spectrograms is one only if it is frozen; otherwise it is part of the model's network.
    """

    text: PretrainedEncoder[TextEncoder, TextTokenizer] | None = None
    audio: AudioPretrainedEncoder | None = None

    @classmethod
    def load(
        cls, model: ModelSettings, *, text_folder: str | None = None, audio_folder: str | None = None
    ) -> Encoders:
        """Load the encoders of a recipe's ``model`` section.

        Args:
            model: the section.
            text_folder, audio_folder: saved encoders to load instead; the recipe's text backbone, if it is a
                known name, then only chooses the normalization of texts.

        Raises:
            RecipeError: if a frozen encoder is not pretrained.
            SentirError: see `load_text_encoder`, `load_speech_encoder` and `StageEncoder`.
        """
        has_text = "text" in MODELS.get(model.kind).modalities
        return cls(
            _load_text(model, text_folder) if has_text else None,
            _load_audio(model, audio_folder),
        )

    def processors(self) -> dict[str, Any]:
        """Return ``tokenizer`` and ``extractor``, the keyword arguments of `Preprocessor` and its ``fit``."""
        return {
            "tokenizer": None if self.text is None else self.text.processor,
            "extractor": None if self.audio is None else self.audio.processor,
        }

    def embed(self, inputs: ModelInputs) -> ModelInputs:
        """Replace the encodings, waveforms and mel spectrograms of frozen encoders by embeddings.

        Returns:
            Inputs with ``text_states`` and ``audio_states`` ``(N, L, d)`` instead.

        Raises:
            AudioError: if a clip can no longer be decoded.
        """
        return self.embed_audio(self._embed_text(inputs))

    def _embed_text(self, inputs: ModelInputs) -> ModelInputs:
        if self.text is None or not self.text.frozen:
            return inputs
        text, use_cache = self.text, inputs.is_from_corpus
        states = encode_texts(
            text.encoder, text.processor, inputs.encodings, digest=text.digest, use_cache=use_cache
        )
        return replace(inputs, arrays=inputs.arrays | {"text_states": states}, encodings=[])

    def embed_audio(self, inputs: ModelInputs) -> ModelInputs:
        """Replace only the waveforms or mel spectrograms of a frozen encoder by embeddings."""
        audio, clips = self.audio, inputs.mels or inputs.waveforms
        if audio is None or not audio.frozen or clips is None:
            return inputs
        options: dict[str, Any] = {"digest": audio.digest, "use_cache": inputs.is_from_corpus}
        if isinstance(clips, MelInputs):
            states = encode_mels(cast(StageEncoder, audio.encoder), clips, **options)
        else:
            states = encode_waveforms(cast(SpeechEncoder, audio.encoder), clips, **options)
        embedded = {"audio_states": states, "has_audio": clips.has_audio}
        return replace(inputs, arrays=inputs.arrays | embedded, mels=None, waveforms=None)

    def build_network(
        self, preprocessor: Preprocessor, output_names: Sized, *, load_pretrained: bool = True
    ) -> nn.Module:
        """Build the network for the inputs of a preprocessor.

        Args:
            preprocessor: a fitted one.
            output_names: a label space, or the labels of several; there is one logit for each.
            load_pretrained: false if saved weights are loaded into it next.
        """
        settings = preprocessor.model_settings
        columns = preprocessor.scaler.names if preprocessor.scaler else ()
        spec = NetworkSpec(
            settings,
            tuple(feature_modality(name.partition(".")[0], settings) for name in columns),
            None if self.text is None else self.text.encoder,
            None if self.audio is None else self.audio.encoder,
        )
        return build_network(spec, output_names, load_pretrained=load_pretrained)


def _load_text(model: ModelSettings, folder: str | None) -> PretrainedEncoder[TextEncoder, TextTokenizer]:
    frozen = model.is_encoder_frozen
    require_pretrained(model, "model", frozen=frozen)
    name = model.backbone if folder is None or model.backbone in TEXT_BACKBONES else folder
    source = folder or model.weights
    arguments: dict[str, Any] = {
        "weights": source,
        "pretrained": model.pretrained or folder is not None,
        "layers": (-1,) if model.layers is None and not frozen else model.layers,
        "pooling": model.token_pooling,
        "max_length": model.max_length,
    }
    if frozen:
        return PretrainedEncoder(*_load_frozen_text_encoder(last_modified_ns(source or name), name, **arguments))
    encoder, tokenizer, _spec = load_text_encoder(name, **arguments)
    if model.encoder == "lora" and folder is None:  # in saved encoders they are merged
        add_lora(encoder, model.lora)
    return PretrainedEncoder(encoder, tokenizer, "")


def _load_audio(model: ModelSettings, folder: str | None) -> AudioPretrainedEncoder | None:
    if uses_speech_encoder(model):
        return _load_speech(model.audio, folder)
    if not uses_stage_encoder(model):
        return None
    audio = model.audio
    require_pretrained(audio, "model.audio", frozen=True)
    weights = audio.weights if folder is None else str(Path(folder) / SAFETENSORS_FILE)
    modified_ns = 0 if weights is None else last_modified_ns(weights)
    return PretrainedEncoder(*_load_frozen_stage_encoder(modified_ns, audio.backbone, weights))


def _load_speech(
    audio: AudioSettings, folder: str | None
) -> PretrainedEncoder[SpeechEncoder, SpeechFeatureExtractor]:
    frozen, name = audio.is_encoder_frozen, audio.backbone if folder is None else folder
    require_pretrained(audio, "model.audio", frozen=frozen)
    source = folder or audio.weights
    arguments: dict[str, Any] = {
        "weights": source,
        "pretrained": audio.pretrained or folder is not None,
        "layers": (-1,) if audio.layers is None and not frozen else audio.layers,
    }
    if frozen:
        return PretrainedEncoder(
            *_load_frozen_speech_encoder(last_modified_ns(source or name), name, **arguments)
        )
    encoder, extractor = load_speech_encoder(name, **arguments)
    return PretrainedEncoder(encoder, extractor, "")


@lru_cache(maxsize=2)
def _load_frozen_text_encoder(
    modified_ns: int, name: str, **arguments: Any
) -> tuple[TextEncoder, TextTokenizer, str]:
    """Load and hash a text encoder that trainings share; ``modified_ns`` is part of the cache key only."""
    encoder, tokenizer, _spec = load_text_encoder(name, **arguments)
    digest = encoder_digest(encoder)
    return encoder.to(get_best_device()).eval(), tokenizer, digest


@lru_cache(maxsize=2)
def _load_frozen_speech_encoder(
    modified_ns: int, name: str, **arguments: Any
) -> tuple[SpeechEncoder, SpeechFeatureExtractor, str]:
    """Load and hash a speech encoder that trainings share; ``modified_ns`` is part of the cache key only."""
    encoder, extractor = load_speech_encoder(name, **arguments)
    settings = f"{encoder_digest(encoder)} {extractor.settings()}"
    digest = hashlib.sha256(settings.encode()).hexdigest()[:16]
    return encoder.to(get_best_device()).eval(), extractor, digest


@lru_cache(maxsize=2)
def _load_frozen_stage_encoder(
    modified_ns: int, name: str, weights: str | None
) -> tuple[StageEncoder, None, str]:
    """Load and hash a network that trainings share; ``modified_ns`` is part of the cache key only."""
    encoder = StageEncoder(name, weights=None if weights is None else Path(weights))
    digest = encoder_digest(encoder)
    return encoder.to(get_best_device()).eval(), None, digest
