"""Every table format, intact and damaged."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from saved_tables import FEATURES, TABLE, save, save_parts

from sentir.errors import CorpusError
from sentir.files.cells import parse_list, parse_number, to_cell
from sentir.files.tables import load_rows

READ = [
    {"text": "á", "mood": "joy", "moods": '["sadness", "joy"]'},
    {"text": "", "mood": "sadness", "moods": "[]"},
    {"text": "b", "mood": "", "moods": ""},
]


def assert_rejected(path, message):
    with pytest.raises(CorpusError, match=message) as error:
        load_rows(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shards", [1, 2])
def test_a_folder_of_datasets_is_read_with_class_names(tmp_path, shards):
    assert load_rows(save(tmp_path / "d", shards=shards)) == READ


def test_the_splits_of_a_folder_are_a_column(tmp_path):
    rows = load_rows(save_parts(tmp_path / "d", train=TABLE, validation=TABLE.slice(0, 1)))
    assert rows == [row | {"split": "train"} for row in READ] + [READ[0] | {"split": "validation"}]


def test_parquet_with_class_names_in_its_schema_is_read_with_them(tmp_path):
    metadata = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    pq.write_table(TABLE.replace_schema_metadata(metadata), tmp_path / "t.parquet")
    assert load_rows(tmp_path / "t.parquet") == READ
    pq.write_table(TABLE, tmp_path / "t.parquet")
    assert [row["mood"] for row in load_rows(tmp_path / "t.parquet")] == ["1", "0", "-1"]


def test_embedded_clips_are_read_as_their_names(tmp_path):
    pq.write_table(pa.table({"audio": [{"bytes": b"RIFF", "path": "a.wav"}, None]}), tmp_path / "t.parquet")
    assert load_rows(tmp_path / "t.parquet") == [{"audio": "a.wav"}, {"audio": ""}]


def test_an_incomplete_folder_is_rejected(tmp_path):
    assert_rejected(save(tmp_path / "a", _data_files=[{"filename": "gone.arrow"}]), "gone.arrow is damaged")
    assert_rejected(
        save(tmp_path / "b", _indices_data_files=[{"filename": "i.arrow"}]), "load it and save it again"
    )
    assert_rejected(save(tmp_path / "c", pa.table({"mood": [7]})), "'7' in 'mood' is not one of its 2 classes")
    assert_rejected(save_parts(tmp_path / "d", train=pa.table({"split": ["x"]})), "also a column 'split'")
    (save(tmp_path / "e") / "state.json").write_text("[")
    assert_rejected(tmp_path / "e", "state.json is damaged")
    (tmp_path / "f").mkdir()
    assert_rejected(tmp_path / "f", "folder saved by 'datasets'")
    assert_rejected(tmp_path / "none.csv", "There is no table")
    assert_rejected(save(tmp_path / "g", _data_files=[]), "has no rows")


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["t.parquet", "d/data-00000-of-00001.arrow", "d/state.json"]))
def test_a_damaged_file_is_read_or_rejected_but_never_crashes(tmp_path, data, kind):
    if not (tmp_path / "d").exists():
        save(tmp_path / "d")
        pq.write_table(TABLE, tmp_path / "t.parquet")
    path = tmp_path / kind
    intact = bytearray(path.read_bytes())
    damaged = bytearray(intact)
    for _flip in range(data.draw(st.integers(1, 4))):
        offset = data.draw(st.integers(0, len(intact) - 1))
        damaged[offset] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged[: data.draw(st.sampled_from([len(intact), len(intact) // 2, 9]))])
    try:
        rows = load_rows(tmp_path / kind.split("/")[0])
        assert all(isinstance(cell, str) for row in rows for cell in row.values())
    except CorpusError as error:
        assert "\n" not in str(error)
    finally:
        path.write_bytes(intact)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3),
)
LINES = st.lists(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), VALUES, min_size=1), min_size=1
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=LINES)
def test_every_json_line_is_a_row_and_missing_keys_are_empty(tmp_path, objects):
    path = tmp_path / "t.jsonl"
    path.write_text("\n\n".join(json.dumps(one) for one in objects), encoding="utf-8")
    rows = load_rows(path)
    names = {name for one in objects for name in one}
    assert len(rows) == len(objects) and all(row.keys() == names for row in rows)
    for row, one in zip(rows, objects, strict=True):
        assert row == {name: to_cell(one.get(name)) for name in row}
        assert all(json.loads(row[name]) == value for name, value in one.items() if isinstance(value, list))


def test_types_may_be_mixed_within_a_column_of_json_lines(tmp_path):
    lines = [{"a": 1}, {"a": "one"}, {"a": True}, {"a": None}, {"a": float("nan")}, {"a": ["x", 1]}, {"b": 0.5}]
    path = tmp_path / "t.ndjson"
    path.write_text("\r\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert [row["a"] for row in load_rows(path)] == ["1", "one", "true", "", "", '["x", 1]', ""]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n[1]', "line 2: this is not a JSON object"),
        ('{"a": 1}\n{"a": ', "line 2: this is not a JSON object"),
        ("[" * 100_000, "line 1: this is not a JSON object"),
        ('{"a": 1, "a": 2}', "line 1: the key 'a' is repeated"),
        ('{"a": {"b": 1}}', "row 1 cannot be read in 'a': it is a nested object"),
        ('{"a": [[1]]}', "row 1 cannot be read in 'a': it is a list of lists"),
        ('{"a": "\\ud83d"}', "lone surrogate"),
        ('{"a": ["\\ud83d"]}', "lone surrogate"),
        ("\n\n", "has no rows"),
    ],
)
def test_invalid_json_lines_are_rejected_by_line_or_row(tmp_path, content, message):
    (tmp_path / "t.jsonl").write_text(content)
    assert_rejected(tmp_path / "t.jsonl", message)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_cells_survive_every_separator_and_encoding(tmp_path, cells, separator, encoding):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("a", "b", "ñ o"), *cells])
    path = tmp_path / "t.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    assert [tuple(row.values()) for row in load_rows(path)] == cells


def test_another_separator_is_used_only_if_the_own_one_does_not_fit(tmp_path):
    def read(content, name="t.csv"):
        (tmp_path / name).write_text(content)
        return load_rows(tmp_path / name)

    assert read('text;mood\n"Hi; you, ""too""";joy\n1,5;ira\n')[0] == {"text": 'Hi; you, "too"', "mood": "joy"}
    assert read("a,b;c\n1,2;3\n")[0] == {"a": "1", "b;c": "2;3"}
    assert read("a,b\n1,2\n", "t.tsv")[0] == {"a": "1", "b": "2"}
    assert read("text\nhi; you\n")[0] == {"text": "hi; you"}
    with pytest.raises(CorpusError, match="row 1 has 2 cells"):
        read("text\nhi, you\n")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_a_guessed_encoding_is_reported(tmp_path, encoding):
    issues = []
    (tmp_path / "t.csv").write_bytes("texto,emoción\nhola,alegría\n".encode(encoding))
    assert load_rows(tmp_path / "t.csv", issues=issues) == [{"texto": "hola", "emoción": "alegría"}]
    assert [issue.kind for issue in issues] == ["file_encoding"]


