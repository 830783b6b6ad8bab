"""The public verbs. The command line, notebooks and servers call these and hold no logic of their own.

What needs torch is imported where it is used, so that reading and auditing a corpus start fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.audio.prepared import Prepared, prepare
from sentir.audit import Audit, audit
from sentir.corpus.predictions import Predictions
from sentir.corpus.types import Corpus, Labels, Utterance
from sentir.errors import LockedTestError, PredictionsError, RecipeError
from sentir.evaluation.comparison import compare as compare_runs
from sentir.evaluation.ledger import labels_of, open_test
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.results import CONFIDENCE, Comparison, ModelScores
from sentir.evaluation.scoring import joined, score_model
from sentir.i18n import _
from sentir.readers import READERS, read_corpus
from sentir.readers.demo import write_demo
from sentir.readers.inputs import Columns, gather
from sentir.readers.needs import meet_needs
from sentir.recipe import Data, Recipe
from sentir.registry import load_plugin

if TYPE_CHECKING:
    from sentir.recognizer import Recognizer
    from sentir.report.content import StudyReport

__all__ = [
    "Columns",
    "Prediction",
    "audit_corpus",
    "compare",
    "evaluate",
    "load_recipe",
    "predict",
    "prepare_corpus",
    "read_corpus",
    "run_study",
    "train",
    "write_demo",
]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply overrides such as ``train.lr=2e-5``, and load its plug-ins.

    Raises:
        RecipeError: naming the key that cannot be used.
    """
    recipe = Recipe.load(path, overrides)
    for plugin in recipe.plugins:
        load_plugin(plugin)
    return recipe


def audit_corpus(corpus: str | Path, *, root: Path | None = None) -> Audit:
    """Audit a corpus named by a reader (``"meld"``) or by the recipe that reads it.

    The clips of a reader's corpus are looked for under ``root``; a recipe says itself whether they are.

    Raises:
        SentirError: if there is no such reader or recipe, or the corpus cannot be read.
    """
    if Path(corpus).suffix == ".toml":
        return audit(read_corpus(load_recipe(Path(corpus)).data, root))
    READERS.get(str(corpus))
    return audit(read_corpus(Data(reader=str(corpus), sound=root is not None), root))


def prepare_corpus(
    corpus: str | Path,
    *,
    root: Path | None = None,
    out: Path | None = None,
    workers: int | None = None,
    mel: str | None = None,
) -> Prepared:
    """Decode and measure every clip of a corpus once, into the store that training and prediction use.

    Args:
        corpus: a reader's name (``"meld"``) or the recipe that reads it.
        root: where it lies.
        out: folder of the store, if not `sentir.places.sounds_dir`.
        workers: processes that decode; one for each core if not given.
        mel: ``mel`` or ``thesis``; if not given what the recipe's model hears, else ``mel``.

    Raises:
        RecipeError: if there is no such kind of mel.
        SentirError: if the corpus cannot be read or has no clips, or the store cannot be written.
    """
    if mel not in (None, "mel", "thesis"):
        raise RecipeError(_("There is no kind of mel called '{name}'; use mel or thesis.", name=mel))
    if Path(corpus).suffix == ".toml":
        recipe = load_recipe(Path(corpus))
        data, mel = recipe.data.model_copy(update={"sound": True}), mel or recipe.model.audio.mel
    else:
        data = Data(reader=str(corpus), sound=True)
    return prepare(read_corpus(data, root), kind=mel or "mel", folder=out, workers=workers)


def train(recipe: Recipe, *, root: Path | None = None, out: Path) -> tuple[Recognizer, ModelScores]:
    """Train one model by a recipe, save it to ``out``, and score it on dev. The test split is not read.

    Raises:
        SentirError: if the recipe, the corpus or the weights cannot be used.
    """
    from sentir.study.stacking import train_recognizer

    corpus = read_corpus(recipe.data, root)
    recognizer, dev = train_recognizer(recipe, corpus)
    recognizer.save_pretrained(out)
    return recognizer, _score(recognizer, dev, corpus, "dev", labels_of(corpus, "dev"), name=recipe.name)


def evaluate(
    model: Path, *, root: Path | None = None, data: Data | None = None, split: str = "dev", reason: str = ""
) -> ModelScores:
    """Score a saved recognizer on one split.

    Args:
        model: its folder.
        root: where the corpus lies; ``data`` says which one, by default that of the training.
        split: ``train``, ``dev`` or ``test``; test needs a ``reason``, which the ledger keeps.

    Raises:
        LockedTestError: if test is asked for without a reason.
        SentirError: if the model or the corpus cannot be used.
    """
    recognizer = _load(model)
    corpus = read_corpus(data or recognizer.recipe.data, root)
    _same_labels(recognizer, corpus)
    _check_reason(split, reason)
    found = recognizer.predict(corpus.split(split))
    labels = _labels(corpus, split, reason, [model.name])
    return _score(recognizer, found, corpus, split, labels, name=model.name)


