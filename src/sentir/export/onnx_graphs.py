"""The graphs of a network, as ONNX models."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim

from sentir.export.graphs import (
    ONNX_OPSET,
    AudioGraph,
    DialogueGraph,
    SpeakerGraph,
    UtteranceGraph,
    split_context,
)
from sentir.logs import quiet_logger
from sentir.models.context import NoContext
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_encoder import TextEncoder

# Axes besides the first that differ from batch to batch; Whisper's input has none.
_DYNAMIC_AXES = {"input_ids": 1, "token_type_ids": 1, "pool_mask": 1, "mel": 1, "waveform": 1}
_NUM_EXAMPLES = 3  # torch treats dimensions of 1 as constants
_NUM_EXAMPLE_TURNS = 5


def export_graphs(
    network: nn.Module,
    example: Mapping[str, NDArray[Any]],
    *,
    text_encoder: TextEncoder | None = None,
    audio_encoder: SpeechEncoder | StageEncoder | None = None,
    separate_audio: bool = False,
) -> dict[str, onnx.ModelProto]:
    """Export a network.

    Args:
        network: a trained one, on the CPU.
        example: its inputs by name for at least one utterance, in which no encoder's tokens or waveforms are
            replaced by embeddings; with ``separate_audio``, also ``audio_states``.
        text_encoder, audio_encoder: its frozen encoders, which become part of the graph.
        separate_audio: whether the audio encoder becomes a graph of its own, so that its embeddings can be
            normalized by speaker.

    Returns:
        ``utterances``, ``dialogues`` and, if the context has a GRU over the turns of a speaker, ``speakers``;
        with ``separate_audio`` also ``audio``.
    """
    utterances = UtteranceGraph(network, text_encoder, None if separate_audio else audio_encoder).eval()
    models = {"utterances": _export_utterances(utterances, example, "vectors")}
    if separate_audio and audio_encoder is not None:
        models["audio"] = _export_utterances(AudioGraph(network, audio_encoder).eval(), example, "audio_states")
    dialogues = DialogueGraph(network).eval()
    shape = (_NUM_EXAMPLES, _NUM_EXAMPLE_TURNS)
    turns = {"vectors": torch.randn(*shape, sum(dialogues.widths))}
    if "speaker_states" in dialogues.input_names:
        speakers = SpeakerGraph(network).eval()
        models["speakers"] = _export(speakers, turns, ("speaker_states",), {"vectors": (0, 1)})
        turns = turns | {"speaker_states": torch.randn(*shape, speakers.width_out)}
    masks = {name: torch.ones(*shape, dtype=torch.bool) for name in ("has_text", "has_audio")}
    turns = turns | masks | {"speaker": torch.arange(shape[1]).expand(shape)}
    turns = {name: turns[name] for name in dialogues.input_names}
    models["dialogues"] = _export(dialogues, turns, ("logits", "head_input"), dict.fromkeys(turns, (0, 1)))
    onnx.helper.set_model_props(models["utterances"], _metadata(network, audio_encoder))
    return models


def _export_utterances(
    graph: UtteranceGraph | AudioGraph, example: Mapping[str, NDArray[Any]], output_name: str
) -> onnx.ModelProto:
    """Export a graph that takes the inputs of utterances."""
    examples = {n: _repeat_first(example[n]) for n in graph.input_names if n in example}
    with _eager_attention(graph):
        return _export(graph, examples, (output_name,), _dynamic_axes(examples))


def _repeat_first(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.repeat(array[:1], _NUM_EXAMPLES, axis=0))


def _dynamic_axes(examples: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    axes: dict[str, tuple[int, ...]] = {}
    for name, tensor in examples.items():
        is_whisper = name == "waveform" and tensor.ndim == 3
        axes[name] = (0, _DYNAMIC_AXES[name]) if name in _DYNAMIC_AXES and not is_whisper else (0,)
    return axes


def _metadata(network: Any, audio_encoder: SpeechEncoder | StageEncoder | None) -> dict[str, str]:
    """Return what the runtime must know of a network: its context, and the lengths of waveforms."""
    facts = {"context": "none" if isinstance(split_context(network)[0][0], NoContext) else "dialogue"}
    encoder = audio_encoder or getattr(getattr(network, "audio", None), "encoder", None)
    if isinstance(encoder, SpeechEncoder) and encoder.transformer.config.model_type != "whisper":
        facts |= {"stride": str(encoder.stride), "receptive_field": str(encoder.receptive_field)}
    return facts


def _export(
    module: nn.Module,
    examples: Mapping[str, Tensor],
    output_names: tuple[str, ...],
    dynamic_axes: Mapping[str, tuple[int, ...]],
) -> onnx.ModelProto:
    shapes: dict[str, Any] = {name: {axis: Dim.DYNAMIC for axis in axes} for name, axes in dynamic_axes.items()}
    with _quiet_export(), torch.no_grad():
        program = torch.onnx.export(
            module,
            kwargs={"inputs": dict(examples)},
            dynamo=True,
            dynamic_shapes={"inputs": shapes},
            input_names=list(examples),
            output_names=list(output_names),
            opset_version=ONNX_OPSET,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    for node in model.graph.node:  # the lines of code that a node comes from, with the paths of this machine
        node.ClearField("metadata_props")
    return model


@contextmanager
def _quiet_export() -> Iterator[None]:
    """Hide torch's and onnxscript's remarks on their own deprecations."""
    with (
        quiet_logger("torch.onnx", logging.ERROR),
        quiet_logger("torch.__trace", logging.ERROR),
        quiet_logger("onnxscript", logging.ERROR),
        quiet_logger("onnx_ir", logging.ERROR),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _eager_attention(graph: nn.Module) -> Iterator[None]:
    """Let transformers compute attention in plain operators, which onnxruntime runs fastest without a mask."""
    transformers: list[Any] = [one for one in graph.modules() if hasattr(one, "set_attn_implementation")]
    before = [one.config._attn_implementation for one in transformers]
    try:
        for one in transformers:
            one.set_attn_implementation("eager")
        yield
    finally:
        for one, implementation in zip(transformers, before, strict=True):
            one.set_attn_implementation(implementation)
