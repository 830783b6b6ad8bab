"""The pretrained encoders of a model, and the embeddings of frozen ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sized
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Generic, TypeVar

import numpy as np
from torch import nn

from sentir.models.device import get_best_device
from sentir.models.factory import NetworkSpec, build_network
from sentir.models.kinds import MODELS
from sentir.models.lora import add_lora
from sentir.models.speech_backbones import load_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.speech_features import SpeechFeatureExtractor
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.models.text_encoder import TextEncoder, load_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.preprocessing.kinds import feature_modality, uses_speech_encoder
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.recipe import AudioSettings, ModelSettings
from sentir.recognizer.embedding_cache import encoder_digest, last_modified_ns
from sentir.recognizer.frozen_encoders import encode_texts, encode_waveforms
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


@dataclass(frozen=True)
class Encoders:
    """The encoders of a model; ``None`` if it has none of that modality."""

    text: PretrainedEncoder[TextEncoder, TextTokenizer] | None = None
    speech: PretrainedEncoder[SpeechEncoder, SpeechFeatureExtractor] | None = None

    @classmethod
    def load(
        cls, model: ModelSettings, *, text_folder: str | None = None, speech_folder: str | None = None
    ) -> Encoders:
        """Load the encoders of a recipe's ``model`` section.

        Args:
            model: the section.
            text_folder, speech_folder: saved encoders to load instead; the recipe's text backbone, if it is a
                known name, then only chooses the normalization of texts.

        Raises:
            RecipeError: if a frozen encoder is not pretrained.
            SentirError: see `load_text_encoder` and `load_speech_encoder`.
        """
        has_text = "text" in MODELS.get(model.kind).modalities
        return cls(
            _load_text(model, text_folder) if has_text else None,
            _load_speech(model.audio, speech_folder) if uses_speech_encoder(model) else None,
        )

    def processors(self) -> dict[str, Any]:
        """Return ``tokenizer`` and ``extractor``, the keyword arguments of `Preprocessor` and its ``fit``."""
        return {
            "tokenizer": None if self.text is None else self.text.processor,
            "extractor": None if self.speech is None else self.speech.processor,
        }

    def embed(self, inputs: ModelInputs) -> ModelInputs:
        """Replace the encodings and waveforms of frozen encoders by embeddings.

        Returns:
            Inputs with ``text_states`` and ``speech_states`` ``(N, L, d)`` instead.

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
        """Replace only the waveforms of a frozen speech encoder by embeddings."""
        if self.speech is None or not self.speech.frozen or inputs.waveforms is None:
            return inputs
        speech, waveforms = self.speech, inputs.waveforms
        states = encode_waveforms(
            speech.encoder, waveforms, digest=speech.digest, use_cache=inputs.is_from_corpus
        )
        has_audio = np.array([clip is not None for clip in waveforms.clips], dtype=bool)
        embedded = {"speech_states": states, "has_audio": has_audio}
        return replace(inputs, arrays=inputs.arrays | embedded, waveforms=None)

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
            None if self.speech is None else self.speech.encoder,
        )
        return build_network(spec, output_names, load_pretrained=load_pretrained)


def _load_text(model: ModelSettings, folder: str | None) -> PretrainedEncoder[TextEncoder, TextTokenizer]:
    require_pretrained(model, "model")
    frozen = model.is_encoder_frozen
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


def _load_speech(
    audio: AudioSettings, folder: str | None
) -> PretrainedEncoder[SpeechEncoder, SpeechFeatureExtractor]:
    require_pretrained(audio, "model.audio")
    frozen, name = audio.is_encoder_frozen, audio.backbone if folder is None else folder
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
