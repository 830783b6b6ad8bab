"""Annotation files of every format that is read as turns, and the documents that corrections are made in."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hostile.mutation import mutate_bytes, mutate_text, mutate_tree, to_json
from hostile.running import Attempt
from sentir.timelines.document import Source, Turn
from sentir.timelines.formats import FORMATS, read_turns, save_timeline
from sentir.timelines.timeline import Timeline

_TOKENS = (
    "[joy 0.5]", "<v Ana>", "Ana:", "00:00:01,000 --> 00:00:02,000", "SPEAKER a 1 0.1 1e400 <NA> <NA> x <NA>",
    "99:99:99",
    "<TIER/>", "<TIME_SLOT/>", 'xmin = "', "intervals [99999999]:", "class = \"TextTier\"", "NOTE", "STYLE",
    "1e400", "nan",
)  # fmt: skip
_OTHERS = {
    "whisper.json": {
        "segments": [{"start": 0, "end": 1.5, "text": "hi", "words": [{"word": "hi", "speaker": "A"}]}]
    },
    "list.json": [
        {"start": 0, "end": 1, "speaker": "A", "text": "x", "labels": ["joy"], "probabilities": {"joy": 1.0}}
    ],
}


def prepare(home: Path) -> Attempt:
    """Return an attempt at a damaged annotation file."""
    turns = (
        Turn(
            0.5, 2.25, "Ana", "Hi there", ("joy",), {"joy": 0.9, "anger": 0.1}, confidence=0.9, notes=("short",)
        ),
        Turn(
            2.5,
            3.0,
            "Bo",
            "No!\nNever",
            ("anger",),
            {"joy": 0.2, "anger": 0.8},
            confidence=0.8,
            values={"valence": -1.0},
        ),
        Turn(3.5, 4.0, None, "¿Qué?", problem="no audio"),
    )
    timeline = Timeline(turns, Source("talk.wav", "0" * 64, 5.0), "emotion", ("joy", "anger"))
    files: dict[str, bytes] = {}
    for name, one in FORMATS.items():
        if one.is_read:
            one.write(timeline, home / f"{name}{one.suffix}")
            files[f"{name}{one.suffix}"] = (home / f"{name}{one.suffix}").read_bytes()
    files |= {name: json.dumps(tree).encode() for name, tree in _OTHERS.items()}
    names = sorted(files)

    def attempt(rng: random.Random, folder: Path) -> str:
        name = rng.choice(names)
        (folder / name).write_bytes(_damage(rng, name, files[name]))
        if name.startswith("json.") and rng.random() < 0.5:
            Timeline.from_json((folder / name).read_text(encoding="utf-8", errors="replace")).to_json()
            return "accepted"
        turns = tuple(read_turns(folder / name, rng.choice(("", "talk.wav", "other"))))
        read = Timeline(turns, Source("talk.wav"), "emotion", ("joy",))
        read.to_json()
        save_timeline(read, folder / f"out{rng.choice(list(FORMATS.values())).suffix}")
        return "accepted"

    return attempt


def _damage(rng: random.Random, name: str, content: bytes) -> bytes:
    if name.endswith(".parquet"):
        return mutate_bytes(rng, content[:-1000]) + mutate_bytes(rng, content[-1000:])
    text = content.decode()
    if name.endswith(".json") and rng.random() < 0.8:
        return to_json(rng, mutate_tree(rng, json.loads(text)))
    if name.endswith(".jsonl") and rng.random() < 0.8:
        return b"\n".join(to_json(rng, mutate_tree(rng, json.loads(line))) for line in text.splitlines())
    return mutate_text(rng, text, _TOKENS)
