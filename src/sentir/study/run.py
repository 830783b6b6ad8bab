"""`run_study`: train baselines and candidates, select on dev, evaluate on test once, compare, report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentir.atomic_folders import has_leftovers
from sentir.display_names import display_name, model_display_name
from sentir.evaluation.analysis.error_analysis import MAX_LABEL_NOISE_CANDIDATES, ErrorAnalysis
from sentir.evaluation.locked.ledger import export_openings, get_annotations, open_annotations, restore_openings
from sentir.evaluation.metrics import get_metric, metric_display_name, resolve_metric
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import Comparison, ModelScores
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.evaluation.scoring import read_results, read_rows, write_results, write_rows
from sentir.file_locks import hold_lock
from sentir.i18n import _, format_count, format_decimal
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.preflight import read_metadata
from sentir.process_group import require_single_process
from sentir.progress import progress_bar
from sentir.recipe import Recipe
from sentir.report.saving import save_report
from sentir.report.study_report import StudyReport
from sentir.study.ablation import ablation_overrides
from sentir.study.attached_audio import AttachedAudio
from sentir.study.averaging import average_models
from sentir.study.baseline_model import BaselineModel, is_baseline_model
from sentir.study.candidates import (
    TrainedModel,
    load_model,
    train_baseline,
    train_candidate,
    with_test_predictions,
)
from sentir.study.collect import build_study_report
from sentir.study.enrollment_curve import EnrollmentSample, predict_enrollment, score_enrollment, score_on_dev
from sentir.study.folds import embed_folds, pool_models, select_model
from sentir.study.inputs import StudyInputs, read_inputs
from sentir.study.label_noise import find_label_noise_candidates
from sentir.study.outputs import REPORT_FILE, model_folder, report_errors, save_results
from sentir.study.plan import plan_averages
from sentir.study.results import CorpusStudy, TaskResult, dev_comparison_pairs
from sentir.study.stages import Stages, stage_read_errors
from sentir.study.training_processes import train_in_processes
from sentir.training.checkpoints import checkpoint_to

AdvanceProgress = Callable[[int], None]
_EnrollmentCurves = Mapping[str, Mapping[EnrollmentSample, ModelPredictions]]  # name of a model → its curve


def run_study(
    recipes: Sequence[Recipe],
    *,
    root: PathLike | None = None,
    out: Path,
    accept_grade: bool = False,
    workers: int | None = None,
) -> StudyReport:
    """Run the studies of one or more recipes into one folder; finished stages are reused.

    Several processes may run the same study in the same folder, also on several machines that share it: each
    trains what no other one is training.

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
    for one in inputs:
        embed_folds(stages, one.audio, one.parts, one.candidates)
    with (
        checkpoint_to(checkpoints),
        progress_bar(_("Study"), sum(one.num_models for one in inputs)) as advance,
        train_in_processes(stages, trainings, checkpoints, workers),
    ):
        studies = [_study_corpus(stages, one, advance) for one in inputs]
    with hold_lock(stages.folder / ".results.lock", timeout=-1):  # other runs of this study write the same files
        for study in studies:
            if not study.corpus.folds:  # whose models are for measuring; none of them was trained on everything
                _save_models(out, study)
        save_results(out, studies)
        with report_errors(out):
            report = build_study_report(studies, seconds=time.monotonic() - start)
            save_report(report, out / REPORT_FILE)
    return report


def _study_corpus(stages: Stages, inputs: StudyInputs, advance: AdvanceProgress) -> CorpusStudy:
    corpus, recipe = inputs.audio.corpus, inputs.recipe
    logger.info(_("{corpus}: {n} utterances", corpus=corpus.name, n=format_count(len(corpus))))
    results = tuple(_study_task(stages, inputs, task, advance) for task in inputs.tasks)
    study = CorpusStudy(recipe, corpus, inputs.test_corpus, results, grade=inputs.grade)
    if recipe.study.test:
        study = _evaluate_on_test(stages, study, inputs.parts)
    return study


