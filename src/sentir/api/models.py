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
from sentir.evaluation.analysis.error_analysis import Details
from sentir.evaluation.locked.ledger import labels_of, open_test
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.results import Comparison, ModelScores
from sentir.file_locks import run_in
from sentir.i18n import _
from sentir.paths import Place
from sentir.preflight import require_corpus_of, require_model, require_root, saved_table
from sentir.process_group import rank, require_whole_group
from sentir.progress import task, warn
from sentir.readers import read_corpus
from sentir.recipe import Data, Recipe
from sentir.recognizer.inputs import Columns, gather, take
from sentir.recognizer.modalities import without_any
from sentir.recognizer.prediction_mixin import answer
from sentir.report.task_sections import metric_names

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import Simple
    from sentir.study.candidates import Entrant
    from sentir.study.scorer import Judge


def train(
    recipe: Place | Recipe,
    *,
    root: Place | None = None,
    out: Place,
    start: Place | None = None,
    tensorboard: Place | None = None,
) -> tuple[Recognizer, ModelScores]:
    """Train one model by a recipe, save it to ``out``, and score it on dev. The test split is not read.

    Begun again with the same recipe, corpus and ``out``, a training that was killed goes on where it was. Under
    ``torchrun`` the processes share each batch, and the first one saves; one that is killed begins anew.

    Args:
        recipe: of the model: its path, its name if it comes with Sentir, or itself.
        root: where the corpus lies.
        out: folder the model is saved to; while it learns, ``out/checkpoints`` holds how far it is.
        start: folder of a saved model to go on from, on data of the same task. Its network, preprocessing and
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
    if start is not None:
        require_model(Path(start))
    from sentir.recognizer.saving import check_place
    from sentir.study.stacking import train_recognizer
    from sentir.training.callbacks import tensorboard_in
    from sentir.training.checkpoints import checkpoints_in
    from sentir.training.hardware import warn_of_threads

    require_whole_group()
    out, curves = Path(out), None if tensorboard is None else Path(tensorboard)
    check_place(out)
    alone = run_in(out) if rank() == 0 else nullcontext()
    earlier = None if start is None else _load(start)
    with alone, checkpoints_in(out / "checkpoints"), tensorboard_in(curves):
        corpus = read_corpus(recipe.data, root)
        threads = _threads_before(out, recipe, corpus)
        recognizer, dev = train_recognizer(recipe, corpus, start=earlier)
        own = replace(corpus, spaces={**corpus.spaces, recognizer.space.task: recognizer.space})
        scores = _score(_judge(own, "dev", recipe), _entrant(recipe.name, recognizer, dev))
        recognizer.facts = {**recognizer.facts, "scores": [scores.to_row()]}
        if threads is not None:
            warn_of_threads(threads, recognizer.facts["speed"]["threads"])
        if rank() == 0:
            recognizer.save_pretrained(out)
    return recognizer, scores


def _threads_before(out: Path, recipe: Recipe, corpus: Corpus) -> float | None:
    """Return with how many threads the same training was computed whose model lies in a folder, if one does."""
    from sentir.recognizer.saved_facts import read_saved

    try:
        saved, facts = read_saved(out)
    except RecognizerError:
        return None
    same = saved.recipe == recipe and facts["fingerprint"] == corpus.fingerprint
    return facts.get("speed", {}).get("threads") if same else None


def evaluate(
    model: Place | Recognizer,
    *,
    root: Place | None = None,
    data: Data | None = None,
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
    return _score(*_judged(model, root, data, split, reason)[:2])


def examine(
    model: Place | Recognizer,
    *,
    root: Place | None = None,
    data: Data | None = None,
    split: str = "dev",
    reason: str = "",
) -> tuple[ModelScores, Details]:
    """Score a saved recognizer on one split and look closer: can it be trusted, where is it good, where wrong.

    Single errors of test are shown by a study alone, in its one opening.

    Args:
        model, root, data, split, reason: as `evaluate` takes them.

    Raises:
        LockedTestError: if test is asked for without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    judge, entrant, taught = _judged(model, root, data, split, reason)
    scores = _score(judge, entrant)
    how = {"dev": "dev_halves", "train": "learned"}.get(split, "held_out") if taught else "held_out"
    details = judge.look_closer(entrant, next(iter(scores.metrics)), how)
    return scores, replace(details, mistakes=()) if split == "test" else details


