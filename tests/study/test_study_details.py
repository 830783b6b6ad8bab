"""Error analyses of a study: always on dev, on test only when it is evaluated; label noise on request."""

import json

import pytest
from study_parts import TASKS, stages
from tiny_corpora import stacking_on_text

from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.scoring import read_rows
from sentir.report.html import render_report


def test_the_best_candidate_of_every_task_is_analyzed_on_dev_and_test(first_run):
    found = {(one.task, one.split): one for one in first_run.report.analyses}
    assert set(found) == {(task, split) for task in TASKS for split in ("dev", "test")}
    for (task, split), one in found.items():
        assert one.model == first_run.report.best_per_family["tiny", task][0]
        assert one.reliability.protocol == {"dev": "cross_fit", "test": "held_out"}[split]
        assert one.reliability.metric == TASKS[task] and one.slices and one.speakers
        assert all(error.id.split("/")[1] == split for error in one.hardest_examples)


def test_the_file_has_the_analyses_of_the_report(first_run):
    assert read_rows(first_run.out / "analyses.json", ErrorAnalysis) == first_run.report.analyses


def test_slices_add_up_to_the_scored_utterances(first_run):
    for one in first_run.report.analyses:
        for kind in {part.definition.kind for part in one.slices} - {"shift"}:
            assert sum(part.n for part in one.slices if part.definition.kind == kind) == 15


def test_test_is_not_analyzed_unless_evaluated(recipe, study, counts):
    report = study(recipe(test=False, candidates={"plain": {}}))
    assert {one.split for one in report.analyses} == {"dev"} and not counts["open"]


def test_a_second_analysis_does_not_evaluate_test_again(done, study, recipe, counts):
    report = study(recipe(), done.out)
    assert report.analyses == done.report.analyses and not counts["open"] and not counts["fit"]


def test_label_noise_is_not_searched_by_default(first_run):
    assert {one.num_label_noise_candidates for one in first_run.report.analyses} == {None}


def test_label_noise_is_searched_once_if_requested(study, recipe, counts, tmp_path):
    with_noise = recipe(test=False, candidates={"plain": {}}, label_noise=True, tasks=["emotion"])
    (one,) = study(with_noise).analyses
    assert one.num_label_noise_candidates is not None and len(one.label_noise_candidates) == min(
        one.num_label_noise_candidates, 100
    )
    assert all(candidate.id.startswith("tiny/train/") for candidate in one.label_noise_candidates)
    assert counts["fit"] == 1 + 5 + 1, "five folds, and the full model, which predicts dev and test"
    assert study(with_noise).analyses == (one,) and counts["fit"] == 7


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_out_of_fold_predictions_of_stacking_are_reused_for_label_noise(task, study, recipe, weights, counts):
    candidates = {"plain": {}, "stacked": stacking_on_text(weights, task="emotion")}
    (one,) = study(recipe(test=False, candidates=candidates, tasks=[task])).analyses
    assert (one.num_label_noise_candidates is not None) == (task == "emotion"), (
        "only of the task that it predicts"
    )


def test_the_report_shows_the_analyses(first_run):
    page = render_report(first_run.report)
    for words in (
        "Calibration",
        "Slices",
        "Errors by speaker",
        "Reliability diagram of ",
        "Possible label errors",
    ):
        assert (words in page) == (words != "Possible label errors")
    assert json.loads((first_run.out / "analyses.json").read_text())[0]["reliability"]["reliability_curves"]
    assert len(stages(first_run.out, "test")) == 1
