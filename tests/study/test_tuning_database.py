"""Workers that share nothing but a PostgreSQL server: whatever is killed, each trial is evaluated once."""

import os
import signal
import time
from collections import Counter

import pytest
from postgres import postgres_server
from tiny_corpora import tiny_recipe
from tuning_parts import SPACE, die, started, trainings, trial_settings

from sentir.study.tuning import objective, run, storage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("use_corpus")]
TRIALS = 10  # all of them sampled at random, so that which worker is faster changes nothing


@pytest.fixture(scope="module")
def server():
    with postgres_server() as url:
        yield url


@pytest.fixture
def database(server):
    """The URL of a database of its own."""
    import sqlalchemy as sa

    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"tuning{time.monotonic_ns()}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def recipe(weights, monkeypatch):
    """A search of ten trials; a worker that is not heard of for three seconds is dead."""
    monkeypatch.setattr(storage, "_HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(storage, "SILENCE_SECONDS", 3)
    tune = {"trials": TRIALS, "pruner": "none", "space": SPACE}
    return tiny_recipe(weights, data={"reader": "tiny", "root": "."}, tune=tune)


class Log:
    """What workers did, a line each: ``start`` or ``end``, name of the worker, learning rate."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def write(self, what, worker, recipe):
        with self.path.open("a") as file:
            file.write(f"{what} {worker} {recipe.train.lr!r}\n")

    def lines(self, what):
        """Pairs of worker and learning rate."""
        lines = [line.split() for line in self.path.read_text().splitlines()]
        return [(worker, rate) for kind, worker, rate in lines if kind == what]

    def rates(self, what):
        """Learning rate → how often a trial with it was started, or ended."""
        return Counter(rate for _worker, rate in self.lines(what))

    def wait_until(self, workers=frozenset(), ends=0):
        """Wait until each of these workers has started a trial, and so many have ended."""
        while not workers <= {w for w, _rate in self.lines("start")} or len(self.lines("end")) < ends:
            time.sleep(0.01)

    def work(self, name, recipe, out, database, victims=frozenset()):
        """Tune, in a process of its own; victims never end their first trial, the others wait for that."""

        def evaluate(given):
            self.write("start", name, given)
            if name in victims:
                signal.pause()
            self.wait_until(victims)
            time.sleep(0.1)
            self.write("end", name, given)

        def tune():
            with trainings(before=evaluate):
                run.tune(recipe, out=out / name, storage=database)

        return started(tune)


def settings_alone(recipe, folder):
    with trainings():
        return run.tune(recipe, out=folder)


def test_of_four_workers_two_are_killed_and_no_trial_is_lost_doubled_or_evaluated_twice(
    recipe, database, tmp_path
):
    log, victims = Log(tmp_path / "log"), frozenset("ab")
    workers = {name: log.work(name, recipe, tmp_path, database, victims) for name in "abcd"}
    log.wait_until(victims, ends=TRIALS // 2)
    for name in victims:
        os.kill(workers[name].pid, signal.SIGKILL)
    for worker in workers.values():
        worker.join(120)
    assert {name: worker.exitcode for name, worker in workers.items()} == {"a": -9, "b": -9, "c": 0, "d": 0}
    with trainings() as seen:
        found = run.tune(recipe, out=tmp_path / "result", storage=database)
    assert not seen
    alone = settings_alone(recipe, tmp_path / "alone")
    assert found.state_counts == {"complete": TRIALS} and found.num_interrupted == 2
    assert sorted(trial_settings(found)) == sorted(trial_settings(alone))
    assert sorted(t.score for t in found.trials) == sorted(t.score for t in alone.trials)
    assert found.best_recipe == alone.best_recipe and found.best_trial.score == alone.best_trial.score
    rates = {repr(trial.settings["train.lr"]) for trial in found.trials}
    assert log.rates("end") == dict.fromkeys(rates, 1), "each was evaluated once"
    assert log.rates("start").total() == TRIALS + 2 and set(log.rates("start")) == rates


def test_a_worker_that_is_killed_while_it_claims_a_trial_blocks_nobody(recipe, database, tmp_path, monkeypatch):
    one = recipe.override({"tune": {"trials": 3}})
    with trainings(), monkeypatch.context() as patch:
        patch.setattr(objective, "suggest_settings", lambda *_arguments: die())
        victim = started(lambda: run.tune(one, out=tmp_path / "victim", storage=database))
        victim.join(60)
        assert victim.exitcode == -9
    with trainings() as seen:
        found = run.tune(one, out=tmp_path / "result", storage=database)
    assert found.state_counts == {"complete": 3} and found.num_interrupted == 1 and len(seen) == 3
    assert trial_settings(found) == trial_settings(settings_alone(one, tmp_path / "alone"))


def test_a_worker_that_was_suspended_does_not_count_twice(recipe, database, tmp_path):
    log, few = Log(tmp_path / "log"), recipe.override({"tune": {"trials": 3}})
    worker = log.work("a", few, tmp_path, database)
    log.wait_until({"a"})
    os.kill(worker.pid, signal.SIGSTOP)
    with trainings():
        found = run.tune(few, out=tmp_path / "other", storage=database)
        os.kill(worker.pid, signal.SIGCONT)
        worker.join(60)
        assert worker.exitcode == 0, "it goes on with what is left to do"
        again = run.tune(few, out=tmp_path / "result", storage=database)
    assert found.state_counts == again.state_counts == {"complete": 3} and again.num_interrupted == 1
    assert trial_settings(again) == trial_settings(found)
