"""Without the packages of the extras prediction's layers work, and everything else says what to install."""

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from running import sentir as run

import sentir
from runtime import READ_AND_MEASURE, run_without_laboratory, write_inputs
from sentir import api, optional_dependencies
from sentir.errors import MissingDependencyError
from sentir.files.tables import load_rows


def test_inputs_are_read_cleaned_and_measured_without_the_laboratory(tmp_path):
    done = run_without_laboratory(READ_AND_MEASURE, write_inputs(tmp_path))
    assert done.returncode == 0, done.stderr


def test_the_starter_predicts_without_the_laboratory():
    done = run_without_laboratory("import sentir\nprint(sentir.load().predict('Leave me alone!').label)")
    assert (done.returncode, done.stdout) == (0, "anger\n"), done.stderr


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
