"""The chain of a study: nothing is done twice, dev chooses, and test is opened once."""

import json
import random
import shutil
from dataclasses import replace

import pytest

from sentir.corpus.predictions import Predictions
from sentir.corpus.types import SealedLabels
from sentir.errors import LockedTestError, RecipeError, UnknownNameError
from sentir.evaluation.ledger import openings
from sentir.evaluation.scoring import read_results
from sentir.recognizer import Recognizer
from sentir.study.entrants import training_facts
from tiny_corpora import tiny_corpus, tiny_recipe, write_table

TASKS = {"emotion": "weighted_f1", "feelings": "macro_f1"}
CANDIDATES = ("plain", "dialogue", "slow")
BASELINES = ("majority", "bag of words")
KEYS = {"model", "role", "corpus", "task", "split", "n", "seeds", "metrics"}


def rows(scores, **wanted):
    return [s for s in scores if all(getattr(s, key) == value for key, value in wanted.items())]


def stages(out, kind):
    return sorted(path for path in (out / "stages").iterdir() if path.name.startswith(f"{kind}-"))


def without_test(report):
    return (
        rows(report.scores, split="dev"),
        [c for c in report.comparisons if c.split == "dev"],
        report.selected,
        report.curves,
    )


# What a study leaves


def test_rows_have_the_documented_keys(first_run):
    table = json.loads((first_run.out / "results.json").read_text(encoding="utf-8"))
    assert len(table) == 2 * (5 + 3)
    for row in table:
        assert row.keys() >= KEYS
        assert (row["corpus"], row["seeds"], row["n"]) == ("tiny", 1, 15)
        assert TASKS[row["task"]] in row["metrics"]
        assert row["metrics"][TASKS[row["task"]]]["low"] is not None
        for metric in row["metrics"].values():
            assert metric.keys() >= {"value", "low", "high"}
            if metric["low"] is not None:
                assert 0 <= metric["low"] <= metric["value"] <= metric["high"] <= 1
    assert read_results(first_run.out / "results.json") == (first_run.report.scores, first_run.report.comparisons)


@pytest.mark.parametrize("task", TASKS)
def test_dev_has_everyone_and_test_the_finalist_beside_the_baselines(task, first_run):
    dev, test = (rows(first_run.report.scores, task=task, split=split) for split in ("dev", "test"))
    assert [(row.model, row.role) for row in dev] == [
        *((name, "baseline") for name in BASELINES),
        *((name, "candidate") for name in CANDIDATES),
    ]
    finalist = first_run.report.selected["tiny", task]
    assert [(row.model, row.role) for row in test] == [
        (finalist, "finalist"),
        *((name, "baseline") for name in BASELINES),
    ]
    assert {row.scored for row in test} != {row.scored for row in dev} and len({row.scored for row in test}) == 1


@pytest.mark.parametrize(("task", "metric"), TASKS.items())
def test_the_finalist_is_the_best_candidate_on_dev(task, metric, first_run):
    dev = rows(first_run.report.scores, task=task, split="dev", role="candidate")
    best = max(dev, key=lambda row: row.metrics[metric].value)
    assert first_run.report.selected["tiny", task] == best.model
    assert len({row.metrics[metric].value for row in dev}) > 1, "equal scores choose nothing"


@pytest.mark.parametrize("task", TASKS)
def test_the_finalist_is_compared_with_all_others_on_dev_and_with_the_baselines_on_test(task, first_run):
    finalist = first_run.report.selected["tiny", task]
    found = [c for c in first_run.report.comparisons if c.task == task]
    assert {c.a for c in found} == {finalist}
    assert {c.b for c in found if c.split == "dev"} == {*CANDIDATES} - {finalist}
    assert {c.b for c in found if c.split == "test"} == {*BASELINES}


def test_test_is_opened_once_however_many_tasks_there_are(first_run, corpus):
    (opening,) = first_run.report.openings
    assert opening.test_fingerprint == corpus.test_fingerprint and "tiny" in opening.reason
    finalists = {f"{task}: {first_run.report.selected['tiny', task]}" for task in TASKS}
    assert finalists <= set(opening.models) and len(opening.models) == 6


@pytest.mark.parametrize("task", TASKS)
def test_the_finalist_is_saved_whole_and_ready(task, done, corpus):
    recognizer = Recognizer.from_pretrained(done.out / "models" / f"tiny-{task}")
    assert (done.out / "models" / f"tiny-{task}" / "encoder").is_dir()
    assert recognizer.space == corpus.space(task)
    (row,) = rows(done.report.scores, task=task, split="dev", model=done.report.selected["tiny", task])
    assert recognizer.facts["dev_score"] == pytest.approx(row.metrics[TASKS[task]].value)


