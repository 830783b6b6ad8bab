"""Training: Hugging Face's `Trainer` with our loss, our parameter groups and our dev score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer as HubTrainer
from transformers import TrainerCallback

from sentir.i18n import _
from sentir.logs import logger
from sentir.preprocessing.mel import SeededAugmentation
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.process_group import all_reduce, is_distributed, world_size
from sentir.recipe import TrainSettings
from sentir.training.batching import LengthBatchSampler, MicroBatchSampler, make_batch_sampler, repeat_batch
from sentir.training.callbacks import (
    EpochCounter,
    ProgressBar,
    TensorBoardLogger,
    Throughput,
    make_tensorboard_logger,
)
from sentir.training.checkpoints import (
    CheckpointManager,
    TrainingProgress,
    is_checkpointing,
    training_digest,
    training_folder,
)
from sentir.training.distributed import (
    DistributedSampler,
    destroy_process_group_at_exit,
    make_random_batch_sampler,
    prepare_loader,
)
from sentir.training.ema import EMACallback
from sentir.training.hardware import (
    disable_autocast,
    set_num_threads,
    tune_malloc,
    use_deterministic_algorithms,
    warn_thread_change,
)
from sentir.training.losses import UNLABELED, Loss, stack_targets
from sentir.training.optim import FreezePretrained, parameter_groups
from sentir.training.trainer_arguments import make_training_arguments, silence_trainer

# Inputs of a model without any encoder.
_HEAD_INPUTS = frozenset({"has_text", "text_states", "has_audio", "speech_states"})
_HEAD_INPUTS |= {"features", "dialogue", "turn", "speaker"}
_EMA_FILE = "ema.safetensors"
EpochCallback = Callable[[Mapping[str, float]], None]  # told a training's latest point


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves behind; the model itself holds the best weights.

    Attributes:
        history: per scoring of dev the epoch, train loss and dev score.
        best_epoch: the epoch whose weights were kept.
        best_score: its dev score.
        throughput: utterances per second of learning, seconds, and the most memory held in MB.
    """

    history: tuple[dict[str, float], ...]
    best_epoch: float
    best_score: float
    throughput: dict[str, float] = field(default_factory=dict, compare=False)


