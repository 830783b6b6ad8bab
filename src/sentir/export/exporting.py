"""A trained recognizer → the same recognizer with ONNX graphs, compared before it is returned."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.results import Score
from sentir.export.onnx_graphs import export_graphs
from sentir.export.parity import GraphParity, ParityReport, compare_logits, require_parity
from sentir.export.quantization import quantize_graph
from sentir.i18n import _
from sentir.io import write_errors
from sentir.models.stage_encoder import StageEncoder
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.progress import progress_bar
from sentir.recognizer.backend import Backend
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.inference import make_batches, run_batches
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.recognizer.saved_files import SPEECH_ENCODER_FOLDER, TEXT_ENCODER_FOLDER
from sentir.recognizer.torch_backend import TorchBackend
from sentir.runtime.files import GRAPH_FILES, GRAPH_WEIGHT_FILES
from sentir.runtime.golden import save_golden
from sentir.runtime.onnx_backend import OnnxBackend

QUANTIZED_GRAPHS = ("utterances", "audio")  # the others are small, and recurrent or attend over turns
_BATCH_SIZE = 32
_MAX_GOLDEN_UTTERANCES = 6
_VERSIONS = ("sentir", "torch", "onnx", "onnxscript", "onnxruntime")
_MAX_PROTOBUF_BYTES = 1_900_000_000

Logits = NDArray[np.float32]
ScoreMainTask = Callable[[Any, Predictions], Score]  # of a recognizer or an ensemble


@dataclass(frozen=True)
class DevScore:
    """How the main task is scored.

    Attributes:
        metric: name of the metric.
        score: scores calibrated predictions of the utterances.
    """

    metric: str
    score: ScoreMainTask


@contextmanager
def exported(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    *,
    inputs: str,
    int8: bool = False,
    allow_loss: bool = False,
    dev_score: DevScore | None = None,
) -> Iterator[tuple[Recognizer, ParityReport]]:
    """Export a recognizer, and the one that it stacks, and compare both with the originals.

    Args:
        recognizer: a trained one, with a torch backend.
        utterances: to compare on; whole dialogues, without labels.
        inputs: what these are, for the report.
        int8: whether the encoders' weights become 8-bit integers.
        allow_loss: whether an int8 model may score worse than the trained one.
        dev_score: how to score the main task on the utterances; ``None`` without labels.

    Yields:
        The exported recognizer, to be saved inside the ``with`` block, and its report.

    Raises:
        RecognizerError: if the predictions differ, or the recognizer is exported already.
        SentirError: if temporary files cannot be written.
    """
    with TemporaryDirectory() as folder:
        yield _export(recognizer, utterances, Path(folder), inputs, int8, allow_loss, dev_score)


def _export(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    folder: Path,
    inputs: str,
    int8: bool,
    allow_loss: bool,
    dev_score: DevScore | None,
) -> tuple[Recognizer, ParityReport]:
    stacked = recognizer.stacked
    if stacked is not None:
        inner = stacked.predict_utterances(utterances)
        stacked, _report = _export(stacked, utterances, folder / "stacked", inputs, int8, allow_loss, None)
        utterances = with_stacked(utterances, inner)
    backend, model_inputs = _cpu_backend(recognizer), recognizer.preprocessor.transform(utterances)
    folder.mkdir(parents=True, exist_ok=True)
    separate_audio = recognizer.speaker_normalizer is not None
    models = _export_backend(backend, model_inputs, separate_audio)
    expected = compute_logits(backend, backend.embed(model_inputs))
    graphs: list[GraphParity] = []
    for precision in ("float32", *(["int8"] if int8 else [])):
        if precision == "int8":
            models |= {name: quantize_graph(models[name]) for name in QUANTIZED_GRAPHS if name in models}
        with write_errors(folder):
            _save_graphs(models, folder)
            _save_processors(backend, folder)
        ours = OnnxBackend.load(folder)
        logits = compute_logits(ours, model_inputs)
        score = None if dev_score is None else _score(recognizer, model_inputs.ids, logits, dev_score)
        graphs.append(compare_logits(precision, recognizer.tasks, expected, logits, score))
    report = ParityReport(
        inputs,
        len(model_inputs.ids),
        tuple(graphs),
        "" if dev_score is None else dev_score.metric,
        None if dev_score is None else _score(recognizer, model_inputs.ids, expected, dev_score),
        {name: metadata.version(name) for name in _VERSIONS},
    )
    require_parity(report, allow_loss=allow_loss)
    rows = _golden_rows(model_inputs)
    with write_errors(folder):
        report.save(folder)
        save_golden(folder, _needed(ours, model_inputs, rows), logits[rows])
    facts = {**recognizer.facts, "export": asdict(report)}
    return replace(recognizer, backend=ours, stacked=stacked, facts=facts), report


def _cpu_backend(recognizer: Recognizer) -> TorchBackend:
    """Return the network and encoders of a recognizer on the CPU, whatever device they are on."""
    network, encoders = recognizer.model, recognizer.encoders
    if next(network.parameters()).device.type == "cpu":
        return TorchBackend(network, encoders)
    own: tuple[Any, ...] = (encoders.text, encoders.audio)
    copies = [None if one is None else replace(one, encoder=copy.deepcopy(one.encoder).cpu()) for one in own]
    return TorchBackend(copy.deepcopy(network).cpu().eval(), Encoders(*copies))


def _export_backend(
    backend: TorchBackend, inputs: ModelInputs, separate_audio: bool = False
) -> dict[str, onnx.ModelProto]:
    text, audio = backend.encoders.text, backend.encoders.audio
    rows = inputs.units[0][:1]
    example = inputs.batch(rows)
    if separate_audio:
        example = backend.encoders.embed_audio(inputs).batch(rows) | example
    with progress_bar(_("Exporting"), 1), torch.no_grad():
        return export_graphs(
            backend.network,
            example,
            text_encoder=text.encoder if text is not None and text.frozen else None,
            audio_encoder=audio.encoder if audio is not None and audio.frozen else None,
            separate_audio=separate_audio,
        )


def _save_graphs(models: dict[str, onnx.ModelProto], folder: Path) -> None:
    """Write graphs, those beyond protobuf's limit with their weights in a file of its own."""
    for name, model in models.items():
        weights = folder / GRAPH_WEIGHT_FILES[name]
        weights.unlink(missing_ok=True)  # of another precision
        is_large = sum(len(one.raw_data) for one in model.graph.initializer) > _MAX_PROTOBUF_BYTES
        saved = onnx.ModelProto()
        saved.CopyFrom(model)  # onnx.save moves the weights out of what it is given
        onnx.save(saved, folder / GRAPH_FILES[name], save_as_external_data=is_large, location=weights.name)


