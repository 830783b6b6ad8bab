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
from sentir.evaluation.analysis.error_analysis import MOST_SUSPECTS, Details
from sentir.evaluation.locked.ledger import copy_openings, labels_of, open_test, recall_openings
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.metrics.ranking import Ranking
from sentir.evaluation.results import Comparison, ModelScores, gain
from sentir.evaluation.scoring import read_results, read_rows, write_results, write_rows
from sentir.evaluation.words import model_name, word
from sentir.i18n import _, decimal, thousands
from sentir.paths import Place
from sentir.process_group import require_alone
from sentir.progress import say, task
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.report.saving import save_report
from sentir.report.study_report import StudyReport
from sentir.study.ablation import ablations
from sentir.study.baseline_model import Simple, is_simple
from sentir.study.candidates import (
    Entrant,
    check_needed_weights,
    enter_baseline,
    enter_candidate,
    load_trained,
    with_test,
)
from sentir.study.checks import check_corpus, check_grade, check_names
from sentir.study.collect import study_report
from sentir.study.label_noise import doubtful_labels
from sentir.study.outputs import REPORT, check_outputs, model_place, reporting, save_results
from sentir.study.plan import Candidate, plan
from sentir.study.results import CorpusStudy, TaskResult, dev_pairs
from sentir.study.scorer import Judge
from sentir.study.stages import Stages, reading
from sentir.training.checkpoints import checkpoints_in

Advance = Callable[[int], None]


