"""The sections of a recipe: frozen tables of settings that refuse keys they do not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sentir.i18n import _

DEFAULT_CLEANING = ("repair_encoding", "drop_stage_noises", "collapse_whitespace")


class Section(BaseModel):
    """A frozen table of settings that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Splits(Section):
    """Which groups make up dev and test, by their names in the ``group`` column; all others are train."""

    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


class Table(Section):
    """Columns of a table of the user's own (reader ``table``); every column is named, none is guessed.

    Attributes:
        file: CSV, TSV or Parquet file, relative to the root; the root itself may be the file.
        label: a column with one label name per row.
        labels: columns with an intensity each; a label is present above ``threshold``.
        features: numeric columns offered as inputs.
        group: column whose values never cross splits when there is no split column (else ``dialogue``).
        splits: the groups of dev and of test by name; exclusive with ``split`` and with ``fractions``.
        fractions: shares of train, dev and test for the split by group, drawn where no groups are named.
    """

    file: Path | None = None
    text: str | None = None
    id: str | None = None
    audio: str | None = None
    start: str | None = None
    end: str | None = None
    speaker: str | None = None
    dialogue: str | None = None
    split: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    threshold: float = 0.0
    normalize: bool = True
    features: tuple[str, ...] = ()
    group: str | None = None
    splits: Splits = Splits()
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    seed: int = 0

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> Self:
        if bool(self.label) == bool(self.labels):
            raise ValueError(_("name either one column in 'label' or several in 'labels'"))
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(_("'fractions' must be three shares above 0 that sum to 1"))
        return self

    @model_validator(mode="after")
    def _one_way_to_split(self) -> Self:
        dev, test = set(self.splits.dev), set(self.splits.test)
        if not dev and not test:
            return self
        if not (dev and test) or dev & test:
            raise ValueError(_("'splits' must name groups of dev and other groups of test"))
        if self.group is None:
            raise ValueError(_("'splits' names groups; name their column in 'group'"))
        if self.split or self.fractions != type(self).model_fields["fractions"].default:
            raise ValueError(_("give only one of 'splits', 'split' and 'fractions'"))
        return self


class Data(Section):
    """Which corpus, which task of it, and how its text is cleaned.

    Attributes:
        sound: whether the clips of the utterances are looked for; a model that listens needs it.
        twins: which of two cuts of a MELD clip is taken: the one whose length is ``nearest`` to the CSV's, or the
            ``plain`` one.
        cleaning: names of steps in `sentir.corpus.cleaning`, applied in order.
        min_train_words: leave utterances with fewer words after cleaning out of train (never of dev or test).
    """

    reader: str
    root: Path | None = None
    task: str = "emotion"
    sound: bool = False
    twins: Literal["nearest", "plain"] = "nearest"
    cleaning: tuple[str, ...] = DEFAULT_CLEANING
    min_train_words: int = Field(0, ge=0)
    table: Table | None = None


class Audio(Section):
    """The sound side of a network.

    Attributes:
        backbone: a name in `sentir.models.audio_backbones`, or any other of timm's.
        weights: a ``.safetensors`` file with the backbone's weights, if not those its name stands for.
        pretrained: ``false`` for random weights; the report says so.
        mel: ``mel`` (64 bands, 100 frames a second) or ``thesis`` (the thesis' pictures of 224 by 224, made from
            sound or read from its ``.npy`` files).
        max_seconds: of a longer clip the model hears the middle.
    """

    backbone: str = "efficientnet_b0"
    weights: Path | None = None
    pretrained: bool = True
    mel: Literal["mel", "thesis"] = "mel"
    max_seconds: int = Field(8, ge=1)


class Stacked(Section):
    """A model whose probabilities become features of another, the feature set ``stacked``.

    On train they come from models that did not see the utterance's dialogue; see `sentir.study.stacking`.

    Attributes:
        task: what it recognizes; none = the recipe's task.
        folds: parts of train, by dialogue.
        model: its ``model`` section.
        train: its ``train`` section; the seed is the recipe's.
    """

    task: str | None = None
    folds: int = Field(5, ge=2)
    model: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)


