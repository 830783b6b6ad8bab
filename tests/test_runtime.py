"""Without the packages of the extras prediction's layers work, and everything else says what to install."""

import json
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from running import sentir as run
from tiny_corpora import tiny_recipe

import sentir
from runtime import (
    PREDICT,
    READ_AND_MEASURE,
    run_command_without_laboratory,
    run_without_laboratory,
    write_inputs,
)
from sentir import api, optional_dependencies
from sentir.errors import MissingDependencyError
from sentir.files.tables import load_rows
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline


def test_inputs_are_read_cleaned_and_measured_without_the_laboratory(tmp_path):
    done = run_without_laboratory(READ_AND_MEASURE, write_inputs(tmp_path))
    assert done.returncode == 0, done.stderr


def test_the_starter_predicts_without_the_laboratory():
    done = run_without_laboratory("import sentir\nprint(sentir.load().predict('Leave me alone!').label)")
    assert (done.returncode, done.stdout) == (0, "anger\n"), done.stderr


PREDICTED = {"dialogue": 7, "multimodal": 10, "speech": 5, "stacked": 2}  # of the inputs of PREDICT


@pytest.mark.parametrize(("name", "predicted"), PREDICTED.items())
def test_an_exported_model_predicts_without_the_laboratory(name, predicted, trained_models, tmp_path, one_store):
    done = run_without_laboratory(PREDICT, trained_models.folder(name, "onnx"), write_inputs(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len([problem for _id, problem, _p in found if not problem]) == predicted, found
    texts = [row for row in found if row[0] == "text1" and not row[1]]
    if texts:
        expected = trained_models.load(name, "torch").predict("I am happy.").probabilities
        assert texts[0][2] == pytest.approx(expected, abs=1e-5)


def test_the_command_predicts_with_an_exported_model_without_the_laboratory(trained_models, tmp_path, one_store):
    model, folder = trained_models.folder("multimodal", "onnx"), write_inputs(tmp_path)
    done = run_command_without_laboratory(
        "predict", model, folder / "clip.wav", "--text", "hello", "--json", "--out", folder / "out.csv"
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    pair = trained_models.load("multimodal", "torch").predict({"text": "hello", "audio": folder / "clip.wav"})
    assert row["probabilities"] == pytest.approx(pair.probabilities, abs=1e-5)
    assert row["modalities"] == ["text", "audio"] and "joy" in (folder / "out.csv").read_text(encoding="utf-8")


def test_a_torch_model_says_what_to_install_or_to_export(trained_models):
    folder = trained_models.folder("text", "torch")
    done = run_command_without_laboratory("predict", folder, "--text", "hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {folder} is a torch model, and torch is not installed; install it with: pip install "
        "'sentir[train]', or load the folder that 'sentir export' writes of it where torch is installed.\n"
    )
    done = run_command_without_laboratory("export", folder, "--out", folder.with_name("out"))
    assert done.returncode == 2 and "pip install 'sentir[export]'" in done.stderr


def test_a_saved_baseline_predicts_without_the_laboratory(corpus, weights, tmp_path):
    recipe, name, space = tiny_recipe(weights), "bag of words", corpus.label_space("emotion")
    model = BaselineModel(name, recipe, space, fit_baseline(name, recipe, corpus, "weighted_f1"))
    model.save_pretrained(tmp_path / "base")
    done = run_command_without_laboratory("predict", tmp_path / "base", "--text", "hello", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["probabilities"] == pytest.approx(model.predict("hello").probabilities, abs=1e-9)


@pytest.fixture
def without_laboratory(monkeypatch):
    for name in optional_dependencies.EXTRAS["train"]:
        monkeypatch.setitem(sys.modules, name, None)


ROOT = Path(__file__).parents[1]
COMMANDS = ["study", "train", "tune", "evaluate", "explain", "compare", "demo"] + [
    f"corpus {name}" for name in ("audit", "prepare", "redraw")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_laboratory_says_what_to_install_and_shows_its_help(command, without_laboratory):
    done = run(*command.split(), "what", "--ever")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: 'sentir {command}' needs torch, transformers, accelerate, …; install with: "
        "pip install 'sentir[train]'.\n"
    )
    shown = run(*command.split(), "--help")
    assert shown.returncode == 0 and shown.stdout.startswith(f"Usage: sentir {command} ") and not shown.stderr


def test_a_function_of_the_laboratory_says_what_to_install(without_laboratory):
    message = r"^train\(\) needs torch, .*; install with: pip install 'sentir\[train\]'\.$"
    with pytest.raises(MissingDependencyError, match=message):
        sentir.train("meld-text", out="model")
    runtime = {"export_corpus", "init_recipe", "inspect_utterance", "load_corpus", "load_recipe", "predict",
               "preview_cleaning", "write_predictions", "download_corpus", "plan_download"}  # fmt: skip
    for name in runtime:
        assert getattr(api, name)


def test_what_is_in_the_way_is_named_where_a_module_is_imported_late(monkeypatch):
    assert optional_dependencies.translate_import_error(ImportError("broken", name="torch.nn")) is None
    monkeypatch.setitem(sys.modules, "torch", None)
    error = optional_dependencies.translate_import_error(ImportError("broken", name="torch.nn"))
    assert str(error) == "This operation needs torch; install with: pip install 'sentir[train]'."
    assert optional_dependencies.translate_import_error(ModuleNotFoundError("x", name="nothing")) is None


def test_parquet_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text("{}", encoding="utf-8")
    for name in ("t.parquet", "saved"):
        with pytest.raises(MissingDependencyError, match=r"pip install 'sentir\[parquet\]'"):
            load_rows(tmp_path / name)
    with pytest.raises(MissingDependencyError, match=r"Writing \.parquet needs pyarrow; .*'sentir\[parquet\]'"):
        sentir.write_predictions([], tmp_path / "out.parquet")


def test_the_extras_are_those_of_the_package():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = {
        extra: {canonicalize_name(Requirement(one).name) for one in lines} - {"sentir"}
        for extra, lines in pyproject["optional-dependencies"].items()
    }
    distribution_of = packages_distributions()
    for extra, modules in optional_dependencies.EXTRAS.items():
        installed = [name for name in modules if name in distribution_of]
        assert {canonicalize_name(distribution_of[name][0]) for name in installed} <= requirements[extra]
        assert len(modules) == len(requirements[extra]), extra
    base = {canonicalize_name(Requirement(one).name) for one in pyproject["dependencies"]}
    assert not base & set.union(*(requirements[extra] for extra in optional_dependencies.EXTRAS))
