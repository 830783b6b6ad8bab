"""``.npy`` and ``.npz`` files: spectrograms, arrays of stores and baselines."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hostile.mutation import mutate_bytes
from hostile.running import Attempt
from sentir.array_files import load_arrays, open_array
from sentir.audio.thesis_mel import load_thesis_mel

_DTYPES = (
    "'<f4'",
    "'|O'",
    "'<f8'",
    "'<i8'",
    "'<U9'",
    "[('a', '<f4'), ('a', '<f4')]",
    "'<m8[ns]'",
    "__import__('os')",
    "'V0'",
)
_SHAPES = (
    "(224, 224)",
    "(10000000000,)",
    "(-1,)",
    "()",
    "(2, 9223372036854775807)",
    "(2.5,)",
    "[3]",
    "(" * 300,
    "0",
)


def prepare(home: Path) -> Attempt:
    """Return an attempt at a damaged file."""
    seeds = [
        _npy(np.zeros((224, 224), np.float32)),
        _npy(np.arange(9, dtype=np.int64)),
        _npy(np.array(["a", "bc"])),
    ]
    archives = [_npz(a=np.arange(50.0), b=np.ones((3, 4), np.float32)), _npz(logits=np.zeros(3))]
    pickled, bomb = io.BytesIO(), _bomb()
    np.save(pickled, np.array([Path("x")], dtype=object), allow_pickle=True)

    def attempt(rng: random.Random, folder: Path) -> str:
        donors = (*seeds, *archives, pickled.getvalue())
        donor = rng.choice(donors)
        content = _with_header(rng) if rng.random() < 0.25 else mutate_bytes(rng, donor, donors)
        if rng.random() < 0.2:
            content = _zip_of(rng, content)
        elif rng.random() < 0.01:
            content = bomb if rng.random() < 0.5 else mutate_bytes(rng, bomb)
        path = folder / "x.npy"
        path.write_bytes(content)
        outcomes = [_read(open_array, path), _read(load_arrays, path)]
        load_thesis_mel(path)
        return "accepted" if any(outcomes) else "refused"

    return attempt


def _read(read: Any, path: Path) -> bool:
    """Return whether a file was read; an `OSError` or `ValueError` is what the function promises."""
    try:
        read(path)
    except (OSError, ValueError):
        return False
    return True


def _with_header(rng: random.Random) -> bytes:
    header = (
        f"{{'descr': {rng.choice(_DTYPES)}, 'fortran_order': {rng.choice(('False', 'True', '0', 'None'))}, "
        f"'shape': {rng.choice(_SHAPES)}, }}"
    ).encode()
    return (
        b"\x93NUMPY\x01\x00"
        + len(header).to_bytes(2, "little")
        + header
        + bytes(rng.choice((0, 64, 224 * 224 * 4)))
    )


def _zip_of(rng: random.Random, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name in rng.choices(("a.npy", "../a.npy", "", "logits.npy", "x"), k=rng.choice((1, 2))):
            archive.writestr(name or "y.npy", content)
    return mutate_bytes(rng, out.getvalue()) if rng.random() < 0.3 else out.getvalue()


def _bomb() -> bytes:
    """Return an archive of 600 kB whose array takes 600 MB."""
    out = io.BytesIO()
    header = b"\x93NUMPY\x01\x00\x46\x00{'descr': '|u1', 'fortran_order': False, 'shape': (600000000,) , }    \n"
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.npy", "w", force_zip64=True) as file,
    ):
        file.write(header)
        for _block in range(60):
            file.write(bytes(10**7))
    return out.getvalue()


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()
