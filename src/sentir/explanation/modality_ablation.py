"""What a dev score loses when a model gets no text, no sound, no context or no numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch

from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.metrics import compute_scores
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.results import Ablation
from sentir.models.factory import MODELS
from sentir.models.multimodal import MultimodalClassifier
from sentir.preprocessing.kinds import feature_modality
from sentir.recognizer.inference import make_batches

N_TRAIN_UTTERANCES = 1000  # train utterances behind a mean vector


def ablate_inputs(dev: DevPredictor) -> tuple[Ablation, ...]:
    """Score dev without each kind of thing that the model takes, and compare, paired by dialogue.

    A modality is withheld with the numbers measured from it. `MultimodalClassifier` sees it as missing, which it
    was trained for; other models, which cannot miss it, see the mean vector of train. Numbers become their train
    mean, which is what all models see for unknown ones.
    """
    full = dev.predict()
    answers = list(_ablated_predictions(dev))
    space, settings = dev.recognizer.space, dev.recognizer.recipe.evaluation
    truth, runs, groups = dev.align_runs([full, *(found for _part, _how, found in answers)])
    comparisons = [
        compare(
            space, truth, runs[:1], [run], groups,
            metric=dev.metric, names=("all", f"without {part}"), corpus=dev.corpus.name, task=space.task,
            split="dev", permutations=settings.permutations,
        )
        for run, (part, _how, _found) in zip(runs[1:], answers, strict=True)
    ]  # fmt: skip
    scores = [compute_scores(space, truth, *run)[dev.metric] for run in runs[1:]]
    rows = zip(answers, scores, apply_holm_correction(comparisons), strict=True)
    return tuple(Ablation(part, how, value, comparison) for (part, how, _f), value, comparison in rows)


def _ablated_predictions(dev: DevPredictor) -> Iterator[tuple[str, str, Predictions]]:
    """Yield what is withheld, what stands in its place, and the answers without it."""
    settings = dev.recognizer.recipe.model
    for part in sorted(MODELS.get(settings.kind).modalities, reverse=True):
        if isinstance(dev.recognizer.model, MultimodalClassifier):
            nothing = torch.zeros(len(dev.prepared.ids), dtype=torch.bool)
            yield part, "missing", dev.predict({f"has_{part}": nothing})
        else:
            yield part, "train_mean", _predict_without_modality(dev, part)
    if settings.context != "none":
        yield "context", "alone", dev.without_context()
    if "features" in dev.prepared.tensors:
        yield (
            "numbers",
            "train_mean",
            dev.predict({"features": torch.zeros_like(dev.prepared.tensors["features"])}),
        )


def _predict_without_modality(dev: DevPredictor, modality: str) -> Predictions:
    given = {}
    scaler = dev.recognizer.preprocessor.scaler
    if scaler is not None:
        settings = dev.recognizer.recipe.model
        measured = [feature_modality(name.partition(".")[0], settings) == modality for name in scaler.names]
        given["features"] = dev.prepared.tensors["features"] * ~torch.tensor(measured)
    mean = _train_mean(dev, modality)
    if modality == "text" and "text_states" in dev.prepared.tensors:
        given["text_states"] = mean.cpu().expand_as(dev.prepared.tensors["text_states"])
        return dev.predict(given)
    return dev.predict(given, {"encoder" if modality == "text" else "audio": mean})


def _train_mean(dev: DevPredictor, modality: str) -> Any:
    """Return the mean over train utterances, whole dialogues of them, of what the encoder gives."""
    dialogues = [d for d in dev.corpus.dialogues.values() if d.utterances[0].split == "train"]
    random.Random(0).shuffle(dialogues)
    drawn: list[Utterance] = []
    for dialogue in dialogues:
        if len(drawn) < N_TRAIN_UTTERANCES:
            drawn += [u.blind() for u in dialogue.utterances]
    recognizer = dev.recognizer
    prepared = recognizer.encoders.embed(recognizer.preprocessor.transform(drawn))
    if "text_states" in prepared.tensors:
        return prepared.tensors["text_states"].mean(0)
    encoder: Any = dev.recognizer.model.encoder if modality == "text" else dev.recognizer.model.audio
    device, found = next(dev.recognizer.model.parameters()).device, []
    training = encoder.training
    encoder.eval()
    with torch.inference_mode():
        for rows in make_batches([[n] for n in range(len(drawn))], 32):
            inputs = {k: v.to(device) for k, v in prepared.batch(rows).items() if k in encoder.input_names}
            known = inputs["has_audio"] if modality == "audio" else torch.ones(len(rows), dtype=torch.bool)
            answer = encoder(**inputs)
            found.append([one[known] for one in (answer if isinstance(answer, tuple) else (answer,))])
    encoder.train(training)
    means = tuple(torch.cat(parts).mean(0) for parts in zip(*found, strict=True))
    return means if modality == "audio" else means[0]
