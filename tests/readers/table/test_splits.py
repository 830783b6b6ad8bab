"""Splits of a table without dev, its name, and labels that must not be inputs."""

import pytest
from own_tables import write

from sentir.errors import RecipeError
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, TableSettings


def read(path, **columns):
    return read_corpus(
        DataSettings(reader="table", table=TableSettings(**{"label": "mood", "text": "t"} | columns)), path
    )


def rows_of(n, splits=("train", "test"), speakers=10):
    return [
        {"t": f"line {k}", "mood": "joy", "who": f"s{k % speakers}", "part": splits[k * len(splits) // n]}
        for k in range(n)
    ]


def test_a_missing_dev_is_split_from_train_by_group_and_reported(tmp_path):
    path = write(tmp_path / "t.csv", rows_of(200))
    corpus = read(path, split="part", speaker="who")
    assert [u.id for u in corpus.test] == [f"t/row{n}" for n in range(101, 201)]
    assert {u.speaker for u in corpus.dev}.isdisjoint({u.speaker for u in corpus.train})
    assert (len(corpus.train), len(corpus.dev)) == (90, 10)
    (issue,) = corpus.issues
    assert (issue.kind, issue.severity, issue.where) == ("split_generated", "note", "t.csv")
    assert (
        "No dev in 'part'" in issue.message
        and "'who'" in issue.message
        and "90 train and 10 dev" in issue.message
    )
    assert [u.split for u in read(path, split="part", speaker="who")] == [u.split for u in corpus]
    assert [u.split for u in read(path, split="part", speaker="who", seed=3)] != [u.split for u in corpus]


def test_rows_without_groups_are_split_one_by_one_with_a_warning(tmp_path):
    corpus = read(write(tmp_path / "t.csv", rows_of(200)), split="part")
    assert (len(corpus.train), len(corpus.dev), len(corpus.test)) == (81, 19, 100)
    assert [issue.severity for issue in corpus.issues] == ["warning"]


@pytest.mark.parametrize(
    ("splits", "speakers"),
    [(("train", "dev", "test"), 10), (("train", "dev"), 10), (("test", "dev"), 10), (("train", "test"), 1)],
)
def test_nothing_is_split_if_there_is_a_dev_or_train_has_only_one_group(tmp_path, splits, speakers):
    rows = rows_of(60, splits, speakers)
    corpus = read(write(tmp_path / "t.csv", rows), split="part", speaker="who")
    assert [u.split for u in corpus] == [row["part"] for row in rows] and corpus.issues == ()


def test_the_name_of_a_corpus_does_not_change_it(tmp_path):
    path = write(tmp_path / "manifest.csv", rows_of(9, ("train", "dev", "test")))
    plain, named = read(path, split="part"), read(path, split="part", name="voices")
    assert (plain.name, named.name) == ("manifest", "voices")
    assert [u.id for u in named] == [u.id for u in plain] and named.fingerprint == plain.fingerprint


@pytest.mark.parametrize("setting", ["text", "speaker", "dialogue", "features"])
def test_a_label_is_rejected_as_any_input(tmp_path, setting):
    path = write(tmp_path / "t.csv", rows_of(9, ("train", "dev", "test")))
    columns = {setting: ("mood",) if setting == "features" else "mood"}
    with pytest.raises(RecipeError, match=rf"'data\.table\.{setting}' uses the label column 'mood'"):
        read(path, split="part", **columns)


@pytest.mark.parametrize("role", ["speaker", "dialogue", "group"])
def test_outer_spaces_do_not_change_a_group(tmp_path, role):
    rows = rows_of(200, speakers=40)
    for n, row in enumerate(rows):
        row["who"] += " " * (n // 40 % 2)
    corpus = read(write(tmp_path / "t.csv", rows), **{role: "who"})
    splits = {}
    for u, row in zip(corpus, rows, strict=True):
        splits.setdefault(row["who"].strip(), set()).add(u.split)
    assert len(splits) == 40 and set(map(len, splits.values())) == {1}
