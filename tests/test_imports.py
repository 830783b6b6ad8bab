"""Imports go one way, in no circle, and the light half of the package stays light."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sentir.errors
from runtime import imports_only_the_runtime, run_without_laboratory

ROOT = Path(sentir.errors.__file__).parent
# From the ground up; a module imports from its own package and from lower rows, never from a neighbor in its row.
# What is not named is ground, whose modules import one another, in no circle.
ROWS = (
    ("engines",),
    ("corpus",),
    ("audio",),
    ("features",),
    ("files",),
    ("readers", "download", "demo", "table_inspection"),
    ("audit",),
    ("models", "evaluation"),
    ("preprocessing", "runtime"),
    ("recognizer",),
    ("training", "testing"),
    ("report", "export"),
    ("figures",),
    ("study", "timelines", "explanation"),
    ("api",),
    ("serving", "doctor", "bench"),
    ("cli", "__main__"),
)
ROW = {package: height for height, row in enumerate(ROWS) for package in row}
GROUND = {
    "array_files", "atomic_folders", "cache_use", "caches", "context_variables", "display_names", "documents",
    "errors", "file_locks", "i18n", "io", "logs", "optional_dependencies", "paths", "plugins", "preflight",
    "process_group", "progress", "recipe", "registry", "repr_mixin", "safe_text", "torchvision_operators",
    "worker_processes",
}  # fmt: skip
LIGHT = (
    "corpus", "audio", "features", "files", "readers", "download", "demo", "table_inspection", "audit",
    "timelines",
)  # fmt: skip
HEAVY = ("torch", "transformers", "pandas", "sklearn", "scipy", "matplotlib", "textblob", "pyarrow")
FILES = sorted(ROOT.rglob("*.py"))


def name_of(file: Path) -> str:
    parts = ("sentir", *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(file): file for file in FILES}


def package(module: str) -> str:
    return [*module.split("."), ""][1]


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> set[str]:
    """The modules, or names in them, that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "sentir"}


def module_of(name: str, modules=MODULES) -> str:
    return name if name in modules else name.rpartition(".")[0]


def wrong(own: str, others: set[str]) -> set[str]:
    height = ROW.get(own, -1)
    return {other for other in others - {own} if other in ROW and ROW[other] >= height}


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_the_rules_themselves_catch_what_they_forbid():
    assert imported(ast.parse("def f():\n    from sentir.cli.app import main")) == {"sentir.cli.app.main"}
    assert module_of("sentir.cli.app.main", {"sentir.cli.app"}) == "sentir.cli.app"
    assert package("sentir.cli.app.main") == "cli"
    assert wrong("corpus", {"readers", "corpus", "i18n"}) == {"readers"}
    assert wrong("evaluation", {"models"}) == {"models"} and wrong("i18n", {"corpus"}) == {"corpus"}
    assert not wrong("cli", {"api", "study", "corpus", "errors"})
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) and not circle({"a": {"b", "c"}, "b": {"c"}})


def test_every_package_has_its_row():
    assert {package(name) for name in MODULES} - {"", *ROW, *GROUND} == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_below(module):
    own = package(module)
    if not own:
        pytest.skip("the package itself offers the public names")
    assert wrong(own, {package(name) for name in imported(tree_of(MODULES[module]))}) == set()


def test_no_modules_import_one_another_in_a_circle():
    """Imports for type checkers and within functions count; the package's own lazy names do not."""
    graph = {
        module: {module_of(name) for name in imported(tree_of(file))} - {module, "sentir"}
        for module, file in MODULES.items()
        if module != "sentir"
    }
    assert circle(graph) == []


def test_reading_cleaning_and_auditing_load_no_heavy_library():
    names = [name for name in MODULES if package(name) in LIGHT]
    assert {"sentir.corpus.utterances", "sentir.readers.table.reader", "sentir.features.lexical"} <= set(names)
    code = f"import sys, {', '.join(names)}\nprint(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_evaluating_a_baseline_loads_neither_torch_nor_a_trainer():
    names = "sentir.api.evaluation, sentir.study.baseline_model, sentir.study.ensemble, sentir.study.families"
    code = f"import sys, {names}\nprint(*sorted(set(sys.modules) & {{'torch', 'transformers', 'peft'}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_runtime_imports_nothing_that_an_extra_installs():
    names = list(filter(imports_only_the_runtime, MODULES))
    assert {"sentir.api.prediction", "sentir.cli.app", "sentir.recognizer.onnx_loading"} <= set(names)
    done = run_without_laboratory(f"import {', '.join(names)}")
    assert done.returncode == 0, done.stderr
