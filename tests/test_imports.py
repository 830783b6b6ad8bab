"""Imports go one way, and the light half of the package stays light."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sentir.errors

ROOT = Path(sentir.errors.__file__).parent
# From the ground up; a module imports from its own package and from lower rows, never from a neighbor in its row.
ROWS = (
    ("corpus",),
    ("audio",),
    ("features",),
    ("readers",),
    ("audit",),
    ("models", "evaluation"),
    ("training", "testing"),
    ("answering",),
    ("recognizer",),
    ("report", "export"),
    ("figures",),
    ("study", "timeline", "explanation"),
    ("api",),
    ("cli", "serving"),
)
ROW = {package: height for height, row in enumerate(ROWS) for package in row}
LIGHT = ("corpus", "audio", "features", "readers", "audit")
HEAVY = ("torch", "transformers", "pandas", "sklearn", "scipy", "matplotlib", "textblob", "pyarrow")
FILES = sorted(ROOT.rglob("*.py"))


def package(module: str) -> str:
    return [*module.split("."), ""][1]


def imported(tree: ast.AST) -> set[str]:
    """The packages of ours that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {package(name) for name in names if name.split(".")[0] == "sentir"}


def wrong(own: str, others: set[str]) -> set[str]:
    height = ROW.get(own, -1)
    return {other for other in others - {own} if other in ROW and ROW[other] >= height}


def test_the_rule_itself_catches_what_it_forbids():
    assert imported(ast.parse("def f():\n    from sentir.cli.app import main")) == {"cli"}
    assert imported(ast.parse("from sentir import study\nimport sentir.api")) == {"study", "api"}
    assert wrong("corpus", {"readers", "corpus", "i18n"}) == {"readers"}
    assert wrong("evaluation", {"models"}) == {"models"} and wrong("i18n", {"corpus"}) == {"corpus"}
    assert not wrong("cli", {"api", "study", "corpus", "errors"})


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_only_from_below(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    if parts in {("__init__",), ("__main__",)}:
        pytest.skip("the package itself offers the public names and the command line")
    assert wrong(parts[0], imported(ast.parse(file.read_text(encoding="utf-8")))) == set()


def files_of(packages) -> list[Path]:
    return [file for file in FILES if file.relative_to(ROOT).parts[0] in packages]


def modules(packages) -> list[str]:
    files = files_of(packages)
    names = [".".join(("sentir", *file.relative_to(ROOT).with_suffix("").parts)) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def test_readers_import_one_another_in_no_circle():
    files = dict(zip(modules(("readers",)), files_of(("readers",)), strict=True))
    graph = {}
    for name, file in files.items():
        found = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        pairs = [(n.module, alias.name) for n in found if isinstance(n, ast.ImportFrom) for alias in n.names]
        graph[name] = {f"{module}.{one}" if f"{module}.{one}" in files else module for module, one in pairs}
        graph[name] -= {"sentir.readers"}
    assert list(TopologicalSorter(graph).static_order())


def test_reading_cleaning_and_auditing_load_no_heavy_library():
    names = modules(LIGHT)
    assert {"sentir.corpus.utterances", "sentir.readers.table.reader", "sentir.features.lexical"} <= set(names)
    code = f"import sys, {', '.join(names)}\nprint(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
