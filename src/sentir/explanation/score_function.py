"""One answer of a recognizer as a function of what it was given, open to gradients."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sentir.corpus.utterances import Utterance
from sentir.models.text_encoder import TextEncoder
from sentir.preprocessing.preprocessor import Prepared, Preparer
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.training.batching import repeated


@dataclass(frozen=True)
class Probe:
    """The networks behind one answer, and what they are given.

    Attributes:
        model: the recognizer's.
        encoder: reads the tokens; the frozen one too, whose vectors are otherwise taken from the cache.
        inputs: of the N utterances that the answer hangs on: one, or those of its dialogue.
        row: which of the N is explained.
        label: index of the explained label.
        single: whether one label is chosen, so that its log-odds are against all others.
        temperature: of the calibration; 1 without.
        scale: middle and half length of the scale of a number; ``None`` for labels.
        bias: of the calibration, where several labels may hold.
        labels: how many labels the task has; ``None`` = as many as there are logits.
    """

    model: nn.Module
    encoder: TextEncoder | None
    inputs: Mapping[str, Tensor]
    row: int
    label: int
    single: bool
    temperature: float
    scale: tuple[float, float] | None
    bias: float = 0.0
    labels: int | None = None

    @property
    def rows(self) -> int:
        """How many utterances the answer hangs on."""
        return len(self.inputs["dialogue"])

    def score(self, ids: Tensor | None = None) -> Tensor:
        """Return the log-odds of the label, or the number, ``(c,)``.

        Args:
            ids: ``(c · N, T)`` token ids instead of the utterances' own, c versions one after the other.
        """
        inputs = dict(self.inputs) if ids is None else self._versions(ids)
        wanted = tuple(self.model.inputs)  # type: ignore[arg-type]
        if "text_states" in wanted:
            assert self.encoder is not None
            inputs["text_states"] = self.encoder(**{k: v for k, v in inputs.items() if k in self.encoder.inputs})
        logits = self.model(**{name: inputs[name] for name in wanted if name in inputs})
        return self._odds(logits[self.row :: self.rows])

    def _versions(self, ids: Tensor) -> dict[str, Tensor]:
        return repeated(self.inputs, len(ids) // self.rows) | {"input_ids": ids}

    def _odds(self, logits: Tensor) -> Tensor:
        if self.scale is not None:
            return self.scale[0] + self.scale[1] * logits[:, self.label]
        logits = logits[:, : self.labels] / self.temperature
        if not self.single:
            return logits[:, self.label] + self.bias
        others = [k for k in range(logits.shape[1]) if k != self.label]
        return logits[:, self.label] - logits[:, others].logsumexp(1)


def prepare(recognizer: Recognizer, utterances: Sequence[Utterance]) -> Prepared:
    """Prepare utterances with their tokens, also for a frozen encoder."""
    if recognizer.stacked is not None:
        utterances = with_stacked(utterances, recognizer.stacked.predict_utterances(utterances))
    return _reading(recognizer.preparer).prepare(utterances)


def _reading(preparer: Preparer) -> Preparer:
    """Return a preparer that gives token ids where a frozen encoder's vectors would come from the cache."""
    if preparer.text is None or not preparer.text.frozen:
        return preparer
    reading = copy.copy(preparer)
    reading.text = copy.copy(preparer.text)
    reading.text.frozen = False
    return reading


def make_probe(recognizer: Recognizer, prepared: Prepared, row: int, label: int) -> tuple[Probe, list[int]]:
    """Return the probe of one prepared utterance, and the rows of ``prepared`` that its answer hangs on."""
    unit = next(unit for unit in prepared.units if row in unit)
    device = next(recognizer.model.parameters()).device
    space, calibration, text = recognizer.space, recognizer.calibration, recognizer.preparer.text
    temperatures = (1.0,) if calibration is None else calibration.temperature
    biases = (0.0,) if calibration is None else calibration.bias or (0.0,)
    low, high = space.scale
    probe = Probe(
        model=recognizer.model,
        encoder=None if text is None else text.encoder.to(device),
        inputs={name: tensor.to(device) for name, tensor in prepared.batch(unit).items()},
        row=unit.index(row),
        label=label,
        single=space.kind == "single",
        temperature=temperatures[label % len(temperatures)],
        scale=((low + high) / 2, (high - low) / 2) if space.kind == "regression" else None,
        bias=biases[label % len(biases)],
        labels=len(space),
    )
    return probe, unit


@contextmanager
def still(*parts: nn.Module | None) -> Iterator[None]:
    """Hold networks still inside a ``with`` block: evaluated, without gradients into their weights.

    cuDNN's recurrent layers give no gradients to their inputs when evaluated, so it is not used meanwhile.
    """
    modules = [part for part in parts if part is not None]
    training = [part.training for part in modules]
    learning = [p for part in modules for p in part.parameters() if p.requires_grad]
    for part in modules:
        part.eval().requires_grad_(False)
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        for part, mode in zip(modules, training, strict=True):
            part.train(mode)
        for parameter in learning:
            parameter.requires_grad_(True)