def _study_task(stages: Stages, inputs: StudyInputs, task: str, advance: AdvanceProgress) -> TaskResult:
    """Train and score all models on dev, and select the best of each family and the best of all.

    The best of all may be a baseline; of equal models the first one is selected, and baselines come first.
    """
    corpus, recipe = inputs.audio.corpus, inputs.recipe
    metric = resolve_metric(corpus.label_space(task), recipe.evaluation.metric)
    task_recipe = recipe.override({"data": {"task": task}})
    labels, votes = get_annotations(corpus, "dev")
    scorer = Scorer(corpus, "dev", labels, recipe.evaluation, votes)
    models: list[TrainedModel] = []
    scores: list[ModelScores] = []

    def add(parts: Sequence[TrainedModel]) -> None:
        model = pool_models(parts[0].name, parts)
        models.append(model)
        scores.append(score_on_dev(stages, scorer, inputs.parts, model, metric))
        name, value = model_display_name(model.name), format_decimal(scores[-1].metrics[metric].value, 3)
        logger.info(f"  {display_name(task)} · {name}: dev {metric_display_name(metric)} {value}")
        advance(1)

    for baseline in recipe.study.baselines:
        add([train_baseline(stages, part.corpus, baseline, task_recipe, metric) for part in inputs.parts])
    for candidate in inputs.tasks[task]:
        model = candidate.recipe.model
        add([train_candidate(stages, part.for_model(model), candidate) for part in inputs.parts])
    for average in plan_averages(recipe):
        by_part = [{m.name: (m.parts or (m,))[n] for m in models} for n in range(len(inputs.parts))]
        add(
            [
                average_models(stages, part.corpus, average, own, metric)
                for part, own in zip(inputs.parts, by_part, strict=True)
            ]
        )
    values = [get_metric(metric).sign * row.metrics[metric].value for row in scores]
    by_score = [model for _value, model in sorted(zip(values, models, strict=True), key=lambda pair: -pair[0])]
    ranked = [model for model in by_score if model.role == "candidate"]
    selected = select_model(models, scores, metric)
    if selected not in models:
        scores.append(score_on_dev(stages, scorer, inputs.parts, selected, metric))
    best_per_family = [
        m for n, m in enumerate(ranked) if m.family not in {better.family for better in ranked[:n]}
    ]
    pairs = dev_comparison_pairs(ranked, tuple(ablation_overrides(recipe)) if recipe.study.ablate else ())
    baselines = [model for model in models if model.role == "baseline"]
    if best_baseline := next((model for model in by_score if model.role == "baseline"), None):
        pairs.append((selected, ranked[0] if selected is best_baseline else best_baseline))
    always = [model for model in ranked if model.name in recipe.study.always_report]
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


def _evaluate_on_test(stages: Stages, study: CorpusStudy, parts: Sequence[AttachedAudio]) -> CorpusStudy:
    """Score the models selected on dev on test, all tasks and folds in one opening, which is not repeated.

    Openings that earlier runs recorded in this folder are counted, even if they are missing from the ledger.
    """
    for copy in stages.folder.glob("test-*/openings.jsonl"):
        restore_openings(copy)
    corpus, recipe = study.test_corpus, study.recipe
    results = [_with_test_predictions(stages, parts, result) for result in study.tasks]
    curves = [
        {m.name: predict_enrollment(stages, m, parts, "test") for m in result.reported if m.normalizes_speakers}
        for result in results
    ]
    key = {
        "corpus": corpus.fingerprint,
        "evaluation": recipe.to_dict()["evaluation"],
        "intervals": "jackknife",
        "stages": [[f.name for model in result.reported for f in model.stage_folders] for result in results],
        "names": [[model.name for model in result.reported] for result in results],
        **({"enrollment": [list(own) for own in curves]} if any(curves) else {}),
    }
    stage = stages.run("test", key, lambda folder: _write_test_scores(folder, study, results, curves))
    with stage_read_errors(stage):
        scores, comparisons = read_results(stage / "results.json")
        label_curves = read_rows(stage / "label_curves.json", RankingCurves)
        analyses = read_rows(stage / "analyses.json", ErrorAnalysis)
    return replace(
        study, tasks=tuple(results), test_scores=scores, test_comparisons=comparisons,
        test_label_curves=label_curves, test_analyses=analyses,
    )  # fmt: skip


