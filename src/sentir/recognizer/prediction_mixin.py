"""Prediction of user inputs: one `Prediction` for every text, file and row of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import DecodedPrediction, LabelSpace
from sentir.corpus.predictions import Prediction, Predictions, TaskPrediction
from sentir.corpus.utterances import Utterance
from sentir.errors import NonFiniteError, PredictionsError, RecognizerError
from sentir.evaluation.calibration.confidence import compute_confidence_by_id
from sentir.evaluation.calibration.fitting import Calibration
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.recipe import Recipe
from sentir.recognizer.inputs import InputColumns, PredictionInput, make_inputs, normalize_inputs
from sentir.recognizer.modalities import ModalityCheck, check_modalities


class PredictionMixin:
    """The methods of a recognizer that take texts and files; its other methods take utterances."""

    recipe: Recipe
    space: LabelSpace
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any]
    calibration: Calibration | None
    auxiliary_tasks: tuple[Any, ...]

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities of the model: ``text``, ``audio`` or both."""
        raise NotImplementedError

    @property
    def optional_modalities(self) -> frozenset[str]:
        """Those of its `modalities` that an utterance may lack."""
        raise NotImplementedError

    @property
    def has_acoustic_features(self) -> bool:
        """Whether any of its features may be computed from audio."""
        return True

    def check_modalities(self, utterances: Sequence[Utterance], **options: Any) -> ModalityCheck:
        """Extract audio features if it uses audio, and find missing modalities.

        Args:
            utterances: to predict.
            options: ``available`` and ``audio_problems``; see `sentir.recognizer.modalities.check_modalities`.

        Raises:
            CorpusError: if no utterance has a modality of the model.
        """
        return check_modalities(
            utterances,
            self.modalities,
            optional_modalities=self.optional_modalities,
            mel_kind=self.recipe.model.audio.mel,
            cleaning=self.recipe.data.cleaning,
            health_only=not self.has_acoustic_features,
            **options,
        )

    def warn_unsupported_language(self, texts: Sequence[str | None]) -> None:
        """Warn about texts in a language that the model was not trained on."""

    def predict_tasks(
        self, utterances: Sequence[Utterance], *, warn_truncated: bool = True
    ) -> dict[str, Predictions]:
        """Predict utterances in every task."""
        raise NotImplementedError

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The K labels, in the order of the columns of `predict_proba`; regression models have none."""
        if not self.space.classes:
            raise AttributeError(_("This is a regression model without labels; use predict."))
        return np.array(self.space.names)

    def predict(
        self,
        texts: str | Iterable[object] = (),
        *,
        files: PathLike | Iterable[PathLike] = (),
        columns: InputColumns | Mapping[str, Any] | None = None,
        abstain: bool = False,
    ) -> list[Prediction]:
        """Predict texts, audio and video files, and the rows of tables and conversations; see `sentir.predict`.

        Raises:
            SentirError: see `sentir.predict`.
        """
        table = self.recipe.data.table
        settings = {} if table is None else table.model_dump()
        inputs = make_inputs(*normalize_inputs(texts, files), columns, settings)
        return predict_inputs(self, inputs, abstain=abstain)

    def predict_proba(
        self,
        texts: str | Iterable[object] = (),
        *,
        files: PathLike | Iterable[PathLike] = (),
        columns: InputColumns | Mapping[str, Any] | None = None,
    ) -> NDArray[np.float64]:
        """Return ``(N, K)`` probabilities of the inputs of `predict`, with columns as in `classes_`.

        The rows of inputs that cannot be predicted are NaN; `predict` returns the reasons.

        Raises:
            PredictionsError: for a regression model.
            SentirError: see `predict`.
        """
        if not self.space.classes:
            raise PredictionsError(_("This is a regression model without labels; use predict."))
        rows = self.predict(texts, files=files, columns=columns)
        return np.array([[row.probabilities.get(name, np.nan) for name in self.space.names] for row in rows])


def predict_inputs(
    recognizer: PredictionMixin, inputs: Sequence[PredictionInput], *, abstain: bool
) -> list[Prediction]:
    """Return a prediction for every input, in order, including those that cannot be predicted.

    Raises:
        CorpusError: if no input has a modality of the model.
        RecognizerError: if the model cannot abstain.
    """
    if abstain and recognizer.calibration is None:
        raise RecognizerError(
            _("The model cannot abstain, as it has no calibration: regression models and baselines have none; "
              "omit the option, or train the model again.")
        )  # fmt: skip
    checked = _check_inputs(recognizer, inputs)
    recognizer.warn_unsupported_language([u.text for u in checked.utterances])
    usable = [u for u in checked.utterances if u.id not in checked.problems]
    outputs = _predict_usable(recognizer, usable, abstain)
    synthetic = bool(recognizer.facts.get("synthetic"))
    return [_make_prediction(one, checked, outputs, synthetic) for one in inputs]


def _check_inputs(recognizer: PredictionMixin, inputs: Sequence[PredictionInput]) -> ModalityCheck:
    """Check the modalities of the inputs; those that no model can predict are problems already."""
    checked = recognizer.check_modalities(
        [one.utterance for one in inputs if not one.problem],
        available=frozenset().union(*(one.modalities for one in inputs)),
        audio_problems={one.utterance.id: one.audio_problem for one in inputs if one.audio_problem},
    )
    problems = {one.utterance.id: one.problem for one in inputs if one.problem}
    return replace(checked, problems={**problems, **checked.problems})


@dataclass(frozen=True)
class _Outputs:
    """By id: predictions, confidences, abstentions, predictions in other tasks by task, notes and problems."""

    predictions: Mapping[str, DecodedPrediction] = field(default_factory=dict)
    confidences: Mapping[str, float] = field(default_factory=dict)
    abstained: Mapping[str, bool] = field(default_factory=dict)
    other_tasks: Mapping[str, Mapping[str, DecodedPrediction]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def _predict_usable(recognizer: PredictionMixin, utterances: Sequence[Utterance], abstain: bool) -> _Outputs:
    if not utterances:
        return _Outputs()
    try:
        tasks = recognizer.predict_tasks(utterances, warn_truncated=False)
    except NonFiniteError as error:
        problem = _("The model's output is not finite; look for extreme numbers in this row or its dialogue.")
        others = _predict_usable(recognizer, [u for u in utterances if u.id not in error.ids], abstain)
        return replace(others, problems={**others.problems, **dict.fromkeys(error.ids, problem)})
    calibration, thresholds = recognizer.calibration, recognizer.thresholds
    predictions = tasks[recognizer.space.task]
    return _Outputs(
        predictions.decode(thresholds),
        compute_confidence_by_id(predictions, thresholds),
        calibration.abstain(predictions, thresholds) if abstain and calibration else {},
        {task.space.task: tasks[task.space.task].decode(task.thresholds) for task in recognizer.auxiliary_tasks},
        predictions.notes,
    )


def _make_prediction(
    item: PredictionInput, checked: ModalityCheck, outputs: _Outputs, synthetic: bool
) -> Prediction:
    u = item.utterance
    labels, probabilities, values = outputs.predictions.get(u.id, ((), {}, {}))
    problem = checked.problems.get(u.id) or outputs.problems.get(u.id, "")
    return Prediction(
        item.id, u.text, u.speaker, labels, probabilities, synthetic, problem, values,
        outputs.abstained.get(u.id),
        {task: TaskPrediction(*rows[u.id]) for task, rows in outputs.other_tasks.items() if u.id in rows},
        outputs.confidences.get(u.id),
        (*item.notes, *checked.notes.get(u.id, ()), *outputs.notes.get(u.id, ())),
        item.table, dict(item.row),
    )  # fmt: skip
