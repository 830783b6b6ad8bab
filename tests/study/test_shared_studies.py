"""Several runs of one study in one folder: each training is done once, and a killed run costs only its own."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from tuning_parts import started

from sentir import api
from sentir.errors import SentirError
from sentir.study import stacking

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("use_corpus", "no_report")]
CANDIDATES = {"a": {}, "b": {"train": {"lr": 1e-3}}, "c": {"train": {"lr": 1e-4}}, "d": {"train": {"lr": 1e-9}}}


@pytest.fixture
def one_task(recipe):
    return recipe(tasks=["emotion"], candidates=CANDIDATES, baselines=["majority"])


class Runs:
    """Runs of a study in processes of their own, which note what they train, a line each."""

    def __init__(self, recipe, folder):
        self.recipe, self.folder, self.log = recipe, folder, folder / "trained"
        self.log.touch()

    def lines(self):
        """Pairs of run and learning rate."""
        return [tuple(line.split()) for line in self.log.read_text().splitlines()]

    def wait_for(self, names):
        """Wait until each of these runs has started a training."""
        while not names <= {name for name, _lr in self.lines()}:
            time.sleep(0.01)

    def start(self, name, others=frozenset(), *, hangs=False):
        """Start a run, whose first training waits for those of the others, or hangs."""
        fit = stacking.fit_recognizer

        def noting(recipe, *arguments, **keywords):
            with self.log.open("a") as file:
                file.write(f"{name} {recipe.train.lr}\n")
            if hangs:
                signal.pause()
            self.wait_for(others)
            return fit(recipe, *arguments, **keywords)

        def run():
            stacking.fit_recognizer = noting
            api.run_study(self.recipe, root=self.folder, out=self.folder / "out", accept_grade=True, workers=1)

        return started(run)


def results(out):
    """The scores, without times."""
    return json.loads((out / "results.json").read_text())


def count_openings(out):
    (ledger,) = Path(out).glob("stages/test-*/openings.jsonl")
    return len(ledger.read_text().splitlines())


@pytest.fixture
def expected(one_task, tmp_path, monkeypatch):
    """The results of one run alone, whose openings of test are counted elsewhere."""
    with monkeypatch.context() as patch:
        patch.setenv("SENTIR_STATE_DIR", str(tmp_path / "alone-state"))
        api.run_study(one_task, root=tmp_path, out=tmp_path / "alone", accept_grade=True, workers=1)
    return results(tmp_path / "alone")


def test_two_runs_train_different_candidates_and_end_with_the_results_of_one(one_task, expected, tmp_path):
    runs = Runs(one_task, tmp_path)
    processes = [runs.start(*names) for names in (("one", {"two"}), ("two", {"one"}))]
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]
    rates = [lr for _name, lr in runs.lines()]
    assert len(rates) == len(set(rates)) == len(CANDIDATES), "each candidate is trained by one of them"
    assert results(tmp_path / "out") == expected and count_openings(tmp_path / "out") == 1


def test_what_a_killed_run_was_training_is_trained_by_another(one_task, expected, tmp_path):
    runs = Runs(one_task, tmp_path)
    victim = runs.start("victim", hangs=True)
    runs.wait_for({"victim"})
    other = runs.start("other")
    while len(runs.lines()) < len(CANDIDATES):  # the other one has trained everything else, and waits
        time.sleep(0.01)
    os.kill(victim.pid, signal.SIGKILL)
    other.join(300)
    assert other.exitcode == 0
    (_victim, lost), *rest = runs.lines()
    assert {name for name, _lr in rest} == {"other"} and rest[-1][1] == lost
    assert sorted(lr for _name, lr in rest) == sorted({lr for _name, lr in rest}) and len(rest) == len(CANDIDATES)
    assert results(tmp_path / "out") == expected


def test_a_run_of_other_recipes_is_refused(one_task, tmp_path):
    runs = Runs(one_task, tmp_path)
    first = runs.start("first", hangs=True)
    runs.wait_for({"first"})
    with pytest.raises(SentirError, match="Another run is writing"):
        api.run_study(
            one_task.override({"train": {"seed": 5}}), root=tmp_path, out=tmp_path / "out", accept_grade=True
        )
    os.kill(first.pid, signal.SIGKILL)
    first.join()
