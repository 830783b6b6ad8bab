"""Networks of every kind, tiny and randomly initialized, with a batch of awkward company, for export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from tiny_corpora import TINY_NETWORK
from torch import nn

from sentir.export.onnx_graphs import export_graphs
from sentir.models.context import DialogueContextConfig
from sentir.models.emotion_model import EmotionModel
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.multimodal import MultimodalClassifier
from sentir.models.speech_backbones import SPEECH_BACKBONES, load_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_encoder import TextEncoder, load_text_encoder
from sentir.runtime.onnx_backend import OnnxBackend
from sentir.testing import make_tiny_text_backbone
from sentir.testing.tiny_speech import make_tiny_speech_backbone

SPEECH = ("wav2vec2", "hubert", "wavlm", "whisper")
TEXTS = (
    "I am so happy!",
    "Oh no.",
    "What? You did that?",
    "",
    "That smells awful, it is disgusting.",
    "Leave me alone",
)
DIALOGUE = np.array([2, 0, 2, 1, 2, 0, 2, 0, 3])  # of 3, 1, 4 and 1 turns, in disorder
TURN = np.array([0, 1, 3, 0, 1, 0, 2, 2, 0])
SPEAKER = np.array([5, 1, 6, 2, 6, 3, 5, 1, 4])
HAS_TEXT = np.array([True, True, True, True, False, True, True, False, True])
HAS_AUDIO = np.array([True, False, True, True, True, True, True, False, True])
SECONDS = (1, 2, 1, 2, 1, 3, 1, 1, 2)
NUM_FEATURES = 3


@dataclass(frozen=True)
class Case:
    """A network to export; ``""`` for a modality that it does not have."""

    text: str = ""
    audio: str = ""
    fusion: str = "gated"
    context: str = "none"
    layer: str = "gru"
    direction: str = "bidirectional"
    speakers: bool = False
    window: int | None = None
    frozen: bool = True
    features: bool = True
    layer_pooling: str = "mix"
    speech_norm: str | None = None
    frame_pooling: str = "mean"
    frozen_network: bool = False

    @property
    def context_name(self) -> str:
        if self.context != "dialogue":
            return self.context
        options = [self.layer, self.direction, *(["speakers"] if self.speakers else [])]
        return " ".join(options + ([f"window {self.window}"] if self.window else []))

    def __str__(self) -> str:
        parts = [self.text or "no text", self.audio or "no audio"]
        parts += [self.fusion] if self.text and self.audio else []
        parts += [self.context_name, "frozen" if self.frozen else "fine-tuned", self.layer_pooling]
        parts += [] if self.frame_pooling == "mean" else [f"{self.frame_pooling} over frames"]
        return ", ".join(parts + ([] if self.features else ["no features"]))


@dataclass
class Built:
    network: nn.Module
    batch: dict[str, NDArray[Any]]
    frozen: dict[str, Any] = field(default_factory=dict)


@cache
def _text(name: str, folder: Path) -> tuple[TextEncoder, Any]:
    weights = make_tiny_text_backbone(name, folder / name)
    encoder, tokenizer, _spec = load_text_encoder(
        name, weights=str(weights), layers=(1, 2), pooling=("mean", "max")
    )
    return encoder.eval(), tokenizer


@cache
def _speech(name: str, norm: str | None, folder: Path) -> tuple[SpeechEncoder, Any]:
    weights = make_tiny_speech_backbone(name, folder / f"{name}-{norm}", norm=norm)
    encoder, extractor = load_speech_encoder(name, weights=str(weights), layers=(0, 1, 2))
    return encoder.eval(), extractor


def build(case: Case, folder: Path) -> Built:
    """Build the network of a case, and a batch for it."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    count = len(DIALOGUE)
    batch: dict[str, Any] = {"dialogue": DIALOGUE, "turn": TURN, "speaker": SPEAKER}
    options: dict[str, Any] = {"hidden_size": 16, "layer_pooling": case.layer_pooling}
    names: list[str] = []
    frozen: dict[str, Any] = {}
    if case.features:
        batch["features"] = rng.normal(size=(count, NUM_FEATURES)).astype(np.float32)
    if case.text:
        encoder, tokenizer = _text(case.text, folder)
        window = (["a turn before"], []) if case.context == "window" else ([], [])
        texts = [(TEXTS[n % len(TEXTS)] if has else "", *window) for n, has in enumerate(HAS_TEXT)]
        batch |= tokenizer.pad(tokenizer.encode_batch(texts))
        names.append(case.text)
        key, value = ("text_states_shape", encoder.states_shape) if case.frozen else ("text_encoder", encoder)
        options[key] = value
        options["context"] = case.context
        options["dialogue"] = DialogueContextConfig(case.layer, case.direction, case.speakers, case.window)
        if case.frozen:
            frozen["text_encoder"] = encoder
    if case.audio in SPEECH_BACKBONES:
        speech, extractor = _speech(case.audio, case.speech_norm, folder)
        waves = [rng.normal(size=1600 * n).astype(np.float32) for n in SECONDS]
        batch |= extractor.pad([wave if has else None for wave, has in zip(waves, HAS_AUDIO, strict=True)])
        key, value = ("audio_states_shape", speech.states_shape) if case.frozen else ("speech_encoder", speech)
        options[key] = value
        options |= {} if case.frozen else {"frame_pooling": case.frame_pooling}
        names.append(case.audio)
        if case.frozen:
            frozen["audio_encoder"] = speech
    elif case.audio:
        lengths = np.array([100 * n for n in SECONDS])
        mel = rng.normal(size=(count, lengths.max(), 64)).astype(np.float32)
        mel[np.arange(lengths.max()) >= lengths[:, None]] = 0
        mel[~HAS_AUDIO] = 0
        batch |= {"mel": mel, "mel_lengths": lengths, "has_audio": HAS_AUDIO}
        names.append(case.audio)
        if case.frozen_network:
            encoder = StageEncoder(case.audio, pretrained=False)
            options["audio_states_shape"], frozen["audio_encoder"] = encoder.states_shape, encoder
        else:
            options["pretrained"] = False
    if case.text and case.audio:
        batch["has_text"] = HAS_TEXT
        options |= {"fusion": case.fusion, "feature_modalities": ("text", "audio", "") if case.features else ()}
        kind: Any = MultimodalClassifier
    else:
        kind = HybridTransformerClassifier if case.text else EmotionModel
    network = kind(*names, NUM_FEATURES if case.features else 0, 4, **options).eval()
    if case.frame_pooling == "attention":
        nn.init.normal_(network.audio.frame_attention.query)
    for module in (*network.modules(), *frozen.get("audio_encoder", nn.Module()).modules()):
        if isinstance(module, nn.BatchNorm2d):  # statistics other than 0 and 1
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
    return Built(network, {name: np.asarray(x) for name, x in batch.items()}, frozen)


