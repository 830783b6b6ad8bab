"""`run_study`: train baselines and candidates, select on dev, evaluate on test once, compare, report."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from sentir.preflight import METADATA_FILE
from sentir.process_group import require_single_process
from sentir.progress import progress_bar
from sentir.recipe import Recipe
from sentir.report.saving import save_report
from sentir.report.study_report import StudyReport
from sentir.study.ablation import ablation_overrides
from sentir.study.attached_audio import AttachedAudio
from sentir.study.baseline_model import BaselineModel, is_baseline_model
from sentir.study.candidates import (
    TrainedModel,
    load_recognizer,
    train_baseline,
    train_candidate,
    with_test_predictions,
)
from sentir.study.collect import build_study_report
from sentir.study.inputs import StudyInputs, read_inputs
from sentir.study.label_noise import find_label_noise_candidates
from sentir.study.outputs import REPORT_FILE, model_folder, report_errors, save_results
from sentir.study.plan import Candidate
from sentir.study.results import CorpusStudy, TaskResult, dev_comparison_pairs
from sentir.study.stages import Stages, stage_read_errors
from sentir.study.training_processes import train_in_processes
from sentir.training.checkpoints import checkpoint_to

AdvanceProgress = Callable[[int], None]


def run_study(
    recipes: Sequence[Recipe],
    *,
    root: PathLike | None = None,
    out: Path,
    accept_grade: bool = False,
    workers: int | None = None,
) -> StudyReport:
    """Run the studies of one or more recipes into one folder; finished stages are reused.

    Args:
        recipes: one per corpus; all corpora are read and checked before anything is trained.
        root: folder of the corpus, for recipes that read one from disk.
        out: receives ``results.json``, ``comparisons.json``, ``report.html``, ``models/`` and ``stages/``.
        accept_grade: whether a corpus of audit grade D or E is studied.
        workers: processes that train; see `sentir.study.training_processes.count_processes`.

    Returns:
        The content of the report.

    Raises:
        SentirError: for recipes, names, files or weights that cannot be used, and corpora of grade D or E that
            are not accepted.
    """
    require_single_process("study")
    start = time.monotonic()
    stages = Stages(out / "stages")
    inputs = read_inputs(recipes, root, out, stages, accept_grade=accept_grade)
    trainings = [training for one in inputs for training in one.trainings]
    checkpoints = out / "checkpoints"
    with (
        checkpoint_to(checkpoints),
        progress_bar(_("Study"), sum(one.num_models for one in inputs)) as advance,
        train_in_processes(stages, trainings, checkpoints, workers),
    ):
        studies = [_study_corpus(stages, one, out, advance) for one in inputs]
    save_results(out, studies)
    with report_errors(out):
        report = build_study_report(studies, seconds=time.monotonic() - start)
        save_report(report, out / REPORT_FILE)
    return report


def _study_corpus(stages: Stages, inputs: StudyInputs, out: Path, advance: AdvanceProgress) -> CorpusStudy:
    corpus, recipe = inputs.audio.corpus, inputs.recipe
    logger.info(_("{corpus}: {n} utterances", corpus=corpus.name, n=format_count(len(corpus))))
    results = tuple(
        _study_task(stages, inputs.audio, task, candidates, recipe, advance)
        for task, candidates in inputs.tasks.items()
    )
    study = CorpusStudy(recipe, corpus, results, grade=inputs.grade)
    if recipe.study.test:
        study = _evaluate_on_test(stages, study, inputs.audio)
    _save_models(out, study)
    return study


def _study_task(
    stages: Stages,
    audio: AttachedAudio,
    task: str,
    candidates: Sequence[Candidate],
    recipe: Recipe,
    advance: AdvanceProgress,
) -> TaskResult:
    """Train and score all models on dev, and select the best of each family and the best of all.

    The best of all may be a baseline; of equal models the first one is selected, and baselines come first.
    """
    corpus = audio.corpus
    metric = resolve_metric(corpus.label_space(task), recipe.evaluation.metric)
    task_recipe = recipe.override({"data": {"task": task}})
    scorer = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    models: list[TrainedModel] = []
    scores: list[ModelScores] = []

    def add(model: TrainedModel) -> None:
        models.append(model)
        scores.append(scorer.score(model.predictions_on("dev"), model.role))
        name, value = model_display_name(model.name), format_decimal(scores[-1].metrics[metric].value, 3)
        logger.info(f"  {display_name(task)} · {name}: dev {metric_display_name(metric)} {value}")
        advance(1)

    for baseline in recipe.study.baselines:
        add(train_baseline(stages, corpus, baseline, task_recipe, metric))
    for candidate in candidates:
        add(train_candidate(stages, audio.for_model(candidate.recipe.model), candidate))
    values = [get_metric(metric).sign * row.metrics[metric].value for row in scores]
    by_score = [model for _value, model in sorted(zip(values, models, strict=True), key=lambda pair: -pair[0])]
    selected, ranked = by_score[0], [model for model in by_score if model.role == "candidate"]
    best_per_family = [
        m for n, m in enumerate(ranked) if m.family not in {better.family for better in ranked[:n]}
    ]
    pairs = dev_comparison_pairs(ranked, tuple(ablation_overrides(recipe)) if recipe.study.ablate else ())
    pairs += [(selected, ranked[0])] if selected.role == "baseline" else []
    always = [model for model in ranked if model.name in recipe.study.always_report]
    baselines = [model for model in models if model.role == "baseline"]
    reported = {model.name: model for model in (selected, *best_per_family, *always, *baselines)}
    return TaskResult(
        task, metric, tuple(models), selected, tuple(best_per_family), tuple(reported.values()), tuple(scores),
        scorer.compare(_pair_predictions(pairs, "dev"), metric),
        scorer.label_curves(selected.predictions_on("dev")),
        (_analyze_best_candidate(stages, scorer, recipe, metric, ranked),),
    )  # fmt: skip


def _analyze_best_candidate(
    stages: Stages, scorer: Scorer, recipe: Recipe, metric: str, ranked: Sequence[TrainedModel]
) -> ErrorAnalysis:
    """Return the error analysis of the best candidate on dev, with label-noise candidates of train."""
    analysis = scorer.analyze(ranked[0].predictions_on("dev"), metric, "cross_fit")
    candidates = find_label_noise_candidates(stages, scorer.corpus, recipe, analysis.task, ranked)
    if candidates is None:
        return analysis
    return replace(
        analysis,
        num_label_noise_candidates=len(candidates),
        label_noise_candidates=candidates[:MAX_LABEL_NOISE_CANDIDATES],
    )


def _evaluate_on_test(stages: Stages, study: CorpusStudy, audio: AttachedAudio) -> CorpusStudy:
    """Score the models selected on dev on test, all tasks in one opening; a finished opening is not repeated.

    Openings that earlier runs recorded in this folder are counted, even if they are missing from the ledger.
    """
    for copy in stages.folder.glob("test-*/openings.jsonl"):
        restore_openings(copy)
    corpus, recipe = study.corpus, study.recipe
    results = [_with_test_predictions(stages, audio, result) for result in study.tasks]

    def produce(folder: Path) -> None:
        names = [f"{result.task}: {model.name}" for result in results for model in result.reported]
        reason = _("study '{name}': models selected on dev, and baselines", name=recipe.name)
        scorer = Scorer(corpus, "test", open_test(corpus, reason=reason, models=names), recipe.evaluation)
        export_openings(corpus, folder / "openings.jsonl")
        scores: list[ModelScores] = []
        comparisons: list[Comparison] = []
        for result in results:
            scores += [scorer.score(result.selected.predictions_on("test"), "selected")]
            scores += [scorer.score(model.predictions_on("test"), model.role) for model in result.reported[1:]]
            comparisons += scorer.compare(_pair_predictions(result.test_pairs(), "test"), result.metric)
        write_results(folder / "results.json", scores, comparisons)
        write_rows(
            folder / "label_curves.json",
            [
                curve
                for result in results
                for curve in scorer.label_curves(result.selected.predictions_on("test"))
            ],
        )
        analyses = [
            scorer.analyze(result.best_per_family[0].predictions_on("test"), result.metric, "held_out")
            for result in results
        ]
        write_rows(folder / "analyses.json", analyses)

    key = {
        "corpus": corpus.fingerprint,
        "evaluation": recipe.to_dict()["evaluation"],
        "intervals": "jackknife",
        "stages": [[f.name for model in result.reported for f in model.stage_folders] for result in results],
        "names": [[model.name for model in result.reported] for result in results],
    }
    stage = stages.run("test", key, produce)
    with stage_read_errors(stage):
        scores, comparisons = read_results(stage / "results.json")
        label_curves = read_rows(stage / "label_curves.json", RankingCurves)
        analyses = read_rows(stage / "analyses.json", ErrorAnalysis)
    return replace(
        study, tasks=tuple(results), test_scores=scores, test_comparisons=comparisons,
        test_label_curves=label_curves, test_analyses=analyses,
    )  # fmt: skip


def _pair_predictions(
    pairs: Sequence[tuple[TrainedModel, TrainedModel]], split: str
) -> list[tuple[ModelPredictions, ModelPredictions]]:
    return [(a.predictions_on(split), b.predictions_on(split)) for a, b in pairs]


def _with_test_predictions(stages: Stages, audio: AttachedAudio, result: TaskResult) -> TaskResult:
    """Return the result with predictions for test, made without its labels."""
    models = {
        model.name: with_test_predictions(stages, audio.for_model(model.recipe.model), model)
        for model in result.reported
    }
    return replace(
        result,
        selected=models[result.selected.name],
        reported=tuple(models.values()),
        best_per_family=tuple(models[model.name] for model in result.best_per_family),
    )


def _save_models(out: Path, study: CorpusStudy) -> None:
    """Save the best training of each best candidate, by dev score, as a recognizer with its model card.

    If a baseline is selected, it is saved next to it.
    """
    for result in study.tasks:
        folder = model_folder(out, study.corpus.name, result.task)
        _save_selected_baseline(folder.with_name(f"{folder.name}-baseline"), result)
        stage, facts = study.best_training(result)
        metadata = _read_metadata(stage / "model") | {"facts": facts}
        if _read_metadata(folder) != metadata:
            replace(load_recognizer(stage), facts=facts).save_pretrained(folder)


def _save_selected_baseline(folder: Path, result: TaskResult) -> None:
    """Save the selected baseline; if none is selected, delete one that an earlier run saved."""
    if result.selected.role == "baseline":
        BaselineModel.from_pretrained(result.selected.stage_folders[0] / "model").save_pretrained(folder)
    elif is_baseline_model(folder):
        shutil.rmtree(folder)


def _read_metadata(folder: Path) -> dict[str, Any]:
    """Return the metadata of a saved recognizer without its list of files; empty if missing or damaged."""
    try:
        tree = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in tree.items() if key != "files"} if isinstance(tree, dict) else {}
