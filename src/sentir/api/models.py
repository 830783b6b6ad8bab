"""The verbs about models: train, evaluate, compare, predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.api.recipes import as_recipe
from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Prediction, Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import LockedTestError, PredictionsError, RecognizerError
from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.locked.ledger import get_labels, open_test
from sentir.evaluation.metrics import resolve_metric
from sentir.evaluation.results import Comparison, ModelScores
from sentir.file_locks import lock_run_folder
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.preflight import read_saved_table_settings, require_model, require_model_and_corpus, require_root
from sentir.process_group import rank, require_complete_process_group
from sentir.progress import log_warning, progress_bar
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe
from sentir.recognizer.inputs import InputColumns, make_inputs, normalize_inputs
from sentir.recognizer.modalities import count_missing_modalities
from sentir.recognizer.prediction_mixin import predict_inputs
from sentir.report.task_sections import ordered_metrics

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import BaselineModel
    from sentir.study.candidates import TrainedModel
    from sentir.study.scorer import Scorer


def train(
    recipe: PathLike | Recipe,
    *,
    root: PathLike | None = None,
    out: PathLike,
    init_from: PathLike | None = None,
    tensorboard: PathLike | None = None,
) -> tuple[Recognizer, ModelScores]:
    """Train one model by a recipe, save it to ``out``, and score it on dev. The test split is not read.

    Begun again with the same recipe, corpus and ``out``, a training that was killed goes on where it was. Under
    ``torchrun`` the processes share each batch, and the first one saves; one that is killed begins anew.

    Args:
        recipe: of the model: its path, its name if it comes with Sentir, or itself.
        root: where the corpus lies.
        out: folder the model is saved to; while it learns, ``out/checkpoints`` holds how far it is.
        init_from: folder of a saved model to go on from, on data of the same task. Its network, preprocessing and
            labels take the place of the recipe's; labels that it does not know are refused.
        tensorboard: folder that the curves are written to for TensorBoard.

    Returns:
        The recognizer, and its scores; the metric that selected it comes first.

    Raises:
        SentirError: if the recipe, the corpus or the weights cannot be used, another run is at work in ``out``,
            or the model would replace files there that Sentir did not write.
    """
    recipe = as_recipe(recipe)
    require_root(recipe.data.reader, recipe.data.root if root is None else root)
    if init_from is not None:
        require_model(Path(init_from))
    from sentir.recognizer.saving import check_output_folder
    from sentir.study.stacking import train_recognizer
    from sentir.training.callbacks import log_to_tensorboard
    from sentir.training.checkpoints import checkpoint_to
    from sentir.training.hardware import warn_thread_change

    require_complete_process_group()
    out, curves = Path(out), None if tensorboard is None else Path(tensorboard)
    check_output_folder(out)
    alone = lock_run_folder(out) if rank() == 0 else nullcontext()
    earlier = None if init_from is None else _as_recognizer(init_from)
    with alone, checkpoint_to(out / "checkpoints"), log_to_tensorboard(curves):
        corpus = read_corpus(recipe.data, root)
        threads = _previous_threads(out, recipe, corpus)
        recognizer, dev = train_recognizer(recipe, corpus, init_from=earlier)
        own = replace(corpus, label_spaces={**corpus.label_spaces, recognizer.space.task: recognizer.space})
        scores = _score(_make_scorer(own, "dev", recipe), _to_candidate(recipe.name, recognizer, dev))
        recognizer.facts = {**recognizer.facts, "scores": [scores.to_row()]}
        if threads is not None:
            warn_thread_change(threads, recognizer.facts["speed"]["threads"])
        if rank() == 0:
            recognizer.save_pretrained(out)
    return recognizer, scores


def _previous_threads(out: Path, recipe: Recipe, corpus: Corpus) -> float | None:
    """Return with how many threads the same training was computed whose model lies in a folder, if one does."""
    from sentir.recognizer.saved_facts import read_saved_model

    try:
        saved, facts = read_saved_model(out)
    except RecognizerError:
        return None
    same = saved.recipe == recipe and facts["fingerprint"] == corpus.fingerprint
    return facts.get("speed", {}).get("threads") if same else None


def evaluate(
    model: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    data: DataSettings | None = None,
    split: str = "dev",
    reason: str = "",
) -> ModelScores:
    """Score a saved recognizer on one split; the metric that selected it comes first.

    `examine` looks closer.

    Args:
        model: a recognizer or its folder.
        root: where the corpus lies; ``data`` says which one, by default that of the training.
        split: ``train``, ``dev`` or ``test``; test needs a ``reason``, which the ledger keeps.

    Raises:
        LockedTestError: if test is asked for without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    return _score(*_predict_for_scoring(model, root, data, split, reason)[:2])


