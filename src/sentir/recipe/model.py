"""The section ``model``: the network, its sound side, and the model it stacks on."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sentir.i18n import _
from sentir.recipe.sections import FileSafeName, Section, SettingsTable


class AudioSettings(Section):
    """The sound side of a network.

    Attributes:
        backbone: a network over a mel, a name in `sentir.models.audio_backbones` or any other of timm's; or a
            speech encoder over the wave, a name in `sentir.models.speech_backbones`, a hub id or a folder.
        weights: where the weights lie, if not where the name says: a ``.safetensors`` file of timm's, or the hub
            id or folder of a speech encoder.
        pretrained: ``false`` for random weights; the report says so.
        encoder: of a speech encoder, ``frozen`` (each clip encoded once, a head is trained; the default) or
            ``finetune``; a network over a mel always learns.
        layers: of a speech encoder, hidden layers to read, 0 being what enters the first one; none = all when
            frozen (pooled by ``model.layer_pooling``), the last otherwise.
        mel: of a network over a mel, ``mel`` (64 bands, 100 frames a second) or ``thesis`` (the thesis' pictures
            of 224 by 224, made from sound or read from its ``.npy`` files).
        max_seconds: of a longer clip the model hears the middle.
    """

    backbone: str = "efficientnet_b0"
    weights: str | None = None
    pretrained: bool = True
    encoder: Literal["frozen", "finetune"] | None = None
    layers: tuple[int, ...] | None = Field(None, min_length=1)
    mel: Literal["mel", "thesis"] = "mel"
    max_seconds: int = Field(8, ge=1)


class StackedSettings(Section):
    """A model whose probabilities become features of another, the feature set ``stacked``.

    On train they come from models that did not see the utterance's dialogue; see `sentir.study.stacking`.

    Attributes:
        task: what it recognizes; none = the recipe's task.
        folds: parts of train, by dialogue.
        model: its ``model`` section.
        train: its ``train`` section; the seed is the recipe's.
    """

    task: FileSafeName | None = None
    folds: int = Field(5, ge=2)
    model: SettingsTable = Field(default_factory=dict)
    train: SettingsTable = Field(default_factory=dict)


class DialogueSettings(Section):
    """The layer over the utterances of a dialogue, where ``model.context = "dialogue"``.

    Attributes:
        layer: ``gru``, or ``attention`` (a transformer layer with relative positions).
        direction: ``both``, or ``past``: an answer never changes with what is said later.
        speakers: whether it tells the utterance's own speaker from others; an unknown one is another.
        window: how many turns away attention reaches; none = the whole dialogue.
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
    """Adapters of low rank, what learns of a text encoder where ``model.encoder = "lora"``.

    Attributes:
        rank: width of the adapters.
        alpha: what they add is scaled by ``alpha / rank``.
        dropout: probability on their input.
    """

    rank: int = Field(8, ge=1)
    alpha: int = Field(16, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class ModelSettings(Section):
    """The network.

    Attributes:
        kind: a name in `sentir.preprocessing.kinds`: ``hybrid_transformer`` reads, ``emotion_model`` listens,
            ``multimodal`` does both.
        backbone: a name in `sentir.models.text_backbones`, a hub id, or a local folder.
        weights: where the backbone's weights lie, if not where its name says (hub id or folder).
        pretrained: ``false`` for random weights of the backbone's architecture; the report says so.
        encoder: ``frozen`` (each utterance encoded once, a head is trained), ``finetune``, or ``lora`` (adapters
            learn in a frozen encoder and are merged into it at the end).
        lora: the adapters.
        layers: hidden layers to read, 0 being the embeddings; none = all when mixed, the last otherwise.
        token_pooling: how the tokens of a layer become a vector, ``mean`` or ``max``; several give it several.
        layer_pooling: ``mix`` (learned weights over a text's vectors) or ``concat``.
        max_length: longest input in tokens; none = what the backbone allows.
        context: ``none``, ``window`` (previous turns in the text input) or ``dialogue`` (a layer over dialogues).
        dialogue: that layer.
        window: how many previous turns a window holds.
        window_right: how many later turns it holds; they need ``window_separators``.
        window_speakers: whether a window names the speakers.
        window_separators: whether the tokenizer's separator stands between all turns of a window; otherwise the
            earlier ones are one text.
        features: names of feature sets in `sentir.features`.
        hidden_size: width of the head's layers (and of a layer over dialogues, in each direction of a recurrent one).
        audio: the sound side.
        stacked: another model, whose probabilities the feature set ``stacked`` holds where it is named.
        fusion: how ``multimodal`` joins text and audio, a name in `sentir.models.fusion`.
        auxiliary_tasks: tasks of the corpus that the same model learns beside ``data.task`` (which may be among them), each
            with a head of its own.
        modality_dropout: share of train utterances of which ``multimodal`` loses the text, or else the sound.
    """

    kind: str = "hybrid_transformer"
    backbone: str = "minilm"
    weights: str | None = None
    pretrained: bool = True
    encoder: Literal["frozen", "finetune", "lora"] = "frozen"
    lora: LoraSettings = LoraSettings()
    layers: tuple[int, ...] | None = Field(None, min_length=1)
    token_pooling: tuple[Literal["mean", "max"], ...] = Field(("mean",), min_length=1)
    layer_pooling: Literal["mix", "concat"] = "mix"
    max_length: int | None = Field(None, ge=8)
    context: Literal["none", "window", "dialogue"] = "none"
    dialogue: DialogueSettings = DialogueSettings()
    window: int = Field(3, ge=1)
    window_right: int = Field(0, ge=0)
    window_speakers: bool = True
    window_separators: bool = False
    features: tuple[str, ...] = ()
    hidden_size: int = Field(256, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
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
        """Whether another model's probabilities are among the features."""
        return "stacked" in self.features