def test_the_report_is_one_page_with_every_model(first_run):
    page = (first_run.out / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in (*CANDIDATES, *BASELINES))


def test_curves_have_a_point_per_epoch(first_run):
    assert len(first_run.report.curves) == 6
    assert all([p["epoch"] for p in curve.points] == [1, 2] for curve in first_run.report.curves)


def test_no_pickle_lies_in_the_folder(first_run):
    suffixes = {path.suffix for path in first_run.out.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".toml", ".parquet", ".safetensors", ".html"}


# What a second run does


def test_a_second_run_does_nothing_again(done, study, recipe, counts, corpus):
    before = {path: path.stat().st_mtime_ns for path in (done.out / "stages").rglob("*")}
    again = study(recipe(), done.out)
    assert not counts
    assert {path: path.stat().st_mtime_ns for path in (done.out / "stages").rglob("*")} == before
    assert (again.scores, again.comparisons) == (done.report.scores, done.report.comparisons)
    assert (again.curves, again.selected) == (done.report.curves, done.report.selected)
    assert len(openings(corpus.test_fingerprint)) == 1


def test_a_lost_training_alone_is_done_again(done, study, recipe, counts):
    lost = stages(done.out, "train")[0]
    shutil.rmtree(lost)
    again = study(recipe(), done.out)
    assert counts == {"fit": 1} and lost.is_dir()
    assert again.scores == done.report.scores


def test_lost_predictions_for_test_are_made_again_without_opening_it(done, study, recipe, counts):
    shutil.rmtree(stages(done.out, "predict")[0])
    again = study(recipe(), done.out)
    assert counts == {"predict": 1}
    assert again.scores == done.report.scores


def test_a_lost_opening_is_an_opening_more(done, study, recipe, counts, corpus):
    shutil.rmtree(stages(done.out, "test")[0])
    again = study(recipe(), done.out)
    assert counts == {"open": 1}
    assert again.scores == done.report.scores
    assert [o.number for o in again.openings] == [1, 2]


def test_another_seed_adds_only_its_trainings(done, study, recipe, counts):
    again = study(recipe(seeds=[0, 1]), done.out)
    assert counts["fit"] == 3 * 2
    assert {row.seeds for row in rows(again.scores, role="candidate")} == {2}
    assert {row.seeds for row in rows(again.scores, role="baseline")} == {1}
    facts = {training_facts(path)["dev_score"] for path in stages(done.out, "train")}
    assert len(facts) > 3, "seeds make a difference"


def test_the_best_seed_is_the_one_that_is_saved(study, recipe, tmp_path):
    again = study(recipe(tasks=["emotion"], seeds=[0, 1, 2], candidates={"plain": {}}))
    finalist = again.selected["tiny", "emotion"]
    seeds = {
        c.seed: max(p["score"] for p in c.points)
        for c in again.curves
        if (c.model, c.task) == (finalist, "emotion")
    }
    saved = Recognizer.from_pretrained(tmp_path / "out" / "models" / "tiny-emotion")
    assert len(seeds) == 3 and saved.facts["dev_score"] == max(seeds.values())
    assert seeds[saved.recipe.train.seed] == max(seeds.values())


def test_another_candidate_trains_only_itself(done, study, recipe, counts):
    more = recipe().study.candidates | {"wide": {"model": {"hidden": 24}}}
    again = study(recipe(candidates=more), done.out)
    assert counts["fit"] == 2
    assert rows(again.scores, model="wide", split="dev")


def test_a_changed_setting_trains_again_and_a_changed_title_does_not(done, study, recipe, counts):
    titled = recipe().override({"title": {"en": "A title"}})
    study(titled, done.out)
    assert not counts
    study(recipe().override({"train": {"weight_decay": 0.5}}), done.out)
    assert counts["fit"] == 6


# What goes wrong


def test_a_killed_study_goes_on_where_it_was(study, recipe, counts, monkeypatch, corpus):
    fit = Recognizer.fit.__func__

    def dies(cls, settings, found):
        if settings.name == "slow":
            raise KeyboardInterrupt
        return fit(cls, settings, found)

    with monkeypatch.context() as patch:
        patch.setattr(Recognizer, "fit", classmethod(dies))
        with pytest.raises(KeyboardInterrupt):
            study(recipe())
    assert counts == {"fit": 2} and openings(corpus.test_fingerprint) == ()
    counts.clear()
    report = study(recipe())
    assert counts["fit"] == 4 and counts["open"] == 1
    assert len(rows(report.scores, split="test")) == 6


