"""A baseline in a folder, to predict with where it wins: ``sentir.json``, ``model.safetensors`` and a card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.documents import Document, Part
from sentir.errors import CorpusError, RecipeError
from sentir.features.scaling import Scaler
from sentir.i18n import _, in_language
from sentir.io import replacing, write_text
from sentir.recipe import Recipe
from sentir.recognizer.card import CARD_FILES, intended_use
from sentir.recognizer.prediction_mixin import Answering
from sentir.recognizer.saving import FACTS, incomplete
from sentir.safe_text import json_text
from sentir.study.baseline_heads import Head
from sentir.study.baselines import NEEDS, Fitted, answers

_FORMAT, _ARRAYS, _WEIGHTS = 1, "model.safetensors", "word_weights"


@dataclass(frozen=True)
class Simple(Answering):
    """A fitted baseline with everything between an utterance and its labels.

    It stands where a `sentir.recognizer.recognizer.Recognizer` may, for predicting, scoring and comparing.
    """

    name: str
    recipe: Recipe
    space: LabelSpace
    fitted: Fitted
    thresholds: NDArray[np.float64] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    calibration: None = None
    also: tuple[()] = ()

    @property
    def needs(self) -> frozenset[str]:
        """What of an utterance it takes: ``text``, ``sound``, or either."""
        return NEEDS.get(self.name, frozenset({"sound"}))

    @property
    def tolerates(self) -> frozenset[str]:
        """Either, where it takes neither to answer."""
        return self.needs if len(self.needs) > 1 else frozenset()

    def predict_utterances(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict N utterances, each by itself."""
        return answers(self.name, self.fitted, self.space, utterances)

    def predict_tasks(self, utterances: Sequence[Utterance], *, tell: bool = True) -> dict[str, Predictions]:
        """Predict N utterances in its one task."""
        return {self.space.task: self.predict_utterances(utterances)}

    def save_pretrained(self, folder: Path) -> None:
        """Save as one folder without pickles.

        Raises:
            OSError: if the folder cannot be written.
        """
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        fitted = self.fitted
        arrays = {name: np.ascontiguousarray(array) for name, array in fitted.head.arrays.items()}
        arrays |= {} if fitted.weights is None else {_WEIGHTS: np.ascontiguousarray(fitted.weights)}
        tree = {
            "baseline": self.name,
            "format": _FORMAT,
            "recipe": self.recipe.tree(),
            "space": asdict(self.space),
            "thresholds": None if self.thresholds is None else self.thresholds.tolist(),
            "head": fitted.head.kind,
            "cleaning": list(fitted.steps),
            "words": None if fitted.words is None else list(fitted.words),
            "scaler": None if fitted.scaler is None else fitted.scaler.to_dict(),
            "facts": dict(self.facts),
        }
        (folder / FACTS).unlink(missing_ok=True)  # written last: a save that was killed is no model
        with replacing(folder / _ARRAYS) as draft:
            save_file(arrays, draft)
        for code, file in CARD_FILES.items():
            with in_language(code):
                write_text(folder / file, self._card())
        write_text(folder / FACTS, json_text(tree))

    def _card(self) -> str:
        about = _(
            "A simple baseline, {name}, fitted on train of {corpus}. No trained candidate of its study did "
            "better on dev.", name=self.name, corpus=self.facts.get("corpus", "?"),
        )  # fmt: skip
        parts = (Part(_("What it is"), (about,)), Part(_("Intended use"), intended_use()))
        return Document(f"{self.facts.get('corpus', '')} · {self.space.task} · {self.name}", parts).to_markdown()

    @classmethod
    def from_pretrained(cls, folder: Path) -> Simple:
        """Load what `save_pretrained` wrote.

        Raises:
            RecognizerError: if the folder is damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tree = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            arrays = load_file(folder / _ARRAYS)
            weights = arrays.pop(_WEIGHTS, None)
            scaler = TypeAdapter(Scaler | None).validate_python(tree["scaler"])
            words = None if tree["words"] is None else tuple(tree["words"])
            fitted = Fitted(Head(tree["head"], arrays), tuple(tree["cleaning"]), words, weights, scaler)
            cuts = None if tree["thresholds"] is None else np.array(tree["thresholds"], dtype=np.float64)
            recipe = Recipe.parse(tree["recipe"], where=str(folder / FACTS))
            return cls(tree["baseline"], recipe, LabelSpace.from_dict(tree["space"]), fitted, cuts, tree["facts"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, CorpusError, RecipeError) as error:
            raise incomplete(folder, FACTS, error) from error


def is_simple(folder: Path) -> bool:
    """Return whether a folder holds a saved baseline."""
    try:
        tree = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(tree, dict) and "baseline" in tree
