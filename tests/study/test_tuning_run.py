"""Tuning: trials are counted, stored and not repeated; killed tunings resume; test is never read."""

import errno
import json
import os
import time
from pathlib import Path

import pytest
from tiny_corpora import stacking_on_text, tiny_recipe
from tuning_parts import SPACE, die, forked_pool, journal, score_of, started, trainings, trial_settings

from sentir.corpus.sealed import SealedLabels
from sentir.errors import RecipeError, SentirError
from sentir.io import write_errors
from sentir.recipe import Recipe, merge_settings
from sentir.study.stacking import train_recognizer
from sentir.study.tuning import run, trials
from sentir.study.tuning.storage import JOURNAL_FILE, open_storage

pytestmark = pytest.mark.usefixtures("use_corpus")
TRIALS = 8


@pytest.fixture
def tuned(weights):
    """Build a recipe with a search space; ``tune`` changes that section."""

    def build(changes=None, **tune):
        tree = {
            "data": {"reader": "tiny", "root": "."},
            "tune": {"trials": TRIALS, "pruner": "none", "space": SPACE} | tune,
        }
        return tiny_recipe(weights, **merge_settings(tree, changes or {}))

    return build


@pytest.fixture
def locked(monkeypatch):
    """Make reading test labels an error."""

    def refuse(self):
        raise AssertionError("the test labels were read")

    monkeypatch.setattr(SealedLabels, "_reveal", refuse)


# Results


def test_the_best_trial_has_the_best_score_and_its_recipe_is_written(tuned, tmp_path):
    with trainings() as seen:
        found = run.tune(tuned(), out=tmp_path)
    assert len(seen) == len(found.trials) == TRIALS and found.state_counts == {"complete": TRIALS}
    assert found.best_trial.score == max(score_of(recipe) for recipe, _corpus in seen)
    assert [t.score for t in found.ranked_trials] == sorted((score_of(r) for r, _corpus in seen), reverse=True)
    best = Recipe.load(tmp_path / "best.toml")
    assert score_of(best) == found.best_trial.score and best.data.root.resolve() == Path.cwd()
    assert best.override({"data": {"root": "."}}) == found.best_recipe
    assert best.train.epochs == found.best_trial.settings["train.epochs"] and not best.tune.space
    assert json.loads((tmp_path / "tuning.json").read_text())["best_trial"]["score"] == found.best_trial.score
    frame = found.to_frame()
    assert list(frame["train.lr"]) == [t.settings["train.lr"] for t in found.trials]
    assert frame["score"].max() == found.best_trial.score


@pytest.mark.parametrize("context", ["none", "dialogue"])
def test_retraining_the_best_recipe_reproduces_its_score(context, tuned, corpus, tmp_path):
    space = {"train.lr": {"low": 1e-3, "high": 1e-1, "log": True}}
    recipe = tuned({"model": {"context": context, "dropout": 0.2}}, trials=2, space=space)
    found = run.tune(recipe, out=tmp_path)
    assert found.state_counts == {"complete": 2} and len({t.score for t in found.trials}) == 2
    again, _dev = train_recognizer(Recipe.load(tmp_path / "best.toml"), corpus)
    assert again.facts["dev_score"] == found.best_trial.score
    assert [point["score"] for point in again.facts["history"]][: len(found.best_trial.intermediate_scores)][
        0
    ] == found.best_trial.intermediate_scores[0][1]


@pytest.mark.slow
def test_the_setting_that_determines_the_score_is_the_most_important(tuned, tmp_path):
    with trainings():
        few = run.tune(tuned(trials=4), out=tmp_path)
        many = run.tune(tuned(trials=20), out=tmp_path)
    assert few.param_importances == {} and next(iter(many.param_importances)) == "train.lr"
    assert many.param_importances["train.lr"] > 0.6 and sum(many.param_importances.values()) == pytest.approx(1)


