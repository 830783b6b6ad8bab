"""Hugging Face's `Trainer` with our loss, parameter groups, batches, dev score and checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sized
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.data_loader import prepare_data_loader
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer as HfTrainer
from transformers import TrainerCallback

from sentir.i18n import _
from sentir.logs import logger
from sentir.process_group import all_reduce, wait_for_all, world_size
from sentir.recipe import TrainSettings
from sentir.training.batching import (
    LengthBatchSampler,
    SplitBatchSampler,
    make_random_batch_sampler,
    repeat_batch,
)
from sentir.training.callbacks import EpochCallback, TensorBoardLogger, Throughput
from sentir.training.checkpoints import CheckpointManager, TrainingProgress
from sentir.training.ema import EMACallback
from sentir.training.hardware import disable_autocast, warn_thread_change
from sentir.training.optim import FreezePretrained, parameter_groups

_EMA_FILE = "ema.safetensors"


class Trainer(HfTrainer):
    """Selects the best epoch by our dev score, uses our batches, and can be interrupted at any time."""

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
        self._settings, self._passes_per_epoch = settings, passes_per_epoch
        self._dev_score, self._on_epoch = dev_score, on_epoch
        self._batch_sampler, self._checkpoints, self._tensorboard = batch_sampler, checkpoints, tensorboard
        self.progress, self._loss_sum = TrainingProgress(), torch.zeros(())
        super().__init__(**keywords)
        model = cast(nn.Module, self.model)
        self._freeze_callback = FreezePretrained(model, settings.freeze_epochs * passes_per_epoch)
        self._ema_callback = EMACallback(model, settings.ema_decay) if settings.ema_decay else None
        self.throughput = Throughput()
        ours = (self._freeze_callback, self._ema_callback, self.throughput, _CheckpointCallback(checkpoints))
        for callback in filter(None, ours):
            self.add_callback(callback)
        self.model_accepts_loss_kwargs = False  # models take only tensors; the loss is ours

    def train_or_resume(self) -> None:
        """Train, from the last checkpoint if there is one, and load the best weights."""
        checkpoint = self._checkpoints.load_latest()
        if checkpoint is not None:
            self.progress = checkpoint.progress
            self._loss_sum = torch.tensor(self.progress.loss_sum)
            warn_thread_change(self.progress.threads)
            if self._ema_callback is not None:
                self._ema_callback.load(checkpoint.folder / _EMA_FILE)
            logger.info(_("Resuming an interrupted training from step {step}.", step=checkpoint.step))
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint.folder))
        model = cast(nn.Module, self.model)
        model.__dict__.pop("forward", None)  # the autocast wrapper
        self._checkpoints.load_best(model, self.progress.best_index)

    def get_train_dataloader(self) -> DataLoader:
        """Return a loader with our batch sampler, if there is one, split into micro-batches and processes."""
        batches: Any = self._batch_sampler
        if batches is None and world_size() == self._settings.micro_batches == 1:
            return super().get_train_dataloader()
        if batches is None:
            units = len(cast(Sized, self.train_dataset))
            batches = make_random_batch_sampler(units, self.args.per_device_train_batch_size)
        loader = DataLoader(
            cast(Dataset, self.train_dataset),
            batch_sampler=SplitBatchSampler(batches, self._settings.micro_batches),
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        if world_size() > 1:  # the batches are already split between processes, which draw the same ones
            split = {"num_processes": 1, "process_index": 0}
            return cast(DataLoader, prepare_data_loader(loader, self.args.device, **split, put_on_device=True))
        return self.accelerator.prepare(loader)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Create AdamW with our parameter groups."""
        if self.optimizer is None:
            groups = parameter_groups(cast(nn.Module, self.model), self._settings)
            self.optimizer = torch.optim.AdamW(groups, lr=self._settings.lr, fused=True)
        return self.optimizer

    def compute_loss(self, model: nn.Module, *arguments: Any, **keywords: Any) -> Any:
        """Keep frozen parts in evaluation mode, and for R-Drop compute two passes."""
        self._freeze_callback.set_eval_mode()
        if not self._settings.rdrop:
            return super().compute_loss(model, *arguments, **keywords)

        def forward_twice(**inputs: Tensor) -> Tensor:
            return model(**repeat_batch(inputs, 2)).unflatten(0, (2, -1))

        return super().compute_loss(cast(nn.Module, forward_twice), *arguments, **keywords)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *arguments: Any) -> Tensor:
        """Train on a batch, and count utterances and loss."""
        self.throughput.utterances += round(all_reduce(len(inputs["labels"])))
        loss = super().training_step(model, inputs, *arguments)
        self._loss_sum = self._loss_sum.to(loss.device) + loss
        return loss

    def evaluate(self, *_args: Any, **_keywords: Any) -> dict[str, float]:
        """Score dev after each epoch, save the best weights, and stop after ``patience`` epochs."""
        if round(self.state.epoch or 0) % self._passes_per_epoch:
            self.control.should_save = self._checkpoints.is_due()
            return {}
        progress, model = self.progress, cast(nn.Module, self.model)
        with (
            disable_autocast(model),
            self._ema_callback.average_parameters() if self._ema_callback is not None else nullcontext(),
        ):
            score = self._dev_score()
            best = progress.history[progress.best_index]["score"] if progress.history else -math.inf
            if not progress.history or score > best:
                progress.best_index = len(progress.history)
                self._checkpoints.save_best(model, progress.best_index)
        steps = max(self.state.global_step - progress.last_eval_step, 1)
        loss = all_reduce(float(self._loss_sum)) / world_size() / steps
        results = {"epoch": float(self.state.epoch or 0), "loss": loss, "score": score}
        progress.history.append(results)
        progress.last_eval_step, self._loss_sum = self.state.global_step, torch.zeros(())
        self._report_epoch(results)
        if progress.epochs_without_improvement >= self._settings.patience:
            self.control.should_training_stop = True
        self.control.should_save = self._checkpoints.is_due() and not self.control.should_training_stop
        self.throughput.pause()
        return {"eval_score": score}

    def _report_epoch(self, results: Mapping[str, float]) -> None:
        if self._tensorboard is not None:
            rate = self._get_learning_rate()
            self._tensorboard.log({**results, "learning_rate": rate, **self.throughput.metrics()})
        if self._on_epoch is not None:
            self._on_epoch(results)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save a checkpoint, which is complete once its manifest is written."""
        checkpoint = Path(cast(str, self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        self.progress.loss_sum = all_reduce(float(self._loss_sum)) / world_size()
        self.progress.threads = self.throughput.threads
        with self._checkpoints.timed_save():
            super()._save_checkpoint(model, trial)
            wait_for_all()
            if self.is_world_process_zero():
                if self._ema_callback is not None:
                    self._ema_callback.save(checkpoint / _EMA_FILE)
                self._checkpoints.finalize(checkpoint, self.progress)
        self.throughput.pause()


class _CheckpointCallback(TrainerCallback):
    """Requests a checkpoint when one is due; at the end of an epoch, `Trainer.evaluate` does."""

    def __init__(self, checkpoints: CheckpointManager) -> None:
        self._checkpoints = checkpoints

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        control.should_save = self._checkpoints.is_due() and not float(state.epoch).is_integer()
