"""The verbs that evaluate saved models and compare two of them, and the scores of a model on a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sentir.api.loading import as_model, get_model_name, load_model_and_corpus, require_same_labels
from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import LockedTestError, PredictionsError
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.locked.ledger import get_annotations, open_annotations
from sentir.evaluation.metrics import count_metrics, resolve_metric
from sentir.evaluation.results import Comparison, ModelScores
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.i18n import _
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.preflight import require_model
from sentir.recipe import DataSettings, Recipe
from sentir.recognizer.hub import find_model
from sentir.recognizer.modalities import count_missing_modalities
from sentir.report.task_sections import ordered_metrics

if TYPE_CHECKING:
    from sentir.api.loading import Model
    from sentir.recognizer.recognizer import Recognizer
    from sentir.recognizer.tasks import Task


def evaluate(
    model: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    corpus: PathLike | DataSettings | Recipe | None = None,
    split: str = "dev",
    reason: str = "",
    task: str | None = None,
) -> ModelScores:
    """Score a saved recognizer on one split; the metric that selected it comes first.

    `analyze` also returns its calibration, slices and errors.

    Args:
        model: a recognizer or its folder.
        root: folder of the corpus.
        corpus: a reader's name, a recipe, or a recipe's section ``data``; by default the model's corpus.
        split: ``train``, ``dev`` or ``test``; test needs a ``reason``, which the ledger records.
        task: one of the model's tasks; by default its main one.

    Raises:
        LockedTestError: if test is evaluated without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    recognizer, predictions, scorer = _predict_for_scoring(model, root, corpus, split, reason, task)
    return score_model(scorer, get_model_name(model), recognizer, predictions)