def _write_test_scores(
    folder: Path, study: CorpusStudy, results: Sequence[TaskResult], curves: Sequence[_EnrollmentCurves]
) -> None:
    """Open the labels of test, and write the scores, comparisons and analyses of the predictions."""
    corpus, recipe = study.test_corpus, study.recipe
    num_folds = len({*corpus.folds.values()})
    names = [f"{result.task}: {model.name}" for result in results for model in result.reported]
    reason = (
        _("study '{name}', {n} folds: models selected on dev, and baselines", name=recipe.name, n=num_folds)
        if corpus.folds
        else _("study '{name}': models selected on dev, and baselines", name=recipe.name)
    )
    labels, votes = open_annotations(corpus, reason=reason, models=names)
    scorer = Scorer(corpus, "test", labels, recipe.evaluation, votes)
    export_openings(corpus, folder / "openings.jsonl")
    scores: list[ModelScores] = []
    comparisons: list[Comparison] = []
    for result, own in zip(results, curves, strict=True):
        for model in result.reported:
            role = "selected" if model is result.selected else model.role
            row = scorer.score(model.predictions_on("test"), role)
            curve = score_enrollment(scorer, own.get(model.name, {}), result.metric)
            scores.append(replace(row, enrollment=curve))
        comparisons += scorer.compare(_pair_predictions(result.test_pairs(), "test"), result.metric)
    write_results(folder / "results.json", scores, comparisons)
    label_curves = [
        curve for result in results for curve in scorer.label_curves(result.selected.predictions_on("test"))
    ]
    write_rows(folder / "label_curves.json", label_curves)
    analyses = [
        scorer.analyze(result.best_per_family[0].predictions_on("test"), result.metric, "held_out")
        for result in results
    ]
    write_rows(folder / "analyses.json", analyses)


def _pair_predictions(
    pairs: Sequence[tuple[TrainedModel, TrainedModel]], split: str
) -> list[tuple[ModelPredictions, ModelPredictions]]:
    return [(a.predictions_on(split), b.predictions_on(split)) for a, b in pairs]


def _with_test_predictions(stages: Stages, corpora: Sequence[AttachedAudio], result: TaskResult) -> TaskResult:
    """Return the result with predictions for test, made without its labels, in each fold by its own model."""

    def predict(model: TrainedModel) -> TrainedModel:
        parts = [
            with_test_predictions(stages, audio.for_model(part.recipe.model), part)
            for audio, part in zip(corpora, model.parts or (model,), strict=True)
        ]
        return pool_models(model.name, parts)

    models = {model.name: predict(model) for model in result.reported}
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
        if _read_metadata(folder) != metadata or has_leftovers(folder):
            replace(load_model(stage), facts=facts).save_pretrained(folder)


def _save_selected_baseline(folder: Path, result: TaskResult) -> None:
    """Save the selected baseline; if none is selected, delete one that an earlier run saved."""
    if result.selected.role == "baseline":
        BaselineModel.from_pretrained(result.selected.stage_folders[0] / "model").save_pretrained(folder)
    elif is_baseline_model(folder):
        shutil.rmtree(folder)


def _read_metadata(folder: Path) -> dict[str, Any]:
    """Return the metadata of a saved model without its list of files; empty if missing or damaged."""
    return {key: value for key, value in read_metadata(folder).items() if key != "files"}
