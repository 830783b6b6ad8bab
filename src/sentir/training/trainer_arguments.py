"""The arguments of Hugging Face's `Trainer`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import Trainer as HfTrainer
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback

from sentir.models.device import get_best_device
from sentir.recipe import TrainSettings
from sentir.training.hardware import resolve_mixed_precision

_SCHEDULER_TYPES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def make_training_arguments(
    settings: TrainSettings, folder: Path, *, epochs: int, batch_size: int, unused_parameters: bool = False
) -> TrainingArguments:
    """Convert training settings, for ``epochs`` passes and batches of ``batch_size`` units.

    Args:
        settings: of the recipe.
        folder: of `sentir.training.checkpoints.training_folder`.
        epochs: passes over train.
        batch_size: units of a batch.
        unused_parameters: whether several processes have to look for those without a gradient, in each step.
    """
    precision = resolve_mixed_precision(settings.precision)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        gradient_accumulation_steps=settings.micro_batches,
        learning_rate=settings.lr,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=_SCHEDULER_TYPES[settings.schedule],
        warmup_steps=settings.warmup_ratio,
        max_grad_norm=settings.max_grad_norm,
        seed=settings.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=get_best_device().type == "cpu",
        eval_strategy="epoch",
        logging_strategy="no",
        save_strategy="no",
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_find_unused_parameters=unused_parameters,
    )


def has_unused_parameters(model: nn.Module, inputs: dict[str, Tensor]) -> bool:
    """Return whether a parameter that is trained has no part in what a model returns for some inputs."""
    was_training = model.training
    model.eval()  # no dropout, and no update of running statistics
    names = cast(Sequence[str], model.input_names)
    model(**{name: inputs[name] for name in names if name in inputs}).sum().backward()
    found = any(p.requires_grad and p.grad is None for p in model.parameters())
    model.zero_grad()
    model.train(was_training)
    return found


def silence_trainer(trainer: HfTrainer) -> None:
    """Stop `Trainer` from printing; progress and results are shown by our callbacks."""
    trainer.remove_callback(PrinterCallback)
