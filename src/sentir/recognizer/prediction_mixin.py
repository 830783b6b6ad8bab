"""The methods of a recognizer that take what a user gives; its other methods take utterances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.errors import PredictionsError
from sentir.i18n import _
from sentir.logs import logger
from sentir.recognizer.inputs import InputColumns, Inputs, make_inputs
from sentir.recognizer.predicting import Predictor, embed_inputs, predict_inputs


class PredictionMixin(Predictor):
    """Predicts and embeds texts, audio, dialogues and tables."""

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The K labels, in the order of the columns of `predict_proba`; regression models have none."""
        if not self.space.classes:
            raise AttributeError(_("This is a regression model without labels; use predict."))
        return np.array(self.space.names)

    def predict(
        self,
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
            items: one of these, or a list of them:

                - a ``str``: a text;
                - a `Path`: an audio or video file; a folder, table or conversation gives a list
                  (`sentir.recognizer.inputs.read_inputs`);
                - ``bytes``, or a file opened in binary mode: an audio or video file;
                - a 1-D array: samples, with ``sampling_rate``;
                - a dictionary with ``text``, ``audio`` (a path or any of the above) or both, and optionally
                  ``sampling_rate``, ``start`` and ``end`` in seconds, ``speaker``, ``dialogue``, ``id`` and
                  numeric features; those with the same ``dialogue`` are its turns, in order;
                - an `Utterance`;
                - a pandas DataFrame, read like a table: it gives a list.
            sampling_rate: of arrays, in Hz.
            columns: of tables and frames, such as ``{"text": "sentence"}``; see `InputColumns`.
            abstain: whether each prediction says if its confidence is below the model's threshold.
            max_error: abstain below the lowest threshold at which at most this share of the kept predictions was
                wrong on dev.

        Returns:
            A `Prediction`, or a `PredictionList` of them, in order.

        Raises:
            CorpusError: if it is nothing that can be predicted, of no modality that the model takes, or a file is
                missing or damaged.
            RecognizerError: if the model cannot abstain, or no threshold reaches ``max_error``.
        """
        inputs = self._make_inputs(items, sampling_rate, columns)
        return predict_inputs(self, inputs, abstain=abstain, max_error=max_error)

    def predict_proba(
        self,
        items: object,
        *,
        sampling_rate: int | None = None,
        columns: InputColumns | Mapping[str, Any] | None = None,
    ) -> NDArray[np.float64]:
        """Return the probabilities of the inputs of `predict`, with columns as in `classes_`.

        The rows of inputs that cannot be predicted are NaN; `predict` returns the reasons.

        Returns:
            ``(N, K)``, or ``(K,)`` for a single item.

        Raises:
            PredictionsError: for a regression model.
            SentirError: see `predict`.
        """
        if not self.space.classes:
            raise PredictionsError(_("This is a regression model without labels; use predict."))
        inputs = self._make_inputs(items, sampling_rate, columns)
        rows = predict_inputs(self, replace(inputs, is_single=False))
        p = np.array([[row.probabilities.get(name, np.nan) for name in self.space.names] for row in rows])
        p = p.reshape(-1, len(self.space.names))
        return p[0] if inputs.is_single else p

    def embed(
        self,
        items: object,
        *,
        sampling_rate: int | None = None,
        columns: InputColumns | Mapping[str, Any] | None = None,
    ) -> NDArray[np.float32]:
        """Return the vectors of the inputs of `predict` before the model's last layer.

        The rows of inputs that cannot be predicted are NaN, and a warning says how many.

        Returns:
            ``(N, d)``, or ``(d,)`` for a single item.

        Raises:
            SentirError: see `predict`.
        """
        inputs = self._make_inputs(items, sampling_rate, columns)
        vectors, problems = embed_inputs(self, inputs)
        if problems:
            logger.warning(_("Inputs that could not be embedded: {n}. The first: {why}",
                             n=len(problems), why=next(iter(problems.values()))))  # fmt: skip
        return vectors[0] if inputs.is_single else vectors

    def _make_inputs(
        self, items: object, sampling_rate: int | None, columns: InputColumns | Mapping[str, Any] | None
    ) -> Inputs:
        table = self.recipe.data.table
        settings = {} if table is None else table.model_dump()
        return make_inputs(items, sampling_rate=sampling_rate, columns=columns, table_settings=settings)
