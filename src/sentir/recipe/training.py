"""The section ``train``: how the network learns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sentir.recipe.sections import Section


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