def test_the_same_settings_are_not_trained_twice(tuned, tmp_path):
    with trainings(lambda recipe: recipe.model.hidden_size / 100) as seen:
        found = run.tune(tuned(space={"model.hidden_size": {"choices": [4, 8]}}), out=tmp_path)
    assert len(seen) == 2 and found.state_counts == {"complete": TRIALS} and found.best_trial.score == 0.08
    same = [trial for trial in found.trials if trial.duplicate_of]
    assert len(same) == TRIALS - 2
    assert all(
        found.trials[t.duplicate_of - 1].settings == t.settings
        and not found.trials[t.duplicate_of - 1].duplicate_of
        for t in same
    )


# Train, dev and test


def test_no_trial_sees_test(tuned, corpus, tmp_path, locked):
    assert corpus.test
    for folds in (0, 3):
        with trainings() as seen:
            run.tune(tuned(folds=folds, trials=3), out=tmp_path / str(folds))
        assert len(seen) == 3 * max(folds, 1)
        for _recipe, part in seen:
            assert not part.test and not {u.id for u in part} & {u.id for u in corpus.test}


def test_with_folds_every_dialogue_of_train_is_dev_once_and_dev_is_unused(tuned, corpus, tmp_path):
    with trainings() as seen:
        found = run.tune(tuned(folds=3, seeds=[1, 2], trials=1), out=tmp_path)
    assert len(seen) == 6 and [recipe.train.seed for recipe, _part in seen] == [1, 2] * 3
    held = [frozenset(u.dialogue for u in part.dev) for _recipe, part in seen[::2]]
    assert sorted(d for fold in held for d in fold) == sorted({u.dialogue for u in corpus.train})
    for _recipe, part in seen:
        assert not {u.dialogue for u in part.train} & {u.dialogue for u in part.dev}
        assert {u.id for u in part} == {u.id for u in corpus.train}
    assert found.best_trial.scores == (score_of(seen[0][0]),) * 6 and found.best_recipe.train.seed == 1
    steps = [step for step, _score in found.best_trial.intermediate_scores]
    assert steps == sorted(set(steps)) and len(steps) == 6 * found.best_trial.settings["train.epochs"]


def test_a_stacking_model_is_tuned_with_cross_predictions_made_once(tuned, weights, corpus, tmp_path, locked):
    space = {"model.hidden_size": {"choices": [4, 8]}}
    recipe = tuned(stacking_on_text(weights, folds=2, train={"epochs": 1}), trials=2, space=space)
    found = run.tune(recipe.override({"train": {"epochs": 1}}), out=tmp_path)
    assert (
        found.state_counts == {"complete": 2} and len({t.settings["model.hidden_size"] for t in found.trials}) > 0
    )
    assert len([p for p in (tmp_path / "stages").iterdir() if p.name.startswith("cross-")]) == 1
    again, _dev = train_recognizer(Recipe.load(tmp_path / "best.toml"), corpus)
    assert again.facts["dev_score"] == found.best_trial.score


# Trials that go wrong


def test_a_failed_trial_records_its_reason_and_others_continue(tuned, tmp_path):
    reasons = {4: SentirError("the wheel came off"), 8: RuntimeError("out of memory\nmore"), 16: None}

    def fail(recipe):
        if (error := reasons[recipe.model.hidden_size]) is not None:
            raise error

    with trainings(before=fail):
        found = run.tune(tuned(), out=tmp_path)
    assert len(found.trials) == TRIALS and set(found.state_counts) == {"complete", "failed"}
    for trial in found.trials:
        expected = {4: "the wheel came off", 8: "RuntimeError: out of memory", 16: ""}
        assert trial.failure_reason == expected[trial.settings["model.hidden_size"]]
        assert (trial.score is None) == bool(trial.failure_reason)


