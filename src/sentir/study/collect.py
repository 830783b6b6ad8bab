"""From the results of a study to what its report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sentir.corpus.corpus import Corpus
from sentir.evaluation.locked.ledger import ledger_facts, opened
from sentir.evaluation.locked.redraws import redraws
from sentir.evaluation.metrics.ranking import Ranking
from sentir.evaluation.results import Comparison, ModelScores, gain
from sentir.i18n import LANGUAGES
from sentir.recipe import Recipe, settings
from sentir.recognizer.recognizer import versions
from sentir.report.corpus_summary import corpus_card
from sentir.report.study_report import CardFacts, CorpusCard, Curve, StudyReport
from sentir.study.candidates import training_facts
from sentir.study.examples import examples, heard_mistakes
from sentir.study.results import CorpusStudy, TaskResult


def study_report(parts: Sequence[CorpusStudy], *, seconds: float) -> StudyReport:
    """Gather the report of one or more corpora."""
    titles = titles_of([part.recipe for part in parts])
    return StudyReport(
        title=titles["en"],
        titles=titles,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpora=tuple(_corpus_card(part) for part in parts),
        scores=tuple(row for part in parts for row in rows(part)),
        comparisons=tuple(c for part in parts for c in comparisons(part)),
        curves=tuple(c for part in parts for result in part.tasks for c in _curves(part.corpus, result)),
        openings=tuple(o for part in parts for o in opened(part.corpus)),
        ledger=ledger_facts(),
        redraws=tuple(one for part in parts for one in redraws(part.corpus)),
        selected={(part.corpus.name, r.task): r.finalist.name for part in parts for r in part.tasks},
        versions=versions(),
        recipes={part.corpus.name: part.recipe.tree() for part in parts},
        seconds=seconds,
        winners={(p.corpus.name, r.task): tuple(e.name for e in r.winners) for p in parts for r in p.tasks},
        examples=tuple(example for part in parts for example in examples(part)),
        rankings=tuple(one for part in parts for one in _rankings(part)),
        settings={
            (p.corpus.name, e.name): settings(e.recipe.tree())
            for p in parts
            for r in p.tasks
            for e in r.entrants
            if e.role == "candidate"
        },
        cards={(p.corpus.name, r.task): _model_card(p, r) for p in parts for r in p.tasks},
        details=tuple(one for part in parts for one in part.details),
        heard=tuple(clip for part in parts for clip in heard_mistakes(part)),
    )


def titles_of(recipes: Sequence[Recipe]) -> dict[str, str]:
    """Return language → the title of a report."""
    return {code: " · ".join(r.title.get(code, r.name) for r in recipes) for code in LANGUAGES}


def _model_card(part: CorpusStudy, result: TaskResult) -> CardFacts:
    _stage, facts = part.best_seed(result)
    return CardFacts(result.winners[0].recipe, part.corpus.space(result.task), facts)


def rows(part: CorpusStudy) -> list[ModelScores]:
    """Return every row of a study's results, dev first."""
    return [row for result in part.tasks for row in result.scores] + list(part.test_scores)


def comparisons(part: CorpusStudy) -> list[Comparison]:
    """Return all comparisons of a study, those on test first."""
    return list(part.test_comparisons) + [c for result in part.tasks for c in result.comparisons]


def _corpus_card(part: CorpusStudy) -> CorpusCard:
    metrics = {result.task: result.metric for result in part.tasks}
    card = corpus_card(part.corpus, metrics=metrics, kind=part.recipe.model.audio.mel)
    return replace(card, grade=part.grade)


def _rankings(part: CorpusStudy) -> list[Ranking]:
    return [one for result in part.tasks for one in result.rankings] + list(part.test_rankings)


def _curves(corpus: Corpus, result: TaskResult) -> list[Curve]:
    trained = [e for e in result.entrants if e.role == "candidate"]
    found = [
        (e.name, seed, training_facts(f)) for e in trained for seed, f in zip(e.seeds, e.folders, strict=True)
    ]
    return [
        Curve(corpus.name, result.task, name, seed, _points(facts["curve"], result.metric), facts["best_epoch"])
        for name, seed, facts in found
    ]


def _points(curve: Sequence[Mapping[str, float]], metric: str) -> tuple[Mapping[str, float], ...]:
    """Return the points of a training with its score as the metric has it, where lower may be better."""
    return tuple({**point, "score": gain(metric, point["score"])} for point in curve)