def test_a_candidate_that_cannot_be_trained_leaves_the_others_and_a_closed_test(
    study, recipe, counts, corpus, tmp_path
):
    broken = {"plain": {}, "broken": {"model": {"backbone": "roberta-bse", "weights": None}}}
    with pytest.raises(UnknownNameError, match="did you mean roberta-base"):
        study(recipe(candidates=broken))
    assert len(stages(tmp_path / "out", "train")) == 1 and openings(corpus.test_fingerprint) == ()
    assert not [path for path in (tmp_path / "out").iterdir() if path.name == "results.json"]
    counts.clear()
    study(recipe(candidates={"plain": {}, "mended": {"model": {"hidden": 24}}}))
    assert counts["fit"] == 3, "two of them for the second task"


def test_candidates_are_checked_before_anything_is_done(study, recipe, counts, tmp_path):
    with pytest.raises(RecipeError, match=r"study\.candidates\.typo.*did you mean 'hidden'"):
        study(recipe(candidates={"plain": {}, "typo": {"model": {"hiden": 24}}}))
    assert not counts and not (tmp_path / "out").exists()


def test_a_ledger_that_cannot_count_opens_nothing(study, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LockedTestError):
        study(recipe(tasks=["emotion"], candidates={"plain": {}}))
    assert stages(tmp_path / "out", "train") and not stages(tmp_path / "out", "test")


# What chooses


def test_test_labels_reach_nothing_but_the_test_scores(done, study, recipe, reads, counts, tmp_path):
    draw = random.Random(5)

    def swapped(u):
        if u.split != "test":
            return u
        return replace(u, labels={"emotion": (draw.choice(["joy", "sadness"]),), "feelings": ("joy",)})

    reads(tiny_corpus(swapped))
    other = study(recipe(), tmp_path / "other")
    assert counts["fit"] == 6 and counts["open"] == 1
    assert without_test(other) == without_test(done.report)
    one, two = (rows(report.scores, split="test") for report in (done.report, other))
    assert [(row.model, row.role) for row in one] == [(row.model, row.role) for row in two]
    assert all(a.metrics != b.metrics for a, b in zip(one, two, strict=True))
    for kind in ("predict", "baseline"):
        answers = [
            sorted(
                Predictions.load(path / "test.parquet").probabilities.round(12).tolist()
                for path in stages(out, kind)
            )
            for out in (done.out, tmp_path / "other")
        ]
        assert answers[0] == answers[1] and len(answers[0]) >= 2


def test_nothing_is_revealed_before_the_ledger_has_counted(study, recipe, monkeypatch, corpus):
    reveal, seen = SealedLabels._reveal, []

    def watched(self):
        seen.append(len(openings(corpus.test_fingerprint)))
        return reveal(self)

    monkeypatch.setattr(SealedLabels, "_reveal", watched)
    study(recipe(candidates={"plain": {}}))
    assert seen == [1]


def test_what_is_always_reported_stands_beside_the_finalist(done, study, recipe, counts):
    report = study(recipe(always_report=["plain", "dialogue", "slow"]), done.out)
    for task in TASKS:
        test = rows(report.scores, task=task, split="test")
        assert sorted(row.model for row in test) == sorted([*CANDIDATES, *BASELINES])
        assert [row.role for row in test] == ["finalist", "candidate", "candidate", "baseline", "baseline"]
        assert test[0].model == report.selected["tiny", task] == done.report.selected["tiny", task]
    assert counts["fit"] == 0 and counts["open"] == 1


def test_a_recipe_without_candidates_is_its_own(study, recipe):
    report = study(recipe(tasks=[], candidates={}))
    assert [row.model for row in rows(report.scores, role="candidate")] == ["model"]
    assert {row.task for row in report.scores} == {"emotion"}


def test_random_weights_are_noted_in_the_row(study, recipe):
    drawn = {"drawn": {"model": {"pretrained": False, "encoder": "finetune"}}}
    report = study(recipe(tasks=["emotion"], candidates=drawn))
    notes = {row.model: row.notes for row in report.scores}
    assert "random" in notes["drawn"][0] and notes["majority"] == ()


def test_two_corpora_stand_in_one_report_and_are_opened_once_each(study, recipe, weights, corpus, tmp_path):
    labels = {u.id: ("neutral", "joy", "sadness")[n % 3] for n, u in enumerate(corpus)}
    write_table(corpus, tmp_path / "own.csv", labels)
    table = {
        "text": "text",
        "id": "id",
        "speaker": "speaker",
        "dialogue": "dialogue",
        "split": "split",
        "label": "label",
    }
    own = tiny_recipe(weights, data={"table": table | {"file": "own.csv"}})
    report = study([recipe(tasks=["emotion"], candidates={"plain": {}}), own])
    assert set(report.selected) == {("tiny", "emotion"), ("own", "emotion")}
    assert [(o.corpus, o.number) for o in report.openings] == [("tiny", 1), ("own", 1)]
    assert sorted(path.name for path in (tmp_path / "out" / "models").iterdir()) == [
        "own-emotion",
        "tiny-emotion",
    ]
