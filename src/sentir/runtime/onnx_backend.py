"""`OnnxBackend`: the graphs of an exported model, and the grouping of rows around them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentir.runtime.files import EXPORTED_FILES, GRAPH_FILES, OPTIONAL_GRAPHS, PROCESSOR_FOLDERS
from sentir.runtime.grouping import group_equal, group_sequences
from sentir.runtime.sessions import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Array = NDArray[Any]
Batch = Mapping[str, Array]
InputsT = TypeVar("InputsT")

_TOKENS = ("input_ids", "token_type_ids", "pool_mask")
_GROUPING_INPUTS = {"input_ids": "attention_mask", "mel": "mel_lengths", "waveform": "num_frames"}
_ROWS_PER_RUN = 32  # activations of more leave the cache of a CPU: 1.1 times as slow for 128
_AUDIO_STATES = "audio_states"
_DIALOGUE_INPUTS = ("dialogue", "turn", "speaker")


class OnnxBackend:
    """Runs the graphs of an exported model; safe to share between threads.

    Rows are run together only if their inputs have equal lengths, and dialogues only if they have as many turns:
    nothing is padded, so what else is in a batch does not change a row.

    Args:
        sessions: of ``utterances`` and ``dialogues``; of ``speakers`` if the context has a GRU over the turns of
            a speaker; of ``audio`` if the embeddings of a frozen audio encoder may be normalized by speaker.
        folder: that they were loaded from.
        provider: the execution provider.

    Attributes:
        input_names: of the arrays that a batch holds.
        precision: of the weights, ``float32`` or ``int8``.
    """

    kind = "onnx"

    def __init__(
        self, sessions: Mapping[str, InferenceSession], folder: Path | None = None, provider: str = "cpu"
    ) -> None:
        self.folder, self.provider = folder, provider
        self._utterances, self._dialogues = sessions["utterances"], sessions["dialogues"]
        self._speakers, self._audio = sessions.get("speakers"), sessions.get("audio")
        self._facts: dict[str, str] = self._utterances.get_modelmeta().custom_metadata_map
        self.precision = self._facts.get("precision", "float32")
        self._names, self._dialogue_names = map(_input_names, (self._utterances, self._dialogues))
        self._audio_names = [] if self._audio is None else _input_names(self._audio)
        self._has_context = self._facts.get("context") == "dialogue"
        taken = (*self._audio_names, *(name for name in self._names if name != _AUDIO_STATES))
        own = dict.fromkeys((*taken, *(n for n in self._dialogue_names if n.startswith("has_"))))
        own |= {grouping: None for name, grouping in _GROUPING_INPUTS.items() if name in own}
        self.input_names: tuple[str, ...] = (*own, *(_DIALOGUE_INPUTS if self._has_context else ()))

    @classmethod
    def load(cls, folder: Path, provider: str = "cpu", num_threads: int | None = None) -> OnnxBackend:
        """Open the graphs of a folder, ``utterances.onnx`` and so on; see `open_session`.

        Raises:
            RecognizerError: if a graph is damaged, or the execution provider is not available.
        """
        files = {name: folder / file for name, file in GRAPH_FILES.items()}
        present = {name: file for name, file in files.items() if name not in OPTIONAL_GRAPHS or file.exists()}
        sessions = {name: open_session(file, provider, num_threads) for name, file in present.items()}
        return cls(sessions, folder, provider)

    def embed(self, inputs: InputsT) -> InputsT:
        """Replace clips by embeddings, if there is a graph for these; the other graphs take what it gets."""
        if self._audio is None:
            return inputs
        given: Any = inputs
        rows = range(len(given.ids))
        parts = [
            {name: array for name, array in given.batch(rows[n : n + _ROWS_PER_RUN]).items()
             if name in self.input_names}
            for n in range(0, len(rows), _ROWS_PER_RUN)
        ]  # fmt: skip
        states = [self._embed_audio(part) for part in parts]
        has_audio = [part["has_audio"] for part in parts]
        added = {_AUDIO_STATES: np.concatenate(states), "has_audio": np.concatenate(has_audio)} if parts else {}
        return replace(given, arrays=given.arrays | added, mels=None, waveforms=None)

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(N, K)`` logits of N utterances; ``batch`` holds whole dialogues if there is context."""
        return self._classify(batch, "logits")

    def vectors(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(N, d)`` vectors of N utterances before the head."""
        return self._classify(batch, "head_input")

    def save(self, folder: Path, *, skip_frozen_weights: bool) -> dict[str, Any]:
        """Copy the files of an exported model; its frozen encoders are part of the graphs.

        Raises:
            OSError: if they cannot be read or written.
        """
        assert self.folder is not None
        for name in EXPORTED_FILES:
            if (self.folder / name).exists():
                shutil.copyfile(self.folder / name, folder / name)
        for name in PROCESSOR_FOLDERS:
            if (self.folder / name).is_dir():
                shutil.copytree(self.folder / name, folder / name)
        return {"encoder_digest": "", "speech_digest": ""}

    def _classify(self, batch: Batch, output_name: str) -> NDArray[np.float32]:
        inputs = {"vectors": self._encode(batch)}
        inputs |= {name: batch[name] for name in self._dialogue_names if name in batch}
        if not self._has_context:
            return _run(self._dialogues, output_name, {name: x[:, None] for name, x in inputs.items()})[:, 0]
        dialogue, turn = batch["dialogue"], batch["turn"]
        if self._speakers is not None:
            pairs = _number_pairs(dialogue, batch["speaker"])
            inputs["speaker_states"] = _run_sequences(
                self._speakers, "speaker_states", {"vectors": inputs["vectors"]}, group_sequences(pairs, turn)
            )
        return _run_sequences(self._dialogues, output_name, inputs, group_sequences(dialogue, turn))

    def _encode(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(N, W)`` vectors of utterances before the context."""
        if self._audio is not None and _AUDIO_STATES not in batch:
            batch = {**batch, _AUDIO_STATES: self._embed_audio(batch)}
        return self._run_equal(self._utterances, "vectors", self._names, batch)

    def _embed_audio(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(N, L, d)`` embeddings of clips."""
        assert self._audio is not None
        return self._run_equal(self._audio, _AUDIO_STATES, self._audio_names, batch)

    def _run_equal(
        self, session: InferenceSession, output_name: str, names: list[str], batch: Batch
    ) -> NDArray[np.float32]:
        """Run a graph of utterances on N rows, those of equal lengths together."""
        num_rows = len(batch[names[0]])
        lengths = {name: self._lengths(name, batch) for name in _GROUPING_INPUTS if name in names}
        groups = [
            rows[start : start + _ROWS_PER_RUN]
            for rows in group_equal(list(lengths.values()), num_rows)
            for start in range(0, len(rows), _ROWS_PER_RUN)
        ]
        outputs: list[NDArray[np.float32]] = [
            _run(session, output_name, _take(names, batch, rows, lengths)) for rows in groups
        ]
        return _scatter(outputs, groups, num_rows)

    def _lengths(self, name: str, batch: Batch) -> NDArray[np.int64]:
        """Return the ``(N,)`` lengths of an input: tokens, frames or samples."""
        values = batch[_GROUPING_INPUTS[name]]
        if name == "input_ids":
            return values.sum(axis=1).astype(np.int64)
        if name == "waveform" and "stride" in self._facts:
            return int(self._facts["receptive_field"]) + (values - 1) * int(self._facts["stride"])
        if name == "waveform":  # Whisper's, which always have 30 s
            return np.zeros(len(values), dtype=np.int64)
        return values


def _take(names: list[str], batch: Batch, rows: Array, lengths: Mapping[str, Array]) -> dict[str, Array]:
    """Return the inputs of rows of equal lengths, without padding."""
    inputs = {name: batch[name][rows] for name in names}
    if "input_ids" in inputs:
        used = batch["attention_mask"][rows[0]].astype(bool)
        inputs |= {name: inputs[name][:, used] for name in _TOKENS if name in inputs}
    for name in ("mel", "waveform"):
        if name in inputs and (length := int(lengths[name][rows[0]])):
            inputs[name] = inputs[name][:, :length]
    return inputs


def _input_names(session: InferenceSession) -> list[str]:
    return [one.name for one in session.get_inputs()]


def _run(session: InferenceSession, output_name: str, inputs: Batch) -> Any:
    return session.run([output_name], dict(inputs))[0]


def _run_sequences(
    session: InferenceSession, output_name: str, inputs: Batch, indices: list[NDArray[np.int64]]
) -> NDArray[np.float32]:
    """Run a graph on sequences of rows, those of one length together; return its output for each of N rows."""
    num_rows = len(inputs["vectors"])
    outputs = [_run(session, output_name, {name: x[index] for name, x in inputs.items()}) for index in indices]
    flat = [output.reshape(-1, output.shape[-1]) for output in outputs]
    return _scatter(flat, [index.ravel() for index in indices], num_rows)


def _scatter(outputs: list[NDArray[np.float32]], groups: list[Array], num_rows: int) -> NDArray[np.float32]:
    shape = outputs[0].shape[1:] if outputs else (0,)
    rows = np.zeros((num_rows, *shape), dtype=np.float32)
    for output, group in zip(outputs, groups, strict=True):
        rows[group] = output
    return rows


def _number_pairs(first: Array, second: Array) -> Array:
    """Return ``(N,)`` numbers, equal where both are."""
    return np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)[1].ravel()
