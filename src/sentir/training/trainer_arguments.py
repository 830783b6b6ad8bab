"""What the training engine, Hugging Face's `Trainer`, is told."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from transformers import Trainer as HubTrainer
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback

from sentir.models.text_encoder import best_device
from sentir.recipe import Train
from sentir.training.hardware import mixed_precision

_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def engine_arguments(settings: Train, folder: Path, *, epochs: int, per_step: int) -> TrainingArguments:
    """Say a recipe in the engine's words: ``epochs`` passes, and steps of ``per_step`` units."""
    precision = mixed_precision(settings.precision)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=per_step,
        gradient_accumulation_steps=settings.accumulate,
        learning_rate=settings.lr,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=_SCHEDULES[settings.schedule],
        warmup_steps=settings.warmup,
        max_grad_norm=settings.max_grad_norm,
        seed=settings.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=best_device().type == "cpu",
        eval_strategy="epoch",
        logging_strategy="no",
        save_strategy="no",
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def quiet(trainer: HubTrainer) -> None:
    """Leave what the engine prints to its log; curves and bars are ours."""
    trainer.remove_callback(PrinterCallback)
    logging.getLogger("transformers.trainer").setLevel(logging.WARNING)