def compare(
    a: Path, b: Path, *, root: Path | None = None, split: str = "dev", reason: str = "", metric: str | None = None
) -> tuple[ModelScores, ModelScores, Comparison]:
    """Compare two saved recognizers of one task on the same utterances, paired by dialogue.

    Raises:
        LockedTestError: if test is asked for without a reason.
        PredictionsError: if they recognize different things.
        SentirError: if a model or the corpus cannot be used.
    """
    models = [_load(folder) for folder in (a, b)]
    corpus = read_corpus(models[0].recipe.data, root)
    for recognizer in models:
        _same_labels(recognizer, corpus)
    if models[0].space != models[1].space:
        raise PredictionsError(
            _("{a} and {b} recognize different labels and cannot be compared.", a=a.name, b=b.name)
        )
    names = (a.name, b.name) if a.name != b.name else (str(a), str(b))
    space, utterances = models[0].space, corpus.split(split)
    metric = metric_name(space, metric)
    groups = {u.id: u.dialogue for u in utterances}
    if len({dialogue or key for key, dialogue in groups.items()}) < 2:
        raise PredictionsError(
            _("'{a}' and '{b}' cannot be compared on one dialogue; score at least two.", a=names[0], b=names[1])
        )
    _check_reason(split, reason)
    found = [recognizer.predict(utterances) for recognizer in models]
    labels = _labels(corpus, split, reason, names)
    gold = {key: tasks[space.task] for key, tasks in labels.items() if space.task in tasks}
    sides = [joined(space, gold, [p], [m.thresholds], groups) for p, m in zip(found, models, strict=True)]
    _ids, truth, runs, dialogues = sides[0]
    settings = models[0].recipe.evaluation
    comparison = compare_runs(
        space, truth, runs, sides[1][2], dialogues,
        metric=metric, names=names, corpus=corpus.name, task=space.task, split=split,
        resamples=settings.resamples, permutations=settings.permutations, confidence=CONFIDENCE,
    )  # fmt: skip
    first, second = (
        _score(model, p, corpus, split, labels, name=name)
        for model, p, name in zip(models, found, names, strict=True)
    )
    return first, second, comparison


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a recognizer says of one utterance.

    Attributes:
        labels: recognized names; empty is "none of them".
        probabilities: label → probability.
        synthetic: whether the model was trained on a synthetic corpus.
        problem: why there are neither labels nor probabilities, one sentence; ``""`` if there are.
    """

    id: str
    text: str | None
    speaker: str | None
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    synthetic: bool = False
    problem: str = ""


def predict(
    model: Path | Recognizer,
    *,
    texts: Sequence[str] = (),
    files: Sequence[Path] = (),
    columns: Columns | None = None,
) -> list[Prediction]:
    """Recognize texts, sound and video files, and the utterances of tables and conversations.

    An utterance that lacks what the model needs, or whose clip cannot be used, gets a `Prediction` that says so.
    A model that reads and listens makes do with one of the two.

    Args:
        model: a recognizer or its folder.
        texts: each by itself; one text and one sound or video file belong together.
        files: as `sentir.readers.inputs.read_inputs` describes them.
        columns: the names of a table's columns, if not ``text``, ``speaker``, ``dialogue`` and ``audio``.

    Raises:
        CorpusError: if there is nothing to predict, no utterance has what the model needs, or a file cannot be
            used.
        SentirError: if the model cannot be used.
    """
    utterances = gather(texts, files, columns or Columns())
    recognizer = _load(model) if isinstance(model, Path) else model
    kind = recognizer.recipe.model.audio.mel
    utterances, problems = meet_needs(utterances, recognizer.needs, kind=kind)
    answers = _answers(recognizer, [u for u in utterances if u.id not in problems])
    synthetic = bool(recognizer.facts.get("synthetic"))
    return [
        Prediction(u.id, u.text, u.speaker, *answers.get(u.id, ((), {})), synthetic, problems.get(u.id, ""))
        for u in utterances
    ]


def _answers(
    recognizer: Recognizer, utterances: Sequence[Utterance]
) -> dict[str, tuple[tuple[str, ...], dict[str, float]]]:
    """Return id → labels and probabilities."""
    if not utterances:
        return {}
    found = recognizer.predict(utterances)
    labels, names = recognizer.labels(found), recognizer.space.names
    rows = zip(found.ids, found.probabilities.tolist(), strict=True)
    return {key: (labels[key], dict(zip(names, row, strict=True))) for key, row in rows}


def run_study(recipes: Sequence[Recipe], *, root: Path | None = None, out: Path) -> StudyReport:
    """Run the studies of one or more recipes into one folder; see `sentir.study.run.run_study`.

    Raises:
        SentirError: for recipes, names, files or weights that cannot be used.
    """
    from sentir.study import run

    return run.run_study(recipes, root=root, out=out)


def _load(folder: Path) -> Recognizer:
    from sentir.recognizer import Recognizer

    return Recognizer.from_pretrained(folder)


def _check_reason(split: str, reason: str) -> None:
    if split == "test" and not reason.strip():
        raise LockedTestError(
            _('The test split is locked; say why you open it with --reason "…", and the ledger will count it.')
        )


def _labels(corpus: Corpus, split: str, reason: str, models: Sequence[str]) -> dict[str, Labels]:
    return open_test(corpus, reason=reason, models=models) if split == "test" else labels_of(corpus, split)


def _same_labels(recognizer: Recognizer, corpus: Corpus) -> None:
    if corpus.space(recognizer.space.task) != recognizer.space:
        raise PredictionsError(
            _(
                "The model recognizes {ours}, the corpus '{name}' is labeled with {theirs}.",
                ours=", ".join(recognizer.space.names),
                name=corpus.name,
                theirs=", ".join(corpus.space(recognizer.space.task).names),
            )
        )


def _score(
    recognizer: Recognizer,
    found: Predictions,
    corpus: Corpus,
    split: str,
    labels: dict[str, Labels],
    *,
    name: str,
) -> ModelScores:
    utterances, task = corpus.split(split), recognizer.space.task
    return score_model(
        space=recognizer.space,
        labels={key: tasks[task] for key, tasks in labels.items() if task in tasks},
        predictions=[found],
        thresholds=[recognizer.thresholds],
        groups={u.id: u.dialogue for u in utterances},
        model=name,
        role="candidate",
        corpus=corpus.name,
        split=split,
        resamples=recognizer.recipe.evaluation.resamples,
        confidence=CONFIDENCE,
        notes=(_("synthetic corpus"),) if corpus.synthetic else (),
    )
