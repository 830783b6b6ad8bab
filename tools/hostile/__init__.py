"""Hostile inputs: valid ones with seeded changes, sent to everything that reads files or requests."""

import shutil

SHARES = {
    "media": 15,
    "decoding": 1,
    "tables": 20,
    "recipes": 12,
    "arrays": 8,
    "archives": 10,
    "hdf5": 7,
    "annotations": 15,
    "models": 4,
    "onnx": 2,
    "requests": 5,
    "streams": 1,
}
"""Check → its share of all cases, in percent; those that load a model or start a process are slower."""
PROGRAMS = {"decoding": "ffmpeg"}
"""Check → the program that it compares with."""


def find_missing_program(name: str) -> str:
    """Return the program that a check needs and that is not installed; empty if there is none."""
    program = PROGRAMS.get(name)
    return program if program and shutil.which(program) is None else ""