def _save_processors(backend: TorchBackend, folder: Path) -> None:
    """Write the tokenizer and the feature extractor, which are loaded as those of a trained model are."""
    encoders = backend.encoders
    if encoders.text is not None:
        target = folder / TEXT_ENCODER_FOLDER
        encoders.text.encoder.transformer.config.save_pretrained(target)
        encoders.text.processor.tokenizer.save_pretrained(target)
    if encoders.audio is not None and not isinstance(encoders.audio.encoder, StageEncoder):
        target = folder / SPEECH_ENCODER_FOLDER
        encoders.audio.encoder.transformer.config.save_pretrained(target)
        encoders.audio.processor.save_pretrained(target)


def compute_logits(backend: Backend, inputs: ModelInputs) -> Logits:
    """Return the ``(N, K)`` logits of all tasks for N utterances."""
    return run_batches(backend.logits, inputs, make_batches(inputs.units, _BATCH_SIZE), _("Comparing"))


def _score(recognizer: Recognizer, ids: tuple[str, ...], logits: Logits, dev_score: DevScore) -> Score:
    task = recognizer.tasks[0]
    probabilities = task.space.probabilities(logits[:, : len(task.space)])
    return dev_score.score(recognizer, task.apply(Predictions(ids, probabilities, task.space)))


def _golden_rows(inputs: ModelInputs) -> list[int]:
    """Return the rows of the first whole units, at least one, at most `_MAX_GOLDEN_UTTERANCES` rows."""
    short = sorted(inputs.units, key=len)
    rows = list(short[0])
    for unit in short[1:]:
        if len(rows) + len(unit) > _MAX_GOLDEN_UTTERANCES:
            break
        rows += unit
    return rows


def _needed(backend: OnnxBackend, inputs: ModelInputs, rows: Sequence[int]) -> dict[str, NDArray[np.generic]]:
    batch = inputs.batch(rows)
    return {name: batch[name] for name in backend.input_names if name in batch}
