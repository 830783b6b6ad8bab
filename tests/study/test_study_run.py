"""The chain of a study: what it leaves, and that nothing is done twice."""

import json
import shutil

import pytest
from study_parts import BASELINES, CANDIDATES, TASKS, rows, stages

from sentir import api
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.evaluation.scoring import read_results
from sentir.recognizer.recognizer import Recognizer
from sentir.report.sentences import task_summary_sentences
from sentir.report.task_sections import task_sections
from sentir.study.candidates import load_training_facts

KEYS = {"model", "role", "corpus", "task", "split", "n", "num_seeds", "metrics"}


# Results


def test_rows_have_the_documented_keys(first_run):
    table = json.loads((first_run.out / "results.json").read_text(encoding="utf-8"))
    assert len(table) == 2 * (5 + 3)
    for row in table:
        assert row.keys() >= KEYS
        assert (row["corpus"], row["num_seeds"], row["n"]) == ("tiny", 1, 15)
        assert TASKS[row["task"]] in row["metrics"]
        assert row["metrics"][TASKS[row["task"]]]["low"] is None, "three dialogues are too few"
        for metric in row["metrics"].values():
            assert metric.keys() >= {"value", "low", "high"}
            if metric["low"] is not None:
                assert 0 <= metric["low"] <= metric["value"] <= metric["high"] <= 1
    assert read_results(first_run.out / "results.json") == (first_run.report.scores, first_run.report.comparisons)


@pytest.mark.parametrize("task", TASKS)
def test_dev_has_all_models_and_test_the_selected_one_the_best_candidate_and_the_baselines(task, first_run):
    dev, test = (rows(first_run.report.scores, task=task, split=split) for split in ("dev", "test"))
    assert [(row.model, row.role) for row in dev] == [
        *((name, "baseline") for name in BASELINES),
        *((name, "candidate") for name in CANDIDATES),
    ]
    selected = first_run.report.selected["tiny", task]
    (best,) = first_run.report.best_per_family["tiny", task]
    rest = [(best, "candidate"), *((name, "baseline") for name in BASELINES)]
    assert [(row.model, row.role) for row in test] == [
        (selected, "selected"),
        *(row for row in rest if row[0] != selected),
    ]
    assert {row.ids_hash for row in test} != {row.ids_hash for row in dev} and len(
        {row.ids_hash for row in test}
    ) == 1


@pytest.mark.parametrize(("task", "metric"), TASKS.items())
def test_the_selected_model_is_the_best_on_dev(task, metric, first_run):
    for role, selected in (
        ({}, first_run.report.selected["tiny", task]),
        ({"role": "candidate"}, first_run.report.best_per_family["tiny", task][0]),
    ):
        dev = rows(first_run.report.scores, task=task, split="dev", **role)
        assert max(dev, key=lambda row: row.metrics[metric].value).model == selected
        assert len({row.metrics[metric].value for row in dev}) > 1, "with equal scores nothing is selected"


@pytest.mark.parametrize("task", TASKS)
def test_the_selected_model_is_compared_with_the_others_on_dev_and_with_baselines_on_test(task, first_run):
    selected, (best,) = first_run.report.selected["tiny", task], first_run.report.best_per_family["tiny", task]
    found = [c for c in first_run.report.comparisons if c.task == task]
    assert {c.b for c in found if c.split == "dev" and c.a == best} == {*CANDIDATES} - {best}
    assert {c.b for c in found if c.split == "dev" and c.a == selected} >= {best} - {selected}
    others = {best, *BASELINES} - {selected}
    assert {(c.a, c.b) for c in found if c.split == "test"} == {(selected, name) for name in others}


@pytest.mark.parametrize("task", TASKS)
def test_candidates_that_differ_in_one_setting_are_compared_on_dev_once(task, first_run):
    found = [frozenset((c.a, c.b)) for c in first_run.report.comparisons if (c.task, c.split) == (task, "dev")]
    assert {frozenset(("plain", "slow")), frozenset(("plain", "dialogue"))} <= set(found)
    assert len(found) == len(set(found))


def test_all_tasks_are_evaluated_on_test_in_one_opening(first_run, corpus):
    (opening,) = first_run.report.openings
    assert opening.test_fingerprint == corpus.test_fingerprint and "tiny" in opening.reason
    models = {f"{task}: {first_run.report.selected['tiny', task]}" for task in TASKS}
    assert models <= set(opening.models) and len(opening.models) == 6


@pytest.mark.parametrize("task", TASKS)
def test_the_best_candidate_is_saved_complete(task, done, corpus):
    recognizer = Recognizer.from_pretrained(done.out / "models" / f"tiny-{task}")
    assert (done.out / "models" / f"tiny-{task}" / "encoder").is_dir()
    assert recognizer.space == corpus.label_space(task)
    (row,) = rows(done.report.scores, task=task, split="dev", model=done.report.best_per_family["tiny", task][0])
    assert recognizer.facts["test_openings"] == len(done.report.openings) == 1
    assert recognizer.facts["dev_score"] == pytest.approx(row.metrics[TASKS[task]].value)


