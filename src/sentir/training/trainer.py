"""`train_model`: trains a network on the model inputs of a split, selecting the best epoch by a dev score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from sentir.models.device import to_tensors
from sentir.preprocessing.mel import SeededAugmentation
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.process_group import destroy_process_group_at_exit, is_distributed, world_size
from sentir.recipe import TrainSettings
from sentir.training.batching import make_batch_sampler
from sentir.training.callbacks import EpochCallback, EpochCounter, ProgressBar, make_tensorboard_logger
from sentir.training.checkpoints import CheckpointManager, is_checkpointing, training_folder
from sentir.training.digests import training_digest
from sentir.training.hardware import set_num_threads, use_deterministic_algorithms
from sentir.training.hf_trainer import Trainer
from sentir.training.losses import UNLABELED, Loss, stack_targets
from sentir.training.speaker_enrollment import RandomEnrollment
from sentir.training.trainer_arguments import has_unused_parameters, make_training_arguments, silence_trainer

# Inputs of a network without any encoder.
_HEAD_INPUTS = frozenset({"has_text", "text_states", "has_audio", "audio_states"})
_HEAD_INPUTS |= {"features", "dialogue", "turn", "speaker"}


@dataclass(frozen=True)
class TrainingResult:
    """The results of a training; the model itself has the best weights.

    Attributes:
        history: epoch, train loss and dev score, each time that dev was scored.
        best_epoch: the epoch of the best weights.
        best_score: its dev score.
        throughput: utterances per second, seconds, threads, and peak memory in MB.
    """

    history: tuple[dict[str, float], ...]
    best_epoch: float
    best_score: float
    throughput: dict[str, float] = field(default_factory=dict, compare=False)


def train_model(
    model: nn.Module,
    model_inputs: ModelInputs,
    targets: Tensor,
    *,
    settings: TrainSettings,
    loss: Loss,
    dev_score: Callable[[], float],
    on_epoch: EpochCallback | None = None,
    auxiliary_targets: Sequence[Tensor] = (),
    enrollment: RandomEnrollment | None = None,
    run_name: str = "training",
    digest_parts: Sequence[str] = (),
) -> TrainingResult:
    """Train a model until its dev score stops improving, and load its best weights.

    Inside `checkpoint_to`, an interrupted training is resumed from its last checkpoint.

    Args:
        model: a module with ``input_names`` that returns logits.
        model_inputs: of the train split; rows without labels are context only.
        targets: of its rows, see `encode_targets`.
        settings: the recipe's ``train`` section.
        loss: see `multi_task_loss`.
        dev_score: scores the current model on dev; higher is better.
        on_epoch: called with the results of each epoch; an exception ends the training.
        auxiliary_targets: of auxiliary tasks; see `stack_targets`.
        enrollment: of the speakers of train, for a model with speaker normalization.
        run_name: for TensorBoard.
        digest_parts: what ``dev_score`` and ``loss`` depend on besides the train split and the settings.

    Raises:
        RecipeError: if this machine does not support ``train.precision``.
        SentirError: if best weights or checkpoints cannot be written.
    """
    size = max(1, round(settings.batch_size * len(model_inputs.units) / max(len(model_inputs.ids), 1)))
    batches = make_batch_sampler(model_inputs, targets, settings, size)
    passes = settings.passes_per_epoch(-(-len(model_inputs.units) // size) if batches is None else len(batches))
    epoch_counter, bar, labels = EpochCounter(), ProgressBar(), stack_targets(targets, auxiliary_targets)
    input_names = cast(Sequence[str], model.input_names)
    collate = _make_collator(model_inputs, labels, input_names, settings, epoch_counter, enrollment)
    key = "training"
    if is_checkpointing():
        key = training_digest(model, model_inputs, labels, (settings.model_dump_json(), *digest_parts))
    if settings.gradient_checkpointing:
        _checkpoint_activations(model)
    has_unused = world_size() > 1 and (
        settings.freeze_epochs > 0 or has_unused_parameters(model, collate(model_inputs.units[:1]))
    )
    with training_folder(key) as folder, make_tensorboard_logger(f"{run_name}-{key[:6]}") as tensorboard:
        trainer = Trainer(
            settings=settings,
            passes_per_epoch=passes,
            dev_score=dev_score,
            on_epoch=on_epoch,
            batch_sampler=batches,
            checkpoints=CheckpointManager(folder, is_checkpointing()),
            tensorboard=tensorboard,
            model=model,
            args=make_training_arguments(
                settings, folder, epochs=settings.epochs * passes, batch_size=size, unused_parameters=has_unused
            ),
            train_dataset=model_inputs.units,
            eval_dataset=model_inputs.units,  # required by Trainer; dev is scored by `dev_score`
            data_collator=collate,
            compute_loss_func=loss,
            callbacks=[bar, epoch_counter],
        )
        silence_trainer(trainer)
        is_head = _HEAD_INPUTS.issuperset(input_names)  # too small for several threads
        with (
            set_num_threads(1 if is_head else torch.get_num_threads()),
            use_deterministic_algorithms(settings.deterministic),
            closing(bar),
        ):
            if is_distributed():
                destroy_process_group_at_exit()
            trainer.train_or_resume()
    history = trainer.progress.history
    best = history[trainer.progress.best_index]
    return TrainingResult(tuple(history), best["epoch"], best["score"], trainer.throughput.metrics())


def _make_collator(
    model_inputs: ModelInputs,
    targets: Tensor,
    input_names: Sequence[str],
    settings: TrainSettings,
    epoch_counter: EpochCounter,
    enrollment: RandomEnrollment | None,
) -> Callable[[list[list[int]]], dict[str, Tensor]]:
    def collate(units: list[list[int]]) -> dict[str, Tensor]:
        rows = [row for unit in units or model_inputs.units[:1] for row in unit]
        augmentation = SeededAugmentation(settings.augment, settings.seed, epoch_counter.epoch)
        batch = model_inputs.batch(rows, augmentation)
        if enrollment is not None:
            batch = enrollment(batch, rows, epoch_counter.epoch)
        arrays = {k: v for k, v in batch.items() if k in input_names}
        labels = targets[rows] if units else torch.full_like(targets[rows], UNLABELED)  # this process has none
        return to_tensors(arrays) | {"labels": labels}

    return collate


def _checkpoint_activations(model: nn.Module) -> None:
    for module in model.modules():
        if hasattr(module, "enable_gradient_checkpointing"):
            cast(Any, module).enable_gradient_checkpointing()
