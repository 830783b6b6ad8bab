"""The notebooks are made from one source, hold no logic, and run."""

import ast
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
from tiny_trees import attach, attach_pictures

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"


def load(path):
    """Import a Python file that is in no package."""
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


def test_the_committed_notebooks_are_those_that_the_source_makes(tool):
    source = tool.SOURCE.read_text(encoding="utf-8")
    for language, path in tool.NOTEBOOKS.items():
        assert tool.text_of(tool.build(source, language)) == path.read_text(encoding="utf-8"), path.name


def test_prose_is_in_its_language_and_code_is_the_same_but_for_the_line_that_names_it(tool, notebooks):
    code = {language: cells(notebook, "code") for language, notebook in notebooks.items()}
    different = [(a, b) for a, b in zip(code["es"], code["en"], strict=True) if a != b]
    ((spanish, english),) = different
    assert spanish.replace('LANGUAGE = "es"', 'LANGUAGE = "en"') == english
    prose = {language: cells(notebook, "markdown") for language, notebook in notebooks.items()}
    assert len(prose["es"]) == len(prose["en"]) > 15
    assert not set(prose["es"]) & set(prose["en"])


def test_a_magic_and_both_kinds_of_cells_come_out_of_percent_cells(tool):
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


def test_utils_is_imports_and_names_and_has_all_that_the_notebooks_use(notebooks):
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


def test_the_first_cell_does_nothing_where_sentir_is_there(notebooks, monkeypatch):
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: pytest.fail("it installs"))
    names = {}
    exec(first_cell(notebooks), names)
    assert names["HOME"] == ROOT


def test_the_first_cell_installs_beside_the_torch_that_is_there(notebooks, monkeypatch):
    import torch

    found, commands = importlib.util.find_spec, []
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sentir" else found(name))
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    exec(first_cell(notebooks), {})
    ((program, *arguments),) = commands
    assert program == sys.executable and arguments[:3] == ["-m", "pip", "install"]
    assert arguments[-1] == f"{ROOT}[offline,explain]"
    pins = Path(arguments[arguments.index("--constraint") + 1]).read_text(encoding="utf-8").splitlines()
    assert f"torch=={torch.__version__}" in pins


def test_the_first_cell_says_so_where_sentir_is_nowhere(notebooks, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="attach it on Kaggle"):
        exec(first_cell(notebooks), {})


def execute(notebook, monkeypatch, mode, **variables):
    """Run a notebook in its folder and return it; the first error of a cell is raised."""
    for name, value in {"SENTIR_NOTEBOOK": mode, **variables}.items():
        monkeypatch.setenv(name, str(value))
    resources = {"metadata": {"path": str(FOLDER)}}
    return NotebookClient(notebook.copy(), timeout=None, kernel_name="python3", resources=resources).execute()


def outputs(notebook, kind):
    found = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    return [data[kind] for data in found if kind in data]


def written(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.mark.timeout(1800)  # two minutes; more where others compute, too
def test_a_small_run_goes_from_corpora_found_by_themselves_to_conclusions(notebooks, monkeypatch, tmp_path):
    place, runs = attach(tmp_path / "input"), tmp_path / "runs"
    done = execute(notebooks["es"], monkeypatch, "smoke", SENTIR_DATA=place, SENTIR_NOTEBOOK_RUNS=runs)
    for name in ("meld", "mosei"):
        assert {row["split"] for row in written(runs / "smoke" / name / "text")} == {"dev"}
        assert {row["split"] for row in written(runs / "smoke" / name / "audio")} == {"dev"}
        closed = [row["model"] for row in written(runs / "smoke" / name / "closing") if row["split"] == "test"]
        assert {"text", "audio", "audio + the text's sentiment", "text + audio", "acoustic"} <= set(closed)
    assert len(outputs(done, "image/png")) > 40
    said = "\n".join(outputs(done, "text/markdown"))
    assert said.count("En la partición de test de") == 2 and "se omite" not in said
    assert Counter(re.findall(r"estudio «(\w+)»", "\n".join(outputs(done, "text/plain")))) == {
        "meld": 1,
        "mosei": 1,
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_pictures_stand_in_for_clips_and_without_both_audio_is_skipped(notebooks, monkeypatch, tmp_path):
    place, runs = attach(tmp_path / "input", audio=False), tmp_path / "runs"
    attach_pictures(place)
    variables = {"SENTIR_DATA": place, "SENTIR_NOTEBOOK_RUNS": runs, "SENTIR_NOTEBOOK_TEST": "closed"}
    done = execute(notebooks["en"], monkeypatch, "smoke", **variables)
    said = "\n".join(outputs(done, "text/markdown"))
    assert said.count("its audio part is skipped") == 1
    assert said.count("was not evaluated for this task") == 2
    for name in ("meld", "mosei"):
        assert {row["split"] for row in written(runs / "smoke" / name / "closing")} == {"dev"}
        assert (runs / "smoke" / name / "audio").exists() == (name == "meld")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_study_runs_on_the_demo_corpora(notebooks, monkeypatch, tmp_path):
    done = execute(notebooks["en"], monkeypatch, "demo", SENTIR_NOTEBOOK_RUNS=tmp_path / "runs")
    said = "\n".join(outputs(done, "text/markdown"))
    assert said.count("its scores say nothing about real speech") == 2
    assert len(outputs(done, "image/png")) > 40
