"""The methods of a recognizer that take what a user gives; its other methods take utterances."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.errors import PredictionsError
from sentir.i18n import _
from sentir.logs import logger
from sentir.recognizer.enrolling import enroll_clips
from sentir.recognizer.enrollment import PROFILE_SUFFIX, Enrollment, FromInputs, SpeakerProfiles
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
        enroll: object = None,
        enroll_inputs: bool = False,
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
            enroll: clips of the speakers, by which the inputs are normalized: the `SpeakerProfiles` of `enroll`,
                the path of a file of them, or what `enroll` takes.
            enroll_inputs: whether each input is normalized by the other inputs of its speaker too. Only then does
                a prediction depend on what else is predicted in the same call.

        Returns:
            A `Prediction`, or a `PredictionList` of them, in order.

        Raises:
            CorpusError: if it is nothing that can be predicted, of no modality that the model takes, or a file is
                missing or damaged.
            RecognizerError: if the model cannot abstain, or no threshold reaches ``max_error``; if it has no
                speaker normalization, or no clip can be enrolled.
        """
        inputs = self._make_inputs(items, sampling_rate, columns)
        enrollment = self.make_enrollment(enroll, "others" if enroll_inputs else None)
        return predict_inputs(self, inputs, abstain=abstain, max_error=max_error, enrollment=enrollment)

    def enroll(
        self,
        items: object,
        *,
        sampling_rate: int | None = None,
        columns: InputColumns | Mapping[str, Any] | None = None,
    ) -> SpeakerProfiles:
        """Return the profiles of speakers, for predictions by a model with speaker normalization.

        No labels are needed; the more clips, and the more different ones, the better.

        Args:
            items: clips, as for `predict`. If none names its speaker, all are of one, and the profile is used for
                all predictions; otherwise each must name its speaker, and so must what is predicted.
            sampling_rate, columns: see `predict`.

        Raises:
            RecognizerError: if the model has no speaker normalization, or no clip can be enrolled.
            SentirError: see `predict`.
        """
        return enroll_clips(self, self._make_inputs(items, sampling_rate, columns))

    def make_enrollment(self, enroll: object, from_inputs: FromInputs | None) -> Enrollment | None:
        """Return what inputs are normalized by: ``enroll`` of `predict` and one another; ``None`` for nothing."""
        if enroll is None and from_inputs is None:
            return None
        if isinstance(enroll, os.PathLike) and os.fsdecode(enroll).endswith(PROFILE_SUFFIX):
            enroll = SpeakerProfiles.load(Path(os.fsdecode(enroll)))
        if enroll is not None and not isinstance(enroll, SpeakerProfiles):
            enroll = self.enroll(enroll)
        return Enrollment(enroll, from_inputs)

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
