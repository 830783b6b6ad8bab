"""`Backend`: computes the logits of a recognizer; the rest of a prediction is the same code for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sentir.preprocessing.preprocessor import ModelInputs

Batch = Mapping[str, NDArray[Any]]


class Backend(Protocol):
    """A trained network and its encoders, in torch or as ONNX sessions; safe to call from several threads."""

    @property
    def kind(self) -> str:
        """``torch`` or ``onnx``: the ``backend`` of a saved model."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the arrays that it takes of a batch."""

    def embed(self, inputs: ModelInputs) -> ModelInputs:
        """Replace the encodings and waveforms of frozen encoders by embeddings, where it takes these."""

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(n, K)`` logits of all tasks for n utterances; whole dialogues if it has context."""

    def vectors(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(n, d)`` vectors that the classification head takes."""

    def save(self, folder: Path, *, skip_frozen_weights: bool) -> dict[str, Any]:
        """Write its files into the folder of a model.

        Args:
            folder: an existing one.
            skip_frozen_weights: leave out the weights of frozen encoders.

        Returns:
            What ``sentir.json`` records of it.
        """