def test_a_fault_of_the_machine_ends_the_tuning_and_its_trial_is_repeated(tuned, tmp_path):
    faults = [OSError(errno.ENOSPC, "No space left on device")]

    def fail(recipe):
        if faults:
            with write_errors(tmp_path / "draft"):
                raise faults.pop()

    with trainings(before=fail):
        with pytest.raises(SentirError, match=r"draft cannot be written: No space left"):
            run.tune(tuned(), out=tmp_path)
        found = run.tune(tuned(), out=tmp_path)
    with trainings():
        undisturbed = run.tune(tuned(), out=tmp_path / "other")
    assert found.state_counts == {"complete": TRIALS}
    assert [(t.settings, t.score) for t in found.trials] == [(t.settings, t.score) for t in undisturbed.trials]


def test_contradictory_settings_fail_only_their_trial(tuned, tmp_path):
    space = {"model.layers": {"choices": [[1], [2]]}, "model.max_length": {"choices": [8, 600]}}
    with trainings(before=lambda recipe: None):
        found = run.tune(tuned(space=space), out=tmp_path)
    assert found.state_counts == {"complete": TRIALS} and found.param_importances == {}


def test_if_all_trials_fail_the_reason_is_raised(tuned, tmp_path):
    def fail(recipe):
        raise SentirError("the wheel came off.")

    with (
        trainings(before=fail),
        pytest.raises(SentirError, match=r"None of 3 trials is complete, 3 failed.*wheel"),
    ):
        run.tune(tuned(trials=3), out=tmp_path)


def test_a_non_finite_loss_fails_the_trial(tuned, tmp_path):
    space = {"train.lr": {"choices": [1e-3, 1e30]}}
    found = run.tune(tuned(trials=4, space=space).override({"train": {"epochs": 1}}), out=tmp_path)
    assert {t.settings["train.lr"] for t in found.trials if t.failure_reason} == {1e30}
    assert found.best_trial.settings["train.lr"] == 1e-3


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_unpromising_trials_are_pruned_and_counted(pruner, tuned, tmp_path):
    with trainings() as seen:
        found = run.tune(tuned(trials=15, pruner=pruner), out=tmp_path)
    assert found.state_counts["pruned"] > 0 and sum(found.state_counts.values()) == len(seen) == 15
    for trial in found.trials:
        if trial.state == "pruned":
            assert (
                trial.score is None
                and trial.intermediate_scores
                and trial.intermediate_scores[-1][1] < found.best_trial.score
            )
    pruned = [t.number for t in found.trials if t.state == "pruned"]
    assert pruner == "hyperband" or min(pruned) > 5


# Resuming


def test_a_finished_tuning_is_not_repeated_and_more_trials_continue_it(tuned, tmp_path):
    with trainings() as seen:
        first = run.tune(tuned(), out=tmp_path)
        again = run.tune(tuned(), out=tmp_path)
        assert len(seen) == TRIALS and trial_settings(again) == trial_settings(first)
        more = run.tune(tuned(trials=TRIALS + 3), out=tmp_path)
    assert len(seen) == TRIALS + 3 and trial_settings(more)[:TRIALS] == trial_settings(first)


def test_a_killed_tuning_tries_the_same_settings(tuned, tmp_path):
    with trainings():
        whole = run.tune(tuned(), out=tmp_path / "whole")
    victims = [trial_settings(whole)[2], trial_settings(whole)[5]]
    for victim in victims:
        settings = dict(victim)

        def kill(recipe, lr=settings["train.lr"]):
            if recipe.train.lr == lr:
                die()

        with trainings(before=kill):
            process = started(lambda: run.tune(tuned(), out=tmp_path / "killed"))
            process.join(60)
        assert process.exitcode == -9
    before = len(journal(tmp_path / "killed"))
    with trainings() as seen:
        found = run.tune(tuned(), out=tmp_path / "killed")
    assert (
        trial_settings(found) == trial_settings(whole)
        and found.best_trial == found.trials[whole.best_trial.number - 1]
    )
    assert [t.score for t in found.trials] == [t.score for t in whole.trials]
    assert found.num_interrupted == 2 and len(seen) == TRIALS - 5
    assert len(journal(tmp_path / "killed")) > before


