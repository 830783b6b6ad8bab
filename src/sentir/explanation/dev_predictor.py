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
from sentir.evaluation.clusters import clusters
from sentir.evaluation.intervals import Run
from sentir.evaluation.locked.ledger import labels_of
from sentir.evaluation.metrics import metric_name
from sentir.evaluation.scoring import joined
from sentir.i18n import _
from sentir.recognizer.inference import batches, predict_prepared
from sentir.recognizer.recognizer import Recognizer, with_stacked

ENCODERS = ("encoder", "audio")  # parts of a model that turn text or sound into vectors
_AT_ONCE = 64


class Kept(nn.Module):
    """Stands in for an encoder: asks it once about each batch, and gives the same answer ever after.

    Attributes:
        batch: number of the batch that is being asked about.
        instead: ``(d, …)`` of every utterance, in place of its own answers.
    """

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.ask = [part]  # a list: the encoder is no part of this one
        self.inputs = part.inputs
        self.answers: dict[int, Any] = {}
        self.batch = 0
        self.instead: Any = None

    def forward(self, *given: Tensor, **named: Tensor) -> Any:
        """Answer as the encoder does, or did."""
        if self.batch not in self.answers:
            self.answers[self.batch] = self.ask[0](*given, **named)
        answer = self.answers[self.batch]
        return answer if self.instead is None else _of_everyone(self.instead, answer)


def _of_everyone(vector: Any, answer: Any) -> Any:
    if isinstance(answer, tuple):
        return tuple(_of_everyone(one, other) for one, other in zip(vector, answer, strict=True))
    return vector.to(answer).expand_as(answer)


class Dev:
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
        self.metric = metric_name(space, settings.metric)
        self.labels: dict[str, tuple[Label, ...]] = {
            key: tasks[space.task] for key, tasks in labels_of(corpus, "dev").items() if space.task in tasks
        }
        self.groups = clusters(corpus, "dev", settings.cluster)
        if len({self.groups[key] or key for key in self.labels}) < 2:
            raise PredictionsError(
                _("What a model loses is measured on dev, over dialogues; '{name}' has fewer than two there.",
                  name=corpus.name)
            )  # fmt: skip
        self.utterances = self.told(corpus.dev)
        self.prepared = recognizer.preparer.prepare(self.utterances)
        parts = {name: getattr(recognizer.model, name, None) for name in ENCODERS}
        self.kept = {name: Kept(part) for name, part in parts.items() if part is not None}
        self._batches = [
            (rows, {k: v.to(self._device) for k, v in self.prepared.batch(rows).items()})
            for rows in batches(self.prepared.units, _AT_ONCE)
        ]

    @property
    def _device(self) -> torch.device:
        return next(self.recognizer.model.parameters()).device

    def told(self, utterances: tuple[Utterance, ...]) -> list[Utterance]:
        """Return utterances with the stacked probabilities that the recognizer takes, if it does."""
        stacked = self.recognizer.stacked
        return (
            list(utterances)
            if stacked is None
            else with_stacked(utterances, stacked.predict_utterances(utterances))
        )

    def ask(
        self, given: Mapping[str, Tensor] | None = None, instead: Mapping[str, Any] | None = None
    ) -> Predictions:
        """Predict dev.

        Args:
            given: inputs of all N utterances that take the place of their own.
            instead: encoder's name → the vector of every utterance.
        """
        model, space = self.recognizer.model, self.recognizer.space
        wanted: Any = model.inputs
        logits = torch.zeros(len(self.prepared.ids), len(space))
        with self._replaying(instead or {}), torch.inference_mode():
            for n, (rows, inputs) in enumerate(self._batches):
                for part in self.kept.values():
                    part.batch = n
                changed = {name: tensor[rows].to(self._device) for name, tensor in (given or {}).items()}
                used = {name: tensor for name, tensor in (inputs | changed).items() if name in wanted}
                logits[rows] = model(**used)[:, : len(space)].float().cpu()
        return self._calibrated(Predictions(self.prepared.ids, space.probabilities(logits.numpy()), space))

    def alone(self) -> Predictions:
        """Predict dev with every utterance a dialogue of its own; its numbers stay those it has in company."""
        lonely = [replace(u, dialogue=u.id, turn=0) for u in self.utterances]
        prepared = self.recognizer.preparer.prepare(lonely)
        if "features" in self.prepared.tensors:
            prepared.tensors["features"] = self.prepared.tensors["features"]
        return self._calibrated(predict_prepared(self.recognizer.model, prepared, self.recognizer.space))

    def _calibrated(self, found: Predictions) -> Predictions:
        return self.recognizer.calibration.apply(found) if self.recognizer.calibration else found

    @contextmanager
    def _replaying(self, instead: Mapping[str, Any]) -> Iterator[None]:
        model = self.recognizer.model
        own, training = {name: getattr(model, name) for name in self.kept}, model.training
        model.eval()
        for name, part in self.kept.items():
            part.instead = instead.get(name)
            setattr(model, name, part)
        try:
            yield
        finally:
            for name, part in own.items():
                setattr(model, name, part)
            model.train(training)

    def runs(self, predictions: list[Predictions]) -> tuple[Any, list[Run], list[str]]:
        """Return the truth, each prediction as a run, and the dialogue keys, all in the order of sorted ids."""
        cuts = [self.recognizer.thresholds] * len(predictions)
        _ids, truth, runs, groups = joined(self.recognizer.space, self.labels, predictions, cuts, self.groups)
        return truth, runs, groups
