"""A file is whole or the older one stays."""

import os

import pytest

from sentir.io import atomic_write


def test_a_file_takes_the_place_of_the_older_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with atomic_write(path) as draft:
        assert draft.suffix == ".csv" and draft.parent == tmp_path
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_what_fails_leaves_the_older_file_and_no_draft(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(type(error)), atomic_write(path) as draft:
        draft.write_text("half")
        raise error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["table.csv"]


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = tmp_path / ("n" * 251 + ".csv")
    with atomic_write(path) as draft:
        draft.write_text("whole")
    assert os.listdir(tmp_path) == [path.name]


def test_nothing_written_is_an_error_and_the_older_file_stays(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_write(path):
        pass
    assert path.read_text() == "old"
