"""The verb that predicts texts and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.api.loading import as_model
from sentir.corpus.predictions import Prediction
from sentir.paths import PathLike
from sentir.preflight import read_saved_table_settings, require_model
from sentir.recognizer.inputs import InputColumns, make_inputs, normalize_inputs
from sentir.recognizer.prediction_mixin import predict_inputs

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import BaselineModel


def predict(
    model: PathLike | Recognizer | BaselineModel,
    *,
    texts: str | Iterable[object] = (),
    files: PathLike | Iterable[PathLike] = (),
    columns: InputColumns | Mapping[str, Any] | None = None,
    abstain: bool = False,
) -> list[Prediction]:
    """Predict texts, audio and video files, and the rows of tables and conversations.

    There is one `Prediction` for every text, file and row, in the order in which they are given, texts first.
    One that lacks what the model needs, cannot be read, or is not a text is returned with a ``problem`` and does
    not stop the others. If a modality is missing that the model was trained to do without, ``notes`` says so.

    Args:
        model: a recognizer, a baseline that a study selected, or the folder of one.
        texts: one or several, each predicted by itself; texts and as many audio or video files are paired.
        files: one or several, as `sentir.recognizer.inputs.read_inputs` takes them.
        columns: the columns of a table, such as ``{"text": "sentence", "speaker": ["first name", "last name"]}``,
            by default those of the model's recipe, or ``id``, ``text``, ``speaker``, ``dialogue`` and ``audio``;
            see `sentir.recognizer.inputs.InputColumns`.
        abstain: whether each prediction says if its confidence is below the model's threshold.

    Raises:
        RecognizerError: if ``abstain`` is set and the model has no confidence threshold.
        CorpusError: if there is nothing to predict, nothing of a modality that the model takes, or a file is
            missing or damaged.
        SentirError: if the model cannot be used.
    """
    if not isinstance(model, PathLike):
        return model.predict(texts, files=files, columns=columns, abstain=abstain)
    texts, paths = normalize_inputs(texts, files)
    require_model(Path(model))
    inputs = make_inputs(texts, paths, columns, read_saved_table_settings(Path(model)))
    return predict_inputs(as_model(model), inputs, abstain=abstain)
