"""The examples of the README and the guide: commands and recipes are valid, code imports what exists, and every
block is run by a test or has a reason why not."""

import ast
import re
import shlex
import tomllib
from importlib import import_module

import pytest
import typer
from guide_pages import DOCS, LANGUAGES, ROOT, blocks, commands, pages
from guide_runs import EXECUTED, NOT_EXECUTED, RUN_BY

from sentir.cli.app import app
from sentir.recipe import Recipe

SHELL, PYTHON, OUTPUT = ("sh", "bash"), ("python", "py"), ("", "text", "json", "xml")
COMMANDS = typer.main.get_command(app)
ALL = [block for language in LANGUAGES for block in blocks(language)]
SHELL_BLOCKS = [block for block in ALL if block.language in (*SHELL, "")]
LINES = {(block.page, line) for block in SHELL_BLOCKS for line in commands(block) if line.startswith("sentir ")}


def parse(line):
    """The parsed parameters of a command line, without running it."""
    command, arguments = COMMANDS, shlex.split(line.replace("--lang es ", ""), comments=True)[1:]
    while hasattr(command, "commands"):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    context = command.make_context("sentir", list(arguments))
    return {name: value for name, value in context.params.items() if value}


@pytest.mark.parametrize(("page", "line"), sorted(LINES))
def test_a_command_is_valid(page, line):
    parameters = parse(line)
    for recipe in filter(None, [parameters.get("recipe"), *parameters.get("recipes", ())]):
        if (ROOT / recipe).exists() and recipe.suffix == ".toml":
            Recipe.load(ROOT / recipe, parameters.get("set_", ()))


def options(block):
    """The names of the command and its parameters in every line of a block."""
    lines = [line for line in commands(block) if line.startswith("sentir ")]
    return [(line.replace("--lang es ", "").split()[1], *parse(line)) for line in lines]


def structure(code):
    """The kinds of nodes of a piece of code, whose names and texts may be translated."""
    return [type(node) for node in ast.walk(ast.parse(code))]


@pytest.mark.parametrize("page", pages("en"))
def test_both_languages_have_the_same_examples(page):
    english, spanish = ([one for one in blocks(language) if one.page == page] for language in LANGUAGES)
    if page == "timeline":  # the document and its schema are in the English page only
        english = [one for one in english if one.language != "json"]
    assert [one.language for one in english] == [one.language for one in spanish]
    for one, other in zip(english, spanish, strict=True):
        assert options(one) == options(other)
        if one.language in PYTHON:
            assert structure(one.text) == structure(other.text)


@pytest.mark.parametrize("block", [one for one in ALL if one.language == "toml"], ids=lambda one: one.page)
def test_a_recipe_is_valid(block):
    tree = tomllib.loads(block.text)
    if "project" in tree:  # the entry point of a plug-in
        return
    tree.pop("plugins", None)
    if tree.get("data", {}).get("reader") == "chats":
        tree["data"] = {"reader": "demo-meld"}
    tree["data"] = {"reader": "demo-meld"} | tree.get("data", {})
    Recipe.parse({"name": "mine"} | tree)


@pytest.mark.parametrize("block", [one for one in ALL if one.language in PYTHON], ids=lambda one: one.page)
def test_code_imports_names_that_exist(block):
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sentir"):
            module = import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name) or import_module(f"{node.module}.{alias.name}")


@pytest.mark.parametrize("block", blocks("en"), ids=lambda one: f"{one.page}-{one.language}")
def test_every_block_is_run_or_has_a_reason(block):
    if block.language in (*OUTPUT, "toml") and not any(line.startswith("sentir") for line in commands(block)):
        return
    lines = commands(block) if block.language in (*SHELL, "") else [block.text]
    for line in lines:
        reasons = [why for start, why in NOT_EXECUTED.get(block.page, {}).items() if line.startswith(start)]
        assert (block.page, block.language) in RUN_BY or block.page in EXECUTED or reasons, line


def test_tests_that_run_pages_exist():
    assert all((ROOT / path).exists() for path in RUN_BY.values())
    starts = {(page, start) for page, reasons in NOT_EXECUTED.items() for start in reasons}
    lines = [(one.page, line) for one in blocks("en") for line in [*commands(one), one.text]]
    assert all(any(page == p and line.startswith(start) for p, line in lines) for page, start in starts)


@pytest.mark.parametrize("page", ["first-prediction", "walk"])
def test_the_code_of_the_starter_runs(page, capsys):
    names = {}
    for block in blocks("en"):
        if block.page == page and block.language == "python":
            exec(compile(block.text, page, "exec"), names)
    assert names["prediction"].label == "joy" and "joy" in capsys.readouterr().out
    if page == "first-prediction":
        assert names["spanish"].abstain and names["spanish"].notes and len(names["talk"]) == 3


def test_the_first_code_of_the_readme_runs(capsys):
    code = next(one.text for one in blocks("en") if (one.page, one.language) == ("README", "python"))
    exec(compile(code, "README", "exec"), {})
    assert capsys.readouterr().out.startswith("joy 0.")


def test_the_example_of_the_three_models_runs(capsys):
    (code,) = [one.text for one in blocks("en") if one.page == "models" and "EmotionModel(" in one.text]
    exec(compile(code, "models", "exec"), {})
    assert capsys.readouterr().out == "torch.Size([2, 3]) torch.Size([2, 7]) torch.Size([2, 7])\n"


def test_the_contract_test_of_the_page_on_backbones_runs(tmp_path):
    (code,) = [one.text for one in blocks("en") if (one.page, one.language) == ("backbones", "python")]
    names = {}
    exec(compile(code, "backbones", "exec"), names)
    names["test_it_keeps_the_contract"](tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_recipe_is_in_the_table_and_no_other(language):
    text = (DOCS / language / "studies.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    known = {path.stem for path in (ROOT / "recipes").glob("*.toml")}
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert named == known


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_in_the_table_with_its_page(language):
    text = (DOCS / language / "howto.md").read_text(encoding="utf-8")
    names = {"corpus", *re.findall(r"^\| `sentir (\w+)", text, re.MULTILINE)}
    assert names == set(COMMANDS.commands)
    cells = "".join(re.findall(r"^\| (`sentir corpus .*?) \|", text, re.MULTILINE))
    inner = set(re.findall(r"`(?:sentir corpus )?(\w+)[^`]*`", cells))
    assert inner == set(COMMANDS.commands["corpus"].commands)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tree_names_every_part_of_the_package(language):
    (tree,) = [one.text for one in blocks(language) if one.page == "walk" and "src/sentir/" in one.text]
    ours = tree[tree.index("src/sentir/") : tree.index("docs/en/")]
    names = [re.split(r" {2,}", line.strip())[0] for line in ours.splitlines()[1:]]
    named = {name.rstrip("/") for line in names for name in line.split(", ")}
    parts = {path.name for path in (ROOT / "src" / "sentir").iterdir() if not path.name.startswith("_")}
    assert named == parts
