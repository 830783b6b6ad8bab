"""What a user asks of a recognizer: one prediction for every text, file and row that it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import DecodedPrediction, Prediction, Predictions, TaskPrediction
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
    """The half of a recognizer that takes texts and files; the other half takes utterances."""

    recipe: Recipe
    space: LabelSpace
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any]
    calibration: Calibration | None
    auxiliary_tasks: tuple[Any, ...]

    @property
    def modalities(self) -> frozenset[str]:
        """What of an utterance the model takes: ``text``, ``sound`` or both."""
        raise NotImplementedError

    @property
    def optional_modalities(self) -> frozenset[str]:
        """What of its `needs` an utterance may lack."""
        raise NotImplementedError

    def warn_unsupported_language(self, texts: Sequence[str | None]) -> None:
        """Warn where texts are not in a language that the model has learned to read."""

    def predict_tasks(
        self, utterances: Sequence[Utterance], *, warn_truncated: bool = True
    ) -> dict[str, Predictions]:
        """Predict utterances in every task."""
        raise NotImplementedError

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The K labels, in the order of the columns of `predict_proba`; a model of a number has none."""
        if self.space.kind == "regression":
            raise AttributeError(_("The model recognizes a number and has no labels; use predict."))
        return np.array(self.space.names)

    def predict(
        self,
        texts: str | Iterable[object] = (),
        *,
        files: PathLike | Iterable[PathLike] = (),
        columns: InputColumns | Mapping[str, Any] | None = None,
        abstain: bool = False,
    ) -> list[Prediction]:
        """Predict texts, sound and video files, and the rows of tables and conversations; see `sentir.predict`.

        Raises:
            SentirError: as `sentir.predict`.
        """
        table = self.recipe.data.table
        given = make_inputs(*normalize_inputs(texts, files), columns, {} if table is None else table.model_dump())
        return predict_inputs(self, given, abstain=abstain)

    def predict_proba(
        self,
        texts: str | Iterable[object] = (),
        *,
        files: PathLike | Iterable[PathLike] = (),
        columns: InputColumns | Mapping[str, Any] | None = None,
    ) -> NDArray[np.float64]:
        """Return ``(N, K)`` probabilities of what `predict` takes, a row each, columns as in `classes_`.

        A row of what cannot be predicted is NaN; `predict` says why.

        Raises:
            PredictionsError: if the model recognizes a number.
            SentirError: as `predict`.
        """
        if self.space.kind == "regression":
            raise PredictionsError(_("The model recognizes a number and has no labels; use predict."))
        rows = self.predict(texts, files=files, columns=columns)
        return np.array([[row.probabilities.get(name, np.nan) for name in self.space.names] for row in rows])


def predict_inputs(
    recognizer: PredictionMixin, inputs: Sequence[PredictionInput], *, abstain: bool
) -> list[Prediction]:
    """Return a prediction for each of what was given, in order, also of what cannot be predicted.

    Raises:
        CorpusError: if there is nothing of the kind that the model needs.
        RecognizerError: if the model cannot say when it is not sure.
    """
    if abstain and recognizer.calibration is None:
        raise RecognizerError(
            _("The model recognizes a number, is a baseline, or was saved before models were calibrated, and "
              "cannot say when it is not sure; do not ask it, or train it again.")
        )  # fmt: skip
    met = _check_inputs(recognizer, inputs)
    recognizer.warn_unsupported_language([u.text for u in met.utterances])
    answers = _predict_usable(recognizer, [u for u in met.utterances if u.id not in met.problems], abstain)
    synthetic = bool(recognizer.facts.get("synthetic"))
    return [_make_prediction(one, met, answers, synthetic) for one in inputs]


def _check_inputs(recognizer: PredictionMixin, inputs: Sequence[PredictionInput]) -> ModalityCheck:
    """Return the utterances as far as the model can use them; those that nothing can use are problems already."""
    met = check_modalities(
        [one.utterance for one in inputs if not one.problem],
        recognizer.modalities,
        optional_modalities=recognizer.optional_modalities,
        mel_kind=recognizer.recipe.model.audio.mel,
        cleaning=recognizer.recipe.data.cleaning,
        available=frozenset().union(*(one.modalities for one in inputs)),
        audio_problems={one.utterance.id: one.audio_problem for one in inputs if one.audio_problem},
    )
    unusable = {one.utterance.id: one.problem for one in inputs if one.problem}
    return replace(met, problems={**unusable, **met.problems})


@dataclass(frozen=True)
class _Outputs:
    """By id: what is said, its confidence, whether the model is not sure, what is said beside, and so on."""

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
        why = _("The model gives no finite numbers for it; look for absurd numbers in its row or its dialogue.")
        others = _predict_usable(recognizer, [u for u in utterances if u.id not in error.ids], abstain)
        return replace(others, problems={**others.problems, **dict.fromkeys(error.ids, why)})
    calibration, cuts = recognizer.calibration, recognizer.thresholds
    found = tasks[recognizer.space.task]
    doubts = calibration.abstain(found, cuts) if abstain and calibration else {}
    also = {
        task.space.task: tasks[task.space.task].decode(task.thresholds) for task in recognizer.auxiliary_tasks
    }
    return _Outputs(found.decode(cuts), compute_confidence_by_id(found, cuts), doubts, also, found.notes)


def _make_prediction(
    item: PredictionInput, checked: ModalityCheck, outputs: _Outputs, synthetic: bool
) -> Prediction:
    u = item.utterance
    labels, shares, values = outputs.predictions.get(u.id, ((), {}, {}))
    problem = checked.problems.get(u.id) or outputs.problems.get(u.id, "")
    return Prediction(
        item.id, u.text, u.speaker, labels, shares, synthetic, problem, values,
        outputs.abstained.get(u.id),
        {task: TaskPrediction(*rows[u.id]) for task, rows in outputs.other_tasks.items() if u.id in rows},
        outputs.confidences.get(u.id),
        (*item.notes, *checked.notes.get(u.id, ()), *outputs.notes.get(u.id, ())),
        item.table, dict(item.row),
    )  # fmt: skip
