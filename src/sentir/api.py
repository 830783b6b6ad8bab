"""The public verbs. The command line, notebooks and servers call these and hold no logic of their own.

What needs torch is imported where it is used, so that reading and auditing a corpus start fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.audit import Audit, audit
from sentir.corpus.predictions import Predictions
from sentir.corpus.types import Corpus, Labels
from sentir.errors import CorpusError, LockedTestError, PredictionsError
from sentir.evaluation.comparison import compare as compare_runs
from sentir.evaluation.ledger import labels_of, open_test
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.results import CONFIDENCE, Comparison, ModelScores
from sentir.evaluation.scoring import joined, score_model
from sentir.i18n import _
from sentir.readers import READERS, read_corpus
from sentir.readers.inputs import Columns, from_texts, read_inputs
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
    "read_corpus",
    "run_study",
    "train",
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

    Raises:
        SentirError: if there is no such reader or recipe, or the corpus cannot be read.
    """
    if Path(corpus).suffix == ".toml":
        return audit(read_corpus(load_recipe(Path(corpus)).data, root))
    READERS.get(str(corpus))
    return audit(read_corpus(Data(reader=str(corpus)), root))


def train(recipe: Recipe, *, root: Path | None = None, out: Path) -> tuple[Recognizer, ModelScores]:
    """Train one model by a recipe, save it to ``out``, and score it on dev. The test split is not read.

    Raises:
        SentirError: if the recipe, the corpus or the weights cannot be used.
    """
    from sentir.recognizer import Recognizer

    corpus = read_corpus(recipe.data, root)
    recognizer, dev = Recognizer.fit(recipe, corpus)
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
    """

    id: str
    text: str | None
    speaker: str | None
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    synthetic: bool = False


def predict(
    model: Path | Recognizer,
    *,
    texts: Sequence[str] = (),
    files: Sequence[Path] = (),
    columns: Columns | None = None,
) -> list[Prediction]:
    """Recognize texts, and the utterances of tables (CSV, TSV, Parquet) and conversations (JSON lines).

    Args:
        model: a recognizer or its folder.
        texts: each by itself.
        files: as `sentir.readers.inputs.read_inputs` describes them.
        columns: the names of a table's columns, if not ``text``, ``speaker`` and ``dialogue``.

    Raises:
        CorpusError: if there is nothing to predict, or a file cannot be used.
        SentirError: if the model cannot be used.
    """
    utterances = from_texts(texts)
    for path in files:
        utterances += read_inputs(path, columns or Columns())
    if not utterances:
        raise CorpusError(_("There is nothing to predict; give --text or a file."))
    recognizer = _load(model) if isinstance(model, Path) else model
    found = recognizer.predict(utterances)
    labels, names = recognizer.labels(found), recognizer.space.names
    synthetic = bool(recognizer.facts.get("synthetic"))
    return [
        Prediction(u.id, u.text, u.speaker, labels[u.id], dict(zip(names, row, strict=True)), synthetic)
        for u, row in zip(utterances, found.probabilities.tolist(), strict=True)
    ]


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
