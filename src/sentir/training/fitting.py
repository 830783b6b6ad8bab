"""One training on a corpus: preprocess, train on train; select, calibrate and tune thresholds on dev."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import set_seed

from sentir.audit import check_recipe_leakage
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, RecipeError
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.clusters import assign_clusters
from sentir.evaluation.metrics import compute_score, get_metric, resolve_metric
from sentir.features.speaker_normalization import SpeakerNormalizer
from sentir.i18n import _
from sentir.logs import log_once
from sentir.models.kinds import MODELS
from sentir.models.lora import merge_lora
from sentir.models.stage_encoder import StandardizedStates
from sentir.models.text_backbones import check_language
from sentir.models.weights import WeightsSource
from sentir.preprocessing.kinds import attach_required_audio, required_mel_kind
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.recipe import DataSettings, Recipe
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.inference import predict_task, predict_tasks
from sentir.recognizer.model_checks import check_model, check_weights, weight_sources
from sentir.recognizer.needed_plugins import list_needed_plugins
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.tasks import Task, output_names
from sentir.recognizer.torch_backend import TorchBackend
from sentir.training.callbacks import EpochCallback
from sentir.training.checkpoints import is_checkpointing
from sentir.training.digests import inputs_digest
from sentir.training.hardware import limit_threads
from sentir.training.kernel_ridge import fit_kernel_ridge
from sentir.training.losses import class_weights, multi_task_loss
from sentir.training.setting_checks import check_classes, check_settings
from sentir.training.speaker_enrollment import RandomEnrollment
from sentir.training.train_targets import encode_train_targets
from sentir.training.trainer import TrainingResult, train_model
from sentir.training.warm_start import initialize

Thresholds = NDArray[np.float64]


@dataclass(frozen=True)
class FitResult:
    """The parts of a trained recognizer, and its calibrated predictions for dev.

    Attributes:
        calibration: fitted on dev, before the thresholds; ``None`` for regression.
        missing_modalities: split → modality of the model, ``text`` or ``audio`` → utterances without it.
        truncated: split → number of truncated texts.
        weight_sources: of the initial weights, by modality.
        auxiliary_tasks: tasks besides the main one.
        speaker_normalizer: fitted on train; ``None`` without speaker normalization.
    """

    preprocessor: Preprocessor
    encoders: Encoders
    model: nn.Module
    space: LabelSpace
    calibration: Calibration | None
    thresholds: Thresholds | None
    training: TrainingResult
    dev_predictions: Predictions
    missing_modalities: dict[str, dict[str, int]]
    truncated: dict[str, int]
    weight_sources: dict[str, WeightsSource]
    auxiliary_tasks: tuple[Task, ...] = ()
    speaker_normalizer: SpeakerNormalizer | None = None


@limit_threads()
def fit(
    recipe: Recipe, corpus: Corpus, *, init_from: Recognizer | None = None, on_epoch: EpochCallback | None = None
) -> FitResult:
    """Train one model with the recipe's seed on train and dev; test is not used.

    Args:
        recipe: of the model.
        corpus: with train and dev.
        init_from: a trained model to continue from, with the same ``model`` section as the recipe.
        on_epoch: called with the results of each epoch.

    Raises:
        CorpusError: if train or dev has no labeled utterance, or no audio for a model of audio.
        RecipeError: if ``data.min_train_words`` excludes all train utterances.
        SentirError: for invalid names, weights or settings.
    """
    check_training(recipe, corpus, load_weights=init_from is None)
    corpus = attach_required_audio(corpus, recipe.model, splits=("train", "dev"))
    spaces = [corpus.label_space(task) for task in (recipe.data.task, *recipe.auxiliary_tasks)]
    space, metric = spaces[0], resolve_metric(spaces[0], recipe.evaluation.metric)
    targets = encode_train_targets(corpus, recipe, spaces)
    sources = weight_sources(recipe.model)
    log_once(_describe_weights(sources))
    set_seed(recipe.train.seed)
    preprocessor, encoders, model = (
        _initialize(recipe, corpus, spaces) if init_from is None else initialize(init_from)
    )
    train, dev = (encoders.embed(preprocessor.transform(rows)) for rows in (corpus.train, corpus.dev))
    _check_usable(train, recipe.train.min_usable_fraction)
    if init_from is None:
        _fit_standardization(model, train)
    enrollment = _make_enrollment(recipe, corpus, preprocessor, train, init_from)
    labels = {s.task: {u.id: u.labels[s.task] for u in corpus.dev if s.task in u.labels} for s in spaces}
    truth = space.encode(labels[space.task].values())

    def dev_score() -> float:
        p = predict_task(TorchBackend(model), dev, space).select(labels[space.task]).probabilities
        return get_metric(metric).sign * compute_score(space, metric, truth, p, tune_thresholds(space, truth, p))

    options: dict[str, Any] = {"dev_score": dev_score, "on_epoch": on_epoch, "enrollment": enrollment}
    if recipe.model.head == "kernel_ridge":
        weights = class_weights(space, targets[0], recipe.train.class_weights)
        training = fit_kernel_ridge(model, train, targets[0], class_weights=weights, **options)
    else:
        training = train_model(
            model,
            train,
            targets[0],
            auxiliary_targets=targets[1:],
            settings=recipe.train,
            loss=multi_task_loss(spaces, targets, recipe.train),
            run_name=recipe.name,
            digest_parts=(
                corpus.fingerprint,
                *(s.task for s in spaces),
                metric,
                recipe.model.model_dump_json(),
                json.dumps(list_needed_plugins(recipe)),
                "" if enrollment is None else enrollment.digest(),
                inputs_digest(dev) if is_checkpointing() else "",
            ),
            **options,
        )
    merge_lora(model)
    groups = assign_clusters(corpus, "dev", recipe.evaluation.cluster)
    uncalibrated = predict_tasks(TorchBackend(model), dev, spaces)
    (main, predictions), *auxiliary = [
        Task.calibrate(p, labels[p.label_space.task], groups) for p in uncalibrated
    ]
    return FitResult(
        preprocessor=preprocessor,
        encoders=encoders,
        model=model,
        space=main.space,
        calibration=main.calibration,
        thresholds=main.thresholds,
        training=training,
        dev_predictions=predictions,
        missing_modalities={"train": train.count_missing(), "dev": dev.count_missing()},
        truncated={"train": train.count_truncated(), "dev": dev.count_truncated()},
        weight_sources=sources,
        auxiliary_tasks=tuple(task for task, _p in auxiliary),
        speaker_normalizer=None if enrollment is None else enrollment.normalizer,
    )


def _initialize(
    recipe: Recipe, corpus: Corpus, spaces: Sequence[LabelSpace]
) -> tuple[Preprocessor, Encoders, nn.Module]:
    """Return preprocessor, encoders and network of a recipe."""
    encoders = Encoders.load(recipe.model)
    preprocessor = Preprocessor.fit(recipe.data, recipe.model, corpus.train, **encoders.processors())
    return preprocessor, encoders, encoders.build_network(preprocessor, output_names(spaces))


def _fit_standardization(model: nn.Module, train: ModelInputs) -> None:
    """Let the network standardize the embeddings of a frozen network on mel spectrograms."""
    if isinstance(audio := getattr(model, "audio", None), StandardizedStates):
        audio.fit(*(torch.from_numpy(train.arrays[name]) for name in audio.input_names))


def _make_enrollment(
    recipe: Recipe, corpus: Corpus, preprocessor: Preprocessor, train: ModelInputs, init_from: Recognizer | None
) -> RandomEnrollment | None:
    """Return the random enrollment of a training with speaker normalization; that of a warm start stays."""
    if not recipe.model.speaker_normalization:
        return None
    speakers, columns = [u.speaker for u in corpus.train], preprocessor.speaker_columns
    normalizer = None if init_from is None else init_from.speaker_normalizer
    normalizer = normalizer or SpeakerNormalizer.fit(columns.take(train.arrays), speakers)
    return RandomEnrollment.of(normalizer, columns, train, speakers, recipe.train.seed)


def _check_usable(train: ModelInputs, min_fraction: float) -> None:
    """Refuse a train split too few of whose utterances have a modality of the model."""
    if unknown := train.describe_unknown_tokens():
        log_once(unknown)
    n = len(train.ids)
    for what, missing in train.count_missing().items():
        if n - missing < min_fraction * n:
            raise RecipeError(
                _("Only {usable} of {n} train utterances have usable {what}, which this model takes; 'sentir "
                  "corpus audit' shows why; set train.min_usable_fraction = 0 to train anyway.",
                  usable=n - missing, n=n, what=_(what))
            )  # fmt: skip


def _describe_weights(sources: Mapping[str, WeightsSource]) -> str:
    names = {"text": _("text encoder"), "audio": _("audio backbone")}
    parts = [_("{part} {where}", part=names[part], where=s.describe()) for part, s in sources.items()]
    return _("Weights: {sources}.", sources="; ".join(parts))


def check_training(recipe: Recipe, corpus: Corpus, *, load_weights: bool = True) -> None:
    """Check a recipe and a corpus before anything is trained, including the stacked model.

    Args:
        recipe: of the model.
        corpus: with train and dev.
        load_weights: whether to find or download the initial weights too.

    Raises:
        CorpusError: if the corpus lacks the task, its labels, a second label, or clips for a model of audio.
        RecipeError: if settings contradict one another, features leak the label, or speakers are to be resampled
            and dev names none.
        UnknownNameError: if there is no such metric, model, backbone, fusion or feature set.
        WeightsError: if the initial weights can neither be found nor downloaded.
    """
    check_model(recipe.model)
    check_settings(recipe, corpus.label_space(recipe.data.task))
    for task in (
        *recipe.auxiliary_tasks,
        *(recipe.evaluation.metric if isinstance(recipe.evaluation.metric, dict) else ()),
    ):
        corpus.label_space(task)
    assign_clusters(corpus, "dev", recipe.evaluation.cluster)
    resolve_metric(corpus.label_space(recipe.data.task), recipe.evaluation.metric)
    if required_mel_kind(recipe.model):
        check_clips(recipe.data, corpus)
    has_text = "text" in MODELS.get(recipe.model.kind).modalities
    if has_text and (warning := check_language(recipe.model.backbone, [u.text for u in corpus.train])):
        log_once(warning)
    for task in (recipe.data.task, *recipe.auxiliary_tasks):
        labeled_utterances(corpus, task)
        for warning in check_classes(corpus, task):
            log_once(warning)
        check_recipe_leakage(recipe.override({"data": {"task": task}}), corpus)
    if (inner := recipe.stacked_recipe()) is not None:
        check_training(inner, corpus, load_weights=load_weights)
    if load_weights:
        check_weights(recipe.model)


def check_clips(data: DataSettings, corpus: Corpus) -> None:
    """Refuse a corpus without clips.

    Raises:
        CorpusError: if there are none.
        RecipeError: if the recipe does not load them.
    """
    if any(u.clip is not None for u in corpus.train):
        return
    if data.audio:
        raise CorpusError(
            _("The corpus '{name}' has no clips in train, but the model takes audio; give the folder with its "
              "clips.", name=corpus.name)
        )  # fmt: skip
    raise RecipeError(_("The model takes audio, but the recipe loads no clips; set data.audio=true."))


def labeled_utterances(corpus: Corpus, task: str) -> dict[str, list[Utterance]]:
    """Return the utterances of train and of dev that have labels for ``task``.

    Raises:
        CorpusError: if a split has none.
    """
    labeled = {split: [u for u in corpus.split(split) if task in u.labels] for split in ("train", "dev")}
    for split, rows in labeled.items():
        if not rows:
            raise CorpusError(
                _("The corpus '{name}' has no {split} utterance with labels for '{task}'.",
                  name=corpus.name, split=split, task=task)
            )  # fmt: skip
    return labeled
