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
from sentir.preprocessing.mel import Change
from sentir.preprocessing.preprocessor import Prepared
from sentir.process_group import world
from sentir.progress import say
from sentir.recipe import Train
from sentir.training.batching import Batches, Parts, draw_batches, repeated
from sentir.training.callbacks import Bar, Curves, Epochs, Speed, curves
from sentir.training.checkpoints import Checkpoints, Progress, is_kept, training_digest, training_folder
from sentir.training.distributed import Shares, is_shared, leave_at_exit, random_batches, share_loader, total
from sentir.training.ema import WeightAverage
from sentir.training.hardware import (
    deterministic,
    full_precision,
    keep_freed_memory,
    threads,
    warn_of_threads,
)
from sentir.training.losses import UNLABELED, Loss, beside
from sentir.training.optim import FreezePretrained, parameter_groups
from sentir.training.trainer_arguments import engine_arguments, quiet

# Inputs of a model without any encoder.
_HEAD_INPUTS = frozenset({"has_text", "text_states", "has_sound", "speech_states"})
_HEAD_INPUTS |= {"features", "dialogue", "turn", "speaker"}
_AVERAGE = "average.safetensors"
OnEpoch = Callable[[Mapping[str, float]], None]  # told a training's latest point


@dataclass(frozen=True)
class Training:
    """What a training leaves behind; the model itself holds the best weights.

    Attributes:
        points: per scoring of dev the epoch, train loss and dev score.
        best_epoch: the epoch whose weights were kept.
        score: its dev score.
        speed: utterances per second of learning, seconds, and the most memory held in MB.
    """

    points: tuple[dict[str, float], ...]
    best_epoch: float
    score: float
    speed: dict[str, float] = field(default_factory=dict, compare=False)


class _Trainer(HubTrainer):
    """Selects by a dev score of ours, draws our batches, and can be killed at any time."""

    def __init__(
        self,
        *,
        settings: Train,
        passes: int,
        dev_score: Callable[[], float],
        on_epoch: OnEpoch | None,
        batches: Batches | None,
        checkpoints: Checkpoints,
        board: Curves | None,
        **keywords: Any,
    ) -> None:
        self._settings, self._passes, self._dev_score, self._on_epoch = settings, passes, dev_score, on_epoch
        self._batches, self._checkpoints, self._board = batches, checkpoints, board
        self.progress, self._loss = Progress(), torch.zeros(())
        super().__init__(**keywords)
        model = cast(nn.Module, self.model)
        self._frozen = FreezePretrained(model, settings.freeze_epochs * passes)
        self._average = WeightAverage(model, settings.average) if settings.average else None
        self.speed = Speed()
        for callback in (self._frozen, self._average, self.speed, _Saver(checkpoints)):
            if callback is not None:
                self.add_callback(callback)
        self.model_accepts_loss_kwargs = False  # our models take tensors alone; the loss is ours

    def resume(self) -> None:
        """Train, from the last checkpoint if there is one."""
        checkpoint = self._checkpoints.resume()
        if checkpoint is not None:
            self.progress = checkpoint.progress
            self._loss = torch.tensor(self.progress.loss)
            warn_of_threads(checkpoint.more["threads"])
            if self._average is not None:
                self._average.load(checkpoint.folder / _AVERAGE, checkpoint.more["average_steps"])
            say(_("Going on with a training that was interrupted, from step {step}.", step=checkpoint.step))
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint.folder))
        model = cast(nn.Module, self.model)
        model.__dict__.pop("forward", None)  # the engine's mixed precision
        self._checkpoints.load_best(model, self.progress.best)

    def get_train_dataloader(self) -> DataLoader:
        """Give our batches where the recipe or the sound asks for them."""
        batches: Any = self._batches
        if batches is None and world() == self._settings.accumulate == 1:
            return super().get_train_dataloader()
        if batches is None:
            units = len(cast(Sized, self.train_dataset))
            batches = random_batches(units, self.args.per_device_train_batch_size)
        if self._settings.accumulate > 1:
            batches = Parts(batches, self._settings.accumulate)
        if world() > 1:
            batches = Shares(batches)
        loader = DataLoader(
            cast(Dataset, self.train_dataset),
            batch_sampler=batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader) if world() == 1 else share_loader(loader, self.args.device)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Make AdamW with the encoder's learning rates beside that of new layers, and no decay of biases."""
        if self.optimizer is None:
            groups = parameter_groups(cast(nn.Module, self.model), self._settings)
            self.optimizer = torch.optim.AdamW(groups, lr=self._settings.lr, fused=True)
        return self.optimizer

    def compute_loss(self, model: nn.Module, *arguments: Any, **keywords: Any) -> Any:
        """Keep frozen parts in evaluation mode; where two passes are to agree, make them."""
        self._frozen.hold_still()
        if not self._settings.consistency:
            return super().compute_loss(model, *arguments, **keywords)

        def twice(**inputs: Tensor) -> Tensor:
            return model(**repeated(inputs, 2)).unflatten(0, (2, -1))

        return super().compute_loss(cast(nn.Module, twice), *arguments, **keywords)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *arguments: Any) -> Tensor:
        """Learn from a batch, and count."""
        self.speed.utterances += round(total(len(inputs["labels"])))
        loss = super().training_step(model, inputs, *arguments)
        self._loss = self._loss.to(loss.device) + loss
        return loss

    def evaluate(self, *_args: Any, **_keywords: Any) -> dict[str, float]:
        """Score dev when it is time, keep the weights if they are the best, and stop where patience ends."""
        if round(self.state.epoch or 0) % self._passes:
            self.control.should_save = self._checkpoints.is_due()
            return {}
        progress, model = self.progress, cast(nn.Module, self.model)
        with full_precision(model), self._average.in_place() if self._average is not None else nullcontext():
            found = self._dev_score()
            best = progress.points[progress.best]["score"] if progress.points else -math.inf
            if not progress.points or found > best:
                progress.best = len(progress.points)
                self._checkpoints.keep_best(model, progress.best)
        steps = max(self.state.global_step - progress.step, 1)
        loss = total(float(self._loss)) / world() / steps
        point = {"epoch": float(self.state.epoch or 0), "loss": loss, "score": found}
        progress.points.append(point)
        progress.step, self._loss = self.state.global_step, torch.zeros(())
        self._tell(point)
        if progress.waited >= self._settings.patience:
            self.control.should_training_stop = True
        self.control.should_save = self._checkpoints.is_due() and not self.control.should_training_stop
        self.speed.pause()
        return {"eval_score": found}

    def _tell(self, point: Mapping[str, float]) -> None:
        if self._board is not None:
            self._board.add({**point, "learning_rate": self._get_learning_rate(), **self.speed.facts()})
        if self._on_epoch is not None:
            self._on_epoch(point)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Make a checkpoint, whole only when the last of it is written."""
        checkpoint = Path(cast(str, self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with self._checkpoints.saving():
            super()._save_checkpoint(model, trial)
            more: dict[str, Any] = {"threads": self.speed.threads}
            if self._average is not None:
                self._average.save(checkpoint / _AVERAGE)
                more["average_steps"] = self._average.steps
            self.progress.loss = float(self._loss)
            self._checkpoints.finish(checkpoint, self.progress, more)
        self.speed.pause()


class _Saver(TrainerCallback):
    """Asks for a checkpoint when one is due; at the end of an epoch `_Trainer.evaluate` does, after dev."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        control.should_save = self._checkpoints.is_due() and not float(state.epoch).is_integer()


