"""The score of one prediction as a differentiable function of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from sentir.corpus.utterances import Utterance
from sentir.explanation.detached_copies import detached_copies
from sentir.models.device import to_tensors
from sentir.models.text_encoder import TextEncoder
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.training.batching import repeat_batch


@dataclass(frozen=True)
class ScoreFunction:
    """The networks that compute one prediction, and their inputs.

    Attributes:
        model: the network; see `detached_copies`.
        encoder: text encoder, also a frozen one, whose vectors are otherwise cached.
        inputs: of the N utterances that the prediction depends on: one, or those of its dialogue.
        row: of the N, which is explained.
        target: index of the explained label.
        kind: of the label space: in a single-label task the log-odds of a label are against all others.
        temperature: of the calibration; 1 without.
        scale: lowest and highest number in regression.
        bias: of the calibration, in multi-label tasks.
        num_labels: of the task; ``None`` = as many as there are logits.
    """

    model: nn.Module
    encoder: TextEncoder | None
    inputs: Mapping[str, Tensor]
    row: int
    target: int
    kind: str
    temperature: float
    scale: tuple[float, float] = (0.0, 1.0)
    bias: float = 0.0
    num_labels: int | None = None

    @property
    def num_utterances(self) -> int:
        """Number of utterances that the prediction depends on."""
        return len(self.inputs["dialogue"])

    def score(self, ids: Tensor | None = None) -> Tensor:
        """Return the log-odds of the label, or the predicted value, ``(c,)``.

        Args:
            ids: ``(c · N, T)`` token ids that replace those of the utterances, c versions one after the other.
        """
        inputs = dict(self.inputs) if ids is None else self._repeat_inputs(ids)
        input_names = tuple(self.model.input_names)  # type: ignore[arg-type]
        if "text_states" in input_names:
            assert self.encoder is not None
            inputs["text_states"] = self.encoder(
                **{k: v for k, v in inputs.items() if k in self.encoder.input_names}
            )
        logits = self.model(**{name: inputs[name] for name in input_names if name in inputs})
        return _SCORES[self.kind](self, logits[self.row :: self.num_utterances])

    def _repeat_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        return repeat_batch(self.inputs, len(ids) // self.num_utterances) | {"input_ids": ids}


def _single_label_log_odds(one: ScoreFunction, logits: Tensor) -> Tensor:
    logits = logits[:, : one.num_labels] / one.temperature
    others = [k for k in range(logits.shape[1]) if k != one.target]
    return logits[:, one.target] - logits[:, others].logsumexp(1)


def _multilabel_log_odds(one: ScoreFunction, logits: Tensor) -> Tensor:
    return logits[:, one.target] / one.temperature + one.bias


def _regression_value(one: ScoreFunction, logits: Tensor) -> Tensor:
    low, high = one.scale
    return (low + high) / 2 + (high - low) / 2 * logits[:, one.target]


_SCORES = {"single": _single_label_log_odds, "multi": _multilabel_log_odds, "regression": _regression_value}


def prepare_with_tokens(recognizer: Recognizer, utterances: Sequence[Utterance]) -> ModelInputs:
    """Preprocess utterances, keeping the tokens of a frozen encoder too."""
    if recognizer.stacked is not None:
        utterances = with_stacked(utterances, recognizer.stacked.predict_utterances(utterances))
    return recognizer.encoders.embed_audio(recognizer.preprocessor.transform(utterances))


def make_score_function(
    recognizer: Recognizer, prepared: ModelInputs, row: int, target: int
) -> tuple[ScoreFunction, list[int]]:
    """Return the score function of one row of ``prepared``, and the rows that its prediction depends on."""
    unit = next(unit for unit in prepared.units if row in unit)
    device = next(recognizer.model.parameters()).device
    space, calibration, text = recognizer.space, recognizer.calibration, recognizer.encoders.text
    temperatures = (1.0,) if calibration is None else calibration.temperature
    biases = (0.0,) if calibration is None else calibration.bias or (0.0,)
    model, encoder = detached_copies(recognizer.model, None if text is None else text.encoder)
    score_function = ScoreFunction(
        model=model,
        encoder=encoder,
        inputs=to_tensors(prepared.batch(unit), device),
        row=unit.index(row),
        target=target,
        kind=space.kind,
        temperature=temperatures[target % len(temperatures)],
        scale=space.scale,
        bias=biases[target % len(biases)],
        num_labels=len(space),
    )
    return score_function, unit