@pytest.mark.parametrize("task", TASKS)
def test_a_selected_baseline_is_saved_predicts_and_is_reported(task, done, corpus):
    selected, folder = done.report.selected["tiny", task], done.out / "models" / f"tiny-{task}-baseline"
    assert folder.is_dir() == (selected in BASELINES)
    (section,) = [one for one in task_sections(done.report) if one.task == task]
    summary = " ".join(task_summary_sentences(section))
    assert (
        (f"models/tiny-{task}-baseline" in summary)
        == ("A simple baseline wins" in summary)
        == (selected in BASELINES)
    )
    if selected in BASELINES:
        row = api.evaluate(folder, root=done.out, corpus=done.recipe.data)
        (scored,) = rows(done.report.scores, task=task, split="dev", model=selected)
        assert row.metrics[TASKS[task]].value == pytest.approx(scored.metrics[TASKS[task]].value)
        assert row.role == "baseline" and api.predict(folder, ["I am happy."])[0].labels


def test_a_baseline_is_selected_somewhere_or_the_test_above_is_void(first_run):
    assert set(first_run.report.selected.values()) & set(BASELINES)


def test_the_report_is_one_page_with_every_model(first_run):
    page = (first_run.out / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in (*CANDIDATES, *BASELINES))


def test_learning_curves_have_a_point_per_epoch(first_run):
    assert len(first_run.report.learning_curves) == 6
    assert all([p["epoch"] for p in curve.points] == [1, 2] for curve in first_run.report.learning_curves)


def test_no_pickle_is_written(first_run):
    suffixes = {path.suffix for path in first_run.out.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".jsonl", ".toml", ".parquet", ".safetensors", ".npz", ".html", ".md"}


# A second run


def test_a_second_run_repeats_nothing(done, study, recipe, counts, corpus):
    before = {path: path.stat().st_mtime_ns for path in (done.out / "stages").rglob("*")}
    again = study(recipe(), done.out)
    assert not counts
    assert {path: path.stat().st_mtime_ns for path in (done.out / "stages").rglob("*")} == before
    assert (again.scores, again.comparisons) == (done.report.scores, done.report.comparisons)
    assert (again.learning_curves, again.selected) == (done.report.learning_curves, done.report.selected)
    assert len(list_openings_by_fingerprint(corpus.test_fingerprint)) == 1


def test_only_a_deleted_training_is_repeated(done, study, recipe, counts):
    lost = stages(done.out, "train")[0]
    shutil.rmtree(lost)
    again = study(recipe(), done.out)
    assert counts == {"fit": 1} and lost.is_dir()
    assert again.scores == done.report.scores


def test_deleted_test_predictions_are_repeated_without_evaluating_test(done, study, recipe, counts):
    shutil.rmtree(stages(done.out, "predict")[0])
    again = study(recipe(), done.out)
    assert counts == {"predict": 1}
    assert again.scores == done.report.scores


def test_a_deleted_test_stage_is_another_opening(done, study, recipe, counts, corpus):
    shutil.rmtree(stages(done.out, "test")[0])
    again = study(recipe(), done.out)
    assert counts == {"open": 1}
    assert again.scores == done.report.scores
    assert [o.number for o in again.openings] == [1, 2]


def test_another_seed_adds_only_its_trainings(done, study, recipe, counts):
    again = study(recipe(tasks=["emotion"], seeds=[0, 1]), done.out)
    assert counts["fit"] == 3
    assert {row.num_seeds for row in rows(again.scores, role="candidate")} == {2}
    assert {row.num_seeds for row in rows(again.scores, role="baseline")} == {1}
    facts = {load_training_facts(path)["dev_score"] for path in stages(done.out, "train")}
    assert len(facts) > 3, "seeds make a difference"


def test_the_best_seed_is_the_one_that_is_saved(study, recipe, tmp_path):
    again = study(recipe(tasks=["emotion"], seeds=[0, 1, 2], candidates={"plain": {}}))
    (best,) = again.best_per_family["tiny", "emotion"]
    seeds = {
        c.seed: max(p["score"] for p in c.points)
        for c in again.learning_curves
        if (c.model, c.task) == (best, "emotion")
    }
    saved = Recognizer.from_pretrained(tmp_path / "out" / "models" / "tiny-emotion")
    assert len(seeds) == 3 and saved.facts["dev_score"] == max(seeds.values())
    assert seeds[saved.recipe.train.seed] == max(seeds.values())


def test_another_candidate_trains_only_itself(done, study, recipe, counts):
    more = recipe().study.candidates | {"wide": {"model": {"hidden_size": 24}}}
    again = study(recipe(candidates=more), done.out)
    assert counts["fit"] == 2
    assert rows(again.scores, model="wide", split="dev")


def test_a_save_that_was_killed_is_finished_when_the_study_runs_again(done, study, recipe, counts):
    saved = done.out / "models" / "tiny-emotion"
    files = {path.name for path in saved.iterdir()}
    (saved / ".saving.lock").touch()
    study(recipe(), done.out)
    assert not counts and {path.name for path in saved.iterdir()} == files


def test_a_changed_setting_trains_again_and_a_changed_title_does_not(done, study, recipe, counts):
    study(recipe().override({"title": {"en": "A title"}}), done.out)
    assert not counts
    study(recipe(candidates={"plain": {}}).override({"train": {"weight_decay": 0.5}}), done.out)
    assert counts["fit"] == 2
