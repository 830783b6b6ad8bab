"""From the results of a study to what its report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sentir.corpus.corpus import Corpus
from sentir.evaluation.locked.ledger import get_ledger_info, list_openings
from sentir.evaluation.locked.redraws import list_redraws
from sentir.evaluation.metrics import get_metric
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores
from sentir.i18n import LANGUAGES
from sentir.recipe import Recipe, flatten_settings
from sentir.recognizer.versions import package_versions
from sentir.report.corpus_summary import summarize_corpus
from sentir.report.study_report import CorpusSummary, LearningCurve, ModelCardFacts, StudyReport
from sentir.study.candidates import load_training_facts
from sentir.study.examples import collect_error_examples, select_examples
from sentir.study.results import CorpusStudy, TaskResult


def build_study_report(studies: Sequence[CorpusStudy], *, seconds: float) -> StudyReport:
    """Gather the report of one or more corpora."""
    titles = report_titles([part.recipe for part in studies])
    return StudyReport(
        title=titles["en"],
        titles=titles,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpora=tuple(_corpus_summary(part) for part in studies),
        scores=tuple(row for part in studies for row in score_rows(part)),
        comparisons=tuple(c for part in studies for c in all_comparisons(part)),
        learning_curves=tuple(
            c for part in studies for result in part.tasks for c in _learning_curves(part.corpus, result)
        ),
        openings=tuple(o for part in studies for o in list_openings(part.corpus)),
        ledger=get_ledger_info(),
        redraws=tuple(one for part in studies for one in list_redraws(part.corpus)),
        selected={(part.corpus.name, r.task): r.selected.name for part in studies for r in part.tasks},
        versions=package_versions(),
        recipes={part.corpus.name: part.recipe.to_dict() for part in studies},
        seconds=seconds,
        best_per_family={
            (p.corpus.name, r.task): tuple(e.name for e in r.best_per_family) for p in studies for r in p.tasks
        },
        examples=tuple(example for part in studies for example in select_examples(part)),
        label_curves=tuple(one for part in studies for one in _label_curves(part)),
        settings={
            (p.corpus.name, e.name): flatten_settings(e.recipe.to_dict())
            for p in studies
            for r in p.tasks
            for e in r.models
            if e.role == "candidate"
        },
        model_cards={(p.corpus.name, r.task): _model_card_facts(p, r) for p in studies for r in p.tasks},
        analyses=tuple(one for part in studies for one in part.analyses),
        error_examples=tuple(clip for part in studies for clip in collect_error_examples(part)),
    )


def report_titles(recipes: Sequence[Recipe]) -> dict[str, str]:
    """Return language → the title of a report."""
    return {code: " · ".join(r.title.get(code, r.name) for r in recipes) for code in LANGUAGES}


def _model_card_facts(study: CorpusStudy, result: TaskResult) -> ModelCardFacts:
    _stage, facts = study.best_training(result)
    return ModelCardFacts(result.best_per_family[0].recipe, study.corpus.label_space(result.task), facts)


def score_rows(study: CorpusStudy) -> list[ModelScores]:
    """Return every row of a study's results, dev first."""
    return [row for result in study.tasks for row in result.scores] + list(study.test_scores)


def all_comparisons(study: CorpusStudy) -> list[Comparison]:
    """Return all comparisons of a study, those on test first."""
    return list(study.test_comparisons) + [c for result in study.tasks for c in result.comparisons]


def _corpus_summary(study: CorpusStudy) -> CorpusSummary:
    metrics = {result.task: result.metric for result in study.tasks}
    card = summarize_corpus(study.corpus, metrics=metrics, mel_kind=study.recipe.model.audio.mel)
    return replace(card, grade=study.grade)


def _label_curves(study: CorpusStudy) -> list[RankingCurves]:
    return [one for result in study.tasks for one in result.label_curves] + list(study.test_label_curves)


def _learning_curves(corpus: Corpus, result: TaskResult) -> list[LearningCurve]:
    trained = [e for e in result.models if e.role == "candidate"]
    found = [
        (e.name, seed, load_training_facts(f))
        for e in trained
        for seed, f in zip(e.seeds, e.stage_folders, strict=True)
    ]
    return [
        LearningCurve(
            corpus.name,
            result.task,
            name,
            seed,
            _curve_points(facts["history"], result.metric),
            facts["best_epoch"],
        )
        for name, seed, facts in found
    ]


def _curve_points(curve: Sequence[Mapping[str, float]], metric: str) -> tuple[Mapping[str, float], ...]:
    """Return the points of a training with its score as the metric has it, where lower may be better."""
    return tuple({**point, "score": get_metric(metric).sign * point["score"]} for point in curve)
