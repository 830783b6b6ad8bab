"""Numbers as people and spreadsheets write them: by points or commas, never by a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import CorpusError
from sentir.files.cells import find_ambiguous_number, normalize_decimal_marks, parse_number, parse_numbers


@pytest.mark.parametrize(
    ("cell", "number"),
    [("0,75", 0.75), ("-0,5", -0.5), ("1,5e3", 1500), ("1.234,5", 1234.5), ("1,234.5", 1234.5),
     ("1,234,567", 1234567), ("1.234.567", 1234567), ("0,125", 0.125), ("1,2345", 1.2345), ("1.234", 1.234),
     ("1,234", None), ("1,2,3", None), ("1.2.3", None), (",", None), ("1,234.567,8", None), ("12,34,567", None)],
)  # fmt: skip
def test_a_cell_is_a_number_where_it_can_be_only_one(cell, number):
    assert parse_number(cell) == number


@pytest.mark.parametrize(
    ("cells", "numbers", "doubtful"),
    [
        (["0,5", "1,234", "", "x"], [0.5, 1.234, None, None], None),
        (["0.5", "1,234"], [0.5, None], (2, "1,234")),
        (["0,5", "1.234"], [0.5, None], (2, "1.234")),
        (["0,5", "0.5", "1,234", "1.234"], [0.5, 0.5, None, None], (3, "1,234")),
        (["0.5", "1.234"], [0.5, 1.234], None),
        (["1,234", "5"], [None, 5], (1, "1,234")),
    ],
)
def test_a_column_tells_what_marks_its_decimals(cells, numbers, doubtful):
    assert parse_numbers(cells) == numbers and find_ambiguous_number(cells) == doubtful


VALUES = st.lists(st.integers(-(10**9), 10**9).map(lambda n: n / 1000), max_size=9)


@given(values=VALUES)
def test_a_column_written_in_spanish_is_read_as_it_was_meant(values):
    cells = [f"{value:.3f}".replace(".", ",") for value in values] + ["0,5"]
    rows = [{"v": cell} for cell in cells]
    assert parse_numbers(cells) == [*values, 0.5]
    normalize_decimal_marks("t.csv", rows, ["v"])
    assert [float(row["v"]) for row in rows] == [*values, 0.5]


@given(values=VALUES)
def test_marks_of_thousands_are_read_or_refused_and_never_another_number(values):
    for cell, value in ((f"{value:,.2f}", round(value, 2)) for value in values):
        assert parse_number(cell) == value
        assert parse_number(cell.translate(str.maketrans(".,", ",."))) == value


def test_a_number_that_may_be_two_is_refused_with_its_row(tmp_path):
    rows = [{"v": "0.5"}, {"v": "1,234"}]
    with pytest.raises(CorpusError, match=r"t\.csv: row 2 has '1,234' in 'v', where the mark may part thousands"):
        normalize_decimal_marks("t.csv", rows, ["v"])