def analyze(
    model: PathLike | Recognizer,
    *,
    root: PathLike | None = None,
    data: DataSettings | None = None,
    split: str = "dev",
    reason: str = "",
) -> tuple[ModelScores, ErrorAnalysis]:
    """Score a saved recognizer on one split and look closer: can it be trusted, where is it good, where wrong.

    Single errors of test are shown by a study alone, in its one opening.

    Args:
        model, root, data, split, reason: as `evaluate` takes them.

    Raises:
        LockedTestError: if test is asked for without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    judge, entrant, taught = _predict_for_scoring(model, root, data, split, reason)
    scores = _score(judge, entrant)
    how = {"dev": "cross_fit", "train": "learned"}.get(split, "held_out") if taught else "held_out"
    details = judge.analyze(entrant, next(iter(scores.metrics)), how)
    return scores, replace(details, hardest_examples=()) if split == "test" else details


def _predict_for_scoring(
    model: PathLike | Recognizer, root: PathLike | None, data: DataSettings | None, split: str, reason: str
) -> tuple[Scorer, TrainedModel, bool]:
    """Return the judge, a model with its predictions, and whether this is the corpus that it learned from."""
    _require_reason(split, reason)
    _require_model_and_corpus(model, data, root)
    recognizer, name = _as_model(model), _model_name(model)
    corpus = read_corpus(data or recognizer.recipe.data, root)
    _require_same_labels(recognizer, corpus)
    found = _predict_split(recognizer, corpus.split(split))
    judge = _make_scorer(corpus, split, recognizer.recipe, reason, [name])
    taught = recognizer.facts.get("fingerprint") == corpus.fingerprint
    return judge, _to_candidate(name, recognizer, found), taught


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
        root: where the corpus of ``a`` lies.
        split: as `evaluate` takes it, with its ``reason``.
        metric: what they are compared by; if not given, what selected ``a``.

    Raises:
        LockedTestError: if test is asked for without a reason.
        PredictionsError: if they recognize different things.
        SentirError: if a model or the corpus cannot be used.
    """
    _require_reason(split, reason)
    _require_model_and_corpus(a, None, root)
    if isinstance(b, PathLike):
        require_model(Path(b))
    models = [_as_model(model) for model in (a, b)]
    names = tuple(map(_model_name, (a, b)))
    corpus = read_corpus(models[0].recipe.data, root)
    for recognizer in models:
        _require_same_labels(recognizer, corpus)
    if models[0].space != models[1].space:
        raise PredictionsError(
            _("{a} and {b} recognize different labels and cannot be compared.", a=names[0], b=names[1])
        )
    if names[0] == names[1]:
        names = tuple(str(model) if isinstance(model, PathLike) else _model_name(model) for model in (a, b))
    recipe, utterances = models[0].recipe, corpus.split(split)
    metric = resolve_metric(models[0].space, metric or recipe.evaluation.metric)
    if len({u.dialogue or u.id for u in utterances}) < 2:
        raise PredictionsError(
            _("'{a}' and '{b}' cannot be compared on one dialogue; score at least two.", a=names[0], b=names[1])
        )
    found = [_predict_split(recognizer, utterances) for recognizer in models]
    judge = _make_scorer(corpus, split, recipe, reason, names)
    first, second = map(_to_candidate, names, models, found)
    (comparison,) = judge.compare([(first, second)], metric)
    return _score(judge, first, metric), _score(judge, second, metric), comparison


def predict(
    model: PathLike | Recognizer | BaselineModel,
    *,
    texts: str | Iterable[object] = (),
    files: PathLike | Iterable[PathLike] = (),
    columns: InputColumns | None = None,
    abstain: bool = False,
) -> list[Prediction]:
    """Predict texts, sound and video files, and the rows of tables and conversations.

    There is one `Prediction` for every text, file and row, in the order in which they are given, texts first.
    One that lacks what the model needs, cannot be read, or is no text at all says so in its ``problem``, and ends
    nothing else. A model that takes text and audio, and has learned to do with one of them, says so in ``notes``.

    Args:
        model: a recognizer, a baseline that won its study, or the folder of one.
        texts: one, or several, each by itself; as many texts as sound or video files are pairs, in order.
        files: one or several, as `sentir.recognizer.inputs.read_inputs` describes them.
        columns: the names of a table's columns, if not those of the model's recipe, or ``id``, ``text``,
            ``speaker``, ``dialogue`` and ``audio``.
        abstain: whether to say of each prediction whether the model is not sure of it.

    Raises:
        RecognizerError: if the model cannot abstain.
        CorpusError: if there is nothing to predict, nothing of the kind that the model needs, or a file is
            missing or damaged.
        SentirError: if the model cannot be used.
    """
    said, paths = normalize_inputs(texts, files)
    given = make_inputs(said, paths, columns, _recipe_table(model))
    return predict_inputs(_as_model(model), given, abstain=abstain)


def _recipe_table(model: PathLike | Recognizer | BaselineModel) -> Mapping[str, Any]:
    """Return the section ``data.table`` of a model's recipe; empty if it has none."""
    if isinstance(model, PathLike):
        require_model(Path(model))
        return read_saved_table_settings(Path(model))
    table = model.recipe.data.table
    return {} if table is None else table.model_dump()


