"""A model and prepared utterances → keyed predictions: the one loop for dev, test and serving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import nn

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import NotFiniteError
from sentir.i18n import _
from sentir.preprocessing.preprocessor import Prepared
from sentir.progress import task
from sentir.training.distributed import joined, own_part

_READ_AT_ONCE, _HEARD_AT_ONCE, _WAVES_AT_ONCE = 256, 32, 8


def batches(units: list[list[int]], size: int) -> Iterator[list[int]]:
    """Join units, in order, into batches of at least one unit and at most about ``size`` rows."""
    rows: list[int] = []
    for unit in units:
        if rows and len(rows) + len(unit) > size:
            yield rows
            rows = []
        rows = rows + unit
    if rows:
        yield rows


def predict_prepared(
    model: nn.Module,
    prepared: Prepared,
    space: LabelSpace,
    *,
    batch: int | None = None,
    source: Mapping[str, str] | None = None,
) -> Predictions:
    """Predict N prepared utterances in a model's own task.

    Args:
        batch: most utterances at once; by default what fits beside a large network.

    Returns:
        Predictions keyed by id, in the order of ``prepared.ids``.

    Raises:
        NotFiniteError: if the model's numbers are not finite.
    """
    return predict_tasks(model, prepared, [space], batch=batch, source=source)[0]


def predict_tasks(
    model: nn.Module,
    prepared: Prepared,
    spaces: Sequence[LabelSpace],
    *,
    batch: int | None = None,
    source: Mapping[str, str] | None = None,
) -> list[Predictions]:
    """Predict N prepared utterances in the first tasks of a model, as `predict_prepared` does in its own."""
    ends = np.cumsum([len(space) for space in spaces])
    logits = np.zeros((len(prepared.ids), ends[-1]))
    device = next(model.parameters()).device
    wanted = cast(Sequence[str], model.inputs)
    size = _READ_AT_ONCE if prepared.mels is None else _HEARD_AT_ONCE
    size = batch or (size if prepared.waves is None else _WAVES_AT_ONCE)
    training = model.training
    model.eval()
    with torch.inference_mode(), task(_("Predicting"), len(prepared.ids)) as advance:
        for rows in own_part(batches(_by_length(prepared), size)):
            inputs = prepared.batch(rows)
            output = model(**{k: v.to(device) for k, v in inputs.items() if k in wanted})
            logits[rows] = output[:, : ends[-1]].float().cpu().numpy()
            advance(len(rows))
    model.train(training)
    logits = joined(logits)
    if not np.isfinite(logits).all():
        lost = frozenset(prepared.ids[row] for row in np.flatnonzero(~np.isfinite(logits).all(axis=1)))
        raise NotFiniteError(_("Training diverged: the model gives no finite numbers; lower train.lr."), lost)
    parts = zip(spaces, np.split(logits, ends[:-1], axis=1), strict=True)
    return [Predictions(prepared.ids, space.probabilities(z), space, source or {}) for space, z in parts]


def _by_length(prepared: Prepared) -> list[list[int]]:
    """Sort units by their longest text or clip, so that little is padded."""
    lengths = prepared.lengths()
    return [prepared.units[n] for n in sorted(range(len(lengths)), key=lengths.__getitem__)]
