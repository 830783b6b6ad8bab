"""A study that trains in several processes equals one that trains in a single one, and fails as clearly."""

import copy
import logging
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from study_parts import stages
from tiny_corpora import spoken_recipe, stacking_on_text

from sentir import api
from sentir.errors import AudioError, CorpusError, NonFiniteError, SentirError
from sentir.features import FEATURE_SETS
from sentir.plugins import load_plugin
from sentir.study import run
from sentir.study.processes import count_processes, training_pool
from sentir.study.stacking import cross_predict
from sentir.worker_processes import count_cores

pytestmark = pytest.mark.usefixtures("one_store")

PLUGIN = """
import os, time
from pathlib import Path
from sentir.errors import NonFiniteError
from sentir.features import FEATURE_SETS, FeatureSet

def fail(utterances):
    raise NonFiniteError("It failed by itself.", frozenset({"a"}))

def kill(utterances):
    os.kill(os.getpid(), 9)

def wait(utterances):
    Path(__file__).with_name("waiting").touch()
    time.sleep(300)

FEATURE_SETS.register("fail")(FeatureSet(fail))
FEATURE_SETS.register("kill")(FeatureSet(kill))
FEATURE_SETS.register("wait")(FeatureSet(wait))
"""


@pytest.fixture
def go(spoken, use_corpus, no_report, monkeypatch, tmp_path):
    """Run a study of the spoken corpus into a folder, without rendering its report."""
    use_corpus(spoken)

    def study(recipe, name, workers):
        monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / name / "state"))
        monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / name / "cache"))
        out = tmp_path / name / "out"
        run.run_study([recipe], root=tmp_path, out=out, accept_grade=True, workers=workers)
        return out

    return study


def recipe_of(weights, **study):
    tree = {"data": {"reader": "tiny"}, "train": {"epochs": 1}, "study": {"baselines": ["majority"]} | study}
    return spoken_recipe(weights, **tree)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A plug-in of feature sets that fail, kill their process or wait."""
    path = tmp_path / "bad_features.py"
    path.write_text(PLUGIN, encoding="utf-8")
    monkeypatch.setattr(FEATURE_SETS, "_entries", dict(FEATURE_SETS._entries))
    monkeypatch.setattr("sentir.plugins._loads", {})
    load_plugin(path)
    return path


@pytest.mark.slow
def test_several_processes_give_the_same_files_scores_and_log_lines(go, weights, caplog):
    stacked = stacking_on_text(weights, train={"epochs": 1})["model"]
    candidates = {"text": {"model": {"kind": "hybrid_transformer"}}, "audio": {}, "stacked": {"model": stacked}}
    recipe = recipe_of(weights, candidates=candidates, seeds=[0, 1])
    caplog.set_level(logging.INFO, logger="sentir")
    outs, lines = [], []
    for name, workers in (("serial", 1), ("parallel", 2)):
        caplog.clear()
        outs.append(go(recipe, name, workers))
        lines.append([line for line in caplog.messages if not line.startswith("Weights:")])
    one, two = outs
    assert lines[0] == lines[1] and sum("fold 2 of" in line for line in lines[0]) == 2
    for name in ("results.json", "comparisons.json", "analyses.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    for kind in ("train", "cross", "baseline", "predict", "test"):
        assert [path.name for path in stages(one, kind)] == [path.name for path in stages(two, kind)], kind
    weights_files = [path.relative_to(one) for path in one.rglob("model.safetensors")]
    predictions = [path.relative_to(one) for path in one.rglob("*.parquet")]
    assert len(weights_files) > 6 and len(predictions) > 6
    for path in (*weights_files, *predictions):
        assert (one / path).read_bytes() == (two / path).read_bytes(), path
    assert not multiprocessing.active_children() and not (two / "checkpoints").exists()


@pytest.mark.slow
def test_the_folds_of_out_of_fold_predictions_are_trained_in_processes_too(spoken, weights, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="sentir")
    recipe = recipe_of(weights)
    one = cross_predict(recipe, spoken, 3)
    with training_pool([spoken], 2, tmp_path / "checkpoints") as submit:
        two = cross_predict(recipe, spoken, 3, submit=submit)
    assert one.predictions.ids == two.predictions.ids and one.folds == two.folds
    assert np.array_equal(one.predictions.probabilities, two.predictions.probabilities)
    lines = [line for line in caplog.messages if "fold" in line]
    assert len(lines) == 6 and lines[:3] == lines[3:]


def test_a_failing_training_raises_its_error_and_the_others_are_kept(go, weights, plugin, tmp_path):
    candidates = {"bad": {"model": {"features": ["fail"]}}, "good": {}}
    recipe = recipe_of(weights, candidates=candidates).override({"plugins": [str(plugin)]})
    with pytest.raises(NonFiniteError, match=r"It failed by itself\.") as caught:
        go(recipe, "failing", 2)
    assert caught.value.ids == {"a"}
    assert len(stages(tmp_path / "failing" / "out", "train")) == 1


def test_a_killed_training_process_is_one_clear_error(go, weights, plugin):
    candidates = {"bad": {"model": {"features": ["kill"]}}, "good": {}}
    recipe = recipe_of(weights, candidates=candidates).override({"plugins": [str(plugin)]})
    with pytest.raises(SentirError, match="A training process was killed"):
        go(recipe, "killed", 2)


def test_an_interrupted_study_ends_its_processes_at_once(go, weights, plugin):
    candidates = {name: {"model": {"features": ["wait"], "hidden_size": n}} for n, name in ((16, "a"), (24, "b"))}
    recipe = recipe_of(weights, candidates=candidates).override({"plugins": [str(plugin)]})

    def interrupt():
        while not Path(plugin.parent / "waiting").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        go(recipe, "interrupted", 2)
    assert not multiprocessing.active_children()


def test_errors_keep_their_attributes_between_processes():
    error = copy.copy(AudioError("missing", "There is no file."))  # as pickle does
    assert (type(error), str(error), error.kind) == (AudioError, "There is no file.", "missing")
    assert str(copy.copy(CorpusError("odd"))) == "odd"


def test_the_number_of_processes_is_that_of_the_cores_for_what_is_worth_it(monkeypatch):
    monkeypatch.setattr("sentir.study.processes.count_cores", lambda: 8)
    monkeypatch.setattr("sentir.study.processes.count_memory", lambda: 13 * 2**30)
    assert count_processes(None, 20, 5000) == 4, "3 GB each"
    assert count_processes(None, 3, 5000) == 3
    assert count_processes(None, 20, 100) == 1, "processes would not have started in time"
    assert count_processes(6, 20, 100) == 6 and count_processes(6, 0, 100) == 0
    assert count_cores() >= 1


@pytest.mark.slow
def test_a_model_that_stacks_is_trained_with_its_folds_in_processes_to_the_same_bytes(
    spoken, use_corpus, weights, tmp_path, caplog
):
    use_corpus(spoken)
    caplog.set_level(logging.INFO, logger="sentir")
    recipe = recipe_of(weights).override(stacking_on_text(weights, train={"epochs": 1}))
    for workers in (1, 2):
        api.train(recipe, root=tmp_path, out=tmp_path / str(workers), workers=workers)
    for name in ("model.safetensors", "stacked/model.safetensors"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name
    assert sum("fold 2 of 3" in line for line in caplog.messages) == 2
    assert not multiprocessing.active_children() and not (tmp_path / "2" / "checkpoints").exists()
