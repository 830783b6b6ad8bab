"""Labels in a table: lists in a cell, mapped names, numbers and booleans."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentir.errors import CorpusError, RecipeError
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe, TableSettings


def read(folder, cells, task="emotion", **columns):
    """Read one label cell per row, all of train."""
    path = folder / "t.jsonl"
    rows = [cell if isinstance(cell, dict) else {"mood": cell} for cell in cells]
    path.write_text("\n".join(json.dumps({"s": "train"} | row) for row in rows), encoding="utf-8")
    if "labels" not in columns:
        columns["label"] = "mood"
    return read_corpus(DataSettings(reader="table", task=task, table=TableSettings(split="s", **columns)), path)


def labels(corpus, task="emotion"):
    return [u.labels.get(task) for u in corpus]


def test_lists_are_several_labels_and_an_empty_list_is_no_label(tmp_path):
    corpus = read(tmp_path, [["miedo", "happy"], [], None, "['ira']", "tristeza", ["joy", "Joy"]])
    space = corpus.label_space("emotion")
    assert space.kind == "multi" and space.names == ("anger", "fear", "joy", "sadness")
    assert labels(corpus) == [("fear", "joy"), (), None, ("anger",), ("sadness",), ("joy",)]
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [("label_missing", "t/row3")]


@pytest.mark.parametrize(
    ("separator", "cell"), [("|", "joy|miedo"), (",", " joy , fear,"), ("and", "joy and fear")]
)
def test_a_separator_splits_several_labels(tmp_path, separator, cell):
    corpus = read(tmp_path, [cell, "ira", "", "[]"], label_separator=separator)
    assert labels(corpus) == [("fear", "joy"), ("anger",), None, ()]


def test_without_a_separator_the_whole_cell_is_the_name(tmp_path):
    with pytest.raises(CorpusError, match=r"joy\|fear \(2\)"):
        read(tmp_path, ["joy|fear", "joy", "joy|fear"])


WORDS = st.sampled_from(["joy", "alegría", "HAPPY", "miedo", "fear", "ang"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.one_of(st.none(), st.lists(WORDS, max_size=4)), min_size=1).filter(any))
def test_lists_and_separated_cells_are_equivalent(tmp_path, rows):
    lists = read(tmp_path, rows)
    joined = read(tmp_path, ["[]" if row == [] else "|".join(row or []) for row in rows], label_separator="|")
    assert labels(joined) == labels(lists) and joined.label_space("emotion") == lists.label_space("emotion")
    assert [row is None for row in rows] == [names is None for names in labels(lists)]


def test_the_recipe_maps_the_users_label_names(tmp_path):
    names = {"exc": "alegría", "fru": "frustration", "0": "neutral", "xxx": "", "Sad": "grief", "own": "my mood"}
    corpus = read(tmp_path, ["EXC", "fru", 0, "xxx", "Sad", "sad", "hap", "own"], names=names)
    first = [names and names[0] for names in labels(corpus)]
    assert first == ["joy", "frustration", "neutral", None, "grief", "grief", "joy", "my mood"]
    assert [issue.where for issue in corpus.issues] == ["t/row4"]


def test_label_names_of_other_tasks_are_mapped_too(tmp_path):
    corpus = read(tmp_path, ["1", "0", "meh"], task="interest", names={"1": "high", "0": "low"})
    assert labels(corpus, "interest") == [("high",), ("low",), ("meh",)]


@pytest.mark.parametrize("word", [0, "-1", "nan", "true", "exc", "none", "disgusto", "[laughs]"])
def test_unknown_labels_are_rejected_and_not_guessed(tmp_path, word):
    with pytest.raises(CorpusError, match=r"unknown labels of 'emotion'.*data\.table") as error:
        read(tmp_path, ["joy", word])
    assert f"{word} (1)" in str(error.value)


def test_many_unknown_labels_are_counted_and_the_list_is_truncated(tmp_path):
    with pytest.raises(CorpusError, match=r"w39 \(2\), w0 \(1\).*11 more;") as error:
        read(tmp_path, [*(f"w{n}" for n in range(40)), "w39", "x" * 10_000])
    assert len(str(error.value)) < 1000


def test_a_folded_word_is_never_another_number(tmp_path):
    with pytest.raises(CorpusError, match=r"labels of 'emotion': -1 \(1\)"):
        read(tmp_path, [1, -1], names={"1": "joy"})


def test_booleans_and_numbers_are_intensities_and_the_highest_of_a_label_counts(tmp_path):
    rows = [
        {"joy": True, "amused": 0, "ira": "0.0"},
        {"joy": "FALSE", "amused": 0.7, "ira": "3"},
        {"joy": "no", "amused": "mucho", "ira": 1},
        {"joy": "Sí", "amused": "", "ira": 0},
        {"joy": "falso", "amused": "0.2", "ira": "VERDADERO"},
    ]
    corpus = read(tmp_path, rows, labels=("joy", "amused", "ira"), names={"amused": "joy"}, threshold=0.5)
    assert labels(corpus) == [("joy",), ("anger", "joy"), None, None, ("anger",)]
    assert corpus.utterances[1].scores == {"anger": 3.0, "joy": 0.7}
    assert "No number in amused" in corpus.issues[0].message


def test_decimal_commas_are_determined_by_column(tmp_path):
    rows = [{"joy": joy, "fear": fear} for joy, fear in (("0,7", "1,125"), ("0,1", "0,5"))]
    corpus = read(tmp_path, rows, labels=("joy", "fear"), threshold=0.6)
    assert labels(corpus) == [("fear", "joy"), ()] and corpus.utterances[0].scores == {"joy": 0.7, "fear": 1.125}


def test_check_marks_and_empty_cells_mean_yes_and_no_which_is_reported(tmp_path):
    rows = [{"joy": "x", "fear": ""}, {"joy": "", "fear": "X "}, {"joy": "", "fear": ""}]
    corpus = read(tmp_path, rows, labels=("joy", "fear"))
    assert labels(corpus) == [("joy",), ("fear",), ()]
    (issue,) = corpus.issues
    assert (issue.kind, issue.severity) == ("empty_label_cells", "note") and "fear, joy" in issue.message
    corpus = read(tmp_path, [{"joy": "yes", "fear": "0.5"}, {"joy": "no", "fear": ""}], labels=("joy", "fear"))
    assert labels(corpus) == [("fear", "joy"), None]


def test_invalid_intensities_are_rejected(tmp_path):
    with pytest.raises(CorpusError, match="no row has a number in each of joy"):
        read(tmp_path, [{"joy": "mucho"}], labels=("joy",))
    with pytest.raises(CorpusError, match="row 1 has '1,234' in 'joy', whose mark may be decimal"):
        read(tmp_path, [{"joy": "1,234"}], labels=("joy",))
    with pytest.raises(CorpusError, match="unknown labels of 'emotion': meh; map"):
        read(tmp_path, [{"joy": 1, "meh": 1}], labels=("joy", "meh"))
    with pytest.raises(CorpusError, match="removes every column of 'labels'"):
        read(tmp_path, [{"joy": 1}], labels=("joy",), names={"joy": ""})


def test_a_separator_needs_a_label_column():
    table = {"labels": ["joy"], "label_separator": "|"}
    with pytest.raises(RecipeError, match="'label_separator' splits the cells of 'label'"):
        Recipe.parse({"name": "r", "data": {"reader": "table", "table": table}})


def test_a_feature_may_be_boolean(tmp_path):
    rows = [{"text": f"line {n}", "mood": "joy", "shouts": n % 2 == 0} for n in range(9)]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    table = TableSettings(label="mood", text="text", features=("shouts",), seed=2)
    corpus = read_corpus(DataSettings(reader="table", table=table), path)
    assert [u.numeric_features["shouts"] for u in corpus] == [float(row["shouts"]) for row in rows]
    assert {issue.kind for issue in corpus.issues} == {"split_generated"}
