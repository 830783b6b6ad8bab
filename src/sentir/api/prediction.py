"""The verbs that predict and embed what a user gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentir.api.loading import as_model
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write, write_errors, write_text
from sentir.paths import PathLike
from sentir.preflight import read_saved_table_settings, require_model
from sentir.recognizer.hub import find_model
from sentir.recognizer.inputs import InputColumns, Inputs, make_inputs
from sentir.recognizer.predicting import embed_inputs, predict_inputs

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import BaselineModel

Vectors = NDArray[np.float32]


def predict(
    model: PathLike | Recognizer | BaselineModel,
    items: object,
    *,
    sampling_rate: int | None = None,
    columns: InputColumns | Mapping[str, Any] | None = None,
    abstain: bool = False,
    max_error: float | None = None,
) -> Any:
    """Predict texts, audio, dialogues and tables: one item gives one `Prediction`, several give a list.

    An item of a list that cannot be predicted is returned with a ``problem`` and does not stop the others.

    Args:
        model: a recognizer, a baseline that a study selected, or the folder or hub id of one.
        items, sampling_rate, columns, abstain, max_error: see
            `sentir.recognizer.prediction_mixin.PredictionMixin.predict`.

    Raises:
        RecognizerError: if the model cannot abstain, or no threshold reaches ``max_error``.
        CorpusError: if it is nothing that can be predicted, of no modality that the model takes, or a file is
            missing or damaged.
        SentirError: if the model cannot be used.
    """
    loaded, inputs = _load_model_and_inputs(model, items, sampling_rate, columns)
    return predict_inputs(loaded, inputs, abstain=abstain, max_error=max_error)


def write_embeddings(
    model: PathLike | Recognizer | BaselineModel,
    items: object,
    path: PathLike,
    *,
    sampling_rate: int | None = None,
    columns: InputColumns | Mapping[str, Any] | None = None,
) -> Mapping[str, str]:
    """Write the vectors of the inputs of `predict` before the model's last layer, with their ids.

    A ``.csv`` or ``.parquet`` has the columns ``id``, ``v0``, ``v1`` …; beside an ``.npy`` of ``(N, d)`` float32,
    ``NAME.ids.json`` has the N ids. The rows of inputs that cannot be embedded are NaN.

    Returns:
        Utterance id → why it could not be embedded.

    Raises:
        SentirError: if the suffix is another one, the file cannot be written, or as for `predict`.
    """
    path = Path(path)
    require_vector_suffix(path)
    loaded, inputs = _load_model_and_inputs(model, items, sampling_rate, columns)
    vectors, problems = embed_inputs(loaded, inputs)
    with write_errors(path):
        _WRITERS[path.suffix.lower()](path, [one.id for one in inputs.rows], vectors)
    return problems


def require_vector_suffix(path: Path) -> None:
    """Refuse a file whose format is not supported.

    Raises:
        SentirError: naming the supported suffixes.
    """
    if path.suffix.lower() not in _WRITERS:
        raise SentirError(
            _("Vectors can be written as {known}, not as {path}.", known=", ".join(_WRITERS), path=path)
        )


def _load_model_and_inputs(
    model: PathLike | Recognizer | BaselineModel,
    items: object,
    sampling_rate: int | None,
    columns: InputColumns | Mapping[str, Any] | None,
) -> tuple[Recognizer | BaselineModel, Inputs]:
    """Return a model and inputs; wrong inputs are reported before a model is loaded."""
    if not isinstance(model, PathLike):
        table = model.recipe.data.table
        settings = {} if table is None else table.model_dump()
    else:
        model = find_model(model)
        require_model(model)
        settings = read_saved_table_settings(model)
    inputs = make_inputs(items, sampling_rate=sampling_rate, columns=columns, table_settings=settings)
    return as_model(model), inputs


def _write_npy(path: Path, ids: list[str], vectors: Vectors) -> None:
    with atomic_write(path) as draft, draft.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
    write_text(path.with_suffix(".ids.json"), json.dumps(ids))


def _write_csv(path: Path, ids: list[str], vectors: Vectors) -> None:
    import csv

    with atomic_write(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *_columns(vectors)])
        writer.writerows([key, *row] for key, row in zip(ids, vectors.tolist(), strict=True))


def _write_parquet(path: Path, ids: list[str], vectors: Vectors) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"id": pa.array(ids, pa.string())} | dict(zip(_columns(vectors), vectors.T, strict=True))
    with atomic_write(path) as draft:
        pq.write_table(pa.table(columns), draft)


def _columns(vectors: Vectors) -> list[str]:
    return [f"v{n}" for n in range(vectors.shape[1])]


_WRITERS: dict[str, Callable[[Path, list[str], Vectors], None]] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
