"""A backend and model inputs → predictions keyed by utterance id: the one loop for dev, test and serving."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import NonFiniteError
from sentir.i18n import _
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.process_group import all_gather, split_between_processes
from sentir.progress import progress_bar
from sentir.recognizer.backend import Backend, Batch

_TEXT_BATCH_SIZE, _MEL_BATCH_SIZE, _WAVEFORM_BATCH_SIZE = 256, 32, 8


def make_batches(units: list[list[int]], batch_size: int) -> Iterator[list[int]]:
    """Join units, in order, into batches of at most ``batch_size`` rows; a longer unit is a batch of its own."""
    rows: list[int] = []
    for unit in units:
        if rows and len(rows) + len(unit) > batch_size:
            yield rows
            rows = []
        rows = rows + unit
    if rows:
        yield rows


def predict_task(
    backend: Backend,
    model_inputs: ModelInputs,
    space: LabelSpace,
    *,
    batch_size: int | None = None,
) -> Predictions:
    """Predict the main task for N utterances.

    Args:
        batch_size: maximum utterances per forward pass; the default leaves room for a large network.

    Returns:
        Predictions in the order of ``model_inputs.ids``.

    Raises:
        NonFiniteError: if logits are not finite.
    """
    return predict_tasks(backend, model_inputs, [space], batch_size=batch_size)[0]


def predict_tasks(
    backend: Backend,
    model_inputs: ModelInputs,
    spaces: Sequence[LabelSpace],
    *,
    batch_size: int | None = None,
    source: Mapping[str, str] | None = None,
) -> list[Predictions]:
    """Predict the first tasks, the main one included, for N utterances; see `predict_task`."""
    ends = np.cumsum([len(space) for space in spaces])
    logits = np.zeros((len(model_inputs.ids), ends[-1]))
    with progress_bar(_("Predicting"), len(model_inputs.ids)) as advance:
        for rows in split_between_processes(_make_sorted_batches(model_inputs, batch_size)):
            logits[rows] = backend.logits(model_inputs.batch(rows))[:, : ends[-1]]
            advance(len(rows))
    logits = all_gather(logits)
    if not np.isfinite(logits).all():
        ids = frozenset(model_inputs.ids[row] for row in np.flatnonzero(~np.isfinite(logits).all(axis=1)))
        raise NonFiniteError(_("Training diverged: the model's outputs are not finite; lower train.lr."), ids)
    parts = zip(spaces, np.split(logits, ends[:-1], axis=1), strict=True)
    return [Predictions(model_inputs.ids, space.probabilities(z), space, source or {}) for space, z in parts]


def embed_inputs(backend: Backend, model_inputs: ModelInputs) -> NDArray[np.float32]:
    """Return the ``(N, d)`` vectors of N utterances that the classification head takes; ``(0, 0)`` of none."""
    if not model_inputs.ids:
        return np.zeros((0, 0), dtype=np.float32)
    return run_batches(backend.vectors, model_inputs, _make_sorted_batches(model_inputs, None), _("Embedding"))


def run_batches(
    function: Callable[[Batch], NDArray[np.float32]],
    model_inputs: ModelInputs,
    batches: Iterable[list[int]],
    description: str,
) -> NDArray[np.float32]:
    """Return what a function of a backend computes for N utterances, in their order.

    Args:
        function: its ``logits`` or ``vectors``.
        model_inputs: of the utterances, at least one.
        batches: the rows of each; every row is in one of them.
        description: for the progress bar.
    """
    outputs: list[NDArray[np.float32]] = []
    order: list[int] = []
    with progress_bar(description, len(model_inputs.ids)) as advance:
        for rows in batches:
            outputs.append(function(model_inputs.batch(rows)))
            order += rows
            advance(len(rows))
    return np.concatenate(outputs)[np.argsort(order)]


def _make_sorted_batches(model_inputs: ModelInputs, batch_size: int | None) -> Iterator[list[int]]:
    size = _TEXT_BATCH_SIZE if model_inputs.mels is None else _MEL_BATCH_SIZE
    size = batch_size or (size if model_inputs.waveforms is None else _WAVEFORM_BATCH_SIZE)
    return make_batches(_sort_by_length(model_inputs), size)


def _sort_by_length(model_inputs: ModelInputs) -> list[list[int]]:
    """Sort units by their longest text or clip to reduce padding."""
    lengths = model_inputs.lengths()
    return [model_inputs.units[n] for n in sorted(range(len(lengths)), key=lengths.__getitem__)]