def torch_outputs(built: Built) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return logits, and the vectors before the head, by torch."""
    inputs = {name: torch.from_numpy(x) for name, x in built.batch.items()}
    with torch.inference_mode():
        if encoder := built.frozen.get("text_encoder"):
            inputs["text_states"] = encoder(**_pick(inputs, encoder.input_names))
        if encoder := built.frozen.get("audio_encoder"):
            inputs["audio_states"] = encoder(**_pick(inputs, encoder.input_names))
        inputs = _pick(inputs, built.network.input_names)
        return built.network(**inputs).numpy(), built.network.forward_features(**inputs).numpy()


def _pick(inputs: Mapping[str, Any], names: Any) -> dict[str, Any]:
    return {name: inputs[name] for name in names if name in inputs}


def export(built: Built) -> OnnxBackend:
    """Export a network and load its graphs."""
    models = export_graphs(built.network, built.batch, **built.frozen)
    return OnnxBackend({name: open_bytes(model.SerializeToString()) for name, model in models.items()})


def open_bytes(model: bytes) -> onnxruntime.InferenceSession:
    from sentir.runtime.sessions import open_session

    return open_session(model, num_threads=1)


SMALL = TINY_NETWORK


def _pairwise() -> tuple[Case, ...]:
    """Cases in which each backbone, fusion and context occurs, and pairs of them that meet in the network."""
    window = {"context": "window"}
    gru: dict[str, Any] = {"context": "dialogue"}
    attention: dict[str, Any] = {"context": "dialogue", "layer": "attention"}
    contexts: tuple[dict[str, Any], ...] = (
        {},
        window,
        gru,
        gru | {"speakers": True},
        gru | {"direction": "causal"},
        gru | {"direction": "causal", "speakers": True},
        attention,
        attention | {"speakers": True},
        attention | {"direction": "causal", "window": 2},
        attention | {"speakers": True, "window": 1},
    )
    texts = (
        "minilm", "bert-base-uncased", "roberta-base", "twitter-roberta-base-sentiment",
        "bertweet-base-sentiment-analysis", "xlnet-base-cased", "xlm-roberta-base", "multilingual-minilm",
    )  # fmt: skip
    networks = (SMALL, "efficientnet_b0", "mobilenetv3_small_050", "vgg16")
    audios = (*networks, *SPEECH)
    fusions = ("concat", "gated", "cross_attention", "late")
    text_only = [
        Case(
            text=texts[n % len(texts)],
            frozen=bool(n % 2),
            layer_pooling="mix" if n % 3 else "concat",
            features=n % 4 > 0,
            **context,
        )
        for n, context in enumerate(contexts)
    ]
    newer = (
        "deberta-v3-base",
        "modernbert-base",
        "mmbert-small",
        "eurobert-210m",
        "qwen3-embedding-0.6b",
        "robertuito",
    )
    text_only += [Case(text=text, frozen=bool(n % 2), **contexts[n % 3]) for n, text in enumerate(newer)]
    audio_only = [Case(audio=audio, frozen=False, features=bool(n % 2)) for n, audio in enumerate(audios)]
    audio_only += [Case(audio=audio, frozen=True, speech_norm="layer") for audio in SPEECH[:3]]
    audio_only += [
        Case(audio="whisper-large-v3"),
        Case(audio="wavlm-large", frozen=False, frame_pooling="attention"),
    ]
    audio_only += [Case(audio="whisper", frozen=False, frame_pooling="attention")]
    audio_only += [Case(audio=SMALL, frozen_network=True), Case(audio="efficientnet_lite0", frozen_network=True)]
    both = [
        Case(
            text=texts[(n + m) % len(texts)], audio=audio, fusion=fusion, frozen=bool((n + m) % 2),
            features=(n + m) % 3 > 0, **contexts[(3 * n + m) % len(contexts)],
        )
        for n, fusion in enumerate(fusions)
        for m, audio in enumerate((SMALL, "mobilenetv3_small_050", *SPEECH))
        if fusion == "cross_attention"  # which alone sees more than a vector of each
        or m in (n % 2, 2 + (n + 1) % 4)
    ]  # fmt: skip
    return tuple(dict.fromkeys([*text_only, *audio_only, *both]))


CASES = _pairwise()
