"""The section ``model``: the network, its audio branch, and the stacked model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sentir.i18n import _
from sentir.recipe.sections import FileSafeName, Section, SettingsTable


class AudioSettings(Section):
    """The audio branch of a network.

    Attributes:
        backbone: a network on mel spectrograms, a name in `sentir.models.audio_backbones` or another of timm's;
            or a speech encoder on the waveform, a name in `sentir.models.speech_backbones`, a hub id or a folder.
        weights: a ``.safetensors`` file of timm weights, or the hub id or folder of a speech encoder's weights,
            if not those of ``backbone``.
        pretrained: ``false`` for random initialization, which reports state.
        encoder: ``frozen`` (each clip is encoded once, only a head is trained; the default for speech encoders)
            or ``finetune`` (the default for networks on mel spectrograms).
        layers: for a speech encoder, the hidden layers to use, 0 being the input of the first; by default all if
            frozen (pooled by ``model.layer_pooling``), else the last.
        frame_pooling: of a fine-tuned speech encoder: ``mean``, or ``attention`` (learned weights of the frames).
        mel: for networks on mel spectrograms, ``mel`` (64 bands, 100 frames per second) or ``thesis`` (224 x 224,
            as in the thesis, computed from audio or read from its ``.npy`` files).
        max_seconds: longer clips are cropped to their middle.
    """

    backbone: str = "efficientnet_b0"
    weights: str | None = None
    pretrained: bool = True
    encoder: Literal["frozen", "finetune"] | None = None
    layers: tuple[int, ...] | None = Field(None, min_length=1)
    frame_pooling: Literal["mean", "attention"] = "mean"
    mel: Literal["mel", "thesis"] = "mel"
    max_seconds: int = Field(8, ge=1)

    @property
    def is_encoder_frozen(self) -> bool:
        """Whether a speech encoder is frozen; a network on mel spectrograms is if ``encoder`` says so."""
        return self.encoder != "finetune"


class StackedSettings(Section):
    """A model whose out-of-fold predictions are features of another (stacking), the feature set ``stacked``.

    Attributes:
        task: its task; by default the recipe's.
        folds: folds of train, by dialogue; see `sentir.study.stacking`.
        model: its section ``model``.
        train: its section ``train``; the seed is the recipe's.
    """

    task: FileSafeName | None = None
    folds: int = Field(5, ge=2)
    model: SettingsTable = Field(default_factory=dict)
    train: SettingsTable = Field(default_factory=dict)


class DialogueSettings(Section):
    """The dialogue context layer, if ``model.context = "dialogue"``.

    Attributes:
        layer: ``gru``, or ``attention`` (a transformer layer with relative positions).
        direction: ``bidirectional``, or ``causal``: predictions do not depend on later turns.
        speakers: whether it distinguishes turns of the same speaker from others; unknown ones count as others.
        window: attention reaches so many turns; by default the whole dialogue.
    """

    layer: Literal["gru", "attention"] = "gru"
    direction: Literal["bidirectional", "causal"] = "bidirectional"
    speakers: bool = False
    window: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _window_needs_attention(self) -> Self:
        if self.window is not None and self.layer != "attention":
            raise ValueError(_("'window' needs layer = attention; remove it"))
        return self


class LoraSettings(Section):
    """Low-rank adapters of the text encoder, if ``model.encoder = "lora"``.

    Attributes:
        rank: rank of the adapters.
        alpha: their output is scaled by ``alpha / rank``.
        dropout: dropout probability on their input.
    """

    rank: int = Field(8, ge=1)
    alpha: int = Field(16, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class ModelSettings(Section):
    """The network.

    Attributes:
        kind: a name in `sentir.models.factory`: ``hybrid_transformer`` (text), ``emotion_model`` (audio) or
            ``multimodal``.
        backbone: the text encoder, a name in `sentir.models.text_backbones`, a hub id, or a local folder.
        weights: hub id or folder of the backbone's weights, if not those of its name.
        pretrained: ``false`` for a randomly initialized backbone, which reports state.
        encoder: ``frozen`` (each utterance is encoded once, only a head is trained), ``finetune``, or ``lora``
            (adapters are trained in a frozen encoder and merged into it at the end).
        lora: the adapters.
        layers: hidden layers to use, 0 being the embeddings; by default all for ``mix``, else the last.
        token_pooling: poolings of the tokens of a layer, ``mean``, ``max`` or ``last``; by default the
            backbone's, ``mean`` or, for a decoder, ``last``.
        layer_pooling: ``mix`` (learned weights of the layers) or ``concat``.
        max_length: maximum input length in tokens; by default the backbone's.
        context: ``none``, ``window`` (previous turns in the text input) or ``dialogue`` (a layer over turns).
        dialogue: that layer.
        window: number of previous turns in a window.
        window_right: number of later turns in it; they need ``window_separators``.
        window_speakers: whether a window contains the names of the speakers.
        window_separators: whether the tokenizer's separator is inserted between all turns of a window; otherwise
            the previous turns are one text.
        features: names of feature sets in `sentir.features`.
        head: ``mlp``; or ``kernel_ridge``, fitted in closed form to the labels of one task, on the columns of a
            frozen network on mel spectrograms and features. Of the section ``train`` it uses ``seed``,
            ``class_weights`` and ``soft_labels``.
        hidden_size: size of the head's hidden layers, and of the dialogue context layer (of each direction of a
            GRU); the number of centers of ``kernel_ridge``, random clips of train.
        dropout: dropout probability in the head.
        speaker_normalization: whether numeric features of audio, and the embeddings of a frozen audio encoder,
            are standardized within their speaker, as far as clips of the speaker are enrolled; see
            `sentir.features.speaker_normalization`.
        audio: the audio branch.
        stacked: another model whose probabilities are the feature set ``stacked``.
        fusion: fusion of text and audio in ``multimodal``, a name in `sentir.models.fusion`.
        auxiliary_tasks: other tasks of the corpus that the model also predicts, each with its own head; may
            include ``data.task``.
        modality_dropout: share of train utterances from which ``multimodal`` drops the text or the audio.
    """

    kind: str = "hybrid_transformer"
    backbone: str = "minilm"
    weights: str | None = None
    pretrained: bool = True
    encoder: Literal["frozen", "finetune", "lora"] = "frozen"
    lora: LoraSettings = LoraSettings()
    layers: tuple[int, ...] | None = Field(None, min_length=1)
    token_pooling: tuple[Literal["mean", "max", "last"], ...] | None = Field(None, min_length=1)
    layer_pooling: Literal["mix", "concat"] = "mix"
    max_length: int | None = Field(None, ge=8)
    context: Literal["none", "window", "dialogue"] = "none"
    dialogue: DialogueSettings = DialogueSettings()
    window: int = Field(3, ge=1)
    window_right: int = Field(0, ge=0)
    window_speakers: bool = True
    window_separators: bool = False
    features: tuple[str, ...] = ()
    head: Literal["mlp", "kernel_ridge"] = "mlp"
    hidden_size: int = Field(256, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    speaker_normalization: bool = False
    audio: AudioSettings = AudioSettings()
    stacked: StackedSettings | None = None
    fusion: str = "gated"
    auxiliary_tasks: tuple[str, ...] = ()
    modality_dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _later_turns_are_apart(self) -> Self:
        if self.window_right and not self.window_separators:
            raise ValueError(_("'window_right' needs window_separators = true; set it"))
        return self

    @model_validator(mode="after")
    def _stacked_is_described(self) -> Self:
        if "stacked" in self.features and self.stacked is None:
            raise ValueError(_("the feature set 'stacked' needs the section 'model.stacked'"))
        return self

    @property
    def uses_stacking(self) -> bool:
        """Whether the features include another model's probabilities."""
        return "stacked" in self.features

    @property
    def is_encoder_frozen(self) -> bool:
        """Whether the text encoder is frozen."""
        return self.encoder == "frozen"
