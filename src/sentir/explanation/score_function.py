"""One answer of a recognizer as a function of what it was given, open to gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sentir.corpus.utterances import Utterance
from sentir.models.text_encoder import TextEncoder
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.training.batching import repeat_batch


@dataclass(frozen=True)
class ScoreFunction:
    """The networks behind one answer, and what they are given.

    Attributes:
        model: the recognizer's.
        encoder: reads the tokens; the frozen one too, whose vectors are otherwise taken from the cache.
        inputs: of the N utterances that the answer hangs on: one, or those of its dialogue.
        row: which of the N is explained.
        target: index of the explained label.
        is_single_label: whether one label is chosen, so that its log-odds are against all others.
        temperature: of the calibration; 1 without.
        scale: middle and half length of the scale of a number; ``None`` for labels.
        bias: of the calibration, where several labels may hold.
        num_labels: how many labels the task has; ``None`` = as many as there are logits.
    """

    model: nn.Module
    encoder: TextEncoder | None
    inputs: Mapping[str, Tensor]
    row: int
    target: int
    is_single_label: bool
    temperature: float
    scale: tuple[float, float] | None
    bias: float = 0.0
    num_labels: int | None = None

    @property
    def num_utterances(self) -> int:
        """How many utterances the answer hangs on."""
        return len(self.inputs["dialogue"])

    def score(self, ids: Tensor | None = None) -> Tensor:
        """Return the log-odds of the label, or the number, ``(c,)``.

        Args:
            ids: ``(c · N, T)`` token ids instead of the utterances' own, c versions one after the other.
        """
        inputs = dict(self.inputs) if ids is None else self._repeat_inputs(ids)
        wanted = tuple(self.model.input_names)  # type: ignore[arg-type]
        if "text_states" in wanted:
            assert self.encoder is not None
            inputs["text_states"] = self.encoder(
                **{k: v for k, v in inputs.items() if k in self.encoder.input_names}
            )
        logits = self.model(**{name: inputs[name] for name in wanted if name in inputs})
        return self._log_odds(logits[self.row :: self.num_utterances])

    def _repeat_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        return repeat_batch(self.inputs, len(ids) // self.num_utterances) | {"input_ids": ids}

    def _log_odds(self, logits: Tensor) -> Tensor:
        if self.scale is not None:
            return self.scale[0] + self.scale[1] * logits[:, self.target]
        logits = logits[:, : self.num_labels] / self.temperature
        if not self.is_single_label:
            return logits[:, self.target] + self.bias
        others = [k for k in range(logits.shape[1]) if k != self.target]
        return logits[:, self.target] - logits[:, others].logsumexp(1)


def prepare_with_tokens(recognizer: Recognizer, utterances: Sequence[Utterance]) -> ModelInputs:
    """Prepare utterances with their tokens, also for a frozen encoder."""
    if recognizer.stacked is not None:
        utterances = with_stacked(utterances, recognizer.stacked.predict_utterances(utterances))
    return recognizer.encoders.embed_audio(recognizer.preprocessor.transform(utterances))


def make_score_function(
    recognizer: Recognizer, prepared: ModelInputs, row: int, target: int
) -> tuple[ScoreFunction, list[int]]:
    """Return the probe of one prepared utterance, and the rows of ``prepared`` that its answer hangs on."""
    unit = next(unit for unit in prepared.units if row in unit)
    device = next(recognizer.model.parameters()).device
    space, calibration, text = recognizer.space, recognizer.calibration, recognizer.encoders.text
    temperatures = (1.0,) if calibration is None else calibration.temperature
    biases = (0.0,) if calibration is None else calibration.bias or (0.0,)
    low, high = space.scale
    probe = ScoreFunction(
        model=recognizer.model,
        encoder=None if text is None else text.encoder.to(device),
        inputs={name: tensor.to(device) for name, tensor in prepared.batch(unit).items()},
        row=unit.index(row),
        target=target,
        is_single_label=space.kind == "single",
        temperature=temperatures[target % len(temperatures)],
        scale=((low + high) / 2, (high - low) / 2) if space.kind == "regression" else None,
        bias=biases[target % len(biases)],
        num_labels=len(space),
    )
    return probe, unit


@contextmanager
def frozen_eval_mode(*parts: nn.Module | None) -> Iterator[None]:
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
