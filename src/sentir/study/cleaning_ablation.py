"""What each step of cleaning costs a bag of words, on dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentir.corpus.cleaning_report import CHAINS
from sentir.corpus.corpus import Corpus
from sentir.evaluation.locked.ledger import labels_of
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.results import Comparison, ModelScores
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.study.baselines import predict_baseline
from sentir.study.candidates import Entrant, dev_thresholds
from sentir.study.scorer import Judge


@dataclass(frozen=True, slots=True)
class CleaningCosts:
    """The same model on texts cleaned more and more.

    Attributes:
        metric: what is compared.
        scores: on dev, of the raw text, then up to each step.
        comparisons: each of the others with the raw text.
    """

    metric: str
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]


def weigh_cleaning(recipe: Recipe, corpus: Corpus, steps: Sequence[str]) -> CleaningCosts:
    """Train the bag of words on the raw text, and on the text cleaned up to each step, and compare them on dev.

    Args:
        recipe: its task and its ``evaluation`` are used.
        corpus: with texts; test is not read.
        steps: names of steps, in order; a name of `CHAINS` stands for all of its steps.

    Raises:
        UnknownNameError: if there is no such step.
        CorpusError: if the corpus has no such task, or too few words.
    """
    names = [step for name in steps for step in CHAINS.get(name, (name,))]
    metric = metric_name(corpus.space(recipe.data.task), recipe.evaluation.metric)
    judge = Judge(corpus, "dev", labels_of(corpus, "dev"), recipe.evaluation)
    titles = (_("raw text"), *(f"+ {name}" for name in names))
    raw, *cleaned = [_entrant(title, recipe, corpus, names[:n], metric) for n, title in enumerate(titles)]
    scores = tuple(judge.score(entrant, "baseline") for entrant in (raw, *cleaned))
    return CleaningCosts(metric, scores, judge.compare([(one, raw) for one in cleaned], metric))


def _entrant(title: str, recipe: Recipe, corpus: Corpus, steps: Sequence[str], metric: str) -> Entrant:
    own = recipe.override({"data": {"cleaning": list(steps)}})
    dev = predict_baseline("bag of words", own, corpus, metric, ["dev"])["dev"]
    cuts = dev_thresholds(corpus, own.data.task, dev)
    return Entrant(title, "baseline", own, (0,), (), (dev,), (cuts,))
