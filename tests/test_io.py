"""Files are replaced atomically."""

import os

import pytest

from sentir.io import atomic_write


def test_a_file_replaces_the_older_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with atomic_write(path) as draft:
        assert draft.suffix == ".csv" and draft.parent == tmp_path
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_an_error_leaves_the_older_file_and_no_draft(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(type(error)), atomic_write(path) as draft:
        draft.write_text("half")
        raise error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["table.csv"]


def test_a_name_may_have_the_maximum_length(tmp_path):
    path = tmp_path / ("n" * 251 + ".csv")
    with atomic_write(path) as draft:
        draft.write_text("whole")
    assert os.listdir(tmp_path) == [path.name]


def test_writing_nothing_is_an_error_and_keeps_the_older_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_write(path):
        pass
    assert path.read_text() == "old"
