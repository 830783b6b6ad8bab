"""Predictions as a table: the user's columns are kept, and files are written atomically."""

import csv
import errno
import json
import os
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir import io, write_predictions
from sentir.api import Prediction
from sentir.api.prediction_files import require_not_an_input
from sentir.corpus.predictions import TaskPrediction
from sentir.errors import SentirError

SUFFIXES = ("csv", "tsv", "parquet", "jsonl", "xlsx")
CELLS = {"id": "007", "text": 'He said "hi",\n\tñ 😀', "label": "gold", "P_Joy": "1", "sum": "=1+1"}
PREDICTED = Prediction(
    "007",
    CELLS["text"],
    "Ana",
    ("joy",),
    {"joy": 0.75, "anger": 0.25},
    confidence=0.75,
    abstain=False,
    cells=CELLS,
)
FAILED = Prediction(
    "8", "", None, (), {}, problem="The text is empty.", notes=("One.", "Two."), cells={"id": "8"}
)
NEW_COLUMNS = ["sentir_label", "confidence", "sentir_p_joy", "p_anger", "abstain", "problem", "notes"]


def read(path):
    """Return the rows of a table, with empty cells as ``None``."""
    if path.suffix in (".csv", ".tsv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    elif path.suffix == ".parquet":
        rows = pd.read_parquet(path).to_dict("records")
    else:
        rows = pd.read_excel(path, dtype=object, keep_default_na=False).to_dict("records")
    return [{key: None if pd.isna(cell) or cell == "" else cell for key, cell in row.items()} for row in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_row_and_column_is_kept_and_taken_names_get_a_prefix(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    names = write_predictions([FAILED, PREDICTED, FAILED], path)
    rows = read(path)
    assert [row["id"] for row in rows] == ["8", "007", "8"]
    assert list(rows[0]) == [*CELLS, *NEW_COLUMNS] and [*names.values()] == NEW_COLUMNS
    assert {column: rows[1][column] for column in CELLS} == CELLS
    assert rows[1]["sentir_label"] == "joy" and rows[1]["problem"] is None
    assert float(rows[1]["confidence"]) == float(rows[1]["sentir_p_joy"]) == 0.75
    assert str(rows[1]["abstain"]).lower() == "false"
    assert rows[0]["problem"] == "The text is empty." and rows[0]["notes"] == "One. Two."
    assert all(rows[0][name] is None for name in NEW_COLUMNS[:5]) and rows[0]["text"] is None
    assert sorted(os.listdir(tmp_path)) == [path.name]


def test_written_predictions_can_be_predicted_and_written_again(tmp_path):
    write_predictions([PREDICTED], tmp_path / "one.csv")
    (again,) = read(tmp_path / "one.csv")
    cells = {key: cell or "" for key, cell in again.items()}
    write_predictions([replace(PREDICTED, cells=cells)], tmp_path / "two.csv")
    (twice,) = read(tmp_path / "two.csv")
    assert {key: twice[key] for key in again} == again
    assert list(twice)[len(again) :] == [
        "sentir_sentir_label", "sentir_confidence", "sentir_sentir_p_joy", "sentir_p_anger",
        "sentir_abstain", "sentir_problem", "sentir_notes",
    ]  # fmt: skip


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=4), max_size=4), min_size=1, max_size=4))
def test_no_cell_of_the_user_is_lost_whatever_its_name(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("any")
    rows = [replace(PREDICTED, id=str(n), cells={"id": str(n), **one}) for n, one in enumerate(cells)]
    names = write_predictions(rows, folder / "a.jsonl")
    written = [json.loads(line) for line in (folder / "a.jsonl").read_text("utf-8").split("\n") if line]
    assert len(written) == len(rows)
    for row, prediction in zip(written, rows, strict=True):
        assert {key: row[key] for key in prediction.cells} == prediction.cells
        assert row[names["label"]] == "joy" and row[names["p_joy"]] == 0.75
    assert len({name.casefold() for name in names.values()}) == len(names)


def test_values_and_other_tasks_have_columns_of_their_names(tmp_path):
    number = Prediction("a", "hi", None, (), {}, values={"sentiment": 1.5}, cells={"id": "a"})
    other_tasks = {
        "mood": TaskPrediction(("calm", "glad"), {"calm": 0.5, "glad": 0.5}, {}),
        "age": TaskPrediction((), {}, {"age": 7.0}),
    }
    rows = [replace(number, other_tasks=other_tasks, table=table) for table in ("a.csv", "")]
    write_predictions(rows, tmp_path / "a.csv")
    row = read(tmp_path / "a.csv")[0]
    assert row == {
        "id": "a", "sentiment": "1.500000", "mood.label": "calm|glad", "mood.p_calm": "0.500000",
        "mood.p_glad": "0.500000", "age.age": "7.000000", "problem": None, "notes": None, "table": "a.csv",
    }  # fmt: skip


def test_a_workbook_keeps_texts_unchanged_and_notes_a_truncated_cell(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    cells = {"id": "1", "a": "=HYPERLINK()", "b": "#N/A", "c": "x" * 40_000, "d": "bell\a", "e": "2024-01-01"}
    write_predictions([replace(PREDICTED, cells=cells)], tmp_path / "a.xlsx")
    header, row = openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows()
    found = {name.value: cell for name, cell in zip(header, row, strict=True)}
    assert all(found[name].data_type == "s" for name in cells)
    assert (found["a"].value, found["b"].value, found["e"].value) == ("=HYPERLINK()", "#N/A", "2024-01-01")
    assert len(found["c"].value) == 32_767 and "'c' was truncated" in found["notes"].value
    assert found["p_joy"].value == 0.75 and "bell" in found["d"].value


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("when", ["sync", "rename"])
def test_a_full_disk_keeps_the_older_file_and_is_reported(tmp_path, monkeypatch, suffix, when):
    path = tmp_path / f"out.{suffix}"
    path.write_bytes(b"older")

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((io, "fsync") if when == "sync" else (os, "replace")), full)
    with pytest.raises(SentirError, match=rf"out\.{suffix} cannot be written: No space left on device"):
        write_predictions([PREDICTED], path)
    assert path.read_bytes() == b"older" and os.listdir(tmp_path) == [path.name]


def test_the_target_of_a_link_is_replaced(tmp_path):
    (tmp_path / "real.csv").write_text("older", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_predictions([PREDICTED], tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink() and len(read(tmp_path / "real.csv")) == 1


def test_another_suffix_is_rejected(tmp_path):
    with pytest.raises(
        SentirError, match=r"written as \.csv, \.tsv, \.parquet, \.jsonl, \.xlsx, not as .*a\.txt"
    ):
        write_predictions([PREDICTED], tmp_path / "a.txt")


def test_an_input_is_never_overwritten_under_any_name(tmp_path, monkeypatch):
    path = tmp_path / "mine.csv"
    path.write_text("text\nHi.\n", encoding="utf-8")
    (tmp_path / "soft.csv").symlink_to(path)
    os.link(path, tmp_path / "hard.csv")
    monkeypatch.chdir(tmp_path)
    names = (path, tmp_path / "soft.csv", tmp_path / "hard.csv", "mine.csv", f"../{tmp_path.name}/mine.csv")
    for name in names:
        with pytest.raises(SentirError, match="is an input; choose another file for --out"):
            require_not_an_input(type(path)(name), [tmp_path / "other.csv", path])
    require_not_an_input(tmp_path / "new.csv", [path])
