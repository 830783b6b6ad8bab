"""Files are replaced atomically."""

import errno
import os
import time

import pytest

from sentir.errors import SentirError
from sentir.io import atomic_write, make_writable_folder, write_errors


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


def test_old_drafts_of_killed_processes_are_deleted_and_all_other_files_kept(tmp_path):
    def name_of_draft():
        with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "table.csv") as draft:
            raise KeyboardInterrupt
        return draft.name

    old, young = name_of_draft(), name_of_draft()
    others = ["table.csv", ".table.part.csv", "film.part1.rar", ".hidden.12345678.parts.csv"]
    for name in (old, young, *others):
        (tmp_path / name).write_text("half")
        if name != young:
            os.utime(tmp_path / name, (time.time() - 2 * 86_400,) * 2)
    make_writable_folder(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([young, *others])


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free some disk space"), (errno.EROFS, "make it writable"), (errno.EIO, "check the path")],
)
def test_what_cannot_be_written_is_named_with_what_to_do(tmp_path, number, advice):
    path = tmp_path / "table.csv"
    message = rf"table\.csv cannot be written: {os.strerror(number)}; {advice}"
    with pytest.raises(SentirError, match=message), write_errors(path):
        raise OSError(number, "")
