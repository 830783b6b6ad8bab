"""The section ``train``: how the network learns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sentir.recipe.sections import Section


class AugmentSettings(Section):
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


class TrainSettings(Section):
    """How the network learns.

    Attributes:
        epochs: passes over train, at most.
        min_steps: optimizer steps that a training has at least, before patience: where ``epochs`` passes over a
            small train split have fewer, as many more passes are made for each of them (see `passes`).
        min_usable_fraction: least share of train that must have usable text, or sound, for a model that takes it.
        batch_size: utterances per step; with dialogue context, whole dialogues of about as many utterances.
        lr: learning rate of new layers; ``encoder_lr`` is the encoder's when fine-tuned.
        layer_decay: what ``encoder_lr`` is multiplied by once for each layer above a pretrained one; 1 = one.
        warmup_ratio: share of all steps with rising learning rate.
        freeze_epochs: epochs at the start in which a fine-tuned encoder does not move.
        micro_batches: how many parts a step's batch is computed in, to save memory; what is learned is the same,
            but for batch normalization, whose statistics are those of a part.
        group_by_length: whether utterances of like length share a batch, so that a fine-tuned text encoder pads little.
        precision: ``auto`` (bfloat16 on CUDA that has it, else float32), ``float32``, ``bfloat16``, ``float16``.
        gradient_checkpointing: whether a fine-tuned text encoder computes its activations twice instead of
            keeping them, which takes longer and less memory.
        deterministic: whether only algorithms that give the same numbers every time are used; on a CPU all are.
        loss: ``cross_entropy``, or ``focal`` (less weight on what is already known, Lin et al. 2017).
        focal_gamma: how much less: the loss is multiplied by ``(1 - p) ** focal_gamma``.
        label_smoothing: share of a target that is spread over all labels.
        logit_adjustment: times the logarithm of a label's share of train is added to its logit in the loss, not
            in predictions, which so favor rare labels (tau of Menon et al. 2021); 0 = none.
        rdrop: how much it costs that two passes over a batch, which dropout makes different, disagree (half
            the alpha of R-Drop, Liang et al. 2021); 0 = one pass. A step is of twice as many rows.
        class_weights: class weights, ``none``, ``sqrt`` or ``inverse`` of the label counts, with mean 1 over train; of
            several labels, a present one weighs ``(absent / present)`` to the power 0, ½ or 1.
        sampling: ``all`` (every utterance once an epoch) or ``balanced`` (as many draws, labels equally often;
            with dialogue context, dialogues are drawn).
        patience: epochs (of `passes` each) without a better dev score before training stops.
        ema_decay: share of the average of weights over past steps that a step leaves (0.99: about a hundred
            steps); dev scores and keeps the average. 0 = none.
        auxiliary_weight: what the losses of the tasks in ``model.auxiliary_tasks`` are multiplied by before they are added.
        augment: changes of what a model hears in training.
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
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = Field(2.0, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    logit_adjustment: float = Field(0.0, ge=0)
    rdrop: float = Field(0.0, ge=0)
    class_weights: Literal["none", "sqrt", "inverse"] = "none"
    sampling: Literal["all", "balanced"] = "all"
    max_grad_norm: float = Field(1.0, gt=0)
    seed: int = 0
    ema_decay: float = Field(0.0, ge=0, lt=1)
    auxiliary_weight: float = Field(1.0, gt=0)
    augment: AugmentSettings = AugmentSettings()

    def passes_per_epoch(self, steps: int) -> int:
        """Return how many passes over train stand for one of ``epochs``, so that there are ``min_steps`` in all.

        Dev is scored after so many passes, and patience and ``freeze_epochs`` count them as one epoch.

        Args:
            steps: optimizer steps of one pass.
        """
        return max(1, -(-self.min_steps // (self.epochs * max(steps, 1))))
