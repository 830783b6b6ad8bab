"""Training: Hugging Face's `Trainer` with our loss, our parameter groups and our dev score."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import EarlyStoppingCallback, TrainerCallback, TrainingArguments
from transformers import Trainer as HubTrainer

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.progress import task
from sentir.recipe import Train
from sentir.training.averaging import WeightAverage
from sentir.training.batching import LengthBatches
from sentir.training.losses import Loss
from sentir.training.preparer import Prepared
from sentir.training.sound_input import Change

_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
_SCORE = "score"
_HEAD_INPUTS = frozenset({"text_states", "features", "dialogue", "turn"})  # of a model without any encoder
OnEpoch = Callable[[Mapping[str, float]], None]  # told a training's latest point


@dataclass(frozen=True)
class Training:
    """What a training leaves behind; the model itself holds the best weights.

    Attributes:
        points: per epoch its number, train loss and dev score.
        best_epoch: the epoch whose weights were kept.
        score: its dev score.
    """

    points: tuple[dict[str, float], ...]
    best_epoch: float
    score: float


class _Trainer(HubTrainer):
    """Selects by a dev score of ours, draws batches of equal length, and moves pretrained parts more slowly."""

    def __init__(
        self,
        *,
        settings: Train,
        dev_score: Callable[[], float],
        on_epoch: OnEpoch | None,
        batches: LengthBatches | None,
        **keywords: Any,
    ) -> None:
        self._settings, self._dev_score, self._batches = settings, dev_score, batches
        self._on_epoch = on_epoch
        self.points: list[dict[str, float]] = []
        super().__init__(**keywords)

    def get_train_dataloader(self) -> DataLoader:
        """Give the batches of `LengthBatches` where clips of equal length must share one."""
        if self._batches is None:
            return super().get_train_dataloader()
        loader = DataLoader(
            cast(Dataset, self.train_dataset),
            batch_sampler=self._batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)

    def evaluate(self, *_args: Any, **_keywords: Any) -> dict[str, float]:
        """Score dev with the model as it is."""
        metrics = {f"eval_{_SCORE}": self._dev_score()}
        loss = next((row["loss"] for row in reversed(self.state.log_history) if "loss" in row), float("nan"))
        self.points.append({"epoch": float(self.state.epoch or 0), "loss": loss, "score": metrics["eval_score"]})
        if self._on_epoch is not None:
            self._on_epoch(self.points[-1])
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Make AdamW with the encoder's learning rate beside that of new layers, and no decay of biases."""
        if self.optimizer is None:
            groups = parameter_groups(cast(nn.Module, self.model), self._settings)
            self.optimizer = torch.optim.AdamW(groups, lr=self._settings.lr, fused=True)
        return self.optimizer


def parameter_groups(model: nn.Module, settings: Train) -> list[dict[str, Any]]:
    """Split the parameters: pretrained or new, decaying (matrices) or not (norms, biases, mixing scores)."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        key = (name.startswith(_pretrained(model)), parameter.ndim > 1)
        groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.encoder_lr if in_encoder else settings.lr,
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for (in_encoder, decays), parameters in groups.items()
    ]


def _pretrained(model: nn.Module) -> tuple[str, ...]:
    """Return the prefixes of the parameters that a model did not begin with random numbers."""
    return cast(tuple[str, ...], model.pretrained_parts)


class _FreezePretrained(TrainerCallback):
    """Keeps pretrained parts still for the first epochs."""

    def __init__(self, model: nn.Module, epochs: int) -> None:
        parts = _pretrained(model)
        self.parameters = [p for name, p in model.named_parameters() if name.startswith(parts)]
        self.epochs = epochs

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(round(state.epoch or 0) >= self.epochs)


class _Bar(TrainerCallback):
    """Counts steps for `sentir.progress`."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        self._advance = self._stack.enter_context(task(_("Training"), state.max_steps))

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        self._advance(1)

    def close(self) -> None:
        self._stack.close()


