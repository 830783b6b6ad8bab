"""Modality ablation: how much the dev score drops without text, audio, context or features."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.metrics import compute_score
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.results import Ablation
from sentir.models.device import to_tensors
from sentir.models.kinds import MODELS
from sentir.models.multimodal import MultimodalClassifier
from sentir.preprocessing.kinds import feature_modality
from sentir.recognizer.inference import make_batches

N_TRAIN_UTTERANCES = 1000  # train utterances that a mean vector is computed from


def ablate_inputs(dev: DevPredictor) -> tuple[Ablation, ...]:
    """Score dev without each input of the model, and compare with all inputs, paired by dialogue.

    A modality is removed together with the features computed from it. For `MultimodalClassifier` it is missing,
    as in training; other models, which cannot do without it, get its mean vector over train. Features are
    replaced by their train mean, as are unknown ones in every model.
    """
    baseline = dev.predict()  # first, for encoders are run once, here with all inputs
    ablated = list(_ablated_predictions(dev))
    space, settings = dev.recognizer.space, dev.recognizer.recipe.evaluation
    intact, *others = (dev.align_runs([p]) for p in (baseline, *(predictions for *_what, predictions in ablated)))
    comparisons = [
        compare(
            intact, other, metric=dev.metric, names=("all", f"without {name}"), corpus=dev.corpus.name,
            split="dev", permutations=settings.permutations,
        )
        for other, (name, _how, _predictions) in zip(others, ablated, strict=True)
    ]  # fmt: skip
    scores = [compute_score(space, dev.metric, other.truth, *other.runs[0]) for other in others]
    rows = zip(ablated, scores, apply_holm_correction(comparisons), strict=True)
    return tuple(Ablation(name, how, score, comparison) for (name, how, _p), score, comparison in rows)


def _ablated_predictions(dev: DevPredictor) -> Iterator[tuple[str, str, Predictions]]:
    """Yield each ablated input, what replaces it, and the predictions without it."""
    settings = dev.recognizer.recipe.model
    for modality in sorted(MODELS.get(settings.kind).modalities, reverse=True):
        if isinstance(dev.recognizer.model, MultimodalClassifier):
            missing = np.zeros(len(dev.prepared.ids), dtype=bool)
            yield modality, "missing", dev.predict({f"has_{modality}": missing})
        else:
            yield modality, "train_mean", _predict_without_modality(dev, modality)
    if settings.context != "none":
        yield "context", "without_context", dev.without_context()
    if "features" in dev.prepared.arrays:
        zeros = np.zeros_like(dev.prepared.arrays["features"])  # the train mean of scaled features
        yield "features", "train_mean", dev.predict({"features": zeros})


def _predict_without_modality(dev: DevPredictor, modality: str) -> Predictions:
    replaced: dict[str, NDArray[Any]] = {}
    scaler = dev.recognizer.preprocessor.scaler
    if scaler is not None:
        settings = dev.recognizer.recipe.model
        from_modality = [feature_modality(name.partition(".")[0], settings) == modality for name in scaler.names]
        replaced["features"] = dev.prepared.arrays["features"] * ~np.array(from_modality, dtype=bool)
    mean = _train_mean(dev, modality)
    if modality == "text" and "text_states" in dev.prepared.arrays:
        replaced["text_states"] = np.broadcast_to(mean.numpy(), dev.prepared.arrays["text_states"].shape)
        return dev.predict(replaced)
    return dev.predict(replaced, {"encoder" if modality == "text" else "audio": mean})


def _train_mean(dev: DevPredictor, modality: str) -> Any:
    """Return the mean output of a modality's encoder over train utterances, of whole random dialogues."""
    dialogues = [d for d in dev.corpus.dialogues.values() if d.utterances[0].split == "train"]
    random.Random(0).shuffle(dialogues)
    sample: list[Utterance] = []
    for dialogue in dialogues:
        if len(sample) < N_TRAIN_UTTERANCES:
            sample += [u.blind() for u in dialogue.utterances]
    prepared = dev.recognizer.preprocess(sample)
    if "text_states" in prepared.arrays:
        return torch.from_numpy(prepared.arrays["text_states"]).mean(0)
    encoder: Any = dev.replayed_encoders["encoder" if modality == "text" else "audio"].wrapped[0]
    device, outputs = next(dev.recognizer.model.parameters()).device, []
    with torch.inference_mode():
        for rows in make_batches([[n] for n in range(len(sample))], 32):
            batch = {k: v for k, v in prepared.batch(rows).items() if k in encoder.input_names}
            inputs = to_tensors(batch, device)
            known = inputs["has_audio"] if modality == "audio" else torch.ones(len(rows), dtype=torch.bool)
            output = encoder(**inputs)
            outputs.append([one[known] for one in (output if isinstance(output, tuple) else (output,))])
    means = tuple(torch.cat(parts).mean(0) for parts in zip(*outputs, strict=True))
    return means if modality == "audio" else means[0]