def run_study(
    recipes: Sequence[Recipe], *, root: Place | None = None, out: Path, accept_grade: bool = False
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
    require_alone("study")
    start = time.monotonic()
    plans = [plan(recipe) for recipe in recipes]
    corpora = [read_corpus(recipe.data, root) for recipe in recipes]
    check_names(corpora, recipes)
    for corpus, recipe, tasks in zip(corpora, recipes, plans, strict=True):
        check_corpus(corpus, recipe, tasks)
    check_outputs(out, corpora, recipes)
    grades = [check_grade(c, r, accepted=accept_grade) for c, r in zip(corpora, recipes, strict=True)]
    stages = Stages(out / "stages")
    stages.sweep()
    for corpus, tasks in zip(corpora, plans, strict=True):
        check_needed_weights(stages, corpus, [candidate for found in tasks.values() for candidate in found])
    parts = []
    steps = sum(_steps(r, tasks) for r, tasks in zip(recipes, plans, strict=True))
    with checkpoints_in(out / "checkpoints"), task(_("Study"), steps) as advance:
        for corpus, recipe, tasks, grade in zip(corpora, recipes, plans, grades, strict=True):
            say(_("{corpus}: {n} utterances", corpus=corpus.name, n=thousands(len(corpus))))
            results = tuple(
                _study_task(stages, corpus, name, found, recipe, advance) for name, found in tasks.items()
            )
            part = CorpusStudy(recipe, corpus, results, grade=grade)
            parts.append(_open_once(stages, part) if recipe.study.test else part)
            _save_models(out, parts[-1])
    save_results(out, parts)
    with reporting(out):
        report = study_report(parts, seconds=time.monotonic() - start)
        save_report(report, out / REPORT)
    return report


def _steps(recipe: Recipe, tasks: dict[str, tuple[Candidate, ...]]) -> int:
    return sum(len(recipe.study.baselines) + len(candidates) for candidates in tasks.values())


def _study_task(
    stages: Stages, corpus: Corpus, name: str, candidates: Sequence[Candidate], recipe: Recipe, advance: Advance
) -> TaskResult:
    """Enter everything, score it on dev, and choose there the best of each family and the best of all.

    The best of all may be a baseline; of equals, the one that was entered first, which a baseline is.
    """
    metric = metric_name(corpus.space(name), recipe.evaluation.metric)
    plain = recipe.override({"data": {"task": name}})
    judge = Judge(corpus, "dev", labels_of(corpus, "dev"), recipe.evaluation)
    entrants: list[Entrant] = []
    scores: list[ModelScores] = []

    def enter(entrant: Entrant) -> None:
        entrants.append(entrant)
        scores.append(judge.score(entrant, entrant.role))
        value = decimal(scores[-1].metrics[metric].value, 3)
        say(f"  {word(name)} · {model_name(entrant.name)}: dev {word(metric)} {value}")
        advance(1)

    for baseline in recipe.study.baselines:
        enter(enter_baseline(stages, corpus, baseline, plain, metric))
    for candidate in candidates:
        enter(enter_candidate(stages, corpus, candidate))
    gains = [gain(metric, row.metrics[metric].value) for row in scores]
    by_score = sorted(zip(gains, entrants, strict=True), key=lambda pair: -pair[0])
    ranked = [entrant for _gain, entrant in by_score if entrant.role == "candidate"]
    winners = [e for n, e in enumerate(ranked) if e.family not in {better.family for better in ranked[:n]}]
    chosen = {e.name for e in winners}
    always = [e for e in ranked if e.name in recipe.study.always_report and e.name not in chosen]
    baselines = [e for e in entrants if e.role == "baseline"]
    finalist = by_score[0][1]
    pairs = dev_pairs(ranked, tuple(ablations(recipe)) if recipe.study.ablate else ())
    pairs += [(finalist, ranked[0])] if finalist.role == "baseline" else []
    shown = {e.name: e for e in (finalist, *winners, *always, *baselines)}
    return TaskResult(
        name, metric, tuple(entrants), finalist, tuple(winners), tuple(shown.values()), tuple(scores),
        judge.compare(pairs, metric), judge.rank(finalist),
        (_look_closer(stages, judge, recipe, metric, ranked),),
    )  # fmt: skip


def _look_closer(stages: Stages, judge: Judge, recipe: Recipe, metric: str, ranked: Sequence[Entrant]) -> Details:
    """Look closer at the best candidate on dev, and at train labels that models doubt."""
    details = judge.look_closer(ranked[0], metric, "dev_halves")
    found = doubtful_labels(stages, judge.corpus, recipe, details.task, ranked)
    return details if found is None else replace(details, doubtful=len(found), suspects=found[:MOST_SUSPECTS])


def _open_once(stages: Stages, part: CorpusStudy) -> CorpusStudy:
    """Score on test what was chosen on dev, all tasks in one opening; an opening done before is not repeated.

    Openings that earlier runs into this folder remember are counted, even if the ledger has lost them.
    """
    for copy in stages.folder.glob("test-*/openings.jsonl"):
        recall_openings(copy)
    corpus, recipe = part.corpus, part.recipe
    results = [_predicted(stages, corpus, result) for result in part.tasks]

    def produce(folder: Path) -> None:
        names = [f"{result.task}: {e.name}" for result in results for e in result.shown]
        reason = _("study '{name}': what was chosen on dev, beside the baselines", name=recipe.name)
        judge = Judge(corpus, "test", open_test(corpus, reason=reason, models=names), recipe.evaluation)
        copy_openings(corpus, folder / "openings.jsonl")
        scores: list[ModelScores] = []
        comparisons: list[Comparison] = []
        for result in results:
            scores += [judge.score(result.finalist, "finalist")]
            scores += [judge.score(e, e.role) for e in result.shown[1:]]
            comparisons += judge.compare(result.pairs(), result.metric)
        write_results(folder / "results.json", scores, comparisons)
        write_rows(folder / "rankings.json", [one for result in results for one in judge.rank(result.finalist)])
        closer = [judge.look_closer(result.winners[0], result.metric, "held_out") for result in results]
        write_rows(folder / "details.json", closer)

    key = {
        "corpus": corpus.fingerprint,
        "evaluation": recipe.tree()["evaluation"],
        "intervals": "jackknife",
        "shown": [[f.name for e in result.shown for f in e.folders] for result in results],
        "names": [[e.name for e in result.shown] for result in results],
    }
    stage = stages.run("test", key, produce)
    with reading(stage):
        scores, comparisons = read_results(stage / "results.json")
        rankings = read_rows(stage / "rankings.json", Ranking)
        details = read_rows(stage / "details.json", Details)
    return replace(
        part, tasks=tuple(results), test_scores=scores, test_comparisons=comparisons, test_rankings=rankings,
        test_details=details,
    )  # fmt: skip


def _predicted(stages: Stages, corpus: Corpus, result: TaskResult) -> TaskResult:
    """Return the result with blind predictions for test."""
    shown = {e.name: with_test(stages, corpus, e) for e in result.shown}
    winners = tuple(shown[e.name] for e in result.winners)
    return replace(result, finalist=shown[result.finalist.name], shown=tuple(shown.values()), winners=winners)


def _save_models(out: Path, part: CorpusStudy) -> None:
    """Save each best candidate's best seed by dev score as a whole recognizer with its card, ready to predict.

    A baseline that wins lies beside it.
    """
    for result in part.tasks:
        place = model_place(out, part.corpus.name, result.task)
        _save_baseline(place.with_name(f"{place.name}-baseline"), result)
        best, facts = part.best_seed(result)
        if _saved(place / "sentir.json") != _saved(best / "model" / "sentir.json") | {"facts": facts}:
            replace(load_trained(best), facts=facts).save_pretrained(place)


def _save_baseline(place: Path, result: TaskResult) -> None:
    """Save a baseline that wins; where none does, what an earlier run saved goes."""
    if result.finalist.role == "baseline":
        Simple.from_pretrained(result.finalist.folders[0] / "model").save_pretrained(place)
    elif is_simple(place):
        shutil.rmtree(place)


def _saved(path: Path) -> dict[str, Any]:
    """Return what a recognizer's folder says of it, but for its files; nothing if it is none, or damaged."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in tree.items() if key != "files"} if isinstance(tree, dict) else {}
