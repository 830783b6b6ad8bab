"""From the results of studies to their report."""

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
from sentir.recipe import Recipe
from sentir.recognizer.versions import package_versions
from sentir.report.corpus_summary import summarize_corpus, summarize_folds
from sentir.report.study_report import CorpusSummary, LearningCurve, ModelCardFacts, StudyReport
from sentir.study.candidates import load_training_facts
from sentir.study.examples import collect_error_examples, select_examples
from sentir.study.results import CorpusStudy, TaskResult


def build_study_report(studies: Sequence[CorpusStudy], *, seconds: float) -> StudyReport:
    """Build the report of one or more corpora."""
    titles = report_titles([study.recipe for study in studies])
    results = {(study.corpus.name, result.task): (study, result) for study in studies for result in study.tasks}
    return StudyReport(
        title=titles["en"],
        titles=titles,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpora=tuple(_corpus_summary(study) for study in studies),
        scores=tuple(row for study in studies for row in score_rows(study)),
        comparisons=tuple(c for study in studies for c in all_comparisons(study)),
        learning_curves=tuple(
            curve for study, result in results.values() for curve in _learning_curves(study.corpus, result)
        ),
        openings=tuple(o for study in studies for o in list_openings(study.test_corpus)),
        ledger=get_ledger_info(),
        redraws=tuple(redraw for study in studies for redraw in list_redraws(study.test_corpus)),
        selected={key: result.selected.name for key, (_study, result) in results.items()},
        versions=package_versions(),
        recipes={study.corpus.name: study.recipe.to_dict() for study in studies},
        seconds=seconds,
        best_per_family={
            key: tuple(model.name for model in result.best_per_family)
            for key, (_study, result) in results.items()
        },
        examples=tuple(example for study in studies for example in select_examples(study)),
        label_curves=tuple(one for study in studies for one in _label_curves(study)),
        settings={
            (study.corpus.name, model.name): model.settings
            for study, result in results.values()
            for model in result.models
            if model.role == "candidate"
        },
        model_cards={
            key: _model_card_facts(study, result)
            for key, (study, result) in results.items()
            if not study.corpus.folds  # whose models are not saved
        },
        analyses=tuple(one for study in studies for one in study.analyses),
        error_examples=tuple(clip for study in studies for clip in collect_error_examples(study)),
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
    summary = summarize_corpus(study.corpus, metrics=metrics, mel_kind=study.recipe.model.audio.mel)
    summary = summarize_folds(study.test_corpus, summary) if study.test_corpus.folds else summary
    return replace(summary, grade=study.grade)


def _label_curves(study: CorpusStudy) -> list[RankingCurves]:
    return [one for result in study.tasks for one in result.label_curves] + list(study.test_label_curves)


def _learning_curves(corpus: Corpus, result: TaskResult) -> list[LearningCurve]:
    candidates = [model for model in result.models if model.role == "candidate" and not model.members]
    trainings = [
        (model.name, seed, load_training_facts(folder))
        for model in candidates
        for part in model.parts or (model,)
        for seed, folder in zip(part.seeds, part.stage_folders, strict=True)
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
        for name, seed, facts in trainings
    ]


def _curve_points(curve: Sequence[Mapping[str, float]], metric: str) -> tuple[Mapping[str, float], ...]:
    """Return the points of a training with scores in the metric itself, of which lower may be better."""
    return tuple({**point, "score": get_metric(metric).sign * point["score"]} for point in curve)
