"""The verbs that evaluate saved models and compare two of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.loading import as_model, get_model_name, require_same_labels, require_scoring_plugins
from sentir.api.recipes import as_data
from sentir.api.scoring import make_scorer, predict_split, score_model, to_model_predictions
from sentir.corpus.predictions import Predictions
from sentir.errors import LockedTestError, PredictionsError
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.metrics import resolve_metric
from sentir.evaluation.results import Comparison, ModelScores
from sentir.evaluation.scorer import Scorer
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.preflight import require_model, require_model_and_corpus, require_root
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import BaselineModel


def evaluate(
    model: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    corpus: PathLike | DataSettings | Recipe | None = None,
    split: str = "dev",
    reason: str = "",
) -> ModelScores:
    """Score a saved recognizer on one split; the metric that selected it comes first.

    `analyze` also returns its calibration, slices and errors.

    Args:
        model: a recognizer or its folder.
        root: folder of the corpus.
        corpus: a reader's name, a recipe, or a recipe's section ``data``; by default the model's corpus.
        split: ``train``, ``dev`` or ``test``; test needs a ``reason``, which the ledger records.

    Raises:
        LockedTestError: if test is evaluated without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    recognizer, predictions, scorer = _predict_for_scoring(model, root, corpus, split, reason)
    return score_model(scorer, get_model_name(model), recognizer, predictions)


def analyze(
    model: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    corpus: PathLike | DataSettings | Recipe | None = None,
    split: str = "dev",
    reason: str = "",
) -> tuple[ModelScores, ErrorAnalysis]:
    """Score a saved recognizer on one split, and return its calibration, slices and errors too.

    The hardest examples of test are left out: only a study shows them, when it evaluates on test.

    Args:
        model, root, corpus, split, reason: as `evaluate` takes them.

    Raises:
        LockedTestError: if test is evaluated without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    recognizer, predictions, scorer = _predict_for_scoring(model, root, corpus, split, reason)
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
) -> tuple[Recognizer | BaselineModel, Predictions, Scorer]:
    """Return a model, its predictions for a split, and the scorer of the split."""
    _require_reason(split, reason)
    data = None if corpus is None else as_data(corpus, root=root)
    _require_model_and_corpus(model, data, root)
    recognizer = as_model(model)
    require_scoring_plugins(recognizer, corpus=data is None)
    loaded = read_corpus(data or recognizer.recipe.data, root)
    require_same_labels(recognizer, loaded)
    predictions = predict_split(recognizer, loaded.split(split))
    scorer = make_scorer(loaded, split, recognizer.recipe, reason, [get_model_name(model)])
    return recognizer, predictions, scorer


def compare(
    a: PathLike | Recognizer,
    b: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    split: str = "dev",
    reason: str = "",
    metric: str | None = None,
) -> tuple[ModelScores, ModelScores, Comparison]:
    """Compare two saved recognizers of one task on the same utterances, paired by dialogue.

    Args:
        a, b: recognizers or their folders.
        root: folder of the corpus of ``a``.
        split: as `evaluate` takes it, with its ``reason``.
        metric: what they are compared by; by default the metric that selected ``a``.

    Raises:
        LockedTestError: if test is evaluated without a reason.
        PredictionsError: if they predict different labels.
        SentirError: if a model or the corpus cannot be used.
    """
    _require_reason(split, reason)
    _require_model_and_corpus(a, None, root)
    if isinstance(b, PathLike):
        require_model(Path(b))
    models = [as_model(model) for model in (a, b)]
    names = tuple(map(get_model_name, (a, b)))
    require_scoring_plugins(models[0])
    corpus = read_corpus(models[0].recipe.data, root)
    for recognizer in models:
        require_same_labels(recognizer, corpus)
    if models[0].space != models[1].space:
        raise PredictionsError(
            _("{a} and {b} predict different labels and cannot be compared.", a=names[0], b=names[1])
        )
    if names[0] == names[1]:
        names = tuple(str(model) if isinstance(model, PathLike) else get_model_name(model) for model in (a, b))
    recipe, utterances = models[0].recipe, corpus.split(split)
    metric = resolve_metric(models[0].space, metric or recipe.evaluation.metric)
    if len({u.dialogue or u.id for u in utterances}) < 2:
        raise PredictionsError(
            _("'{a}' and '{b}' cannot be compared on one dialogue; at least two are needed.",
              a=names[0], b=names[1])
        )  # fmt: skip
    predictions = [predict_split(recognizer, utterances) for recognizer in models]
    scorer = make_scorer(corpus, split, recipe, reason, names)
    named = list(zip(names, models, predictions, strict=True))
    first, second = (to_model_predictions(*one) for one in named)
    (comparison,) = scorer.compare([(first, second)], metric)
    scores_a, scores_b = (score_model(scorer, *one, metric) for one in named)
    return scores_a, scores_b, comparison


def _require_model_and_corpus(
    model: PathLike | Recognizer | BaselineModel, data: DataSettings | None, root: PathLike | None
) -> None:
    """Refuse a missing model or corpus before anything is loaded."""
    if isinstance(model, PathLike):
        require_model(Path(model))
    if data is not None:
        require_root(data.reader, data.root if root is None else root)
    elif isinstance(model, PathLike):
        require_model_and_corpus(Path(model), None, root)


def _require_reason(split: str, reason: str) -> None:
    if split == "test" and not reason.strip():
        raise LockedTestError(
            _('The test split is locked; give a reason with --reason "…", which the ledger records.')
        )
