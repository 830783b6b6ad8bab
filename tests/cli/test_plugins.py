"""Plug-ins on the command line: options, the question before a recipe runs one, and exceptions of a plug-in."""

import io
import json
import os
import subprocess
import sys

import pytest
from plugin_state import unload_all
from running import sentir
from tiny_corpora import tiny_corpus

from sentir import plugins
from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer
from sentir.testing import make_tiny_text_backbone

PLUGIN = """
import numpy as np
from sentir.features import FEATURE_SETS, FeatureSet
from sentir.readers import READERS

def count(utterances):
    return {"words": np.array([len(u.text.split()) for u in utterances], dtype=float)}

FEATURE_SETS.register("counts")(FeatureSet(count, modality="text"))

@READERS.register("mine")
def read(root, data):
    from tiny_corpora import tiny_corpus
    print("the plug-in reads")
    return tiny_corpus()
"""
RECIPE = """
plugins = ["mine.py"]
[data]
reader = "mine"
root = "."
[model]
weights = "weights"
hidden_size = 16
features = ["counts"]
[train]
epochs = 1
[evaluation]
resamples = 100
permutations = 100
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def folder(tmp_path_factory, trained, monkeypatch):
    """Work in the folder of the plug-in, with none loaded."""
    monkeypatch.chdir(trained)
    unload_all()
    yield trained
    unload_all()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a plug-in, its recipe, and a model trained with it."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "r.toml").write_text(RECIPE, encoding="utf-8")
    make_tiny_text_backbone("minilm", folder / "weights", [u.text for u in tiny_corpus()])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = sentir("train", "r.toml", "--out", "model", "--allow-plugins")
    assert done.returncode == 0, done.stderr
    assert f"The recipe r.toml runs the plug-in {folder / 'mine.py'}." in done.stderr
    unload_all()
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "r.toml", "--out", "other"),
        ("study", "r.toml", "--out", "study"),
        ("tune", "r.toml", "--out", "tuned"),
        ("corpus", "audit", "r.toml"),
        ("corpus", "show", "utt0", "--corpus", "r.toml"),
        ("corpus", "clean", "r.toml"),
        ("corpus", "export", "r.toml", "--out", "t.csv"),
        ("corpus", "prepare", "r.toml"),
        ("corpus", "redraw", "r.toml", "--reason", "x"),
        ("evaluate", "model", "--corpus", "r.toml"),
        ("explain", "model", "--corpus", "r.toml"),
        ("compare", "model", "model", "--corpus", "r.toml"),
    ],
)
def test_without_a_terminal_a_plugin_of_a_recipe_is_refused_with_its_path(arguments, folder):
    done = sentir(*arguments)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"The recipe r.toml runs the plug-in {folder / 'mine.py'}, which is Python code" in done.stderr
    assert "--allow-plugins" in done.stderr and not plugins.loaded_files()


@pytest.mark.parametrize(
    ("answer", "runs"), [("y\n", True), ("yes\n", True), ("sí\n", True), ("n\n", False), ("", False)]
)
def test_in_a_terminal_the_user_is_asked(answer, runs, folder, monkeypatch):
    errors = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr("running.StringIO", lambda: errors)
    done = sentir("corpus", "clean", "r.toml", "--examples", "0")
    assert f"{folder / 'mine.py'}, which is Python code. Do you trust it? [y/N]" in done.stderr
    assert (done.returncode == 0) is runs and ("mine" in READERS) is runs


def test_an_allowed_plugin_is_loaded_once_and_its_path_printed(folder):
    done = sentir("corpus", "clean", "r.toml", "--examples", "0", "--allow-plugins")
    assert done.returncode == 0 and done.stderr.count("runs the plug-in") == 1, done.stderr


def test_models_are_compared_on_the_corpus_of_a_recipe_with_a_plugin(folder):
    done = sentir("compare", "model", "model", "--corpus", "r.toml", "--allow-plugins", "--json")
    assert done.returncode == 0, done.stderr


def test_a_model_is_used_with_its_plugin_and_names_it_without(folder):
    done = sentir("predict", "model", "--text", "so happy")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "The model model needs the feature set 'counts' of the plug-in mine.py; give that file" in done.stderr
    assert "--plugin FILE" in done.stderr
    for arguments in (
        ("predict", "model", "--text", "so happy", "--json"),
        ("evaluate", "model", "--json"),
        ("compare", "model", "model", "--json"),
        ("explain", "model", "--root", ".", "--json"),
        ("corpus", "export", "mine", "--root", ".", "--out", "table.csv"),
        ("corpus", "clean", "mine", "--root", ".", "--examples", "0"),
    ):
        unload_all()
        done = sentir(*arguments, "--plugin", "mine.py")
        assert done.returncode == 0, done.stderr


@pytest.mark.slow  # imports torch in another process, as a faster test of the examples of plug-ins does
def test_a_fresh_process_predicts_with_the_plugin_alone(folder):
    command = [
        sys.executable,
        "-m",
        "sentir",
        "predict",
        "model",
        "--text",
        "so happy",
        "--plugin",
        "mine.py",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = Recognizer.from_pretrained("model", plugins=["mine.py"]).predict("so happy")
    assert json.loads(done.stdout)[0]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)


def test_a_saved_model_holds_the_name_and_the_hash_of_its_plugin_and_no_code(folder):
    facts = json.loads((folder / "model" / "sentir.json").read_text())["facts"]
    (record,) = facts["plugins"]
    assert record["name"] == "mine.py" and len(record["sha256"]) == 64 and record["package"] == ""
    assert record["registers"] == {"reader": ["mine"], "feature_set": ["counts"]}
    assert not list((folder / "model").rglob("*.py"))


@pytest.mark.parametrize(
    ("line", "error", "expected"),
    [
        ('    print("the plug-in reads")', "1 / 0", "failed in line 14: ZeroDivisionError: division by zero"),
        ('    print("the plug-in reads")', "open('none.csv')", "failed in line 14: FileNotFoundError"),
        ('    print("the plug-in reads")', "raise RuntimeError('a\\nb')", "failed in line 14: RuntimeError: a b"),
        (
            "    from tiny_corpora import tiny_corpus",
            "import no_such_module",
            "failed in line 13: ModuleNotFoundError",
        ),
        ("import numpy as np", "import no_such_module", "failed in line 2: ModuleNotFoundError"),
        ("import numpy as np", "def", "cannot be loaded (invalid syntax"),
    ],
)
def test_an_exception_in_a_plugin_is_one_sentence_with_its_file_and_line(line, error, expected, folder, tmp_path):
    indent = line[: len(line) - len(line.lstrip())]
    file = tmp_path / "bad.py"
    file.write_text(PLUGIN.replace(line, indent + error), encoding="utf-8")
    done = sentir("corpus", "clean", "mine", "--root", ".", "--plugin", file)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"Error: The plug-in {file} {expected}")


def test_an_exception_in_a_feature_set_is_that_of_the_plugin(folder, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.replace("len(u.text.split())", "u.text.count"), encoding="utf-8")
    done = sentir("predict", "model", "--text", "so happy", "--plugin", file)
    assert done.returncode == 2 and f"Error: The plug-in {file} failed in line 7: TypeError" in done.stderr


def test_a_missing_plugin_file_is_one_sentence(folder):
    done = sentir("predict", "model", "--text", "x", "--plugin", "none.py")
    assert done.returncode == 2 and done.stderr == (
        "Error: The plug-in none.py does not exist; give the path of a Python file.\n"
    )


def test_the_exceptions_of_sentir_are_not_those_of_a_plugin(folder, monkeypatch):
    def broken(*_arguments, **_keywords):
        raise ValueError("our own")

    monkeypatch.setattr("sentir.api.preview_cleaning", broken)
    with pytest.raises(ValueError, match="our own"):
        sentir("corpus", "clean", "mine", "--root", ".", "--plugin", "mine.py")
    assert os.getcwd() == str(folder)
