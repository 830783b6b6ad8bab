"""Numbers as people and spreadsheets write them, with points or commas, and never guessed."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import CorpusError
from sentir.files.cells import normalize_decimal_marks, parse_number, parse_numbers


@pytest.mark.parametrize(
    ("cell", "number"),
    [("0,75", 0.75), ("-0,5", -0.5), ("1,5e3", 1500), ("1.234,5", 1234.5), ("1,234.5", 1234.5),
     ("1,234,567", 1234567), ("1.234.567", 1234567), ("0,125", 0.125), ("1,2345", 1.2345), ("1.234", 1.234),
     ("1,234", None), ("1,2,3", None), ("1.2.3", None), (",", None), ("1,234.567,8", None), ("12,34,567", None)],
)  # fmt: skip
def test_a_cell_is_a_number_if_it_is_unambiguous(cell, number):
    assert parse_number(cell) == number


@pytest.mark.parametrize(
    ("cells", "numbers", "ambiguous"),
    [
        (["0,5", "1,234", "", "x"], [0.5, 1.234, None, None], None),
        (["0.5", "1,234"], [0.5, None], (2, "1,234")),
        (["0,5", "1.234"], [0.5, None], (2, "1.234")),
        (["0,5", "0.5", "1,234", "1.234"], [0.5, 0.5, None, None], (3, "1,234")),
        (["0.5", "1.234"], [0.5, 1.234], None),
        (["1,234", "5"], [None, 5], (1, "1,234")),
    ],
)
def test_a_column_determines_its_decimal_mark(cells, numbers, ambiguous):
    assert parse_numbers(cells) == numbers
    refused = (
        pytest.raises(CorpusError, match="row {} has '{}'".format(*ambiguous)) if ambiguous else nullcontext()
    )
    with refused:
        normalize_decimal_marks("t.csv", [{"v": cell} for cell in cells], ["v"])


VALUES = st.lists(st.integers(-(10**9), 10**9).map(lambda n: n / 1000), max_size=9)


@given(values=VALUES)
def test_a_column_with_decimal_commas_is_read_correctly(values):
    cells = [f"{value:.3f}".replace(".", ",") for value in values] + ["0,5"]
    rows = [{"v": cell} for cell in cells]
    assert parse_numbers(cells) == [*values, 0.5]
    normalize_decimal_marks("t.csv", rows, ["v"])
    assert [float(row["v"]) for row in rows] == [*values, 0.5]


@given(values=VALUES)
def test_grouped_thousands_are_never_read_as_another_number(values):
    for cell, value in ((f"{value:,.2f}", round(value, 2)) for value in values):
        assert parse_number(cell) == value
        assert parse_number(cell.translate(str.maketrans(".,", ",."))) == value


def test_an_ambiguous_number_is_rejected_with_its_row(tmp_path):
    rows = [{"v": "0.5"}, {"v": "1,234"}]
    with pytest.raises(CorpusError, match=r"t\.csv: row 2 has '1,234' in 'v', whose mark may be decimal"):
        normalize_decimal_marks("t.csv", rows, ["v"])
