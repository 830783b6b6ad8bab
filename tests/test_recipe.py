"""Recipes: loading from TOML, overrides, validation, and messages that name the key."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING
from sentir.errors import RecipeError
from sentir.i18n import use_language
from sentir.recipe import (
    DEFAULT_CLEANING,
    FinalSpecsSettings,
    Recipe,
    merge_settings,
    parse_override,
    relativize_paths,
    resolve_paths,
)

TEXT = """
[data]
reader = "meld"
cleaning = ["lowercase"]
[train]
lr = 1e-5
[study.candidates.wide]
model.hidden_size = 512
"""
TREES = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
).filter(lambda tree: isinstance(tree, dict))


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_recipe_is_named_after_its_file_and_numbers_stay_numbers(recipe):
    loaded = Recipe.load(recipe)
    assert (loaded.name, loaded.train.lr, loaded.data.cleaning) == ("mine", 1e-5, ("lowercase",))
    assert loaded.study.candidates == {"wide": {"model": {"hidden_size": 512}}}


def test_a_resolved_recipe_survives_json(recipe):
    loaded = Recipe.load(recipe)
    again = Recipe.parse(json.loads(json.dumps(loaded.to_dict())))
    assert again == loaded and again.digest() == loaded.digest()


def test_overrides_replace_settings_and_change_the_digest(recipe):
    changed = Recipe.load(recipe, ["train.lr=2e-5", "model.backbone=roberta-base", "data.root=/x"])
    assert changed.train.lr == 2e-5 and changed.model.backbone == "roberta-base"
    assert changed.data.reader == "meld" and changed.digest() != Recipe.load(recipe).digest()
    assert Recipe.load(recipe).override({"train": {"lr": 2e-5}}).train.lr == 2e-5


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("train.lr=2e-5", {"train": {"lr": 2e-5}}),
        ("a=true", {"a": True}),
        ("a.b.c=[1, 2]", {"a": {"b": {"c": [1, 2]}}}),
        ("model.backbone=org/name", {"model": {"backbone": "org/name"}}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_an_override_is_a_key_and_a_toml_value_or_a_string(text, tree):
    assert parse_override(text) == tree


@settings(deadline=None)
@given(TREES, TREES)
def test_merging_applies_the_changes_and_keeps_all_other_keys(tree, changes):
    merged = merge_settings(tree, changes)
    assert set(merged) == set(tree) | set(changes)
    assert merge_settings(merged, changes) == merged and merge_settings(tree, {}) == tree


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.learning=1", "no setting 'train.learning'"),
        ("model.backbon=x", "no setting 'model.backbon'; did you mean 'backbone'?"),
        ("train.epochs=0", "'train.epochs' cannot be 0: give at least 1."),
        ("train.epochs=1.5", "'train.epochs' cannot be 1.5: give a whole number."),
        ("train.lr=fast", "'train.lr' cannot be 'fast': give a number."),
        ("train.lr=0", "'train.lr' cannot be 0: give more than 0."),
        ("train.ema_decay=1", "'train.ema_decay' cannot be 1: give less than 1."),
        ("train.layer_decay=1.5", "'train.layer_decay' cannot be 1.5: give at most 1."),
        ("train=7", "'train' cannot be 7: give a section of settings."),
        ("model.encoder=thawed", "'model.encoder' cannot be 'thawed': give one of frozen, finetune, lora."),
        ("model.pretrained=maybe", "'model.pretrained' cannot be 'maybe': give true or false."),
        ("model.layers=6", "'model.layers' cannot be 6: give a list."),
        ("data.reader=5", "'data.reader' cannot be 5: give a string."),
        ("data.table.label=x", None),
        ("data.table.text=x", "'data.table' cannot be"),
        ("study.always_report=['none']", "'none', which is not a candidate"),
        ("train.lr", "'train.lr' is not an override"),
        ("model.layers=[]", "'model.layers' cannot be []: give a list of at least 1."),
        ("data.root=5", "'data.root' cannot be 5: give a path."),
        ("evaluation.metric=1", "'evaluation.metric' cannot be 1: give a string."),
        ('tune.space={"train.lr" = {low = "a", high = 1}}', "'tune.space.train.lr.low' cannot be 'a': give a"),
        ('data.table={label = "x", file = 5}', 'one each of train, dev and test: { train = "a.csv", … }.'),
        ('data.table={label = "x", label_separator = ""}', "cannot be '': give a string that is not empty."),
        (
            'data.table={label = "x", fractions = [1, 0, 0, 0]}',
            "give a list of at most 3.",
        ),
        ("study.seeds=[1, 2, 1]", "'seeds' lists a seed twice"),
        ("study.baselines=['acoustic', 'acoustic']", "'baselines' lists a baseline twice"),
        ("study.candidates={majority = {}}", "'majority' is a baseline and a candidate; rename the candidate"),
    ],
)
def test_every_mistake_is_one_sentence_that_names_its_key(recipe, override, message):
    if message is None:
        assert Recipe.load(recipe, [override]).data.table.label == "x"
        return
    with pytest.raises(RecipeError, match=re.escape(message)) as caught:
        Recipe.load(recipe, [override])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("override", ["train.epochs=0", "model.layers=6", "model.encoder=thawed", "train.lr=x"])
def test_validation_messages_are_translated(recipe, override):
    with use_language("es"), pytest.raises(RecipeError, match=": indique ") as caught:
        Recipe.load(recipe, [override])
    assert "Input" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no recipe"),
        (b"[data", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        (b"[train]\n", "the setting 'data' is missing"),
        (b"[data]\n", "the setting 'data.reader' is missing"),
        (b"[data]\nreader='table'\ntable.label='a'\ntable.labels=['b']", "name either one column"),
        (b"[data]\nreader='table'\ntable.label='a'\ntable.value='b'", "name either one column"),
        (b"[data]\nreader='table'\ntable.value='b'", "'value' needs its 'scale'"),
        (b"[data]\nreader='table'\ntable.value='b'\ntable.scale=[3, 1]", "'value' needs its 'scale'"),
        (b"[data]\nreader='table'\ntable.values.b=[3, 1]", "the scale of 'b' in 'values' must go from a lower"),
        (b"[data]\nreader='table'\ntable.value='b'\ntable.values.b=[1, 3]", "name either one column"),
        (b"[data]\nreader='table'\ntable.label='a'\ntable.fractions=[1,1,1]", "sum to 1"),
    ],
)
def test_an_invalid_file_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(RecipeError, match=re.escape(message)):
        Recipe.load(tmp_path / "r.toml")


def test_an_invalid_section_is_not_printed_in_full(recipe):
    with pytest.raises(RecipeError, match=r": 'study' cannot be used: 'always_report' names 'none', wh[^{]*$"):
        Recipe.load(recipe, ["study.always_report=['none']"])


def test_the_cleaning_steps_of_the_defaults_exist():
    assert DEFAULT_CLEANING and all(step in CLEANING_STEPS for step in (*DEFAULT_CLEANING, *THESIS_CLEANING))


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('[data]\nreader = "meld"\n', encoding="utf-8-sig")
    assert Recipe.load(path).data.reader == "meld"


def test_paths_in_a_recipe_are_relative_to_its_folder_and_those_in_overrides_to_the_working_directory(
    tmp_path, monkeypatch
):
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "r.toml"
    path.with_name("mine.py").touch()
    path.write_text(
        'plugins = ["mine.py"]\n[data]\nreader = "meld"\nroot = "."\nfinal_specs.text_root = "../texts"\n'
    )
    for working_directory in (tmp_path, tmp_path / "deep"):
        monkeypatch.chdir(working_directory)
        recipe = Recipe.load(Path(os.path.relpath(path)), allow_plugins=True)
        assert (
            recipe.data.root.resolve() == tmp_path / "deep"
            and recipe.plugins[0].resolve() == path.parent / "mine.py"
        )
        assert recipe.data.settings_of(FinalSpecsSettings).text_root.resolve() == tmp_path / "texts"
    assert Recipe.load(path, ["data.root=here"]).data.root == Path("here")
    absolute = path.with_name("a.toml")
    absolute.write_text('[data]\nreader = "meld"\nroot = "/data"\n')
    assert Recipe.load(absolute).data.root == Path("/data")


@pytest.mark.parametrize("root", [".", "a/b", "/data", "../up"])
def test_paths_survive_writing_a_recipe_to_another_folder(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    folder = Path("runs") / "one"
    tree = resolve_paths(relativize_paths({"data": {"reader": "meld", "root": root}}, folder), folder)
    assert os.path.normpath(tree["data"]["root"]) == os.path.normpath(root)


def test_a_table_in_the_place_of_a_recipe_is_told_what_writes_one(tmp_path):
    (tmp_path / "talks.csv").write_text("text,emotion\nHi.,joy\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"talks.csv is not a recipe, .* 'sentir corpus init' writes"):
        Recipe.load(tmp_path / "talks.csv")


def test_what_is_nested_too_deeply_is_no_recipe(tmp_path):
    (tmp_path / "deep.toml").write_text(f"title = {'[' * 5000}{']' * 5000}\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"deep\.toml is not valid TOML"):
        Recipe.load(tmp_path / "deep.toml")
    nested = "[" * 5000 + "]" * 5000
    assert parse_override(f"title={nested}") == {"title": nested}
