"""Redrawing the test split of a user table: the recipe, the record, and the errors."""

import csv
import json
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest

from sentir import api, paths
from sentir.errors import LockedTestError, RecipeError
from sentir.evaluation.locked.ledger import open_test
from sentir.evaluation.locked.redraws import list_redraws, record_redraw
from sentir.readers import read_corpus
from sentir.recipe.editing import replace_table_seed

RECIPE = """# my recipe
[data]
reader = "table"  # mine
[data.table]
file = "t.csv"
label = "mood"
text = "t"
"""


def write_table(folder, n=60, skip=0):
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["t", "mood"])
        writer.writerows([f"this is the long line {k} of all", ("joy", "fear")[k % 2]] for k in range(skip, n))


@pytest.fixture
def recipe(tmp_path):
    write_table(tmp_path)
    path = tmp_path / "r.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def corpus_of(path):
    return read_corpus(api.load_recipe(path).data, path.parent)


def test_a_redraw_changes_only_the_seed_and_is_recorded_with_earlier_openings(recipe, tmp_path):
    before = corpus_of(recipe)
    assert list_redraws(before) == ()
    open_test(before, reason="first look")
    result = api.redraw_corpus(recipe, reason=" labels were repaired ", root=tmp_path)
    assert result.seeds[0] == 0 < result.seeds[1] and (result.num_test_openings, result.redraws) == (1, 1)
    text = recipe.read_text(encoding="utf-8")
    assert text == RECIPE.replace("[data.table]\n", f"[data.table]\nseed = {result.seeds[1]}\n")
    after = corpus_of(recipe)
    assert after.test_fingerprint != before.test_fingerprint
    (one,) = list_redraws(after)
    assert (one.reason, one.seeds, one.openings) == ("labels were repaired", result.seeds, 1)
    open_test(after, reason="second look")
    again = api.redraw_corpus(recipe, reason="once more", root=tmp_path)
    assert again.redraws == 2 and again.seeds[0] == result.seeds[1]
    assert [r.openings for r in list_redraws(corpus_of(recipe))] == [1, 1]


def test_redraws_are_recognized_after_changes_of_rows_and_under_another_name(recipe, tmp_path):
    api.redraw_corpus(recipe, reason="because", root=tmp_path)
    write_table(tmp_path, n=70, skip=5)
    assert len(list_redraws(corpus_of(recipe))) == 1
    recipe.rename(tmp_path / "other.toml")
    assert len(list_redraws(corpus_of(tmp_path / "other.toml"))) == 1


def test_no_redraw_is_lost_with_many_threads(recipe):
    corpus = corpus_of(recipe)
    reasons = {f"try {n} \udcff" for n in range(20)}  # a byte of the command line that is not UTF-8
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda reason: record_redraw(corpus, corpus, seeds=(0, 1), reason=reason), reasons))
    assert {one.reason for one in list_redraws(corpus)} == reasons


def test_a_redraw_needs_a_reason_and_a_random_test_split(recipe, tmp_path):
    with pytest.raises(LockedTestError, match="--reason"):
        api.redraw_corpus(recipe, reason=" ", root=tmp_path)
    for setting in ('split = "part"', "fractions = [0.8, 0.2, 0.0]"):
        recipe.write_text(f"{RECIPE}{setting}\n", encoding="utf-8")
        with pytest.raises(RecipeError, match="has no random test split"):
            api.redraw_corpus(recipe, reason="because", root=tmp_path)
    assert not (paths.state_dir() / "redraws.jsonl").exists()


def test_a_damaged_record_is_an_error_and_the_recipe_is_unchanged(recipe, tmp_path):
    api.redraw_corpus(recipe, reason="because", root=tmp_path)
    text = recipe.read_text(encoding="utf-8")
    record = paths.state_dir() / "redraws.jsonl"
    entry = json.loads(record.read_text(encoding="utf-8"))
    for damage in ("nonsense", "[]", json.dumps(entry | {"seeds": [1]}), json.dumps(entry | {"reason": 3})):
        record.write_text(damage + "\n", encoding="utf-8")
        with pytest.raises(LockedTestError, match="damaged in line 1"):
            api.redraw_corpus(recipe, reason="again", root=tmp_path)
        assert recipe.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (
            "[data.table]\nseed = 3 # drawn\n[train]\nseed = 3\n",
            "[data.table]\nseed = 9 # drawn\n[train]\nseed = 3\n",
        ),
        ("[train]\nseed = 1\n[data.table]\nseed = 3", "[train]\nseed = 1\n[data.table]\nseed = 9"),
        ("[data.table]\nlabel = 'a'\n", "[data.table]\nseed = 9\nlabel = 'a'\n"),
        ("[data.table]\r\nlabel = 'a'\r\n", "[data.table]\r\nseed = 9\r\nlabel = 'a'\r\n"),
        ("[data]\ntable.label = 'a'\n", "[data]\ntable.seed = 9\ntable.label = 'a'\n"),
        ("[data]\ntable.seed=0\n", "[data]\ntable.seed=9\n"),
        ("data.table.seed = 1_0\n", "data.table.seed = 9\n"),
    ],
)
def test_a_seed_is_changed_where_it_is_written_or_belongs(text, changed):
    assert replace_table_seed(text, 9) == changed
    assert tomllib.loads(replace_table_seed(text, 9))["data"]["table"]["seed"] == 9


def test_a_recipe_that_cannot_be_edited_by_lines_is_an_error():
    with pytest.raises(RecipeError, match="write 'seed = 9'"):
        replace_table_seed("data = { table = { label = 'a' } }\n", 9)