def _judged(
    model: Place | Recognizer, root: Place | None, data: Data | None, split: str, reason: str
) -> tuple[Judge, Entrant, bool]:
    """Return the judge, a model with its predictions, and whether this is the corpus that it learned from."""
    _check_reason(split, reason)
    _check_corpus(model, data, root)
    recognizer, name = _loaded(model), _name(model)
    corpus = read_corpus(data or recognizer.recipe.data, root)
    _same_labels(recognizer, corpus)
    found = _predicted(recognizer, corpus.split(split))
    judge = _judge(corpus, split, recognizer.recipe, reason, [name])
    taught = recognizer.facts.get("fingerprint") == corpus.fingerprint
    return judge, _entrant(name, recognizer, found), taught


def compare(
    a: Place | Recognizer,
    b: Place | Recognizer,
    *,
    root: Place | None = None,
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
    _check_reason(split, reason)
    _check_corpus(a, None, root)
    if isinstance(b, Place):
        require_model(Path(b))
    models = [_loaded(model) for model in (a, b)]
    names = tuple(map(_name, (a, b)))
    corpus = read_corpus(models[0].recipe.data, root)
    for recognizer in models:
        _same_labels(recognizer, corpus)
    if models[0].space != models[1].space:
        raise PredictionsError(
            _("{a} and {b} recognize different labels and cannot be compared.", a=names[0], b=names[1])
        )
    if names[0] == names[1]:
        names = tuple(str(model) if isinstance(model, Place) else _name(model) for model in (a, b))
    recipe, utterances = models[0].recipe, corpus.split(split)
    metric = metric_name(models[0].space, metric or recipe.evaluation.metric)
    if len({u.dialogue or u.id for u in utterances}) < 2:
        raise PredictionsError(
            _("'{a}' and '{b}' cannot be compared on one dialogue; score at least two.", a=names[0], b=names[1])
        )
    found = [_predicted(recognizer, utterances) for recognizer in models]
    judge = _judge(corpus, split, recipe, reason, names)
    first, second = map(_entrant, names, models, found)
    (comparison,) = judge.compare([(first, second)], metric)
    return _score(judge, first, metric), _score(judge, second, metric), comparison


def predict(
    model: Place | Recognizer | Simple,
    *,
    texts: str | Iterable[object] = (),
    files: Place | Iterable[Place] = (),
    columns: Columns | None = None,
    not_sure: bool = False,
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
        not_sure: whether to say of each prediction whether the model is not sure of it.

    Raises:
        RecognizerError: if the model cannot say when it is not sure.
        CorpusError: if there is nothing to predict, nothing of the kind that the model needs, or a file is
            missing or damaged.
        SentirError: if the model cannot be used.
    """
    said, paths = take(texts, files)
    given = gather(said, paths, columns, _table_of(model))
    return answer(_loaded(model), given, not_sure=not_sure)


def _table_of(model: Place | Recognizer | Simple) -> Mapping[str, Any]:
    """Return the section ``data.table`` of a model's recipe; empty if it has none."""
    if isinstance(model, Place):
        require_model(Path(model))
        return saved_table(Path(model))
    table = model.recipe.data.table
    return {} if table is None else table.model_dump()


def _loaded(model: Place | Recognizer | Simple) -> Recognizer | Simple:
    return _load_any(model) if isinstance(model, Place) else model


def _name(model: Place | Recognizer | Simple) -> str:
    return Path(model).name if isinstance(model, Place) else model.recipe.name


def _check_corpus(model: Place | Recognizer | Simple, data: Data | None, root: Place | None) -> None:
    """Refuse a model or a corpus that lies nowhere, before anything is loaded."""
    if isinstance(model, Place):
        require_model(Path(model))
    if data is not None:
        require_root(data.reader, data.root if root is None else root)
    elif isinstance(model, Place):
        require_corpus_of(Path(model), None, root)


def _load(model: Place | Recognizer | Simple) -> Recognizer:
    """Return a recognizer.

    Raises:
        RecognizerError: if the folder holds none, or a baseline.
    """
    from sentir.study.baseline_model import Simple

    found = _loaded(model)
    if isinstance(found, Simple):
        raise RecognizerError(
            _("This is the baseline '{name}', which predicts and is scored, and no network to explain or "
              "train on.", name=found.name)
        )  # fmt: skip
    return found


def _load_any(folder: Place) -> Recognizer | Simple:
    """Return a recognizer, or a baseline that won its study."""
    require_model(path := Path(folder))
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import Simple, is_simple

    with task(_("Loading the model"), 1):
        return Simple.from_pretrained(path) if is_simple(path) else Recognizer.from_pretrained(path)


def _check_reason(split: str, reason: str) -> None:
    if split == "test" and not reason.strip():
        raise LockedTestError(
            _('The test split is locked; say why you open it with --reason "…", and the ledger will count it.')
        )


def _judge(corpus: Corpus, split: str, recipe: Recipe, reason: str = "", models: Sequence[str] = ()) -> Judge:
    """Return the judge of one split; test is opened for it, which the ledger counts."""
    from sentir.study.scorer import Judge

    labels = open_test(corpus, reason=reason, models=models) if split == "test" else labels_of(corpus, split)
    return Judge(corpus, split, labels, recipe.evaluation)


def _same_labels(recognizer: Recognizer | Simple, corpus: Corpus) -> None:
    if corpus.space(recognizer.space.task) != recognizer.space:
        raise PredictionsError(
            _(
                "The model recognizes {ours}, the corpus '{name}' is labeled with {theirs}.",
                ours=", ".join(recognizer.space.names),
                name=corpus.name,
                theirs=", ".join(corpus.space(recognizer.space.task).names),
            )
        )


def _is_trained(recognizer: Recognizer | Simple) -> bool:
    from sentir.recognizer.recognizer import Recognizer

    return isinstance(recognizer, Recognizer)


def _predicted(recognizer: Recognizer | Simple, utterances: Sequence[Utterance]) -> Predictions:
    """Predict all utterances of a split, and say of how many the model misses what it cannot do without."""
    recipe, must = recognizer.recipe, recognizer.needs - recognizer.tolerates
    kind, cleaning = recipe.model.audio.mel, recipe.data.cleaning
    heard, lacking = without_any(utterances, must, kind=kind, cleaning=cleaning)
    if n := lacking.get("sound"):
        warn(_("{n} of {all} utterances lack usable audio, and the model has not learned to do without; "
              "they are scored all the same.", n=n, all=len(heard)))  # fmt: skip
    if n := lacking.get("text"):
        warn(_("{n} of {all} utterances lack text, and the model has not learned to do without; they "
              "are scored all the same.", n=n, all=len(heard)))  # fmt: skip
    return recognizer.predict_utterances(heard)


def _entrant(name: str, recognizer: Recognizer | Simple, found: Predictions) -> Entrant:
    from sentir.study.candidates import Entrant

    recipe, role = recognizer.recipe, "candidate" if _is_trained(recognizer) else "baseline"
    return Entrant(
        name, role, recipe, (recipe.train.seed,), (), (found,), (recognizer.thresholds,), (found,),
        calibrations=(recognizer.calibration,),
    )  # fmt: skip


def _score(judge: Judge, entrant: Entrant, metric: str | None = None) -> ModelScores:
    row = judge.score(entrant, entrant.role)
    first = metric_name(judge.corpus.space(row.task), metric or entrant.recipe.evaluation.metric)
    return replace(row, metrics={name: row.metrics[name] for name in metric_names([row], first)})
