"""The folder of an exported model → its preprocessor and its ONNX backend, checked against its golden inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.predictions import Predictions
from sentir.models.config_checks import read_json_file
from sentir.models.kinds import MODELS
from sentir.models.speech_features import PREPROCESSOR_CONFIG_FILE, SpeechFeatureExtractor
from sentir.models.tokenizer_loading import load_saved_tokenizer
from sentir.models.weights import CONFIG_FILE
from sentir.preprocessing.kinds import uses_speech_encoder
from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recipe import ModelSettings
from sentir.recognizer.saved_facts import SavedModel, damaged_model_error
from sentir.recognizer.saved_files import (
    SPEECH_ENCODER_FOLDER,
    TEXT_ENCODER_FOLDER,
    report_damaged_recipe,
)
from sentir.recognizer.tasks import Task
from sentir.runtime.files import GOLDEN_FILE
from sentir.runtime.golden import check_golden
from sentir.runtime.onnx_backend import OnnxBackend

MAX_REPLAY_DIFFERENCE = 1e-3  # of logits of float32 graphs, between machines

Logits = NDArray[np.floating]


def load_onnx_backend(folder: Path, saved: SavedModel, provider: str = "cpu") -> tuple[Preprocessor, OnnxBackend]:
    """Load an exported model.

    Args:
        folder: of the model.
        saved: its ``sentir.json``.
        provider: execution provider, see `sentir.runtime.sessions.PROVIDERS`.

    Raises:
        RecognizerError: if the folder is damaged, the provider is not available, or the installed onnxruntime
            predicts otherwise than that of the export.
    """
    recipe = saved.recipe
    with report_damaged_recipe(folder):
        preprocessor = Preprocessor(
            recipe.data, recipe.model, saved.scaler, saved.mel_statistics,
            **_load_processors(folder, recipe.model)
        )  # fmt: skip
    backend = OnnxBackend.load(folder, provider)
    tasks = saved.to_tasks()

    def agree(expected: Logits, computed: Logits) -> bool:
        if backend.precision == "float32":
            return bool(np.allclose(expected, computed, rtol=0, atol=MAX_REPLAY_DIFFERENCE))
        return all(label_agreement(tasks, expected, computed).values())

    try:
        check_golden(folder, backend, agree)
    except (OSError, ValueError) as error:
        raise damaged_model_error(folder, GOLDEN_FILE, error) from error
    return preprocessor, backend


def label_agreement(tasks: Sequence[Task], a: Logits, b: Logits) -> dict[str, float]:
    """Return task → share of utterances of which two ``(N, K)`` logits give the same labels.

    Numbers of a regression task are the same if they fall into the same class of `LabelSpace.categorize`.
    """
    ends = np.cumsum([len(task.space) for task in tasks])[:-1]
    parts = zip(tasks, np.split(a, ends, axis=1), np.split(b, ends, axis=1), strict=True)
    shares = {}
    for task, *logits in parts:
        pairs = zip(*(_categories(task, z) for z in logits), strict=True)
        shares[task.space.task] = float(np.mean([x == y for x, y in pairs]))
    return shares


def _categories(task: Task, logits: Logits) -> list[tuple[str, ...]]:
    """Return the labels that N utterances get."""
    ids = tuple(map(str, range(len(logits))))
    predictions = task.apply(Predictions(ids, task.space.probabilities(logits), task.space))
    return [task.space.categorize(labels) for labels in predictions.labels(task.thresholds).values()]


def _load_processors(folder: Path, model: ModelSettings) -> dict[str, Any]:
    """Return ``tokenizer`` and ``extractor``, the keyword arguments of `Preprocessor`."""
    processors: dict[str, Any] = {}
    if "text" in MODELS.get(model.kind).modalities:
        processors["tokenizer"] = load_saved_tokenizer(
            folder / TEXT_ENCODER_FOLDER, model.backbone, max_length=model.max_length
        )
    if uses_speech_encoder(model):
        processors["extractor"] = _load_extractor(folder / SPEECH_ENCODER_FOLDER)
    return processors


def _load_extractor(folder: Path) -> SpeechFeatureExtractor:
    settings, config = (read_json_file(folder / name) for name in (PREPROCESSOR_CONFIG_FILE, CONFIG_FILE))
    return SpeechFeatureExtractor(settings, config)