def test_unnamed_columns_are_dropped_if_empty_and_else_named_by_position(tmp_path):
    def read(content):
        (tmp_path / "t.csv").write_text(content)
        return load_rows(tmp_path / "t.csv")

    assert read("a,b,,\n1,2,,\n3,4,,\n") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert read("a,b\n1,2,,\n3,4\n") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert read(",b,\n1,2,x\n") == [{"column 1": "1", "b": "2", "column 3": "x"}]
    with pytest.raises(CorpusError, match="row 1 has 2 cells, the header 1"):
        read("text\nhi,\n")


def test_two_columns_of_one_name_are_rejected_in_every_format(tmp_path):
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "t.parquet")
    assert_rejected(tmp_path / "t.parquet", "two columns called 'a'")
    assert_rejected(save(tmp_path / "d", pa.table([[1], [2]], names=["a", "a"])), "two columns called 'a'")


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("[]", []),
        ('["joy", "fear"]', ["joy", "fear"]),
        ("['joy', \"fear\"]", ["joy", "fear"]),
        ("[1, 0]", ["1", "0"]),
        ('[null, " ", "joy"]', ["joy"]),
        ("['joy' 'fear']", None),
        ("[laughs]", None),
        ('[["joy"]]', None),
        ("joy", None),
        ("", None),
    ],
)
def test_a_list_is_parsed_as_json_or_python(cell, items):
    assert parse_list(cell) == items


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1.5", 1.5), (" -2 ", -2), ("18446744073709551615", 2**64), ("1e308", None), ("-inf", None), ("nan", None),
     ("1_0", None), ("", None), ("0,5", 0.5)],
)  # fmt: skip
def test_a_number_is_finite_and_plain(cell, number):
    assert parse_number(cell) == number


@pytest.mark.parametrize(
    "table",
    [{"text": pa.nulls(10**6)}, {"text": pa.array(["a" * 10**4] * 11_000)}],
    ids=["rows of nothing", "one long text many times"],
)
def test_a_small_parquet_file_cannot_become_a_huge_table(tmp_path, table):
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    assert_rejected(tmp_path / "t.parquet", "hold no table of this size")
