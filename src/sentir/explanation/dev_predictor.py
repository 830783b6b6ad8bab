"""Predictions for dev with modified inputs; encoders run once, so that further predictions cost the head only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import PredictionsError
from sentir.evaluation.aligned import AlignedRuns, align_by_id
from sentir.evaluation.clusters import assign_clusters
from sentir.evaluation.locked.ledger import get_labels
from sentir.evaluation.metrics import resolve_metric
from sentir.explanation.detached_copies import ReplayedEncoder, detached_copies
from sentir.i18n import _
from sentir.models.device import to_tensors
from sentir.preprocessing.kinds import attach_required_audio
from sentir.recognizer.inference import make_batches, predict_task
from sentir.recognizer.recognizer import Recognizer, with_stacked

ENCODER_ATTRIBUTES = ("encoder", "audio")  # of a model, for text and for audio
_BATCH_SIZE = 64


class DevPredictor:
    """Predicts the dev split with a recognizer, with modified inputs.

    Attributes:
        recognizer, corpus: that it was made for.
        metric: that selected the model.
        labels: id → annotated labels of dev.
        groups: id → dialogue or speaker.
        utterances: of dev, with stacked probabilities if the model uses them.
        prepared: their model inputs.

    Raises:
        PredictionsError: if dev has labels of one dialogue or none.
        SentirError: if the corpus does not fit the recognizer.
    """

    def __init__(self, recognizer: Recognizer, corpus: Corpus) -> None:
        corpus = attach_required_audio(corpus, recognizer.recipe.model, splits=("dev",))
        self.recognizer, self.corpus = recognizer, corpus
        space, settings = recognizer.space, recognizer.recipe.evaluation
        self.metric = resolve_metric(space, settings.metric)
        self.labels: dict[str, tuple[Label, ...]] = {
            key: tasks[space.task] for key, tasks in get_labels(corpus, "dev").items() if space.task in tasks
        }
        self.groups = assign_clusters(corpus, "dev", settings.cluster)
        if len({self.groups[key] or key for key in self.labels}) < 2:
            raise PredictionsError(
                _("Explaining a model needs at least two dialogues in dev; '{name}' has fewer.", name=corpus.name)
            )  # fmt: skip
        self.utterances = self.with_stacked(corpus.dev)
        self.prepared = recognizer.preprocess(self.utterances)
        (self._model,) = detached_copies(recognizer.model)
        parts = {name: getattr(self._model, name, None) for name in ENCODER_ATTRIBUTES}
        self.replayed_encoders = {name: ReplayedEncoder(part) for name, part in parts.items() if part is not None}
        for name, part in self.replayed_encoders.items():
            setattr(self._model, name, part)
        self._batches = [
            (rows, to_tensors(self.prepared.batch(rows), self._device))
            for rows in make_batches(self.prepared.units, _BATCH_SIZE)
        ]

    @property
    def _device(self) -> torch.device:
        return next(self.recognizer.model.parameters()).device

    def with_stacked(self, utterances: tuple[Utterance, ...]) -> list[Utterance]:
        """Return utterances with stacked probabilities, if the recognizer uses them."""
        stacked = self.recognizer.stacked
        return (
            list(utterances)
            if stacked is None
            else with_stacked(utterances, stacked.predict_utterances(utterances))
        )

    def predict(
        self,
        replaced_inputs: Mapping[str, NDArray[Any]] | None = None,
        replaced_outputs: Mapping[str, Any] | None = None,
    ) -> Predictions:
        """Predict dev.

        Args:
            replaced_inputs: name → input of all N utterances, instead of their own.
            replaced_outputs: one of `ENCODER_ATTRIBUTES` → output for every utterance.
        """
        model, space = self._model, self.recognizer.space
        input_names: Any = model.input_names
        logits = torch.zeros(len(self.prepared.ids), len(space))
        with torch.inference_mode():
            for n, (rows, inputs) in enumerate(self._batches):
                for name, part in self.replayed_encoders.items():
                    part.batch, part.replacement = n, (replaced_outputs or {}).get(name)
                replaced = {name: array[rows] for name, array in (replaced_inputs or {}).items()}
                changed = to_tensors(replaced, self._device)
                used = {name: tensor for name, tensor in (inputs | changed).items() if name in input_names}
                logits[rows] = model(**used)[:, : len(space)].float().cpu()
        return self._calibrate(Predictions(self.prepared.ids, space.probabilities(logits.numpy()), space))

    def without_context(self) -> Predictions:
        """Predict dev with every utterance as a dialogue of its own; its features stay those of its dialogue."""
        isolated = [replace(u, dialogue=u.id, turn=0) for u in self.utterances]
        prepared = self.recognizer.preprocess(isolated)
        if "features" in self.prepared.arrays:
            prepared.arrays["features"] = self.prepared.arrays["features"]
        return self._calibrate(predict_task(self.recognizer.backend, prepared, self.recognizer.space))

    def _calibrate(self, predictions: Predictions) -> Predictions:
        return self.recognizer.calibration.apply(predictions) if self.recognizer.calibration else predictions

    def align_runs(self, predictions: list[Predictions]) -> AlignedRuns:
        """Return the labels of dev with each prediction as a run."""
        thresholds = [self.recognizer.thresholds] * len(predictions)
        return align_by_id(self.recognizer.space, self.labels, predictions, thresholds, self.groups)
