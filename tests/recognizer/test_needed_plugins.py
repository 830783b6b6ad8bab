"""The plug-ins that a model needs: which ones are recorded, and what is said where one is missing or another."""

import json

import pytest
from plugin_state import unload_all
from tiny_corpora import tiny_corpus, tiny_recipe

from sentir.errors import PluginError, RecognizerError
from sentir.evaluation.metrics import METRICS, count_metrics, resolve_metric
from sentir.features import FEATURE_SETS
from sentir.models.fusion import FUSIONS, ConcatFusion
from sentir.plugins import load_plugin
from sentir.recognizer.needed_plugins import list_needed_plugins, require_plugins
from sentir.recognizer.recognizer import Recognizer
from sentir.study.candidates import training_cache_key
from sentir.testing.metric import SPACES, check_metric
from sentir.training.recognizers import fit_recognizer

FEATURES = """
import numpy as np
from sentir.features import FEATURE_SETS, FeatureSet
FEATURE_SETS.register("ones")(FeatureSet(lambda rows: {"one": np.array([u.turn for u in rows], dtype=float)}))
"""
METRIC = """
from sentir.evaluation.metrics import register_metric
from sentir.evaluation.metrics.label_counts import recall
from sentir.evaluation.metrics.metric import Metric
mean_recall = Metric(lambda counts: recall(counts).mean(-1), True, "proportion", "r")
register_metric("recall_mean", mean_recall, kind="multi")
half_mae = Metric(lambda sums: sums.absolute_error / sums.n / 2, False, "scale", "h")
register_metric("half_mae", half_mae, kind="regression")
"""


@pytest.fixture(autouse=True)
def new_process():
    unload_all()
    yield
    unload_all()


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "ones.py"
    file.write_text(FEATURES, encoding="utf-8")
    return file


def test_a_recipe_that_uses_no_plugin_needs_none(plugin):
    load_plugin(plugin)
    assert list_needed_plugins(tiny_recipe("none")) == []


def test_a_cached_training_depends_on_the_content_of_its_plugins(plugin):
    corpus, recipe = tiny_corpus(), tiny_recipe("none", model={"features": ["ones"]})
    load_plugin(plugin)
    before = training_cache_key(recipe, corpus)
    plugin.write_text(FEATURES + "# changed\n", encoding="utf-8")
    load_plugin(plugin)
    assert before["plugins"][0]["name"] == "ones.py" and training_cache_key(recipe, corpus) != before
    assert "plugins" not in training_cache_key(tiny_recipe("none"), corpus)


def test_a_name_that_the_program_registered_is_recorded_as_such(monkeypatch):
    monkeypatch.setattr(FUSIONS, "_entries", dict(FUSIONS._entries))
    monkeypatch.setattr(FUSIONS, "_plugins", {})
    FUSIONS.register("mine")(ConcatFusion)
    facts = {"plugins": list_needed_plugins(tiny_recipe("none", model={"fusion": "mine"}))}
    require_plugins("m", facts)
    monkeypatch.undo()
    with pytest.raises(
        PluginError, match=r"m needs the fusion 'mine', which the program that trained it registered"
    ):
        require_plugins("m", facts)


def test_a_missing_package_is_named_with_its_version():
    record = {"name": "lines", "sha256": "", "package": "sentir-lines 1.2", "registers": {"reader": ["lines"]}}
    require_plugins("m", {"plugins": [record]})  # not needed to predict
    with pytest.raises(
        PluginError, match=r"m needs the reader 'lines' of the package sentir-lines 1\.2; install it"
    ):
        require_plugins("m", {"plugins": [record]}, ["reader"])


def test_the_record_of_a_plugin_is_checked_as_all_of_a_saved_model(corpus, weights, plugin, tmp_path):
    load_plugin(plugin)
    recipe = tiny_recipe(weights, model={"features": ["ones"]})
    fit_recognizer(recipe, corpus)[0].save_pretrained(tmp_path / "saved")
    metadata = tmp_path / "saved" / "sentir.json"
    assert Recognizer.from_pretrained(tmp_path / "saved").facts["plugins"][0]["registers"] == {
        "feature_set": ["ones"]
    }
    tree = json.loads(metadata.read_text(encoding="utf-8"))
    tree["facts"]["plugins"][0]["sha256"] = 3
    metadata.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(RecognizerError, match=r"is damaged: .*facts\.plugins\.0\.sha256"):
        Recognizer.from_pretrained(tmp_path / "saved")
    assert FEATURE_SETS.plugin_of("ones").path == plugin


def test_a_metric_is_registered_for_its_kind_and_undone_with_its_plugin(tmp_path):
    file = tmp_path / "metrics.py"
    file.write_text(METRIC, encoding="utf-8")
    load_plugin(file)
    single, multi, regression = SPACES
    assert resolve_metric(multi, "recall_mean") and resolve_metric(regression, "half_mae")
    assert not {"recall_mean", "half_mae"} & set(count_metrics(single))
    check_metric("recall_mean")
    check_metric("half_mae")
    unload_all()
    assert "recall_mean" not in METRICS and "recall_mean" not in count_metrics(multi)
