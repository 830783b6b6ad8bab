"""The section ``train``: how the network is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sentir.recipe.sections import Section


class AugmentSettings(Section):
    """Augmentation of the mel spectrograms of train, random in every epoch; 0 disables one.

    Attributes:
        masks: number of frequency masks, and of time masks, filled with the train mean (SpecAugment).
        mask_bands: maximum width of a frequency mask in bands.
        mask_seconds: maximum length of a time mask in seconds.
        gain_db: maximum change of the level in dB.
        shift_seconds: maximum time shift in seconds.
        speed: maximum relative change of speed.
    """

    masks: int = Field(0, ge=0)
    mask_bands: int = Field(8, ge=1)
    mask_seconds: float = Field(0.25, gt=0)
    gain_db: float = Field(0.0, ge=0)
    shift_seconds: float = Field(0.0, ge=0)
    speed: float = Field(0.0, ge=0, lt=0.5)


class TrainSettings(Section):
    """How the network is trained.

    Attributes:
        epochs: maximum number of passes over train.
        min_steps: minimum number of optimizer steps without early stopping: if ``epochs`` passes over a small
            train split are fewer steps, each epoch is several passes (see `passes_per_epoch`).
        min_usable_fraction: minimum share of train with usable text (or audio) for a model that uses it.
        batch_size: utterances per step; with dialogue context, whole dialogues of about as many utterances.
        lr: highest learning rate of new layers.
        encoder_lr: highest learning rate of a fine-tuned encoder.
        weight_decay: of AdamW.
        layer_decay: factor on ``encoder_lr`` for each layer above a pretrained one; 1 for equal rates.
        warmup_ratio: share of all steps with linearly increasing learning rate.
        schedule: of the learning rate after that: ``cosine`` or ``linear`` to 0, or ``constant``.
        freeze_epochs: epochs at the start in which the encoder to be fine-tuned is frozen.
        micro_batches: number of parts in which a step's batch is computed, to save memory; the gradients are the
            same except for batch normalization and the loss ``ccc``, whose statistics are those of a part.
        group_by_length: whether utterances of similar length share a batch, to reduce padding in fine-tuning.
        precision: ``auto`` (bfloat16 on CUDA devices that support it, else float32), ``float32``, ``bfloat16``,
            ``float16``.
        gradient_checkpointing: whether activations of a fine-tuned text encoder are recomputed in the backward
            pass, which takes longer and needs less memory.
        deterministic: whether only deterministic algorithms are used; on a CPU all are.
        loss: ``cross_entropy`` (in regression the absolute error); ``focal`` (easy examples are down-weighted,
            Lin et al. 2017); or in regression ``ccc``, 1 minus the concordance correlation (Lin 1989) over the
            utterances of a batch, also of auxiliary tasks.
        focal_gamma: in focal loss, cross-entropy is multiplied by ``(1 - p) ** focal_gamma``.
        label_smoothing: share of a target that is spread over all labels.
        logit_adjustment: in the loss, this times the logarithm of a label's share of train is added to its logit,
            so that predictions favor rare labels (tau of Menon et al. 2021); 0 disables it.
        rdrop: weight of the penalty on the disagreement of two dropout passes (half the alpha of R-Drop, Liang et
            al. 2021), which doubles the rows of a step; 0 for a single pass.
        class_weights: ``none``, ``sqrt`` or ``inverse`` label frequency, with mean 1 over train; in multi-label
            tasks the positive weight of a label is ``(absent / present)`` to the power 0, ½ or 1.
        soft_labels: whether the targets of the recipe's task are shares of the raters' votes (single-label) or
            intensities (multi-label) instead of 0 and 1; an utterance without them keeps its label.
        sampling: ``all`` (every utterance once per epoch) or ``balanced`` (as many utterances sampled with equal
            label frequencies; with dialogue context, dialogues are sampled).
        max_grad_norm: norm that gradients are clipped to.
        seed: of the initial weights, batches and dropout.
        patience: epochs without improvement on dev before training stops.
        ema_decay: decay of the exponential moving average of the weights (0.99: about a hundred steps), which is
            evaluated on dev and saved; 0 disables it.
        auxiliary_weight: weight of the losses of ``model.auxiliary_tasks``.
        augment: augmentation of audio.
    """

    epochs: int = Field(20, ge=1)
    min_steps: int = Field(0, ge=0)
    min_usable_fraction: float = Field(0.5, ge=0, le=1)
    patience: int = Field(5, ge=1)
    batch_size: int = Field(64, ge=1)
    lr: float = Field(1e-3, gt=0)
    encoder_lr: float = Field(3e-5, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    layer_decay: float = Field(1.0, gt=0, le=1)
    warmup_ratio: float = Field(0.1, ge=0, lt=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    freeze_epochs: int = Field(0, ge=0)
    micro_batches: int = Field(1, ge=1)
    group_by_length: bool = False
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    gradient_checkpointing: bool = False
    deterministic: bool = False
    loss: Literal["cross_entropy", "focal", "ccc"] = "cross_entropy"
    focal_gamma: float = Field(2.0, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    logit_adjustment: float = Field(0.0, ge=0)
    rdrop: float = Field(0.0, ge=0)
    class_weights: Literal["none", "sqrt", "inverse"] = "none"
    soft_labels: bool = False
    sampling: Literal["all", "balanced"] = "all"
    max_grad_norm: float = Field(1.0, gt=0)
    seed: int = 0
    ema_decay: float = Field(0.0, ge=0, lt=1)
    auxiliary_weight: float = Field(1.0, gt=0)
    augment: AugmentSettings = AugmentSettings()

    def passes_per_epoch(self, steps: int) -> int:
        """Return how many passes over train are one epoch, so that there are at least ``min_steps`` steps.

        Args:
            steps: optimizer steps of one pass.
        """
        return max(1, -(-self.min_steps // (self.epochs * max(steps, 1))))
