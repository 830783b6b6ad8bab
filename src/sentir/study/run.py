"""`run_study`: read, enter baselines and candidates, choose on dev, open test once, compare, report."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.display_names import display_name, model_display_name
from sentir.evaluation.analysis.error_analysis import MAX_LABEL_NOISE_CANDIDATES, ErrorAnalysis
from sentir.evaluation.locked.ledger import export_openings, get_labels, open_test, restore_openings
from sentir.evaluation.metrics import get_metric, metric_display_name, resolve_metric
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.evaluation.scoring import read_results, read_rows, write_results, write_rows
from sentir.i18n import _, format_count, format_decimal
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.process_group import require_single_process
from sentir.progress import progress_bar
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.report.saving import save_report
from sentir.report.study_report import StudyReport
from sentir.study.ablation import ablation_overrides
from sentir.study.baseline_model import BaselineModel, is_baseline_model
from sentir.study.candidates import (
    TrainedModel,
    check_pretrained_weights,
    load_recognizer,
    train_baseline,
    train_candidate,
    with_test_predictions,
)
from sentir.study.checks import check_corpus, check_grade, check_names
from sentir.study.collect import build_study_report
from sentir.study.label_noise import find_label_noise_candidates
from sentir.study.outputs import REPORT_FILE, check_outputs, model_folder, report_errors, save_results
from sentir.study.plan import Candidate, plan_candidates
from sentir.study.results import CorpusStudy, TaskResult, dev_comparison_pairs
from sentir.study.stages import Stages, stage_read_errors
from sentir.training.checkpoints import checkpoint_to

AdvanceProgress = Callable[[int], None]


def run_study(
    recipes: Sequence[Recipe], *, root: PathLike | None = None, out: Path, accept_grade: bool = False
) -> StudyReport:
    """Run the studies of one or more recipes into one folder; what is done already is not done again.

    Args:
        recipes: each with its own corpus; all are read and checked before anything is trained.
        root: folder of the corpus, for all recipes that read one from disk.
        out: receives ``results.json``, ``comparisons.json``, ``report.html``, ``models/`` and ``stages/``.
        accept_grade: whether a corpus that the audit gives a D or E is studied.

    Returns:
        What the report shows.

    Raises:
        SentirError: for recipes, names, files or weights that cannot be used, and corpora of grade D or E that
            are not accepted.
    """
    require_single_process("study")
    start = time.monotonic()
    plans = [plan_candidates(recipe) for recipe in recipes]
    corpora = [read_corpus(recipe.data, root) for recipe in recipes]
    check_names(corpora, recipes)
    for corpus, recipe, tasks in zip(corpora, recipes, plans, strict=True):
        check_corpus(corpus, recipe, tasks)
    check_outputs(out, corpora, recipes)
    grades = [check_grade(c, r, accept_grade=accept_grade) for c, r in zip(corpora, recipes, strict=True)]
    stages = Stages(out / "stages")
    stages.delete_unfinished()
    for corpus, tasks in zip(corpora, plans, strict=True):
        check_pretrained_weights(stages, corpus, [candidate for found in tasks.values() for candidate in found])
    parts = []
    steps = sum(_count_steps(r, tasks) for r, tasks in zip(recipes, plans, strict=True))
    with checkpoint_to(out / "checkpoints"), progress_bar(_("Study"), steps) as advance:
        for corpus, recipe, tasks, grade in zip(corpora, recipes, plans, grades, strict=True):
            logger.info(_("{corpus}: {n} utterances", corpus=corpus.name, n=format_count(len(corpus))))
            results = tuple(
                _study_task(stages, corpus, name, found, recipe, advance) for name, found in tasks.items()
            )
            part = CorpusStudy(recipe, corpus, results, grade=grade)
            parts.append(_evaluate_on_test(stages, part) if recipe.study.test else part)
            _save_models(out, parts[-1])
    save_results(out, parts)
    with report_errors(out):
        report = build_study_report(parts, seconds=time.monotonic() - start)
        save_report(report, out / REPORT_FILE)
    return report


def _count_steps(recipe: Recipe, tasks: dict[str, tuple[Candidate, ...]]) -> int:
    return sum(len(recipe.study.baselines) + len(candidates) for candidates in tasks.values())


def _study_task(
    stages: Stages,
    corpus: Corpus,
    name: str,
    candidates: Sequence[Candidate],
    recipe: Recipe,
    advance: AdvanceProgress,
) -> TaskResult:
    """Enter everything, score it on dev, and choose there the best of each family and the best of all.

    The best of all may be a baseline; of equals, the one that was entered first, which a baseline is.
    """
    metric = resolve_metric(corpus.label_space(name), recipe.evaluation.metric)
    plain = recipe.override({"data": {"task": name}})
    judge = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    entrants: list[TrainedModel] = []
    scores: list[ModelScores] = []

    def enter(entrant: TrainedModel) -> None:
        entrants.append(entrant)
        scores.append(judge.score(entrant.predictions_on("dev"), entrant.role))
        value = format_decimal(scores[-1].metrics[metric].value, 3)
        logger.info(
            f"  {display_name(name)} · {model_display_name(entrant.name)}: dev {metric_display_name(metric)} {value}"
        )
        advance(1)

    for baseline in recipe.study.baselines:
        enter(train_baseline(stages, corpus, baseline, plain, metric))
    for candidate in candidates:
        enter(train_candidate(stages, corpus, candidate))
    gains = [get_metric(metric).sign * row.metrics[metric].value for row in scores]
    by_score = sorted(zip(gains, entrants, strict=True), key=lambda pair: -pair[0])
    ranked = [entrant for _gain, entrant in by_score if entrant.role == "candidate"]
    winners = [e for n, e in enumerate(ranked) if e.family not in {better.family for better in ranked[:n]}]
    chosen = {e.name for e in winners}
    always = [e for e in ranked if e.name in recipe.study.always_report and e.name not in chosen]
    baselines = [e for e in entrants if e.role == "baseline"]
    finalist = by_score[0][1]
    pairs = dev_comparison_pairs(ranked, tuple(ablation_overrides(recipe)) if recipe.study.ablate else ())
    pairs += [(finalist, ranked[0])] if finalist.role == "baseline" else []
    shown = {e.name: e for e in (finalist, *winners, *always, *baselines)}
    return TaskResult(
        name, metric, tuple(entrants), finalist, tuple(winners), tuple(shown.values()), tuple(scores),
        judge.compare(_pair_predictions(pairs, "dev"), metric), judge.label_curves(finalist.predictions_on("dev")),
        (_analyze_best_candidate(stages, judge, recipe, metric, ranked),),
    )  # fmt: skip


def _analyze_best_candidate(
    stages: Stages, scorer: Scorer, recipe: Recipe, metric: str, ranked: Sequence[TrainedModel]
) -> ErrorAnalysis:
    """Look closer at the best candidate on dev, and at train labels that models doubt."""
    details = scorer.analyze(ranked[0].predictions_on("dev"), metric, "cross_fit")
    found = find_label_noise_candidates(stages, scorer.corpus, recipe, details.task, ranked)
    return (
        details
        if found is None
        else replace(
            details,
            num_label_noise_candidates=len(found),
            label_noise_candidates=found[:MAX_LABEL_NOISE_CANDIDATES],
        )
    )


def _evaluate_on_test(stages: Stages, study: CorpusStudy) -> CorpusStudy:
    """Score on test what was chosen on dev, all tasks in one opening; an opening done before is not repeated.

    Openings that earlier runs into this folder remember are counted, even if the ledger has lost them.
    """
    for copy in stages.folder.glob("test-*/openings.jsonl"):
        restore_openings(copy)
    corpus, recipe = study.corpus, study.recipe
    results = [_with_test_predictions(stages, corpus, result) for result in study.tasks]

    def produce(folder: Path) -> None:
        names = [f"{result.task}: {e.name}" for result in results for e in result.reported]
        reason = _("study '{name}': what was chosen on dev, beside the baselines", name=recipe.name)
        judge = Scorer(corpus, "test", open_test(corpus, reason=reason, models=names), recipe.evaluation)
        export_openings(corpus, folder / "openings.jsonl")
        scores: list[ModelScores] = []
        comparisons: list[Comparison] = []
        for result in results:
            scores += [judge.score(result.selected.predictions_on("test"), "selected")]
            scores += [judge.score(e.predictions_on("test"), e.role) for e in result.reported[1:]]
            comparisons += judge.compare(_pair_predictions(result.test_pairs(), "test"), result.metric)
        write_results(folder / "results.json", scores, comparisons)
        write_rows(
            folder / "label_curves.json",
            [curve for result in results for curve in judge.label_curves(result.selected.predictions_on("test"))],
        )
        closer = [
            judge.analyze(result.best_per_family[0].predictions_on("test"), result.metric, "held_out")
            for result in results
        ]
        write_rows(folder / "analyses.json", closer)

    key = {
        "corpus": corpus.fingerprint,
        "evaluation": recipe.to_dict()["evaluation"],
        "intervals": "jackknife",
        "shown": [[f.name for e in result.reported for f in e.stage_folders] for result in results],
        "names": [[e.name for e in result.reported] for result in results],
    }
    stage = stages.run("test", key, produce)
    with stage_read_errors(stage):
        scores, comparisons = read_results(stage / "results.json")
        rankings = read_rows(stage / "label_curves.json", RankingCurves)
        details = read_rows(stage / "analyses.json", ErrorAnalysis)
    return replace(
        study, tasks=tuple(results), test_scores=scores, test_comparisons=comparisons, test_label_curves=rankings,
        test_analyses=details,
    )  # fmt: skip


def _pair_predictions(
    pairs: Sequence[tuple[TrainedModel, TrainedModel]], split: str
) -> list[tuple[ModelPredictions, ModelPredictions]]:
    return [(a.predictions_on(split), b.predictions_on(split)) for a, b in pairs]


def _with_test_predictions(stages: Stages, corpus: Corpus, result: TaskResult) -> TaskResult:
    """Return the result with blind predictions for test."""
    shown = {e.name: with_test_predictions(stages, corpus, e) for e in result.reported}
    winners = tuple(shown[e.name] for e in result.best_per_family)
    return replace(
        result, selected=shown[result.selected.name], reported=tuple(shown.values()), best_per_family=winners
    )


def _save_models(out: Path, study: CorpusStudy) -> None:
    """Save each best candidate's best seed by dev score as a whole recognizer with its card, ready to predict.

    A baseline that wins lies beside it.
    """
    for result in study.tasks:
        place = model_folder(out, study.corpus.name, result.task)
        _save_selected_baseline(place.with_name(f"{place.name}-baseline"), result)
        best, facts = study.best_training(result)
        if _read_saved_facts(place / "sentir.json") != _read_saved_facts(best / "model" / "sentir.json") | {
            "facts": facts
        }:
            replace(load_recognizer(best), facts=facts).save_pretrained(place)


def _save_selected_baseline(folder: Path, result: TaskResult) -> None:
    """Save a baseline that wins; where none does, what an earlier run saved goes."""
    if result.selected.role == "baseline":
        BaselineModel.from_pretrained(result.selected.stage_folders[0] / "model").save_pretrained(folder)
    elif is_baseline_model(folder):
        shutil.rmtree(folder)


def _read_saved_facts(path: Path) -> dict[str, Any]:
    """Return what a recognizer's folder says of it, but for its files; nothing if it is none, or damaged."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in tree.items() if key != "files"} if isinstance(tree, dict) else {}