def test_a_trial_that_the_user_interrupts_is_repeated(tuned, tmp_path):
    count = []

    def interrupt(recipe):
        count.append(recipe)
        if len(count) == 3:
            raise KeyboardInterrupt

    with trainings(before=interrupt):
        with pytest.raises(KeyboardInterrupt):
            run.tune(tuned(), out=tmp_path)
        found = run.tune(tuned(), out=tmp_path)
    assert found.num_interrupted == 1 and len(found.trials) == TRIALS and len(count) == TRIALS + 1
    assert count[2].train.lr == count[3].train.lr == found.trials[2].settings["train.lr"]


def test_processes_share_the_trials_without_duplicates(tuned, tmp_path):
    def slow(recipe):
        (tmp_path / f"{recipe.train.lr!r}").touch(exist_ok=False)
        time.sleep(0.05)

    with trainings(before=slow):
        processes = [started(lambda: run.tune(tuned(), out=tmp_path / "out")) for _n in range(3)]
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0, 0]
        found = run.tune(tuned(), out=tmp_path / "out")
    assert found.state_counts == {"complete": TRIALS} and len(set(trial_settings(found))) == TRIALS
    workers = {
        row["user_attr"]["worker"] for row in journal(tmp_path / "out") if "worker" in row.get("user_attr", ())
    }
    assert len(workers) > 1, "more than one process made trials"
    assert not list((tmp_path / "out" / ".workers").glob("[!c]*")), "locks of processes that ended are gone"


def test_a_waiting_process_takes_over_from_one_that_dies(tuned, tmp_path):
    one = tuned(trials=1)

    def work():
        with trainings(before=lambda recipe: (time.sleep(0.6), die())):
            run.tune(one, out=tmp_path)

    (tmp_path / JOURNAL_FILE).touch()
    process = started(work)
    while process.is_alive() and '"train.epochs"' not in (tmp_path / JOURNAL_FILE).read_text():
        time.sleep(0.01)
    with trainings() as seen:
        found = run.tune(one, out=tmp_path)
    process.join(60)
    assert process.exitcode == -9 and len(seen) == 1
    assert found.state_counts == {"complete": 1} and found.num_interrupted == 1


def test_no_trial_starts_after_the_timeout(tuned, tmp_path):
    with trainings(before=lambda recipe: time.sleep(0.3)) as seen:
        found = run.tune(tuned(), out=tmp_path, timeout=1)
    assert 0 < len(seen) == len(found.trials) < TRIALS


# Several processes of one tuning


@pytest.mark.slow
def test_with_several_workers_results_do_not_depend_on_which_is_faster(tuned, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "training_pool", forked_pool)
    recipe = tuned(pruner="median", trials=14)
    found = {}
    for name, workers, delay in (("one", 1, 0), ("a", 3, 0.02), ("b", 3, -0.02)):
        delays = {4: delay, 8: 0.0, 16: -delay}
        with trainings(before=lambda recipe, d=delays: time.sleep(max(0, d[recipe.model.hidden_size]))):
            found[name] = run.tune(recipe, out=tmp_path / name, workers=workers)
    claims = [
        row["user_attr"]["worker"] for row in journal(tmp_path / "a") if "worker" in row.get("user_attr", ())
    ]
    assert len(set(claims)) == 3 and len(claims) == 14

    def facts(result):
        return [(t.settings, t.state, t.score, t.intermediate_scores, t.duplicate_of) for t in result.trials]

    assert facts(found["a"]) == facts(found["b"]) and found["a"].best_recipe == found["b"].best_recipe
    assert trial_settings(found["a"])[:10] == trial_settings(found["one"])[:10], "sampled at random"
    assert trial_settings(found["a"])[10:] != trial_settings(found["one"])[10:], "by earlier trials"