def analyze(
    model: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    corpus: PathLike | DataSettings | Recipe | None = None,
    split: str = "dev",
    reason: str = "",
    task: str | None = None,
) -> tuple[ModelScores, ErrorAnalysis]:
    """Score a saved recognizer on one split, and return its calibration, slices and errors too.

    The hardest examples of test are left out: only a study shows them, when it evaluates on test.

    Args:
        model, root, corpus, split, reason, task: as `evaluate` takes them.

    Raises:
        LockedTestError: if test is evaluated without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    recognizer, predictions, scorer = _predict_for_scoring(model, root, corpus, split, reason, task)
    name = get_model_name(model)
    scores = score_model(scorer, name, recognizer, predictions)
    seen = recognizer.facts.get("fingerprint") == scorer.corpus.fingerprint
    protocol = {"dev": "cross_fit", "train": "in_sample"}.get(split, "held_out") if seen else "held_out"
    analysis = scorer.analyze(
        to_model_predictions(name, recognizer, predictions), next(iter(scores.metrics)), protocol
    )
    return scores, replace(analysis, hardest_examples=()) if split == "test" else analysis


def _predict_for_scoring(
    model: PathLike | Recognizer,
    root: PathLike | None,
    corpus: PathLike | DataSettings | Recipe | None,
    split: str,
    reason: str,
    task: str | None,
) -> tuple[Model, Predictions, Scorer]:
    """Return a model, its predictions of a task for a split, and the scorer of the split."""
    _require_reason(split, reason)
    recognizer, loaded = load_model_and_corpus(model, corpus, root)
    from sentir.preprocessing.kinds import attach_required_audio

    task = task or recognizer.space.task
    require_same_labels(_find_task(recognizer, task), loaded)
    loaded = attach_required_audio(loaded, recognizer.recipe.model, splits=(split,))
    predictions = predict_split(recognizer, loaded.split(split), task)
    scorer = make_scorer(loaded, split, recognizer.recipe, reason, [get_model_name(model)])
    return recognizer, predictions, scorer


def compare(
    a: PathLike | Recognizer,
    b: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    corpus: PathLike | DataSettings | Recipe | None = None,
    split: str = "dev",
    reason: str = "",
    metric: str | None = None,
) -> tuple[ModelScores, ModelScores, Comparison]:
    """Compare two saved recognizers of one task on the same utterances, paired by dialogue.

    Args:
        a, b: recognizers or their folders.
        root, corpus, split, reason: as `evaluate` takes them; the corpus is by default that of ``a``.
        metric: what they are compared by; by default the metric that selected ``a``.

    Raises:
        LockedTestError: if test is evaluated without a reason.
        PredictionsError: if they predict different labels.
        SentirError: if a model or the corpus cannot be used.
    """
    _require_reason(split, reason)
    if isinstance(b, PathLike):
        b = find_model(b)
        require_model(b)
    model, loaded = load_model_and_corpus(a, corpus, root)
    models = [model, as_model(b)]
    names = tuple(map(get_model_name, (a, b)))
    for recognizer in models:
        require_same_labels(recognizer, loaded)
    if models[0].space != models[1].space:
        raise PredictionsError(
            _("{a} and {b} predict different labels and cannot be compared.", a=names[0], b=names[1])
        )
    if names[0] == names[1]:
        names = tuple(str(model) if isinstance(model, PathLike) else get_model_name(model) for model in (a, b))
    from sentir.preprocessing.kinds import attach_required_audio

    for recognizer in models:
        loaded = attach_required_audio(loaded, recognizer.recipe.model, splits=(split,))
    recipe, utterances = model.recipe, loaded.split(split)
    metric = resolve_metric(model.space, metric or recipe.evaluation.metric)
    if len({u.dialogue or u.id for u in utterances}) < 2:
        raise PredictionsError(
            _("'{a}' and '{b}' cannot be compared on one dialogue; at least two are needed.",
              a=names[0], b=names[1])
        )  # fmt: skip
    predictions = [predict_split(recognizer, utterances) for recognizer in models]
    scorer = make_scorer(loaded, split, recipe, reason, names)
    named = list(zip(names, models, predictions, strict=True))
    first, second = (to_model_predictions(*one) for one in named)
    (comparison,) = scorer.compare([(first, second)], metric)
    scores_a, scores_b = (score_model(scorer, *one, metric) for one in named)
    return scores_a, scores_b, comparison


def _require_reason(split: str, reason: str) -> None:
    if split == "test" and not reason.strip():
        raise LockedTestError(
            _('The test split is locked; give a reason with --reason "…", which the ledger records.')
        )


def make_scorer(
    corpus: Corpus, split: str, recipe: Recipe, reason: str = "", models: Sequence[str] = ()
) -> Scorer:
    """Return the scorer of one split; one of test opens its labels, which the ledger records."""
    is_test = split == "test"
    annotations = (
        open_annotations(corpus, reason=reason, models=models) if is_test else get_annotations(corpus, split)
    )
    return Scorer(corpus, split, annotations.labels, recipe.evaluation, annotations.scores)


def _find_task(model: Model, name: str) -> Model | Task:
    """Return label space, calibration and thresholds of one of a model's tasks.

    Raises:
        PredictionsError: if it has no such task.
    """
    tasks = {one.space.task: one for one in (model, *model.auxiliary_tasks)}
    if name not in tasks:
        raise PredictionsError(
            _("The model does not predict '{task}'; it predicts: {known}.", task=name, known=", ".join(tasks))
        )
    return tasks[name]


def predict_split(recognizer: Model, utterances: Sequence[Utterance], task: str | None = None) -> Predictions:
    """Predict utterances of a corpus; log a warning if they lack a modality that the model requires."""
    recipe, required = recognizer.recipe, recognizer.modalities - recognizer.optional_modalities
    kind, cleaning = recognizer.mel_kind, recipe.data.cleaning
    usable, missing = count_missing_modalities(utterances, required, mel_kind=kind, cleaning=cleaning)
    if n := missing.get("audio"):
        logger.warning(
            _("{n} of {all} utterances have no usable audio, which the model was not trained without; they are "
              "scored all the same.", n=n, all=len(usable))
        )  # fmt: skip
    if n := missing.get("text"):
        logger.warning(
            _("{n} of {all} utterances have no text, which the model was not trained without; they are scored "
              "all the same.", n=n, all=len(usable))
        )  # fmt: skip
    if task is None or task == recognizer.space.task:
        return recognizer.predict_utterances(usable)
    return recognizer.predict_tasks(usable)[task]


def score_model(
    scorer: Scorer, name: str, model: Model, predictions: Predictions, metric: str = ""
) -> ModelScores:
    """Return the scores of a model; ``metric``, by default that of its recipe, comes first."""
    row = scorer.score(
        to_model_predictions(name, model, predictions), "baseline" if _is_baseline(model) else "candidate"
    )
    space, requested = scorer.corpus.label_space(row.task), metric or model.recipe.evaluation.metric
    if row.task != model.space.task and isinstance(requested, str) and requested not in count_metrics(space):
        requested = None
    first = resolve_metric(space, requested)
    return replace(row, metrics={name: row.metrics[name] for name in ordered_metrics([row], first)})


def to_model_predictions(name: str, model: Model, predictions: Predictions) -> ModelPredictions:
    """Return a model's predictions as a scorer takes them."""
    notes, family = _describe(model)
    task = _find_task(model, predictions.label_space.task)
    return ModelPredictions(name, (predictions,), (task.thresholds,), (task.calibration,), notes, family)


def _describe(model: Model) -> tuple[tuple[str, ...], str]:
    """Return the remarks on a model and the name of its family, as `ModelPredictions` takes them."""
    from sentir.study.ensemble import Ensemble
    from sentir.study.families import modality_family, model_notes, name_family

    if isinstance(model, Ensemble):
        return tuple(model.facts["randomly_initialized"]), name_family(model.modalities)
    return ((), "") if _is_baseline(model) else (model_notes(model.recipe), modality_family(model.recipe.model))


def _is_baseline(model: Model) -> bool:
    from sentir.study.baseline_model import BaselineModel

    return isinstance(model, BaselineModel)
