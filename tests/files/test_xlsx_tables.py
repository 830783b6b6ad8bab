"""Workbooks: typed cells become text, ignored sheets are reported, and damaged files are rejected."""

import datetime as dt
import re
import sys
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentir.errors import CorpusError, MissingDependencyError
from sentir.files import xlsx_tables
from sentir.files.tables import load_rows


def save_workbook(path, **sheets):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def test_typed_cells_become_text_and_empty_last_columns_are_dropped(tmp_path):
    day = dt.datetime(2024, 1, 5)
    rows = [
        ["id", "when", "at", "happy", "score", "text", None],
        [1, day, day.replace(hour=9, minute=30), True, 0.75, "  ¿sí?\nno ", None],
        [None] * 7,
        [2, None, dt.time(0, 0, 5), False, 3, "x", None],
    ]
    assert load_rows(save_workbook(tmp_path / "t.xlsx", a=rows)) == [
        {"id": "1", "when": "2024-01-05", "at": "2024-01-05 09:30:00", "happy": "true", "score": "0.75",
         "text": "  ¿sí?\nno "},
        {"id": "2", "when": "", "at": "00:00:05", "happy": "false", "score": "3", "text": "x"},
    ]  # fmt: skip


def test_the_first_sheet_that_is_not_empty_is_read_and_the_others_are_reported(tmp_path):
    issues = []
    path = save_workbook(tmp_path / "t.xlsx", empty=[], talks=[["a", "b"], ["1", "2"]], notes=[["x", "y"]])
    assert load_rows(path, issues=issues) == [{"a": "1", "b": "2"}]
    (issue,) = issues
    assert (issue.kind, issue.severity) == ("sheets_ignored", "note") and "'talks'" in issue.message
    assert "notes" in issue.message and "empty" not in issue.message
    with pytest.raises(CorpusError, match="has no rows"):
        load_rows(save_workbook(tmp_path / "none.xlsx", a=[], b=[]))


def test_a_formula_without_a_result_is_rejected_with_its_row(tmp_path):
    path = save_workbook(tmp_path / "t.xlsx", a=[["text", "score"], ["x", 1], ["y", "=B2+1"]])
    with pytest.raises(CorpusError, match=r"t\.xlsx: row 3 of the sheet 'a' has a formula without a result"):
        load_rows(path)


def test_two_columns_of_one_name_are_rejected(tmp_path):
    with pytest.raises(CorpusError, match="two columns called 'a'"):
        load_rows(save_workbook(tmp_path / "t.xlsx", s=[["a", "a"], [1, 2]]))


def test_without_openpyxl_the_error_names_the_extra(tmp_path, monkeypatch):
    path = save_workbook(tmp_path / "t.xlsx", a=[["x"], [1]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    message = r"Reading .xlsx needs openpyxl; install with: pip install 'sentir\[xlsx\]'"
    with pytest.raises(MissingDependencyError, match=message):
        load_rows(path)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    rows = [["a", "b"], ["x", 1], [True, dt.datetime(2024, 1, 5)]]
    return save_workbook(tmp_path_factory.mktemp("intact") / "t.xlsx", a=rows).read_bytes()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_workbook_is_read_or_rejected_but_never_crashes(tmp_path, intact, data):
    path, damaged = tmp_path / "t.xlsx", bytearray(intact)
    for _flip in range(data.draw(st.integers(1, 4))):
        offset = data.draw(st.integers(0, len(intact) - 1))
        damaged[offset] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged[: data.draw(st.sampled_from([len(intact), len(intact) // 2, 9]))])
    try:
        assert all(isinstance(cell, str) for row in load_rows(path) for cell in row.values())
    except CorpusError as error:
        assert "\n" not in str(error)


def rewrite(path, name, change):
    """Change the text of one file of a workbook."""
    with zipfile.ZipFile(path) as book:
        files = {one: book.read(one) for one in book.namelist()}
    files[name] = change(files[name].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for one, content in files.items():
            book.writestr(one, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def test_the_size_that_a_sheet_declares_is_ignored(tmp_path):
    path = save_workbook(tmp_path / "t.xlsx", a=[["text", "n"], ["hi", 1]])
    rewrite(path, SHEET, lambda xml: re.sub('ref="A1:B2"', 'ref="A1:XFD1048576"', xml))
    assert load_rows(path) == [{"text": "hi", "n": "1"}]


WIDE = "".join(f'<row r="{n}"><c r="ZZZ{n}"><v>1</v></c></row>' for n in range(3, 20))
LONG = f"<row r='3'><c r='A3' t='inlineStr'><is><t>{'a' * 10**6}</t></is></c></row>"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('<row r="2"', '<row r="99999999999"', "it has more than 1000 rows"),
        ("</sheetData>", f"{WIDE}</sheetData>", "it has more than 100000 cells"),
        ("</sheetData>", f"{LONG}</sheetData>", "beyond 100 times the size of the archive"),
    ],
    ids=["row number", "columns", "bomb"],
)
def test_a_small_workbook_cannot_become_a_huge_table(tmp_path, old, new, reason, monkeypatch):
    for limit, value in (("_MAX_ROWS", 1000), ("_MAX_CELLS", 100_000), ("_FREE_BYTES", 10**5)):
        monkeypatch.setattr(xlsx_tables, limit, value)
    path = save_workbook(tmp_path / "t.xlsx", a=[["text", "n"], ["hi", 1]])
    with pytest.raises(CorpusError, match=reason):
        load_rows(rewrite(path, SHEET, lambda xml: xml.replace(old, new)))
