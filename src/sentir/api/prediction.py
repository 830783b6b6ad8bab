"""The verb that predicts what a user gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sentir.api.loading import as_model
from sentir.paths import PathLike
from sentir.preflight import read_saved_table_settings, require_model
from sentir.recognizer.hub import find_model
from sentir.recognizer.inputs import InputColumns, Inputs, make_inputs
from sentir.recognizer.predicting import predict_inputs

if TYPE_CHECKING:
    from sentir.api.loading import Model


def predict(
    model: PathLike | Model,
    items: object,
    *,
    sampling_rate: int | None = None,
    columns: InputColumns | Mapping[str, Any] | None = None,
    abstain: bool = False,
    max_error: float | None = None,
    enroll: object = None,
    enroll_inputs: bool = False,
) -> Any:
    """Predict texts, audio, dialogues and tables: one item gives one `Prediction`, several give a list.

    An item of a list that cannot be predicted is returned with a ``problem`` and does not stop the others.

    Args:
        model: a recognizer, a baseline that a study selected, or the folder or hub id of one.
        items, sampling_rate, columns, abstain, max_error, enroll, enroll_inputs: see
            `sentir.recognizer.prediction_mixin.PredictionMixin.predict`.

    Raises:
        RecognizerError: if the model cannot abstain, or no threshold reaches ``max_error``.
        CorpusError: if it is nothing that can be predicted, of no modality that the model takes, or a file is
            missing or damaged.
        SentirError: if the model cannot be used.
    """
    loaded, inputs = load_model_and_inputs(model, items, sampling_rate, columns)
    enrollment = loaded.make_enrollment(enroll, "others" if enroll_inputs else None)
    return predict_inputs(loaded, inputs, abstain=abstain, max_error=max_error, enrollment=enrollment)


def load_model_and_inputs(
    model: PathLike | Model,
    items: object,
    sampling_rate: int | None,
    columns: InputColumns | Mapping[str, Any] | None,
) -> tuple[Model, Inputs]:
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
