"""What the commands are given: a spoken corpus as a table, recipes that train in a second, and small models."""

from __future__ import annotations

import atexit
import copy
import csv
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from audio_files import tone, write_wav
from tiny_corpora import TINY_NETWORK, spoken_corpus, stacking_on_text

from faults.commands import home_folder, run
from sentir import api
from sentir.corpus.corpus import Corpus
from sentir.recipe import Recipe, dump_toml, merge_settings
from sentir.testing import make_tiny_text_backbone

Settings = dict[str, Any]
_COLUMNS = ("id", "split", "dialogue", "speaker", "text", "audio", "label")
_AUDIO = {"backbone": TINY_NETWORK, "pretrained": False, "max_seconds": 2}
_STUDY = {"seeds": [0, 1], "baselines": ["majority", "bag of words"]}


@cache
def shared_inputs() -> Inputs:
    """Return inputs in a temporary folder, the same for all checks of a process."""
    folder = tempfile.TemporaryDirectory(prefix="inputs-")
    atexit.register(folder.cleanup)
    return Inputs(Path(folder.name))


class Inputs:
    """Inputs below a folder; models are made when they are first asked for.

    Attributes:
        root: folder of the corpus: ``corpus.csv`` and its clips.
        recording: a WAV of 24 seconds with pauses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.root = folder / "corpus"
        self.root.mkdir(parents=True)
        corpus = spoken_corpus(self.root / "clips")
        self.table = _write_table(corpus, self.root / "corpus.csv")
        self._weights = make_tiny_text_backbone("roberta-base", folder / "weights", [u.text for u in corpus])
        pause = np.zeros(16_000, np.float32)
        talk = np.concatenate([part for n in range(8) for part in (tone(2, 200 + 150 * n), pause)])
        self.recording = write_wav(folder / "talk.wav", talk, 16_000)

    def copy(self, folder: Path) -> Inputs:
        """Copy all inputs, with the models made so far, to a new folder."""
        shutil.copytree(self._folder, folder)
        copied = copy.copy(self)
        copied._folder, copied._weights = folder, folder / "weights"
        copied.root, copied.table = folder / "corpus", folder / "corpus" / "corpus.csv"
        copied.recording = folder / "talk.wav"
        return copied

    def recipe(self, kind: str, **changes: Settings) -> Path:
        """Write a recipe; ``changes`` are overrides.

        Args:
            kind: ``text``, ``audio``, ``stacked``, ``study``, ``tune``, or ``unsplit``, with a random split.
            changes: of its tables.
        """
        path = self._folder / f"{kind}.toml"
        tree = merge_settings(self._settings(kind), changes)
        path.write_text(dump_toml(Recipe.parse(tree).to_dict()), encoding="utf-8")
        return path

    def _settings(self, kind: str) -> Settings:
        names = ("text",) if kind == "unsplit" else _COLUMNS[:-1]
        columns = {"file": "corpus.csv", "label": "label"} | {name: name for name in names}
        text = {"backbone": "roberta-base", "weights": str(self._weights), "hidden_size": 16, "dropout": 0.2}
        shared: Settings = {
            "name": kind,
            "data": {"reader": "table", "table": columns},
            "model": text,
            "train": {"epochs": 3, "patience": 3, "batch_size": 8, "lr": 0.01},
            "evaluation": {"resamples": 100, "permutations": 100},
        }
        kinds: dict[str, Settings] = {
            "text": {},
            "unsplit": {},
            "audio": {"data": {"audio": True}, "model": {"kind": "emotion_model", "audio": _AUDIO}},
            "study": {"study": _STUDY},
            "tune": {"tune": {"trials": 6, "space": {"train.lr": {"low": 1e-3, "high": 1e-1, "log": True}}}},
        }
        kinds["stacked"] = merge_settings(kinds["audio"], stacking_on_text(self._weights))
        return merge_settings(shared, kinds[kind])

    def fill_caches(self, home: Path) -> None:
        """Put the caches that training on text and on audio leaves into a home."""
        filled = self._folder / "caches"
        for kind in ("text", "audio") if not filled.exists() else ():
            run(["train", self.recipe(kind), "--root", self.root, "--out", kind], filled)
        for name in ("cache", "audio"):
            shutil.copytree(home_folder(filled) / name, home / name, ignore=shutil.ignore_patterns(".in-use"))

    def model(self, name: str) -> Path:
        """Return the folder of the model that a recipe trains, or, for ``NAME-onnx``, of its export."""
        folder = self._folder / "models" / name
        if folder.exists():
            return folder
        if name.endswith("-onnx"):
            api.export_model(self.model(name.removesuffix("-onnx")), folder, root=self.root)
        else:
            api.train(self.recipe(name), root=self.root, out=folder)
        return folder


def _write_table(corpus: Corpus, path: Path) -> Path:
    labels = {u.id: u.labels for u in corpus} | dict(corpus.sealed._reveal()[0])  # of a synthetic corpus
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        for u in corpus:
            clip = u.clip.path.relative_to(path.parent) if u.clip else ""
            table.writerow([u.id, u.split, u.dialogue, u.speaker, u.text, clip, *labels[u.id]["emotion"]])
    return path