def test_workers_that_are_interrupted_leave_trials_that_are_repeated(tuned, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "training_pool", forked_pool)
    first = []

    def fall(recipe):
        if not first:
            first.append(recipe)
            die()

    with trainings(before=fall), pytest.raises(AssertionError):
        run.tune(tuned(), out=tmp_path, workers=2)
    with trainings():
        found = run.tune(tuned(), out=tmp_path, workers=2)
    assert found.state_counts == {"complete": TRIALS} and found.num_interrupted == 2


@pytest.mark.slow
def test_spawned_workers_train_as_one_does(tuned, tmp_path):
    recipe = tuned(trials=3, sampler="random", space={"train.lr": {"low": 1e-3, "high": 1e-1, "log": True}})
    one, two = (run.tune(recipe, out=tmp_path / str(n), workers=n) for n in (1, 2))
    assert trial_settings(one) == trial_settings(two) and [t.score for t in one.trials] == [
        t.score for t in two.trials
    ]


# The storage


def test_the_folder_of_another_tuning_is_rejected(tuned, tmp_path, use_corpus, corpus):
    with trainings():
        run.tune(tuned(trials=1), out=tmp_path)
        for other in (tuned({"model": {"dropout": 0.5}}), tuned(seed=5), tuned(folds=2)):
            with pytest.raises(
                RecipeError, match=r"holds the tuning of another recipe or corpus; give another --out"
            ):
                run.tune(other, out=tmp_path)
        assert len(run.tune(tuned(trials=2), out=tmp_path).trials) == 2


def test_an_incomplete_last_line_of_the_journal_is_ignored(tuned, tmp_path):
    with trainings() as seen:
        first = run.tune(tuned(trials=3), out=tmp_path)
        with (tmp_path / JOURNAL_FILE).open("a") as file:
            file.write('{"op_code":4,"worker_')
        found = run.tune(tuned(trials=5), out=tmp_path)
    assert len(seen) == 5 and trial_settings(found)[:3] == trial_settings(first) and len(journal(tmp_path)) > 3


def test_a_damaged_journal_raises_one_sentence(tuned, tmp_path):
    (tmp_path / JOURNAL_FILE).write_text("nonsense\n{}\n")
    with trainings(), pytest.raises(SentirError, match=r"trials.jsonl is damaged .*; delete it to start over"):
        run.tune(tuned(), out=tmp_path)


def test_nothing_of_a_tuning_is_pickled(tuned, tmp_path):
    with trainings():
        run.tune(tuned(trials=2), out=tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {JOURNAL_FILE, "best.toml", "recipe.toml", "tuning.json", "tuning.html"}
    assert all("op_code" in row for row in journal(tmp_path))


def test_trials_can_be_stored_in_a_database(tuned, tmp_path):
    url = f"sqlite:///{tmp_path}/trials.db"
    with trainings() as seen:
        first = run.tune(tuned(trials=2), out=tmp_path / "a", storage=url)
        found = run.tune(tuned(trials=4), out=tmp_path / "b", storage=url)
        run.tune(tuned(trials=1, seed=9), out=tmp_path / "b", storage=url)
    assert len(seen) == 5 and trial_settings(found)[:2] == trial_settings(first)
    assert not (tmp_path / "a" / JOURNAL_FILE).exists() and (tmp_path / "b" / "best.toml").is_file()


@pytest.mark.parametrize(
    "url",
    ["sqlite:////no/such/folder/trials.db", "postgresql://me:secret@nowhere.invalid/x", "trials.db", "x://"],
)
def test_an_unusable_database_raises_one_sentence_without_its_password(url, tuned, tmp_path):
    with trainings(), pytest.raises(SentirError) as caught:
        run.tune(tuned(), out=tmp_path, storage=url)
    assert "cannot be used" in str(caught.value) and "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_locks_that_killed_processes_were_releasing_are_deleted_once_they_are_old(tmp_path):
    old, new = (tmp_path / f"trials.jsonl.lock{n}.rename" for n in ("a", "b"))
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    open_storage(tmp_path, None)
    assert not old.exists() and new.exists()
