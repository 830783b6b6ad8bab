"""Saved baselines, which predict like a recognizer: ``sentir.json``, ``model.npz`` and a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from sentir.array_files import load_arrays
from sentir.corpus.label_spaces import label_space_from_dict
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.documents import Document, DocumentSection
from sentir.errors import CorpusError, RecipeError
from sentir.features.scaling import FeatureScaler
from sentir.i18n import _, use_language
from sentir.io import atomic_write, write_text
from sentir.preflight import METADATA_FILE, read_metadata
from sentir.recipe import ModelSettings, Recipe
from sentir.recognizer.card import CARD_FILES, intended_use
from sentir.recognizer.card_metadata import front_matter
from sentir.recognizer.enrollment import Enrollment
from sentir.recognizer.hub_upload import PushToHubMixin
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.recognizer.saved_facts import check_format, damaged_model_error, refuse_outdated_columns
from sentir.recognizer.saved_files import BASELINE_FILE
from sentir.safe_text import json_dumps
from sentir.study.baseline_heads import Head
from sentir.study.baselines import FittedBaseline, baseline_modalities, predict_fitted_baseline
from sentir.study.tfidf import TfidfFeatures

_FORMAT_VERSION, _IDF = 4, "idf"


@dataclass(frozen=True)
class BaselineModel(PredictionMixin, PushToHubMixin):
    """A fitted baseline with its preprocessing and thresholds.

    It can be used like a `sentir.recognizer.recognizer.Recognizer` to predict, score and compare.
    """

    name: str
    recipe: Recipe
    space: LabelSpace
    fitted: FittedBaseline
    thresholds: NDArray[np.float64] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    calibration: None = None
    auxiliary_tasks: tuple[()] = ()

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities that it uses: ``text``, ``audio``, or both."""
        return baseline_modalities(self.name)

    @property
    def optional_modalities(self) -> frozenset[str]:
        """The modalities that an utterance may lack: both of a baseline that uses neither."""
        return self.modalities if len(self.modalities) > 1 else frozenset()

    @property
    def model_settings(self) -> tuple[ModelSettings, ...]:
        """The settings of a model that depends on other turns where it does: a window, or nothing."""
        context = "none" if self.fitted.text is None else "window"
        return (self.recipe.model.model_copy(update={"context": context, "features": ()}),)

    def predict_utterances(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict N utterances; give whole dialogues to a bag of words, which uses the turn before each."""
        return predict_fitted_baseline(self.name, self.fitted, self.space, utterances)

    def predict_tasks(
        self,
        utterances: Sequence[Utterance],
        *,
        warn_truncated: bool = True,
        enrollment: Enrollment | None = None,
    ) -> dict[str, Predictions]:
        """Return task → predictions of N utterances, for its single task."""
        return {self.space.task: self.predict_utterances(utterances)}

    def save_pretrained(self, folder: Path) -> None:
        """Save as a folder, without pickle.

        Raises:
            OSError: if the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        fitted, text = self.fitted, self.fitted.text
        arrays: dict[str, Any] = {**fitted.head.arrays, **({} if text is None else {_IDF: text.idf})}
        tree = {
            "baseline": self.name,
            "format": _FORMAT_VERSION,
            "recipe": self.recipe.to_dict(),
            "space": asdict(self.space),
            "thresholds": None if self.thresholds is None else self.thresholds.tolist(),
            "head": fitted.head.kind,
            "text": None if text is None else {"cleaning": text.cleaning, "vocabularies": text.vocabularies},
            "scaler": None if fitted.scaler is None else fitted.scaler.to_dict(),
            "facts": dict(self.facts),
        }
        (folder / METADATA_FILE).unlink(missing_ok=True)  # written last: an interrupted save is no model
        with atomic_write(folder / BASELINE_FILE) as draft, draft.open("wb") as file:
            np.savez_compressed(file, **arrays)
        for code, name in CARD_FILES.items():
            with use_language(code):
                write_text(folder / name, (self._card_header() if code == "en" else "") + self._render_card())
        write_text(folder / METADATA_FILE, json_dumps(tree))

    def _card_header(self) -> str:
        return f"---\n{front_matter(self.recipe, self.space, self.facts, self.modalities)}\n---\n\n"

    def _render_card(self) -> str:
        description = _(
            "A simple baseline, {name}, fitted on train of {corpus}. No trained candidate of its study was "
            "better on dev.", name=self.name, corpus=self.facts.get("corpus", "?"),
        )  # fmt: skip
        sections = (
            DocumentSection(_("Description"), (description,)),
            DocumentSection(_("Intended use"), intended_use()),
        )
        return Document(
            f"{self.facts.get('corpus', '')} · {self.space.task} · {self.name}", sections
        ).to_markdown()

    @classmethod
    def from_pretrained(cls, folder: Path) -> BaselineModel:
        """Load what `save_pretrained` wrote.

        Raises:
            RecognizerError: if the folder is damaged or of another version.
        """
        try:
            tree = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
            check_format(folder / METADATA_FILE, tree, _FORMAT_VERSION)
            arrays = load_arrays(folder / BASELINE_FILE)
            text = None
            if tree["text"] is not None:
                names = {part: tuple(ngrams) for part, ngrams in tree["text"]["vocabularies"].items()}
                text = TfidfFeatures(tuple(tree["text"]["cleaning"]), names, arrays.pop(_IDF))
            scaler = TypeAdapter(FeatureScaler | None).validate_python(tree["scaler"])
            refuse_outdated_columns(folder, scaler)
            fitted = FittedBaseline(Head(tree["head"], arrays), text, scaler)
            thresholds = None if tree["thresholds"] is None else np.array(tree["thresholds"], dtype=np.float64)
            recipe = Recipe.parse(tree["recipe"], where=str(folder / METADATA_FILE))
            space = label_space_from_dict(tree["space"])
            return cls(tree["baseline"], recipe, space, fitted, thresholds, tree["facts"])
        except (OSError, KeyError, TypeError, ValueError, CorpusError, RecipeError) as error:
            raise damaged_model_error(folder, METADATA_FILE, error) from error


def is_baseline_model(folder: Path) -> bool:
    """Return whether a folder holds a saved baseline."""
    return "baseline" in read_metadata(folder)
