"""Tables cut into parts: the inputs of all parts are those of the whole table, and dialogues stay whole."""

import csv
import io
import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentir.recognizer import table_shards
from sentir.recognizer.input_tables import InputColumns, read_table
from sentir.recognizer.table_shards import cut_table

COLUMNS = ("key", "text", "speaker", "scene", "turn", "score", "clip")
GIVEN = InputColumns(id="key", dialogue="scene", turn="turn", audio="clip")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(table_shards, "TEXTS_PER_SHARD", 3)
    monkeypatch.setattr("sentir.files.table_streams._BATCH_ROWS", 4)


def make_rows(n, dialogue):
    cells = ("1,5", "2.000,5", "7", "x", "")
    return [
        {"key": f"k{i}", "text": f'¿Qué "tal", n.º {i}?\n' * (i % 3) + "fin", "speaker": "Ana" if i % 2 else "",
         "scene": dialogue(i), "turn": str(-i), "score": cells[i % 5], "clip": "no.wav"}
        for i in range(n)
    ]  # fmt: skip


def write(path: Path, rows):
    if path.suffix == ".parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=5)
    elif path.suffix == ".jsonl":
        lines = [json.dumps({k: v for k, v in row.items() if v}) for row in rows]
        path.write_text("\ufeff" + "\n\n".join([*lines[:4], "broken", *lines[4:]]) + "\n", encoding="utf-8")
    else:
        text = io.StringIO(newline="")
        separator = "\t" if path.suffix == ".tsv" else ";" if "semicolon" in path.name else ","
        writer = csv.DictWriter(text, rows[0], delimiter=separator, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_bytes(text.getvalue().encode("utf-8-sig" if path.suffix == ".tsv" else "utf-8"))
    return path


def read_parts(path, columns=GIVEN):
    return [part.read(columns, {}) for part in cut_table(path, columns, {})]


NAMES = ("a.csv", "a.tsv", "semicolon.csv", "a.jsonl", "a.parquet")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("dialogue", "num_parts"),
    [
        (lambda i: f"d{i // 2}", 5),
        (lambda i: "" if i % 5 else f"d{i}", 6),
        (lambda i: f"d{min(i, 19 - i)}", 1),  # the first and the last row are of one dialogue
        (lambda i: f"d{i % 2 + i // 8 * 2}", 3),  # two dialogues at a time
    ],
)
def test_the_parts_have_the_inputs_of_the_whole_table(tmp_path, name, dialogue, num_parts):
    path = write(tmp_path / name, make_rows(20, dialogue))
    parts = read_parts(path)
    assert [*chain(*parts)] == read_table(path, GIVEN, {})
    is_conversation = name == "a.jsonl" and not dialogue(1)
    assert abs(len(parts) - (1 if is_conversation else num_parts)) <= 1
    assert (len(parts) == 1) == (num_parts == 1 or is_conversation)
    seen = [{one.utterance.dialogue for one in part} for part in parts]
    assert len(set().union(*seen)) == sum(map(len, seen))


def test_decimal_marks_are_those_of_the_whole_column(tmp_path):
    rows = [{"text": "a", "x": "1,234", "y": "1.234"} for _n in range(9)] + [
        {"text": "b", "x": "0,5", "y": "2.5"}
    ]
    parts = read_parts(write(tmp_path / "a.csv", rows), InputColumns())
    assert len(parts) > 2 and parts[0][0].utterance.numeric_features == {"x": 1.234, "y": 1.234}


def assert_parts_are_the_whole(path):
    """The parts have the rows of the whole table, or fail with its error."""
    outcomes = []
    for read in (
        lambda: [*chain(*read_parts(path, InputColumns()))],
        lambda: read_table(path, InputColumns(), {}),
    ):
        try:
            outcomes.append(read())
        except Exception as error:  # noqa: BLE001 (the same error)
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "content",
    [
        b"text,n\na,1\nb\n",  # too few cells
        b'text,n\n"a,1\nb,2\nc,3\n',  # a quote that swallows rows
        'text,n\n"a\nb",1\nñ,2\n'.encode("cp1252"),
        "text,n\na,1\n".encode("utf-16"),
        b"text\na\nb\n",
        b"text,n,\na,1,\nb,2,\n",
    ],
)
def test_what_cannot_be_cut_is_read_whole(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert_parts_are_the_whole(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(st.sampled_from(['"', ",", ";", "\n", "\r\n", "a", "é", " ", "1", '""', "\t"]), max_size=30),
    separator=st.sampled_from(",;"),
)
def test_any_text_gives_the_same_rows_or_the_same_error(tmp_path, content, separator):
    path = tmp_path / "any.csv"
    path.write_bytes(f"text{separator}b\r\n{''.join(content)}".encode())
    assert_parts_are_the_whole(path)
