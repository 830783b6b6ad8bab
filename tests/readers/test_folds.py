"""Folds of ``data.folds``: at random by group, by a column, by published lists or a file; and what is refused."""

import csv

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from sentir.errors import CorpusError, RecipeError
from sentir.readers import read_corpus
from sentir.recipe import Recipe, relativize_paths

ACTORS = [f"actor{n:02}" for n in range(1, 10)]
LISTS = [ACTORS[0::3], ACTORS[1::3], ACTORS[2::3]]
COLUMNS = {"text": "text", "label": "label", "speaker": "speaker"}
HEADER = ["text", "label", "speaker", "session", "split"]


@pytest.fixture
def read(tmp_path):
    """Read a table of 9 speakers with the given folds, and settings of the table."""
    rows = [
        [
            f"Sentence {n} of {actor}",
            ("joy", "anger")[n % 2],
            actor,
            f"s{index % 4}",
            "train" if index < 6 else "test",
        ]
        for index, actor in enumerate(ACTORS)
        for n in range(4)
    ]

    def build(folds, rows=rows, slices=None, **table):
        with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *rows])
        data = {"reader": "table", "table": COLUMNS | table, "folds": folds, "slices": slices or {}}
        return read_corpus(Recipe.parse({"name": "r", "data": data}).data, tmp_path / "t.csv")

    build.rows = rows
    return build


def by_speaker(corpus):
    folds = {u.speaker: corpus.folds[u.id] for u in corpus}
    assert all(corpus.folds[u.id] == folds[u.speaker] for u in corpus)
    return folds


def test_k_folds_are_those_of_scikit_learn(read):
    corpus = read({"k": 4, "seed": 3})
    speakers = [u.speaker for u in corpus]
    split = GroupKFold(4, shuffle=True, random_state=3).split(np.zeros(len(speakers)), groups=speakers)
    expected = {speakers[row]: str(n + 1) for n, (_rest, held_out) in enumerate(split) for row in held_out}
    assert by_speaker(corpus) == expected


def test_the_folds_of_a_list_are_numbered_in_its_order(read):
    assert by_speaker(read({"groups": LISTS})) == {a: str(n % 3 + 1) for n, a in enumerate(ACTORS)}


def test_a_column_names_the_folds(read):
    corpus = read({"column": "session"})
    assert by_speaker(corpus) == {a: f"s{n % 4}" for n, a in enumerate(ACTORS)}


def test_a_column_may_be_what_a_group_is(read):
    corpus = read({"k": 3, "by": "session"})
    sessions = {a: f"s{n % 4}" for n, a in enumerate(ACTORS)}
    assert len({(sessions[a], fold) for a, fold in by_speaker(corpus).items()}) == 4


def test_a_file_names_the_fold_of_each_group(read, tmp_path):
    lines = ["group,fold", *(f"{actor},{'abc'[n % 3]}" for n, actor in enumerate(ACTORS))]
    (tmp_path / "folds.csv").write_text("\n".join(lines), encoding="utf-8")
    assert by_speaker(read({"file": str(tmp_path / "folds.csv")})) == {
        a: "abc"[n % 3] for n, a in enumerate(ACTORS)
    }


def test_the_first_fold_is_dev_outside_of_a_study(read):
    corpus = read({"groups": LISTS})
    assert {u.speaker for u in corpus.dev} == set(LISTS[0])
    assert {u.speaker for u in corpus.train} == set(LISTS[1] + LISTS[2]) and not corpus.test


def test_a_test_split_of_the_corpus_is_in_no_fold(read):
    corpus = read({"k": 3}, split="split", fractions=[0.5, 0.5, 0])
    assert {u.speaker for u in corpus} == set(ACTORS[:6])


