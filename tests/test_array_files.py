"""Arrays of untrusted files: each failure is a ValueError, and nothing is unpickled or larger than it may be."""

import zipfile

import numpy as np
import pytest

from sentir import array_files
from sentir.array_files import load_arrays, open_array


def test_arrays_are_read_by_name(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(3), b=np.ones((2, 2)))
    arrays = load_arrays(tmp_path / "a.npz")
    assert set(arrays) == {"a", "b"} and arrays["a"].tolist() == [0, 1, 2]


def test_arrays_that_would_fill_the_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "MAX_UNPACKED_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**6))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_given: pytest.fail("an array is read"))
    with pytest.raises(ValueError, match="its arrays would take 7 MB of memory"):
        load_arrays(tmp_path / "a.npz")


def test_a_single_array_is_not_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(ValueError, match="one array, not an archive"):
        load_arrays(tmp_path / "a.npy")


@pytest.mark.parametrize("descr", ["'V0'", "'<U0'", "'|S0'", "[]"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_arrays_of_items_without_bytes_are_refused_and_do_not_crash(tmp_path, descr, version):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (2, 3), }}".encode()
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + header + bytes(64))
    with pytest.raises(ValueError):
        open_array(path)
    with pytest.raises(ValueError, match="one array"):
        load_arrays(path)