def _as_model(model: PathLike | Recognizer | BaselineModel) -> Recognizer | BaselineModel:
    return _load_model(model) if isinstance(model, PathLike) else model


def _model_name(model: PathLike | Recognizer | BaselineModel) -> str:
    return Path(model).name if isinstance(model, PathLike) else model.recipe.name


def _require_model_and_corpus(
    model: PathLike | Recognizer | BaselineModel, data: DataSettings | None, root: PathLike | None
) -> None:
    """Refuse a model or a corpus that lies nowhere, before anything is loaded."""
    if isinstance(model, PathLike):
        require_model(Path(model))
    if data is not None:
        require_root(data.reader, data.root if root is None else root)
    elif isinstance(model, PathLike):
        require_model_and_corpus(Path(model), None, root)


def _as_recognizer(model: PathLike | Recognizer | BaselineModel) -> Recognizer:
    """Return a recognizer.

    Raises:
        RecognizerError: if the folder holds none, or a baseline.
    """
    from sentir.study.baseline_model import BaselineModel

    found = _as_model(model)
    if isinstance(found, BaselineModel):
        raise RecognizerError(
            _("This is the baseline '{name}', which predicts and is scored, and no network to explain or "
              "train on.", name=found.name)
        )  # fmt: skip
    return found


def _load_model(folder: PathLike) -> Recognizer | BaselineModel:
    """Return a recognizer, or a baseline that won its study."""
    require_model(path := Path(folder))
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import BaselineModel, is_baseline_model

    with progress_bar(_("Loading the model"), 1):
        return (
            BaselineModel.from_pretrained(path) if is_baseline_model(path) else Recognizer.from_pretrained(path)
        )


def _require_reason(split: str, reason: str) -> None:
    if split == "test" and not reason.strip():
        raise LockedTestError(
            _('The test split is locked; say why you open it with --reason "…", and the ledger will count it.')
        )


def _make_scorer(
    corpus: Corpus, split: str, recipe: Recipe, reason: str = "", models: Sequence[str] = ()
) -> Scorer:
    """Return the judge of one split; test is opened for it, which the ledger counts."""
    from sentir.study.scorer import Scorer

    labels = open_test(corpus, reason=reason, models=models) if split == "test" else get_labels(corpus, split)
    return Scorer(corpus, split, labels, recipe.evaluation)


def _require_same_labels(recognizer: Recognizer | BaselineModel, corpus: Corpus) -> None:
    if corpus.label_space(recognizer.space.task) != recognizer.space:
        raise PredictionsError(
            _(
                "The model recognizes {ours}, the corpus '{name}' is labeled with {theirs}.",
                ours=", ".join(recognizer.space.names),
                name=corpus.name,
                theirs=", ".join(corpus.label_space(recognizer.space.task).names),
            )
        )


def _is_recognizer(recognizer: Recognizer | BaselineModel) -> bool:
    from sentir.recognizer.recognizer import Recognizer

    return isinstance(recognizer, Recognizer)


def _predict_split(recognizer: Recognizer | BaselineModel, utterances: Sequence[Utterance]) -> Predictions:
    """Predict all utterances of a split, and say of how many the model misses what it cannot do without."""
    recipe, must = recognizer.recipe, recognizer.modalities - recognizer.optional_modalities
    kind, cleaning = recipe.model.audio.mel, recipe.data.cleaning
    heard, lacking = count_missing_modalities(utterances, must, mel_kind=kind, cleaning=cleaning)
    if n := lacking.get("audio"):
        log_warning(_("{n} of {all} utterances lack usable audio, and the model has not learned to do without; "
              "they are scored all the same.", n=n, all=len(heard)))  # fmt: skip
    if n := lacking.get("text"):
        log_warning(_("{n} of {all} utterances lack text, and the model has not learned to do without; they "
              "are scored all the same.", n=n, all=len(heard)))  # fmt: skip
    return recognizer.predict_utterances(heard)


def _to_candidate(name: str, recognizer: Recognizer | BaselineModel, predictions: Predictions) -> TrainedModel:
    from sentir.study.candidates import TrainedModel

    recipe, role = recognizer.recipe, "candidate" if _is_recognizer(recognizer) else "baseline"
    return TrainedModel(
        name, role, recipe, (recipe.train.seed,), (), (predictions,), (recognizer.thresholds,), (predictions,),
        calibrations=(recognizer.calibration,),
    )  # fmt: skip


def _score(scorer: Scorer, candidate: TrainedModel, metric: str | None = None) -> ModelScores:
    row = scorer.score(candidate, candidate.role)
    first = resolve_metric(scorer.corpus.label_space(row.task), metric or candidate.recipe.evaluation.metric)
    return replace(row, metrics={name: row.metrics[name] for name in ordered_metrics([row], first)})
