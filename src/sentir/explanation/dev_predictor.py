"""A recognizer's answers for dev with something taken away, asked many times at the cost of its head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import PredictionsError
from sentir.evaluation.clusters import assign_clusters
from sentir.evaluation.locked.ledger import get_labels
from sentir.evaluation.metrics import resolve_metric
from sentir.evaluation.results import Run
from sentir.evaluation.scoring import align_by_id
from sentir.i18n import _
from sentir.recognizer.inference import make_batches, predict_task
from sentir.recognizer.recognizer import Recognizer, with_stacked

ENCODER_ATTRIBUTES = ("encoder", "audio")  # parts of a model that turn text or sound into vectors
_BATCH_SIZE = 64


class ReplayedEncoder(nn.Module):
    """Stands in for an encoder: asks it once about each batch, and gives the same answer ever after.

    Attributes:
        batch: number of the batch that is being asked about.
        replacement: ``(d, …)`` of every utterance, in place of its own answers.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.wrapped = [encoder]  # a list: the encoder is no part of this one
        self.input_names = encoder.input_names
        self.cached_outputs: dict[int, Any] = {}
        self.batch = 0
        self.replacement: Any = None

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Any:
        """Answer as the encoder does, or did."""
        if self.batch not in self.cached_outputs:
            self.cached_outputs[self.batch] = self.wrapped[0](*args, **kwargs)
        answer = self.cached_outputs[self.batch]
        return answer if self.replacement is None else _expand_to_batch(self.replacement, answer)


def _expand_to_batch(vector: Any, output: Any) -> Any:
    if isinstance(output, tuple):
        return tuple(_expand_to_batch(one, other) for one, other in zip(vector, output, strict=True))
    return vector.to(output).expand_as(output)


class DevPredictor:
    """The dev split as a recognizer sees it.

    Attributes:
        utterances: those of dev, with stacked probabilities where the model wants them.
        metric: what they are scored by: what selected the model.

    Raises:
        PredictionsError: if dev has labels of one dialogue or none.
        SentirError: if the corpus does not fit the recognizer.
    """

    def __init__(self, recognizer: Recognizer, corpus: Corpus) -> None:
        self.recognizer, self.corpus = recognizer, corpus
        space, settings = recognizer.space, recognizer.recipe.evaluation
        self.metric = resolve_metric(space, settings.metric)
        self.labels: dict[str, tuple[Label, ...]] = {
            key: tasks[space.task] for key, tasks in get_labels(corpus, "dev").items() if space.task in tasks
        }
        self.groups = assign_clusters(corpus, "dev", settings.cluster)
        if len({self.groups[key] or key for key in self.labels}) < 2:
            raise PredictionsError(
                _("What a model loses is measured on dev, over dialogues; '{name}' has fewer than two there.",
                  name=corpus.name)
            )  # fmt: skip
        self.utterances = self.with_stacked(corpus.dev)
        self.prepared = recognizer.encoders.embed(recognizer.preprocessor.transform(self.utterances))
        parts = {name: getattr(recognizer.model, name, None) for name in ENCODER_ATTRIBUTES}
        self.replayed_encoders = {name: ReplayedEncoder(part) for name, part in parts.items() if part is not None}
        self._batches = [
            (rows, {k: v.to(self._device) for k, v in self.prepared.batch(rows).items()})
            for rows in make_batches(self.prepared.units, _BATCH_SIZE)
        ]

    @property
    def _device(self) -> torch.device:
        return next(self.recognizer.model.parameters()).device

    def with_stacked(self, utterances: tuple[Utterance, ...]) -> list[Utterance]:
        """Return utterances with the stacked probabilities that the recognizer takes, if it does."""
        stacked = self.recognizer.stacked
        return (
            list(utterances)
            if stacked is None
            else with_stacked(utterances, stacked.predict_utterances(utterances))
        )

    def predict(
        self,
        replaced_inputs: Mapping[str, Tensor] | None = None,
        replaced_outputs: Mapping[str, Any] | None = None,
    ) -> Predictions:
        """Predict dev.

        Args:
            replaced_inputs: inputs of all N utterances that take the place of their own.
            replaced_outputs: encoder's name → the vector of every utterance.
        """
        model, space = self.recognizer.model, self.recognizer.space
        wanted: Any = model.input_names
        logits = torch.zeros(len(self.prepared.ids), len(space))
        with self._replay_encoders(replaced_outputs or {}), torch.inference_mode():
            for n, (rows, inputs) in enumerate(self._batches):
                for part in self.replayed_encoders.values():
                    part.batch = n
                changed = {
                    name: tensor[rows].to(self._device) for name, tensor in (replaced_inputs or {}).items()
                }
                used = {name: tensor for name, tensor in (inputs | changed).items() if name in wanted}
                logits[rows] = model(**used)[:, : len(space)].float().cpu()
        return self._calibrate(Predictions(self.prepared.ids, space.probabilities(logits.numpy()), space))

    def without_context(self) -> Predictions:
        """Predict dev with every utterance a dialogue of its own; its numbers stay those it has in company."""
        lonely = [replace(u, dialogue=u.id, turn=0) for u in self.utterances]
        recognizer = self.recognizer
        prepared = recognizer.encoders.embed(recognizer.preprocessor.transform(lonely))
        if "features" in self.prepared.tensors:
            prepared.tensors["features"] = self.prepared.tensors["features"]
        return self._calibrate(predict_task(self.recognizer.model, prepared, self.recognizer.space))

    def _calibrate(self, predictions: Predictions) -> Predictions:
        return self.recognizer.calibration.apply(predictions) if self.recognizer.calibration else predictions

    @contextmanager
    def _replay_encoders(self, replaced_outputs: Mapping[str, Any]) -> Iterator[None]:
        model = self.recognizer.model
        own, training = {name: getattr(model, name) for name in self.replayed_encoders}, model.training
        model.eval()
        for name, part in self.replayed_encoders.items():
            part.replacement = replaced_outputs.get(name)
            setattr(model, name, part)
        try:
            yield
        finally:
            for name, part in own.items():
                setattr(model, name, part)
            model.train(training)

    def align_runs(self, predictions: list[Predictions]) -> tuple[Any, list[Run], list[str]]:
        """Return the truth, each prediction as a run, and the dialogue keys, all in the order of sorted ids."""
        cuts = [self.recognizer.thresholds] * len(predictions)
        _ids, truth, runs, groups = align_by_id(
            self.recognizer.space, self.labels, predictions, cuts, self.groups
        )
        return truth, runs, groups
