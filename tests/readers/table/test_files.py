"""A table of several files, its encoding, and ids changed by spreadsheets."""

import csv

import pytest

from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError, RecipeError
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe, TableSettings

ROWS = [
    {"text": "Hi", "mood": "joy", "talk": "1", "s": "train"},
    {"text": "No", "mood": "ira", "talk": "1", "s": "train"},
]


def write(path, rows=ROWS):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(root, with_audio=False, **columns):
    columns = {"text": "text", "label": "mood"} | columns
    return read_corpus(DataSettings(reader="table", audio=with_audio, table=TableSettings(**columns)), root)


def test_files_given_by_split_are_one_table_with_ids_after_the_files(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.csv")
    files = {"train": "a.csv", "dev": "b.csv", "test": "c.csv"}
    corpus = read(tmp_path, file=files, dialogue="talk")
    assert [(u.id, u.split, u.dialogue) for u in corpus] == [
        (f"{name}/row{n}", split, f"{name}/1") for name, split in zip("abc", files, strict=True) for n in (1, 2)
    ]
    assert corpus.name == tmp_path.name and corpus.issues == ()


def test_files_in_a_list_keep_their_own_folders_clips_and_ids(tmp_path):
    for folder in ("x", "y"):
        write(
            tmp_path / folder / "t.csv", [{"text": "Hi", "mood": "joy", "key": "1", "f": "1.wav", "s": "train"}]
        )
        (tmp_path / folder / "1.wav").touch()
    columns = {"id": "key", "audio": "f", "split": "s"}
    corpus = read(tmp_path, with_audio=True, file=["x/t.csv", "y/t.csv"], name="talks", **columns)
    assert [u.id for u in corpus] == ["x/t/1", "y/t/1"] and corpus.name == "talks"
    assert [u.clip for u in corpus] == [Clip(tmp_path / folder / "1.wav") for folder in ("x", "y")]


def test_errors_name_the_file_of_several(tmp_path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", [{"text": "Hi", "s": "train"}])
    with pytest.raises(CorpusError, match=r"b\.csv has no column 'mood'; it has: text, s"):
        read(tmp_path, file=["a.csv", "b.csv"], split="s")
    write(tmp_path / "b.csv", [ROWS[0] | {"s": "later"}])
    with pytest.raises(CorpusError, match=r"b\.csv: row 1 has 'later' in 's'"):
        read(tmp_path, file=["a.csv", "b.csv"], split="s")
    with pytest.raises(CorpusError, match=r"no table .*c\.csv"):
        read(tmp_path, file=["a.csv", "c.csv"], split="s")
    write(tmp_path / "b.csv", [{"text": "Hi", "mood": "joy", "split": "train"}])
    with pytest.raises(CorpusError, match=r"b\.csv is given as a split and also has a column 'split'"):
        read(tmp_path, file={"train": "a.csv", "test": "b.csv"})
    with pytest.raises(RecipeError, match="names several files; give their folder"):
        read(tmp_path / "a.csv", file=["a.csv", "b.csv"], split="s")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": []}, "give a file, a list of files, or one each"),
        ({"file": {"dev": "a.csv"}}, "give a file, a list of files, or one each"),
        ({"file": {"train": "a.csv", "eval": "b.csv"}}, "give a file, a list of files, or one each"),
        ({"file": 7}, "give a file, a list of files, or one each"),
        ({"file": {"train": "a.csv", "test": "b.csv"}, "split": "s"}, "'file' names the splits already"),
        ({"encoding": "klingon"}, "it is not a known encoding"),
    ],
)
def test_a_recipe_with_invalid_files_is_rejected(change, message):
    with pytest.raises(RecipeError, match=message):
        Recipe.parse({"name": "r", "data": {"reader": "table", "table": {"label": "mood"} | change}})


@pytest.mark.parametrize("file", ["a.csv", ["a.csv", "b.csv"], {"train": "a.csv", "dev": "b.csv"}])
def test_a_recipe_with_any_number_of_files_is_the_same_after_saving(file):
    recipe = Recipe.parse({"name": "r", "data": {"reader": "table", "table": {"label": "mood", "file": file}}})
    assert Recipe.parse(recipe.to_dict()) == recipe


def test_integer_ids_with_decimal_zeros_are_normalized_and_reported(tmp_path):
    rows = [
        row | {"key": f"{n}.0", "who": who} for n, (row, who) in enumerate(zip(ROWS, ("7", "7.0"), strict=True))
    ]
    corpus = read(write(tmp_path / "t.csv", rows), id="key", speaker="who", split="s")
    assert [(u.id, u.speaker) for u in corpus] == [("0", "7"), ("1", "7")]
    assert [(issue.kind, issue.severity) for issue in corpus.issues] == [("ids_decimal", "note")] * 2
    rows = [ROWS[0] | {"key": "1.0"}, ROWS[1] | {"key": "v2"}]
    assert [u.id for u in read(write(tmp_path / "t.csv", rows), id="key", split="s")] == ["1.0", "v2"]


def test_ids_that_lost_digits_are_a_problem(tmp_path):
    rows = [row | {"who": who} for row, who in zip(ROWS, ("1.23457E+11", "1.23458E+11"), strict=True)]
    corpus = read(write(tmp_path / "t.csv", rows), speaker="who", split="s")
    (issue,) = corpus.issues
    assert (issue.kind, issue.severity) == ("ids_truncated", "problem") and "1.23457E+11" in issue.message


def test_the_encoding_of_a_table_can_be_set(tmp_path):
    (tmp_path / "t.csv").write_bytes("text,mood,s\nпривет,joy,train\n".encode("cp1251"))
    corpus = read(tmp_path / "t.csv", split="s", encoding="cp1251")
    assert [u.text for u in corpus] == ["привет"] and corpus.issues == ()
