"""Labels of CMU-MOSEI in HDF5: damaged files, links elsewhere, and data sets of impossible sizes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from hostile.mutation import mutate_bytes
from hostile.running import Attempt
from sentir.readers.mosei.csd import _read_csd

_VIDEOS = ("v1", "v2", "v3")


def prepare(home: Path) -> Attempt:
    """Return an attempt at a hostile file."""
    import h5py

    path, elsewhere = home / "CMU_MOSEI_Labels.csd", home / "elsewhere.h5"
    with h5py.File(path, "w") as file:
        for video in _VIDEOS:
            _add_video(file.create_group(f"All Labels/data/{video}"))
    with h5py.File(elsewhere, "w") as file:
        _add_video(file.create_group("stolen"))
    np.zeros((3, 7), np.float32).tofile(home / "raw.bin")
    content = path.read_bytes()

    def attempt(rng: random.Random, folder: Path) -> str:
        target = folder / path.name
        target.write_bytes(content)
        if rng.random() < 0.4:
            with h5py.File(target, "r+") as file:
                _change(rng, file, home)
        else:
            target.write_bytes(mutate_bytes(rng, content))
        segments = _read_csd(target, {}, issues := [])
        assert not any(segment.video == "evil" for segment in segments), "data of another file"
        return "accepted" if segments or not issues else "refused"

    return attempt


def _add_video(group: Any) -> None:
    group["features"] = np.zeros((3, 7), np.float32)
    group["intervals"] = np.array([[0, 1], [1, 2], [2, 3.5]], np.float32)


def _change(rng: random.Random, file: Any, home: Path) -> None:
    import h5py

    data = file["All Labels/data"]
    evil: Any = data.create_group("evil") if rng.random() < 0.7 else None
    match rng.randrange(9) if evil is not None else rng.randrange(9, 12):
        case 0:
            evil["features"], evil["intervals"] = (
                h5py.ExternalLink(str(home / "elsewhere.h5"), "stolen/features"),
                [[0, 1]],
            )
        case 1:
            for name, width in (("features", 7), ("intervals", 2)):
                evil.create_dataset(
                    name, (3, width), np.float32, external=[(str(home / "raw.bin"), 0, 3 * width * 4)]
                )
        case 2:
            evil["features"] = h5py.SoftLink("/All Labels/data/v1/features")
            evil["intervals"] = h5py.ExternalLink(str(home / "elsewhere.h5"), "stolen/intervals")
        case 3:
            shape = rng.choice(((10**12, 7), (2**40, 7), (0, 7), (3, 7, 10**6), (3,)))
            evil.create_dataset("features", shape, np.float32, chunks=True)
            evil["intervals"] = np.zeros((3, 2), np.float32)
        case 4:
            kind = rng.choice(
                (h5py.string_dtype(), h5py.vlen_dtype(np.float32), np.dtype("O") and h5py.ref_dtype, "S9", "c16")
            )
            evil.create_dataset("features", (3, 7), kind)
            evil["intervals"] = np.zeros((3, 2), np.float32)
        case 5:
            layout = h5py.VirtualLayout((3, 7), np.float32)
            layout[...] = h5py.VirtualSource(str(home / "elsewhere.h5"), "stolen/features", (3, 7))
            evil.create_virtual_dataset("features", layout)
            evil["intervals"] = np.array([[0, 1], [1, 2], [2, 3]], np.float32)
        case 6:
            evil["features"], evil["intervals"] = np.full((3, 7), np.nan), np.full((3, 2), np.inf)
            del file["All Labels/data/evil/intervals"]
        case 7:
            evil["intervals"] = h5py.SoftLink("/All Labels/data/evil/features")
        case 8:
            evil.create_group("features")
            evil["intervals"] = evil["features"].name
        case 9:
            data["evil"] = h5py.ExternalLink(str(home / "elsewhere.h5"), "stolen")
        case 10:
            data["loop"] = data
        case 11:
            del file["All Labels"]
            file["All Labels"] = h5py.ExternalLink(str(home / "elsewhere.h5"), "/")