class _Trainer(HubTrainer):
    """Selects by a dev score of ours, draws our batches, and can be killed at any time."""

    def __init__(
        self,
        *,
        settings: TrainSettings,
        passes_per_epoch: int,
        dev_score: Callable[[], float],
        on_epoch: EpochCallback | None,
        batch_sampler: LengthBatchSampler | None,
        checkpoints: CheckpointManager,
        tensorboard: TensorBoardLogger | None,
        **keywords: Any,
    ) -> None:
        self._settings, self._passes_per_epoch, self._dev_score, self._on_epoch = (
            settings,
            passes_per_epoch,
            dev_score,
            on_epoch,
        )
        self._batch_sampler, self._checkpoints, self._tensorboard = batch_sampler, checkpoints, tensorboard
        self.progress, self._loss_sum = TrainingProgress(), torch.zeros(())
        super().__init__(**keywords)
        model = cast(nn.Module, self.model)
        self._freeze_callback = FreezePretrained(model, settings.freeze_epochs * passes_per_epoch)
        self._ema_callback = EMACallback(model, settings.ema_decay) if settings.ema_decay else None
        self.throughput = Throughput()
        for callback in (
            self._freeze_callback,
            self._ema_callback,
            self.throughput,
            _CheckpointCallback(checkpoints),
        ):
            if callback is not None:
                self.add_callback(callback)
        self.model_accepts_loss_kwargs = False  # our models take tensors alone; the loss is ours

    def train_or_resume(self) -> None:
        """Train, from the last checkpoint if there is one."""
        checkpoint = self._checkpoints.load_latest()
        if checkpoint is not None:
            self.progress = checkpoint.progress
            self._loss_sum = torch.tensor(self.progress.loss_sum)
            warn_thread_change(checkpoint.extra["threads"])
            if self._ema_callback is not None:
                self._ema_callback.load(checkpoint.folder / _EMA_FILE, checkpoint.extra["ema_steps"])
            logger.info(
                _("Going on with a training that was interrupted, from step {step}.", step=checkpoint.step)
            )
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint.folder))
        model = cast(nn.Module, self.model)
        model.__dict__.pop("forward", None)  # the engine's mixed precision
        self._checkpoints.load_best(model, self.progress.best_index)

    def get_train_dataloader(self) -> DataLoader:
        """Give our batches where the recipe or the sound asks for them."""
        batches: Any = self._batch_sampler
        if batches is None and world_size() == self._settings.micro_batches == 1:
            return super().get_train_dataloader()
        if batches is None:
            units = len(cast(Sized, self.train_dataset))
            batches = make_random_batch_sampler(units, self.args.per_device_train_batch_size)
        if self._settings.micro_batches > 1:
            batches = MicroBatchSampler(batches, self._settings.micro_batches)
        if world_size() > 1:
            batches = DistributedSampler(batches)
        loader = DataLoader(
            cast(Dataset, self.train_dataset),
            batch_sampler=batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return (
            self.accelerator.transform(loader) if world_size() == 1 else prepare_loader(loader, self.args.device)
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Make AdamW with the encoder's learning rates beside that of new layers, and no decay of biases."""
        if self.optimizer is None:
            groups = parameter_groups(cast(nn.Module, self.model), self._settings)
            self.optimizer = torch.optim.AdamW(groups, lr=self._settings.lr, fused=True)
        return self.optimizer

    def compute_loss(self, model: nn.Module, *arguments: Any, **keywords: Any) -> Any:
        """Keep frozen parts in evaluation mode; where two passes are to agree, make them."""
        self._freeze_callback.set_eval_mode()
        if not self._settings.rdrop:
            return super().compute_loss(model, *arguments, **keywords)

        def twice(**inputs: Tensor) -> Tensor:
            return model(**repeat_batch(inputs, 2)).unflatten(0, (2, -1))

        return super().compute_loss(cast(nn.Module, twice), *arguments, **keywords)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *arguments: Any) -> Tensor:
        """Learn from a batch, and count."""
        self.throughput.utterances += round(all_reduce(len(inputs["labels"])))
        loss = super().training_step(model, inputs, *arguments)
        self._loss_sum = self._loss_sum.to(loss.device) + loss
        return loss

    def evaluate(self, *_args: Any, **_keywords: Any) -> dict[str, float]:
        """Score dev when it is time, keep the weights if they are the best, and stop where patience ends."""
        if round(self.state.epoch or 0) % self._passes_per_epoch:
            self.control.should_save = self._checkpoints.is_due()
            return {}
        progress, model = self.progress, cast(nn.Module, self.model)
        with (
            disable_autocast(model),
            self._ema_callback.average_parameters() if self._ema_callback is not None else nullcontext(),
        ):
            found = self._dev_score()
            best = progress.history[progress.best_index]["score"] if progress.history else -math.inf
            if not progress.history or found > best:
                progress.best_index = len(progress.history)
                self._checkpoints.save_best(model, progress.best_index)
        steps = max(self.state.global_step - progress.last_eval_step, 1)
        loss = all_reduce(float(self._loss_sum)) / world_size() / steps
        point = {"epoch": float(self.state.epoch or 0), "loss": loss, "score": found}
        progress.history.append(point)
        progress.last_eval_step, self._loss_sum = self.state.global_step, torch.zeros(())
        self._report_epoch(point)
        if progress.epochs_without_improvement >= self._settings.patience:
            self.control.should_training_stop = True
        self.control.should_save = self._checkpoints.is_due() and not self.control.should_training_stop
        self.throughput.pause()
        return {"eval_score": found}

    def _report_epoch(self, point: Mapping[str, float]) -> None:
        if self._tensorboard is not None:
            self._tensorboard.log(
                {**point, "learning_rate": self._get_learning_rate(), **self.throughput.metrics()}
            )
        if self._on_epoch is not None:
            self._on_epoch(point)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Make a checkpoint, whole only when the last of it is written."""
        checkpoint = Path(cast(str, self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with self._checkpoints.timed_save():
            super()._save_checkpoint(model, trial)
            more: dict[str, Any] = {"threads": self.throughput.threads}
            if self._ema_callback is not None:
                self._ema_callback.save(checkpoint / _EMA_FILE)
                more["ema_steps"] = self._ema_callback.steps
            self.progress.loss_sum = float(self._loss_sum)
            self._checkpoints.finalize(checkpoint, self.progress, more)
        self.throughput.pause()


class _CheckpointCallback(TrainerCallback):
    """Asks for a checkpoint when one is due; at the end of an epoch `_Trainer.evaluate` does, after dev."""

    def __init__(self, checkpoints: CheckpointManager) -> None:
        self._checkpoints = checkpoints

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        control.should_save = self._checkpoints.is_due() and not float(state.epoch).is_integer()


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
    run_name: str = "training",
    digest_parts: Sequence[str] = (),
) -> TrainingResult:
    """Train a model until its dev score stops growing; it is left with its best weights.

    Inside `resuming.checkpoints_in`, a training that was killed goes on from its last checkpoint.

    Args:
        model: a module with ``inputs`` and logits as output.
        model_inputs: the train split; rows without any label are context only.
        targets: `losses.encode_targets` of its rows.
        dev_score: scores the model, as it is at that moment, on dev; higher is better.
        on_epoch: told every epoch's point; what it raises ends the training.
        auxiliary_targets: targets of the tasks that are learned beside; the loss gets them beside its own.
        run_name: what its curves are called.
        digest_parts: what ``dev_score`` and ``loss`` depend on, beside the train split and the settings.

    Raises:
        RecipeError: if the machine cannot train in the wanted precision.
        SentirError: if best weights or checkpoints cannot be written.
    """
    tune_malloc()
    size = max(1, round(settings.batch_size * len(model_inputs.units) / max(len(model_inputs.ids), 1)))
    batches = make_batch_sampler(model_inputs, targets, settings, size)
    passes = settings.passes_per_epoch(-(-len(model_inputs.units) // size) if batches is None else len(batches))
    epochs, bar, labels = EpochCounter(), ProgressBar(), stack_targets(targets, auxiliary_targets)
    collate = _make_collator(model_inputs, labels, cast(Sequence[str], model.input_names), settings, epochs)
    key = "training"
    if is_checkpointing():
        key = training_digest(model, model_inputs, labels, (settings.model_dump_json(), *digest_parts))
    if settings.gradient_checkpointing:
        _checkpoint_activations(model)
    with training_folder(key) as folder, make_tensorboard_logger(f"{run_name}-{key[:6]}") as board:
        trainer = _Trainer(
            settings=settings,
            passes_per_epoch=passes,
            dev_score=dev_score,
            on_epoch=on_epoch,
            batch_sampler=batches,
            checkpoints=CheckpointManager(folder, is_checkpointing()),
            tensorboard=board,
            model=model,
            args=make_training_arguments(settings, folder, epochs=settings.epochs * passes, batch_size=size),
            train_dataset=model_inputs.units,
            eval_dataset=model_inputs.units,  # asked for by the engine; dev is scored by `dev_score`
            data_collator=collate,
            compute_loss_func=loss,
            callbacks=[bar, epochs],
        )
        silence_trainer(trainer)
        alone = _HEAD_INPUTS.issuperset(
            cast(Sequence[str], model.input_names)
        )  # two threads wait more than they help
        with (
            set_num_threads(1 if alone else torch.get_num_threads()),
            use_deterministic_algorithms(settings.deterministic),
            closing(bar),
        ):
            if is_distributed():
                destroy_process_group_at_exit()
            trainer.train_or_resume()
    points = trainer.progress.history
    best = points[trainer.progress.best_index]
    return TrainingResult(tuple(points), best["epoch"], best["score"], trainer.throughput.metrics())


def _make_collator(
    model_inputs: ModelInputs,
    targets: Tensor,
    input_names: Sequence[str],
    settings: TrainSettings,
    epochs: EpochCounter,
) -> Callable[[list[list[int]]], dict[str, Tensor]]:
    def collate(units: list[list[int]]) -> dict[str, Tensor]:
        rows = [row for unit in units or model_inputs.units[:1] for row in unit]
        change = SeededAugmentation(settings.augment, settings.seed, epochs.epoch)
        batch = {k: v for k, v in model_inputs.batch(rows, change).items() if k in input_names}
        labels = targets[rows] if units else torch.full_like(targets[rows], UNLABELED)  # an empty share
        return batch | {"labels": labels}

    return collate


def _checkpoint_activations(model: nn.Module) -> None:
    for module in model.modules():
        if hasattr(module, "enable_gradient_checkpointing"):
            cast(Any, module).enable_gradient_checkpointing()