def train_model(
    model: nn.Module,
    prepared: Prepared,
    targets: Tensor,
    *,
    settings: Train,
    loss: Loss,
    dev_score: Callable[[], float],
    on_epoch: OnEpoch | None = None,
) -> Training:
    """Train a model until its dev score stops growing; it is left with its best weights.

    Args:
        model: a module with ``inputs`` and logits as output.
        prepared: the train split; rows without any label are context only.
        targets: `losses.encode_targets` of its rows.
        dev_score: scores the model, as it is at that moment, on dev; higher is better.
        on_epoch: told every epoch's point; what it raises ends the training.

    Raises:
        SentirError: if the temporary folder, where the best weights are kept, cannot be written.
    """
    units = prepared.units
    per_step = max(1, round(settings.batch * len(units) / max(len(prepared.ids), 1)))
    alone = prepared.mels is not None and len(units) == len(prepared.ids)
    batches = LengthBatches(prepared.lengths(), per_step, settings.seed) if alone else None
    epochs = _Epochs()
    collate = _collator(prepared, targets, cast(Sequence[str], model.inputs), settings, epochs)
    bar = _Bar()
    callbacks: list[TrainerCallback] = [EarlyStoppingCallback(settings.patience), bar, epochs]
    if settings.freeze_epochs:
        callbacks.append(_FreezePretrained(model, settings.freeze_epochs))
    with tempfile.TemporaryDirectory(prefix="sentir-train-") as folder:
        average = WeightAverage(model, settings.average, Path(folder) / "average.safetensors")
        if settings.average:
            callbacks.append(average)
            dev_score = average.scoring(dev_score)
        trainer = _Trainer(
            settings=settings,
            dev_score=dev_score,
            on_epoch=on_epoch,
            batches=batches,
            model=model,
            args=_arguments(settings, Path(folder), per_step),
            train_dataset=units,
            eval_dataset=units,  # asked for by the engine; dev is scored by `dev_score`
            data_collator=collate,
            compute_loss_func=loss,
            callbacks=callbacks,
        )
        trainer.model_accepts_loss_kwargs = False  # our models take tensors alone; the loss is `loss`
        _quiet(trainer)
        with _threads_for(model), _room_in(folder), closing(bar):
            trainer.train()
        if settings.average:
            average.load_best()
    best = max(trainer.points, key=lambda point: point["score"])
    return Training(tuple(trainer.points), best["epoch"], best["score"])


@contextmanager
def _threads_for(model: nn.Module) -> Iterator[None]:
    """Give a head without encoder one thread: on so little work, two wait for each other more than they help."""
    before = torch.get_num_threads()
    head_alone = _HEAD_INPUTS.issuperset(cast(Sequence[str], model.inputs))
    torch.set_num_threads(1 if head_alone else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _room_in(folder: str) -> Iterator[None]:
    """Say what to do where the best weights find no room."""
    try:
        yield
    except SafetensorError as error:
        raise SentirError(
            _("The temporary folder {folder} cannot be written ({why}); set TMPDIR to a folder that can.",
              folder=Path(folder).parent, why=error)
        ) from error  # fmt: skip


class _Epochs(TrainerCallback):
    """Knows which epoch runs, for random numbers that depend on it."""

    number = 0

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        self.number = int((state.epoch or 0) + 1e-3)  # a fraction where a killed run goes on


def _collator(
    prepared: Prepared, targets: Tensor, inputs: Sequence[str], settings: Train, epochs: _Epochs
) -> Callable[[list[list[int]]], dict[str, Tensor]]:
    def collate(units: list[list[int]]) -> dict[str, Tensor]:
        rows = [row for unit in units for row in unit]
        change = Change(settings.augment, settings.seed, epochs.number)
        batch = {k: v for k, v in prepared.batch(rows, change).items() if k in inputs}
        return batch | {"labels": targets[rows]}

    return collate


def _arguments(settings: Train, folder: Path, per_step: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=per_step,
        learning_rate=settings.lr,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=_SCHEDULES[settings.schedule],
        warmup_steps=settings.warmup,
        max_grad_norm=settings.max_grad_norm,
        seed=settings.seed,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="best",
        save_only_model=True,
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model=_SCORE,
        greater_is_better=True,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _quiet(trainer: HubTrainer) -> None:
    """Leave what the engine prints to its log; curves and bars are ours."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    logging.getLogger("transformers.trainer").setLevel(logging.WARNING)