def train_model(
    model: nn.Module,
    prepared: Prepared,
    targets: Tensor,
    *,
    settings: Train,
    loss: Loss,
    dev_score: Callable[[], float],
    on_epoch: OnEpoch | None = None,
    also: Sequence[Tensor] = (),
    name: str = "training",
    depends: Sequence[str] = (),
) -> Training:
    """Train a model until its dev score stops growing; it is left with its best weights.

    Inside `resuming.checkpoints_in`, a training that was killed goes on from its last checkpoint.

    Args:
        model: a module with ``inputs`` and logits as output.
        prepared: the train split; rows without any label are context only.
        targets: `losses.encode_targets` of its rows.
        dev_score: scores the model, as it is at that moment, on dev; higher is better.
        on_epoch: told every epoch's point; what it raises ends the training.
        also: targets of the tasks that are learned beside; the loss gets them beside its own.
        name: what its curves are called.
        depends: what ``dev_score`` and ``loss`` depend on, beside the train split and the settings.

    Raises:
        RecipeError: if the machine cannot train in the wanted precision.
        SentirError: if best weights or checkpoints cannot be written.
    """
    keep_freed_memory()
    size = max(1, round(settings.batch * len(prepared.units) / max(len(prepared.ids), 1)))
    batches = draw_batches(prepared, targets, settings, size)
    passes = settings.passes(-(-len(prepared.units) // size) if batches is None else len(batches))
    epochs, bar, labels = Epochs(), Bar(), beside(targets, also)
    collate = _collator(prepared, labels, cast(Sequence[str], model.inputs), settings, epochs)
    key = "training"
    if is_kept():
        key = training_digest(model, prepared, labels, (settings.model_dump_json(), *depends))
    if settings.gradient_checkpointing:
        _checkpoint_activations(model)
    with training_folder(key) as folder, curves(f"{name}-{key[:6]}") as board:
        trainer = _Trainer(
            settings=settings,
            passes=passes,
            dev_score=dev_score,
            on_epoch=on_epoch,
            batches=batches,
            checkpoints=Checkpoints(folder, is_kept()),
            board=board,
            model=model,
            args=engine_arguments(settings, folder, epochs=settings.epochs * passes, per_step=size),
            train_dataset=prepared.units,
            eval_dataset=prepared.units,  # asked for by the engine; dev is scored by `dev_score`
            data_collator=collate,
            compute_loss_func=loss,
            callbacks=[bar, epochs],
        )
        quiet(trainer)
        alone = _HEAD_INPUTS.issuperset(cast(Sequence[str], model.inputs))  # two threads wait more than they help
        with (
            threads(1 if alone else torch.get_num_threads()),
            deterministic(settings.deterministic),
            closing(bar),
        ):
            if is_shared():
                leave_at_exit()
            trainer.resume()
    points = trainer.progress.points
    best = points[trainer.progress.best]
    return Training(tuple(points), best["epoch"], best["score"], trainer.speed.facts())


def _collator(
    prepared: Prepared, targets: Tensor, inputs: Sequence[str], settings: Train, epochs: Epochs
) -> Callable[[list[list[int]]], dict[str, Tensor]]:
    def collate(units: list[list[int]]) -> dict[str, Tensor]:
        rows = [row for unit in units or prepared.units[:1] for row in unit]
        change = Change(settings.augment, settings.seed, epochs.number)
        batch = {k: v for k, v in prepared.batch(rows, change).items() if k in inputs}
        labels = targets[rows] if units else torch.full_like(targets[rows], UNLABELED)  # an empty share
        return batch | {"labels": labels}

    return collate


def _checkpoint_activations(model: nn.Module) -> None:
    for module in model.modules():
        if hasattr(module, "checkpoint_gradients"):
            cast(Any, module).checkpoint_gradients()
