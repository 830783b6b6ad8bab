"""Small recognizers of every kind of input, trained and exported once for all tests of a run."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from tiny_corpora import spoken_recipe, stacking_on_text, tiny_recipe

from sentir.corpus.corpus import Corpus
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer
from sentir.testing.tiny_speech import make_tiny_speech_backbone

BACKENDS = ("torch", "onnx")
SETTINGS: Mapping[str, tuple[Callable[..., Recipe], dict[str, Any]]] = {
    "text": (tiny_recipe, {"model": {"features": ["lexical"], "context": "window"}}),
    "dialogue": (
        tiny_recipe,
        {"model": {"features": ["tabular"], "context": "dialogue", "dialogue": {"speakers": True},
                   "encoder": "finetune", "auxiliary_tasks": ["feelings"]}},
    ),
    "multimodal": (
        spoken_recipe,
        {"model": {"kind": "multimodal", "max_length": 12, "features": ["functionals"], "fusion": "concat",
                   "speaker_normalization": True},
         "train": {"epochs": 1}},
    ),
    "speech": (spoken_recipe, {"model": {"speaker_normalization": True}, "train": {"epochs": 1}}),
    "stacked": (spoken_recipe, {"data": {"task": "feelings"}, "train": {"epochs": 1}}),
}  # fmt: skip
"""Name → recipe and its changes: single- and multi-label, auxiliary tasks, every context, both modalities."""


class TrainedModels:
    """Folders of trained models; processes that test side by side share them.

    Args:
        folder: that they share.
        weights: of the text encoder.
        corpora: recipe → the corpus that it is trained on.
    """

    def __init__(self, folder: Path, weights: Path, corpora: Mapping[Callable[..., Recipe], Corpus]) -> None:
        self._home, self._weights, self._corpora = folder, weights, corpora
        self.load = cache(self._load)

    def folder(self, name: str, backend: str) -> Path:
        """Return the folder of a model, which is trained, or exported, if it was not yet."""
        folder = self._home / name / backend
        folder.parent.mkdir(exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not (folder / "sentir.json").exists():
                (self._train if backend == "torch" else self._export)(name, folder)
        return folder

    def _load(self, name: str, backend: str) -> Recognizer:
        return Recognizer.from_pretrained(self.folder(name, backend))

    def _train(self, name: str, folder: Path) -> None:
        from sentir.study.stacking import train_recognizer

        recipe, changes = SETTINGS[name]
        if name == "stacked":
            changes = changes | stacking_on_text(self._weights, folds=2)
        if name == "speech":
            backbone = make_tiny_speech_backbone("wav2vec2", self._home / "wav2vec2")
            audio = {"audio": {"backbone": str(backbone), "pretrained": True}}
            changes = changes | {"model": changes["model"] | audio}
        trained, _dev = train_recognizer(recipe(self._weights, **changes), self._corpora[recipe])
        trained.save_pretrained(folder)

    def _export(self, name: str, folder: Path) -> None:
        from sentir.export.exporting import exported

        corpus = self._corpora[SETTINGS[name][0]]
        with exported(self.load(name, "torch"), [u.blind() for u in corpus.dev], inputs="dev") as (ours, _report):
            ours.save_pretrained(folder)