@pytest.mark.parametrize(
    ("folds", "table", "message"),
    [
        ({"groups": [["actor01"], ["actor02"], ["actor03"]]}, {}, "24 utterances of 't' are in no fold, the"),
        ({"groups": [*LISTS, ["actor99"]]}, {}, "groups that 't' does not have: actor99; it has: actor01, "),
        ({"k": 10}, {}, "needs as many groups, 't' has 9"),
        ({"column": "label"}, {}, "has 2 folds; cross-validation needs 3"),
        ({"column": "text"}, {}, "'actor01' is in two folds"),
        ({"column": "fold"}, {}, "has no column or group 'fold'; it has: speaker, dialogue"),
        ({"k": 3, "by": "text"}, {}, "'actor01' is in two folds"),
        ({"column": "session"}, {"dialogue": "split"}, "'t/train' is in two folds, s0 and s1, so a model would"),
    ],
)  # fmt: skip
def test_folds_that_leak_or_do_not_cover_the_corpus_are_refused(folds, table, message, read):
    with pytest.raises(CorpusError) as error:
        read(folds, **table)
    assert message in str(error.value)


def test_a_row_without_its_fold_is_refused(read):
    with pytest.raises(
        CorpusError, match=r"1 utterances of 't' are in no fold, the first is 't/row2' \(group 'actor01'"
    ):
        read({"column": "session"}, [[*row[:3], row[3] * (n != 1), row[4]] for n, row in enumerate(read.rows)])


def test_a_group_in_two_folds_of_a_file_is_refused(read, tmp_path):
    (tmp_path / "folds.csv").write_text("group,fold\nactor01,a\nactor01,b\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="the group 'actor01' is in two folds, a and b"):
        read({"file": str(tmp_path / "folds.csv")})


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({}, "give exactly one of 'column', 'k', 'groups' and 'file'"),
        ({"k": 3, "column": "fold"}, "give exactly one of"),
        ({"k": 2}, "data.folds.k"),
        ({"column": "fold", "by": "speaker"}, "'column' already names the folds"),
        ({"groups": [["a"], ["b"]]}, "'groups' must list 3 folds or more"),
        ({"groups": [["a"], ["b"], ["c", "a"]]}, "'groups' lists 'a' twice; a group belongs to one fold"),
    ],
)
def test_a_recipe_gives_its_folds_in_one_way(folds, message):
    with pytest.raises(RecipeError, match=message):
        Recipe.parse({"name": "r", "data": {"reader": "meld", "folds": folds}})


def test_label_noise_is_not_searched_in_folds():
    tree = {"name": "r", "data": {"reader": "meld", "folds": {"k": 3}}, "study": {"label_noise": True}}
    with pytest.raises(RecipeError, match=r"'study\.label_noise' searches train, which 'data\.folds' divides"):
        Recipe.parse(tree)


def test_the_path_of_a_file_is_relative_to_its_recipe(tmp_path):
    (tmp_path / "r.toml").write_text('[data]\nreader = "meld"\nfolds.file = "folds.csv"\n', encoding="utf-8")
    recipe = Recipe.load(tmp_path / "r.toml")
    assert recipe.data.folds.file == tmp_path / "folds.csv"
    moved = relativize_paths(Recipe.parse(recipe.to_dict() | {"name": "r"}).to_dict(), tmp_path / "recipes")
    assert str(moved["data"]["folds"]["file"]) in (str(tmp_path / "folds.csv"), "../folds.csv")


# Slices by the names of groups


@pytest.mark.parametrize("folds", [None, {"k": 3}])
def test_listed_groups_are_slices(folds, read):
    corpus = read(folds, slices={"use": {"seen": ACTORS[:5], "new": ACTORS[6:8]}})
    found = {u.speaker: corpus.slices["use"].get(u.id) for u in corpus}
    assert found == dict(zip(ACTORS, ["seen"] * 5 + [None] + ["new"] * 2 + [None], strict=True))


def test_a_slice_of_an_unknown_group_is_refused(read):
    with pytest.raises(CorpusError, match=r"'data\.slices\.use' names 'actor99', which is no group of 't'"):
        read({"k": 3}, slices={"use": {"new": ["actor99"]}})
