"""The content of a folder, to compare runs: everything but what tells the time of a run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sentir.audio.store_parts import StoreParts
from sentir.corpus.utterances import AudioFeatures

Snapshot = Mapping[str, str]
"""Path of a file → hash of its content."""
_VOLATILE_KEYS = frozenset(
    {"created", "first_opening", "num_interrupted", "peak_memory_mb", "seconds", "throughput", "when"}
)
"""Keys of JSON that hold a time or a duration, the memory that was used, or how often a run was killed."""
_TIME = re.compile(rb"20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( UTC|\+00:00)?|(?<=[> ])\d+ (s|min)\b")
_NOT_COMPARED = re.compile(r"trials\.jsonl|sources\.json|part-[0-9a-f]{32}\..*|\.run-.*")
"""Names of files that record each attempt with its process and time, of an audio store, and of who uses it."""


def take_snapshot(folder: Path) -> Snapshot:
    """Return the content of all files below a folder, hidden ones too."""
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and not _NOT_COMPARED.fullmatch(path.name)
    )
    return {path.relative_to(folder).as_posix(): _hash(path, folder) for path in files if path.is_file()}


def read_store(folder: Path) -> Snapshot:
    """Return the clips of the audio store in ``folder/store``: their parts have random names."""
    parts = StoreParts(folder / "store")
    return {key: _describe_clip(parts.load(key, mel_kind="mel", path=Path())) for key in parts._locations}


def _describe_clip(clip: AudioFeatures) -> str:
    descriptors = {name: float(value) for name, value in clip.descriptors.items()}
    mel = hashlib.sha256(np.ascontiguousarray(clip.mel).tobytes()).hexdigest()
    return repr((clip.problem, clip.seconds, clip.notes, descriptors, mel))


def make_drafts_old(folder: Path) -> None:
    """Set back the times of the drafts below a folder, and of released locks, by two days."""
    for path in (*folder.rglob(".*.part*"), *folder.rglob("*.rename"), *folder.rglob("*.beat")):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)


def describe_difference(expected: Snapshot, actual: Snapshot) -> str:
    """Return what differs between two snapshots; empty if nothing does."""
    parts = (
        ("missing", sorted(expected.keys() - actual.keys())),
        ("left behind", sorted(actual.keys() - expected.keys())),
        ("different", sorted(name for name in expected.keys() & actual.keys() if expected[name] != actual[name])),
    )
    return "; ".join(f"{what}: {', '.join(names[:5])}" for what, names in parts if names)


def _hash(path: Path, folder: Path) -> str:
    content = _TIME.sub(b"TIME", path.read_bytes().replace(str(folder).encode(), b"FOLDER"))
    if path.suffix == ".json":
        content = json.dumps(_without_times(json.loads(content)), sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(one) for key, one in value.items() if key not in _VOLATILE_KEYS}
    return [_without_times(one) for one in value] if isinstance(value, list) else value
