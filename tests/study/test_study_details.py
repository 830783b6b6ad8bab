"""A study's closer look: on dev always, on test in the one opening alone; labels in doubt where asked."""

import json

import pytest
from study_parts import TASKS, stages
from tiny_corpora import stacking_on_text

from sentir.evaluation.analysis.error_analysis import ErrorAnalysis
from sentir.evaluation.scoring import read_rows
from sentir.report.html import render_report


def test_the_best_candidate_of_every_task_is_looked_at_on_dev_and_on_the_opened_test(first_run):
    found = {(one.task, one.split): one for one in first_run.report.analyses}
    assert set(found) == {(task, split) for task in TASKS for split in ("dev", "test")}
    for (task, split), one in found.items():
        assert one.model == first_run.report.best_per_family["tiny", task][0]
        assert one.reliability.protocol == {"dev": "cross_fit", "test": "held_out"}[split]
        assert one.reliability.metric == TASKS[task] and one.slices and one.speakers
        assert all(mistake.id.split("/")[1] == split for mistake in one.hardest_examples)


def test_what_is_written_is_what_was_found(first_run):
    assert read_rows(first_run.out / "analyses.json", ErrorAnalysis) == first_run.report.analyses


def test_slices_add_up_to_all_that_is_scored(first_run):
    for one in first_run.report.analyses:
        for kind in {part.definition.kind for part in one.slices} - {"shift"}:
            assert sum(part.n for part in one.slices if part.definition.kind == kind) == 15


def test_nothing_of_test_is_looked_at_while_it_stays_closed(recipe, study, counts):
    report = study(recipe(test=False, candidates={"plain": {}}))
    assert {one.split for one in report.analyses} == {"dev"} and not counts["open"]


def test_looking_again_opens_nothing(done, study, recipe, counts):
    report = study(recipe(), done.out)
    assert report.analyses == done.report.analyses and not counts["open"] and not counts["fit"]


def test_nobody_looks_for_doubtful_labels_unless_asked(first_run):
    assert {one.num_label_noise_candidates for one in first_run.report.analyses} == {None}


def test_labels_in_doubt_are_looked_for_once_when_asked(study, recipe, counts, tmp_path):
    asked = recipe(test=False, candidates={"plain": {}}, label_noise=True, tasks=["emotion"])
    (one,) = study(asked).analyses
    assert one.num_label_noise_candidates is not None and len(one.label_noise_candidates) == min(one.num_label_noise_candidates, 100)
    assert all(suspect.id.startswith("tiny/train/") for suspect in one.label_noise_candidates)
    assert counts["fit"] == 1 + 5 + 1, "five folds, and the whole, which predicts dev and test"
    assert study(asked).analyses == (one,) and counts["fit"] == 7


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_predictions_that_a_candidate_stacks_on_are_asked_for_nothing(task, study, recipe, weights, counts):
    candidates = {"plain": {}, "stacked": stacking_on_text(weights, task="emotion")}
    (one,) = study(recipe(test=False, candidates=candidates, tasks=[task])).analyses
    assert (one.num_label_noise_candidates is not None) == (task == "emotion"), "only of the task that it says something about"


def test_the_report_shows_all_of_it(first_run):
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
