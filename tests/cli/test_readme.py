"""The commands and examples of both READMEs work."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

import sentir
from sentir.cli.app import app
from sentir.recipe import Recipe

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.es.md")


def blocks(readme, language):
    """The fenced blocks of one language."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for name, block in fenced if name == language]


def calls(readme):
    """The arguments of every ``sentir`` command in the shell blocks."""
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in commands if words[:1] == ["sentir"]]


def parsed(arguments):
    """The parsed parameters of a command, without running it."""
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[arguments[0]]
        arguments = arguments[1:]
    context = command.make_context("sentir", list(arguments))
    return {name: value for name, value in context.params.items() if value}


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_valid(readme):
    commands = calls(readme)
    assert {words[0] for words in commands} == {"demo", "corpus", "train", "evaluate", "predict", "study"}
    for words in commands:
        parameters = parsed(words)
        recipes = [parameters.get("recipe"), *parameters.get("recipes", ())]
        for recipe in [recipe for recipe in recipes if recipe and recipe.parts[0] == "recipes"]:
            Recipe.load(ROOT / recipe, parameters.get("set_", ()))


def test_both_languages_give_the_same_options_in_the_same_order():
    english, spanish = ([tuple(parsed(words)) for words in calls(readme)] for readme in READMES)
    assert english == spanish and len(english) > 12


@pytest.mark.parametrize("readme", READMES)
def test_every_recipe_is_in_the_table_and_no_other(readme):
    rows = [line for line in (ROOT / readme).read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    known = {path.stem for path in (ROOT / "recipes").glob("*.toml")}
    named = [set(re.findall(r"`([^`]+)`", row.split("|")[1])) for row in rows]
    assert set.union(*(names for names in named if names & known)) == known


@pytest.mark.parametrize("readme", READMES)
def test_the_recipe_of_a_table_is_valid(readme):
    (text,) = blocks(readme, "toml")
    recipe = Recipe.parse({"name": "mine"} | tomllib.loads(text))
    assert recipe.data.audio and recipe.data.table.splits.dev and recipe.model.kind == "multimodal"


@pytest.mark.parametrize("readme", READMES)
def test_the_examples_in_python_are_python_and_import_public_names(readme):
    examples = [ast.parse(block) for block in blocks(readme, "python")]
    nodes = [node for tree in examples for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in nodes if node.module == "sentir" for alias in node.names}
    assert {"train", "predict"} <= names <= set(sentir.__all__)


@pytest.mark.parametrize("readme", READMES)
def test_the_example_of_the_three_models_runs(readme, capsys):
    (example,) = [block for block in blocks(readme, "python") if "EmotionModel" in block]
    exec(compile(example, readme, "exec"), {})
    shapes = [f"torch.Size([2, {k}])" for k in (3, 7, 7)]
    assert capsys.readouterr().out == " ".join(shapes) + "\n"


def test_the_tree_names_every_part_of_the_package():
    (tree,) = [block for block in blocks("README.md", "") if "src/sentir/" in block]
    ours = tree[tree.index("src/sentir/") : tree.index("docs/en/")]
    names = [re.split(r" {2,}", line.strip())[0] for line in ours.splitlines()[1:]]
    named = {name.rstrip("/") for line in names for name in line.split(", ")}
    parts = {path.name for path in (ROOT / "src" / "sentir").iterdir() if not path.name.startswith("_")}
    assert named == parts
