"""Quoting and literal quotes: no row is swallowed, no cell of several lines is split."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.files.delimited import parse_delimited

SWALLOWING = (
    "id\ttext\temotion\n1\tI love this\tjoy\n"
    '2\t"Hello there he said\tneutral\n3\twhat a mess\tanger\n4\tso sad\tsadness\n5\tok I\'m done"\tanger\n'
    "6\tgreat news\tjoy\n7\tnothing\tneutral\n"
)


def test_a_literal_quote_swallows_no_row():
    parsed = parse_delimited(SWALLOWING, "\t")
    assert [record[0] for record in parsed.records] == ["id", *"1234567"]
    assert [record[1] for record in parsed.records[2:6]] == [
        '"Hello there he said', "what a mess", "so sad", 'ok I\'m done"',
    ]  # fmt: skip
    assert parsed.literal_quote_lines == [3, 6] and not parsed.ambiguous_lines
    assert parsed.line_numbers == list(range(1, 9))
    (note,) = parsed.issues("t.tsv")
    assert (note.kind, note.severity, note.where) == ("quotes_literal", "note", "t.tsv")
    assert "3, 6" in note.message


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('id,text,mood\n1,"one\n\ntwo, three\n",joy\n2,x,ira\n',
         [["1", "one\n\ntwo, three\n", "joy"], ["2", "x", "ira"]]),
        ('text,mood\n"one, two\nthree",joy\nfour,joy\n', [["one, two\nthree", "joy"], ["four", "joy"]]),
        ('id,text\n1,"x\ny, z"\n2,w\n', [["1", "x\ny, z"], ["2", "w"]]),
        ('text\n"one\ntwo"\nthree\n', [["one\ntwo"], ["three"]]),
    ],
)  # fmt: skip
def test_cells_of_several_lines_are_kept_and_reported_where_their_lines_could_be_rows(text, records):
    parsed = parse_delimited(text, ",")
    assert parsed.records[1:] == records and not parsed.literal_quote_lines and not parsed.error
    assert [issue.kind for issue in parsed.issues("t")] == (
        ["quotes_ambiguous"] if parsed.ambiguous_lines else []
    )
    assert bool(parsed.ambiguous_lines) == (len(records[0]) < 3)


@pytest.mark.parametrize(
    ("text", "records", "literal"),
    [
        ('a\tb\n"x" y\tjoy\nz\tira\n', [['"x" y', "joy"], ["z", "ira"]], [2]),
        ('a\tb\n"x\tjoy\nz\tira\n', [['"x', "joy"], ["z", "ira"]], [2]),
        ('a\tb\n"x\tjoy\n"z\tira\n', [['"x', "joy"], ['"z', "ira"]], [2, 3]),
        ('a\tb\n"p\tq"\tjoy\n"x\tira\n', [["p\tq", "joy"], ['"x', "ira"]], [3]),
        ('a\tb\n5" tall\tjoy\n', [['5" tall', "joy"]], []),
    ],
)
def test_a_line_with_invalid_quotes_is_read_literally(text, records, literal):
    parsed = parse_delimited(text, "\t")
    assert (parsed.records[1:], parsed.literal_quote_lines, parsed.error) == (records, literal, None)


def test_an_invalid_line_is_reported_by_number():
    assert parse_delimited('a,b\n1,2\n1,"x" y, z\n', ",").error == (3, "',' expected after '\"'")
    assert parse_delimited('mood\n"joy\n', ",").error[0] == 2


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='",'), min_size=1, max_size=6)
TEXTS = st.lists(PLAIN, min_size=1, max_size=4).map("\n".join)


@given(rows=st.lists(st.tuples(PLAIN, TEXTS, PLAIN), min_size=1, max_size=8))
def test_whatever_a_csv_writer_quotes_is_read_back(rows):
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("a", "b", "c"), *rows])
    parsed = parse_delimited(file.getvalue(), ",")
    assert [tuple(record) for record in parsed.records[1:]] == rows and not parsed.literal_quote_lines
    assert parsed.line_numbers[-1] == sum(text.count("\n") + 1 for _a, text, _c in rows) + 1


@given(st.lists(st.tuples(st.text('ab" ', max_size=5), st.sampled_from(["joy", "ira"])), min_size=1, max_size=9))
def test_no_line_of_a_writer_that_never_quotes_is_lost_silently(rows):
    lines = [f"{n}\t{text}\t{mood}" for n, (text, mood) in enumerate(rows)]
    parsed = parse_delimited("\n".join(["id\ttext\tmood", *lines]) + "\n", "\t")
    assert len(parsed.records) == len(lines) + 1 or parsed.ambiguous_lines
