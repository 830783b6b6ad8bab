"""Saved models whose files are damaged or foreign: each loads and predicts, or is refused."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

from hostile.checks.trained import train
from hostile.mutation import mutate_bytes, mutate_tree, to_json
from hostile.running import Attempt
from sentir.corpus.utterances import Utterance
from sentir.recognizer.recognizer import Recognizer


def prepare(home: Path, backend: str = "torch") -> Attempt:
    """Return an attempt at a damaged folder."""
    models = train()
    folders = [models.folder(name, backend) for name in ("text", "multimodal")]
    files = {folder: [path for path in sorted(folder.rglob("*")) if path.is_file()] for folder in folders}
    for folder in folders:
        Recognizer.from_pretrained(folder).predict("I am happy")

    def attempt(rng: random.Random, folder: Path) -> str:
        source = rng.choice(folders)
        target = folder / "model"
        shutil.copytree(source, target, copy_function=os.link)
        for _change in range(rng.choice((1, 1, 1, 2))):
            original = rng.choice(files[source])
            path = target / original.relative_to(source)
            path.unlink(missing_ok=True)
            path.write_bytes(_damage(rng, original, [one.read_bytes() for one in files[rng.choice(folders)][:3]]))
        if rng.random() < 0.1:
            (target / "encoder" / "modeling_x.py").write_text("raise SystemExit('code was run')")
        recognizer = Recognizer.from_pretrained(target)
        recognizer.predict_utterances([Utterance("one", text="I am happy"), Utterance("two", text="")])
        return "accepted"

    return attempt


def _damage(rng: random.Random, path: Path, donors: list[bytes]) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".json" and rng.random() < 0.85:
        return to_json(rng, mutate_tree(rng, json.loads(content)))
    return mutate_bytes(rng, content, donors)
