"""The notebooks are built from one source, contain no logic, and run."""

import ast
import copy
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tiny_trees import attach, attach_spectrograms

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"


def load(path):
    """Import a Python file that is not in a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool():
    return load(ROOT / "tools" / "notebooks.py")


@pytest.fixture(scope="module")
def notebooks(tool):
    return {language: nbformat.read(path, 4) for language, path in tool.NOTEBOOKS.items()}


def cells(notebook, kind):
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def python(code):
    return ast.parse(re.sub(r"^%.*$", "", code, flags=re.MULTILINE))


def test_the_committed_notebooks_are_built_from_the_source(tool):
    source = tool.SOURCE.read_text(encoding="utf-8")
    for language, path in tool.NOTEBOOKS.items():
        assert tool.to_text(tool.build(source, language)) == path.read_text(encoding="utf-8"), path.name


def test_prose_is_translated_and_code_differs_only_in_the_language_line(tool, notebooks):
    code = {language: cells(notebook, "code") for language, notebook in notebooks.items()}
    different = [(a, b) for a, b in zip(code["es"], code["en"], strict=True) if a != b]
    ((spanish, english),) = different
    assert spanish.replace('LANGUAGE = "es"', 'LANGUAGE = "en"') == english
    prose = {language: cells(notebook, "markdown") for language, notebook in notebooks.items()}
    assert len(prose["es"]) == len(prose["en"]) > 15
    assert not set(prose["es"]) & set(prose["en"])


def test_percent_cells_become_code_markdown_and_magics(tool):
    lines = ("# not a cell", "# %% [es]", "# # Hola", "#", "# Un *texto*", "# %% [en]", "# # Hi", "# %%",
             "# %matplotlib inline", 'LANGUAGE = "es"')  # fmt: skip
    source = "\n".join(lines)
    made = tool.build(source, "en")
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        ("markdown", "# Hi"),
        ("code", '%matplotlib inline\nLANGUAGE = "en"'),
    ]
    assert tool.build(source, "es").cells[0].source == "# Hola\n\nUn *texto*"


def test_no_function_is_defined_in_the_notebooks(notebooks):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    code = cells(notebooks["es"], "code")
    assert len(code) > 15
    for cell in code:
        assert not [node for node in ast.walk(python(cell)) if isinstance(node, kinds)], cell


def test_utils_contains_only_imports_and_has_every_name_that_the_notebooks_use(notebooks):
    path = FOLDER / "utils.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = (ast.ImportFrom, ast.Assign)
    assert all(isinstance(node, allowed) for node in tree.body[1:])
    assert {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)} == {"sentir"}
    utils = load(path)
    used = set(re.findall(r"\bu\.(\w+)", "\n".join(cells(notebooks["es"], "code"))))
    assert len(used) > 30 and used <= set(utils.__all__)
    assert all(hasattr(utils, name) for name in utils.__all__)


def test_prose_states_no_result(notebooks):
    for notebook in notebooks.values():
        for text in cells(notebook, "markdown"):
            assert not re.search(r"\d[.,]\d", text), text


def first_cell(notebooks):
    (cell,) = [cell for cell in cells(notebooks["es"], "code") if '"pip"' in cell]
    assert cells(notebooks["es"], "code")[0] == cell
    return cell


def test_the_first_cell_does_nothing_if_sentir_is_installed(notebooks, monkeypatch):
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: pytest.fail("it installs"))
    names = {}
    exec(first_cell(notebooks), names)
    assert names["HOME"] == ROOT


def test_the_first_cell_keeps_the_installed_torch(notebooks, monkeypatch):
    import torch

    find_spec, commands = importlib.util.find_spec, []
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sentir" else find_spec(name))
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    exec(first_cell(notebooks), {})
    ((program, *arguments),) = commands
    assert program == sys.executable and arguments[:3] == ["-m", "pip", "install"]
    assert arguments[-1] == f"{ROOT}[offline,explain,export,timeline]"
    pins = Path(arguments[arguments.index("--constraint") + 1]).read_text(encoding="utf-8").splitlines()
    assert f"torch=={torch.__version__}" in pins


def test_the_first_cell_fails_without_sentirs_code(notebooks, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="attach it on Kaggle"):
        exec(first_cell(notebooks), {})


def execute(notebook, monkeypatch, mode, **variables):
    """Run a notebook in its folder and return it; an error in a cell is raised."""
    for name, value in {"SENTIR_NOTEBOOK": mode, **variables}.items():
        monkeypatch.setenv(name, str(value))
    resources = {"metadata": {"path": str(FOLDER)}}
    return NotebookClient(notebook.copy(), timeout=None, kernel_name="python3", resources=resources).execute()


def outputs(notebook, kind):
    data_of = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    return [data[kind] for data in data_of if kind in data]


def written(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # two minutes on an idle machine
def test_a_small_run_goes_from_discovered_corpora_to_conclusions(notebooks, monkeypatch, tmp_path):
    data, runs = attach(tmp_path / "input"), tmp_path / "runs"
    done = execute(notebooks["es"], monkeypatch, "smoke", SENTIR_DATA=data, SENTIR_NOTEBOOK_RUNS=runs)
    for name in ("meld", "mosei"):
        assert {row["split"] for row in written(runs / "smoke" / name / "text")} == {"dev"}
        assert {row["split"] for row in written(runs / "smoke" / name / "audio")} == {"dev"}
        rows = written(runs / "smoke" / name / "final")
        on_test = {row["model"] for row in rows if row["split"] == "test"}
        assert {"text", "audio", "audio + the text's sentiment", "text + audio", "acoustic"} <= on_test
        names_speakers = name == "meld"
        models = runs / "smoke" / name / "models"
        for path in (models / "by-speaker-onnx" / "parity.json", models / "timeline.srt"):
            assert path.is_file() == names_speakers
    assert len(outputs(done, "image/png")) > 40
    markdown = "\n".join(outputs(done, "text/markdown"))
    assert markdown.count("En la partición de test de") == 2 and "se omite" not in markdown
    assert Counter(re.findall(r"estudio «(\w+)»", "\n".join(outputs(done, "text/plain")))) == {
        "meld": 1,
        "mosei": 1,
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_spectrogram_files_replace_clips_and_without_both_audio_is_skipped(notebooks, monkeypatch, tmp_path):
    data, runs = attach(tmp_path / "input", audio=False), tmp_path / "runs"
    attach_spectrograms(data)
    variables = {"SENTIR_DATA": data, "SENTIR_NOTEBOOK_RUNS": runs, "SENTIR_NOTEBOOK_TEST": "closed"}
    done = execute(notebooks["en"], monkeypatch, "smoke", **variables)
    markdown = "\n".join(outputs(done, "text/markdown"))
    assert markdown.count("its audio part is skipped") == 1
    assert markdown.count("was not evaluated for this task") == 2
    for name in ("meld", "mosei"):
        assert {row["split"] for row in written(runs / "smoke" / name / "final")} == {"dev"}
        assert (runs / "smoke" / name / "audio").exists() == (name == "meld")


def with_few_trainings(notebook):
    """Return the notebook with the sizes of a smoke run in the one on the demo corpora."""
    copied = copy.deepcopy(notebook)
    (cell,) = (cell for cell in copied.cells if "SIZES = {" in cell.source)
    cell.source = cell.source.replace("SIZES[MODE]", 'SIZES["smoke"]')
    return copied


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_study_runs_on_the_demo_corpora(notebooks, monkeypatch, tmp_path):
    notebook = with_few_trainings(notebooks["en"])
    done = execute(notebook, monkeypatch, "demo", SENTIR_NOTEBOOK_RUNS=tmp_path / "runs")
    markdown = "\n".join(outputs(done, "text/markdown"))
    assert markdown.count("its scores say nothing about real speech") == 2
    assert len(outputs(done, "image/png")) > 40