class Model(Section):
    """The network.

    Attributes:
        kind: a name in `sentir.training.building`: ``hybrid_transformer`` reads, ``emotion_model`` listens,
            ``multimodal`` does both.
        backbone: a name in `sentir.models.text_backbones`, a hub id, or a local folder.
        weights: where the backbone's weights lie, if not where its name says (hub id or folder).
        pretrained: ``false`` for random weights of the backbone's architecture; the report says so.
        encoder: ``frozen`` (each utterance encoded once, a head is trained) or ``finetune``.
        layers: hidden layers to read, 0 being the embeddings; none = all when mixed, the last otherwise.
        layer_pooling: ``mix`` (learned weights over layers) or ``concat``.
        max_length: longest input in tokens; none = what the backbone allows.
        context: ``none``, ``window`` (previous turns in the text input) or ``dialogue`` (a recurrent layer).
        window: how many previous turns a window holds.
        window_speakers: whether a window names the speakers.
        features: names of feature sets in `sentir.features`.
        hidden: width of the head's layers (and of each direction of the recurrent layer).
        audio: the sound side.
        stacked: another model, whose probabilities the feature set ``stacked`` holds where it is named.
        fusion: how ``multimodal`` joins text and sound, a name in `sentir.models.fusion`.
        modality_dropout: share of train utterances of which ``multimodal`` loses the text, or else the sound.
    """

    kind: str = "hybrid_transformer"
    backbone: str = "minilm"
    weights: str | None = None
    pretrained: bool = True
    encoder: Literal["frozen", "finetune"] = "frozen"
    layers: tuple[int, ...] | None = Field(None, min_length=1)
    layer_pooling: Literal["mix", "concat"] = "mix"
    max_length: int | None = Field(None, ge=8)
    context: Literal["none", "window", "dialogue"] = "none"
    window: int = Field(3, ge=1)
    window_speakers: bool = True
    features: tuple[str, ...] = ()
    hidden: int = Field(256, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    audio: Audio = Audio()
    stacked: Stacked | None = None
    fusion: str = "gated"
    modality_dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _stacked_is_described(self) -> Self:
        if "stacked" in self.features and self.stacked is None:
            raise ValueError(_("the feature set 'stacked' needs the section 'model.stacked'"))
        return self

    @property
    def stacks(self) -> bool:
        """Whether another model's probabilities are among the features."""
        return "stacked" in self.features


class Augment(Section):
    """Changes of train mels, drawn anew in every epoch; 0 switches one off.

    Attributes:
        masks: masks along bands and as many along time, filled with the train mean.
        mask_bands: widest mask in bands.
        mask_seconds: longest mask in seconds.
        gain_db: loudness is changed by up to so many decibels.
        shift_seconds: a clip starts up to so much earlier or later.
        speed: a clip is up to this share faster or slower.
    """

    masks: int = Field(0, ge=0)
    mask_bands: int = Field(8, ge=1)
    mask_seconds: float = Field(0.25, gt=0)
    gain_db: float = Field(0.0, ge=0)
    shift_seconds: float = Field(0.0, ge=0)
    speed: float = Field(0.0, ge=0, lt=0.5)


class Train(Section):
    """How the network learns.

    Attributes:
        batch: utterances per step; with dialogue context, whole dialogues of about as many utterances.
        lr: learning rate of new layers; ``encoder_lr`` is the encoder's when fine-tuned.
        warmup: share of all steps with rising learning rate.
        freeze_epochs: epochs at the start in which a fine-tuned encoder does not move.
        balance: class weights, ``none``, ``sqrt`` or ``inverse`` of the label counts, with mean 1 over train.
        patience: epochs without a better dev score before training stops.
        average: share of the average of weights over past steps that a step leaves (0.99: about a hundred
            steps); dev scores and keeps the average. 0 = none.
        augment: changes of what a model hears in training.
    """

    epochs: int = Field(20, ge=1)
    patience: int = Field(5, ge=1)
    batch: int = Field(64, ge=1)
    lr: float = Field(1e-3, gt=0)
    encoder_lr: float = Field(3e-5, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    freeze_epochs: int = Field(0, ge=0)
    balance: Literal["none", "sqrt", "inverse"] = "none"
    max_grad_norm: float = Field(1.0, gt=0)
    seed: int = 0
    average: float = Field(0.0, ge=0, lt=1)
    augment: Augment = Augment()


class Evaluation(Section):
    """How models are judged.

    Attributes:
        metric: the dev score that selects; none = weighted F1 for one label, macro F1 for several.
        resamples: bootstrap resamples of dialogues behind every interval.
        permutations: shuffles behind every p-value.
    """

    metric: str | None = None
    resamples: int = Field(2000, ge=100)
    permutations: int = Field(2000, ge=100)


class Study(Section):
    """Which trainings stand against one another.

    Attributes:
        tasks: tasks of the corpus, each with its own finalist; none = the recipe's task.
        seeds: every candidate is trained once with each; none = its ``train.seed``.
        candidates: name → overrides of the recipe, as nested tables.
        baselines: names in `sentir.study.baselines`.
        always_report: candidates whose test score is shown beside the finalist's, whatever their dev score.
    """

    tasks: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    candidates: dict[str, dict[str, Any]] = Field(default_factory=dict)
    baselines: tuple[str, ...] = ("majority", "bag of words")
    always_report: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _reported_exist(self) -> Self:
        if unknown := [name for name in self.always_report if name not in self.candidates]:
            raise ValueError(_("'always_report' names '{name}', which is no candidate", name=unknown[0]))
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(_("'seeds' names a seed twice"))
        return self
