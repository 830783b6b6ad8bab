"""Recipes survive writing and reading."""

import tomllib
from contextlib import chdir
from pathlib import Path

import pytest
from drawn_recipes import RECIPES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentir.errors import RecipeError
from sentir.recipe import Recipe, dump_toml, format_toml_comment, parse_override

BUNDLED = sorted((Path(__file__).parents[1] / "recipes").glob("**/*.toml"))


def write_and_load(recipe: Recipe, folder: Path) -> Recipe:
    with chdir(folder):  # paths in a recipe are relative to its folder
        path = Path("again.toml")
        path.write_text(format_toml_comment("a\nb") + dump_toml(recipe.to_dict()) + "\n", encoding="utf-8")
        return Recipe.load(path)


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_every_bundled_recipe_survives_writing(path, tmp_path):
    recipe = Recipe.load(path)
    loaded = write_and_load(recipe, tmp_path)
    assert loaded == recipe and loaded.digest() == recipe.digest()
    assert list(loaded.study.candidates) == list(recipe.study.candidates)


@settings(deadline=None, max_examples=150, suppress_health_check=[*HealthCheck])
@given(recipe=RECIPES)
def test_every_recipe_survives_writing(recipe, tmp_path_factory):
    loaded = write_and_load(recipe, tmp_path_factory.getbasetemp())
    assert loaded == recipe and loaded.digest() == recipe.digest()
    assert list(loaded.study.candidates) == list(recipe.study.candidates)
    assert list(loaded.tune.space) == list(recipe.tune.space)


def test_a_candidate_without_overrides_is_kept(tmp_path):
    recipe = Recipe.parse({"name": "x", "data": {"reader": "r"}, "study": {"candidates": {"as it is": {}}}})
    assert write_and_load(recipe, tmp_path).study.candidates == {"as it is": {}}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_are_not_finite_are_refused(number):
    for tree in ({"train": {"lr": number}}, {"study": {"candidates": {"x": {"train": {"lr": number}}}}}):
        with pytest.raises(RecipeError, match="cannot be"):
            Recipe.parse({"name": "x", "data": {"reader": "r"}} | tree)


@pytest.mark.parametrize(
    "tree",
    [
        {"name": "half \ud800"},
        {"name": "x", "data": {"reader": "\ud800"}},
        {"name": "x", "study": {"candidates": {"\ud800": {}}}},
        {"name": "x", "study": {"candidates": {"y": {"model": {"\ud800": "z"}}}}},
    ],
)
def test_unpaired_surrogates_are_refused(tree):
    with pytest.raises(RecipeError, match="unpaired surrogate") as caught:
        Recipe.parse({"data": {"reader": "r"}} | tree)
    assert str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    "key", [".".join("a" * 3000), ".".join("a" * 100), "study.candidates." + ".".join("y" * 60)]
)
def test_settings_nested_too_deeply_are_refused(key, tmp_path):
    path = tmp_path / "deep.toml"
    path.write_text(f"{key} = 1\n[data]\nreader = 'r'\n" if key[0] == "a" else f"data.reader = 'r'\n{key} = 1\n")
    with pytest.raises(RecipeError, match="nested more than 50 levels deep"):
        Recipe.load(path)


@pytest.mark.parametrize("value", [None, tomllib.loads("day = 2020-01-01")["day"], {1, 2}])
def test_settings_of_a_candidate_that_toml_does_not_have_are_refused(value):
    with pytest.raises(RecipeError, match=r"study.candidates.y.*is not a valid setting"):
        Recipe.parse(
            {"name": "x", "data": {"reader": "r"}, "study": {"candidates": {"y": {"model": {"layers": value}}}}}
        )


@given(st.text(max_size=12))
def test_a_comment_is_one_line(text):
    assert tomllib.loads(format_toml_comment(text) + "a = 1") == {"a": 1}


def test_an_override_has_one_value():
    assert parse_override("a=1\nb=2") == {"a": "1\nb=2"}


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "windows.toml"
    path.write_text("[data]\nreader = 'r'\n", encoding="utf-8-sig")
    assert Recipe.load(path).data.reader == "r"
