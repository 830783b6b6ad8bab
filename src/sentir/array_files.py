"""NumPy's files, which may be damaged: each failure is an `OSError` or a `ValueError`, nothing is unpickled.

NumPy evaluates the header of an array as a Python literal, and so fails in many other ways.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0, read_magic
from numpy.typing import NDArray

from sentir.i18n import _

MAX_UNPACKED_BYTES = 2**29  # of an .npz, which is read into memory: those of baselines have some megabytes
_OTHER_ERRORS = (
    EOFError, OverflowError, SyntaxError, TokenError, TypeError, RecursionError, MemoryError,  # of the header
    BadZipFile, KeyError, NotImplementedError, RuntimeError, zlib.error,  # of the archive
)  # fmt: skip


def open_array(path: Path, mode: Literal["r", "c"] = "r") -> NDArray[Any]:
    """Map the array of a ``.npy`` file to memory, so that an excessive shape allocates nothing.

    Args:
        path: of the file.
        mode: ``r`` to read only, ``c`` to change it in memory only.

    Raises:
        OSError: if it cannot be opened.
        ValueError: if it is damaged.
    """
    with _report_damage(), np.errstate(over="ignore"):
        _refuse_empty_items(path)
        return np.lib.format.open_memmap(path, mode=mode)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file by name.

    Raises:
        OSError: if it cannot be opened.
        ValueError: if it is damaged, one of its arrays is pickled, or they take more than `MAX_UNPACKED_BYTES`.
    """
    with _report_damage():
        with path.open("rb") as start:
            if start.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
                raise ValueError(_("it is one array, not an archive"))
        with np.load(path, allow_pickle=False) as file:
            if (size := sum(member.file_size for member in file.zip.infolist())) > MAX_UNPACKED_BYTES:
                raise ValueError(_("its arrays would take {n} MB of memory", n=size // 2**20))
            return {name: file[name] for name in file.files}


def _refuse_empty_items(path: Path) -> None:
    """Refuse an array whose items have no bytes: NumPy divides by their size when it maps one, and crashes."""
    with path.open("rb") as file:
        read_header = read_array_header_1_0 if read_magic(file) == (1, 0) else read_array_header_2_0
        _shape, _is_fortran, dtype = read_header(file)
    if dtype.itemsize == 0:
        raise ValueError(_("its items have no bytes"))


@contextmanager
def _report_damage() -> Iterator[None]:
    try:
        yield
    except _OTHER_ERRORS as error:
        raise ValueError(str(error) or type(error).__name__) from error
