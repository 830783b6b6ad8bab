"""Inputs → predictions and embeddings, with the problems and notes of each input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import DecodedPrediction, LabelSpace
from sentir.corpus.predictions import Prediction, Predictions, TaskPrediction
from sentir.corpus.utterances import Utterance
from sentir.errors import NonFiniteError, RecognizerError
from sentir.evaluation.calibration.confidence import compute_confidence_by_id
from sentir.evaluation.calibration.fitting import Calibration
from sentir.i18n import _
from sentir.recipe import ModelSettings, Recipe
from sentir.recognizer.enrollment import Enrollment, SpeakerProfiles, no_speaker_normalization_error
from sentir.recognizer.inputs import Inputs, PredictionInput
from sentir.recognizer.modalities import ModalityCheck, check_modalities
from sentir.recognizer.prediction_tables import PredictionList
from sentir.recognizer.unknown_languages import find_unknown_languages, is_foreign, note_language


class Predictor:
    """What the functions here need of a recognizer, or of a saved baseline."""

    recipe: Recipe
    space: LabelSpace
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any]
    calibration: Calibration | None
    auxiliary_tasks: tuple[Any, ...]

    @property
    def model_settings(self) -> tuple[ModelSettings, ...]:
        """The section ``model`` of its recipe; of an ensemble, those of its members."""
        return (self.recipe.model,)

    @property
    def mel_kind(self) -> str:
        """The kind of mel spectrogram to extract for it; a model that needs another one extracts that itself."""
        return self.recipe.model.audio.mel

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

    @property
    def has_speaker_normalization(self) -> bool:
        """Whether its inputs can be normalized by enrolled clips of their speakers."""
        return False

    def require_speaker_normalization(self) -> None:
        """Raise a `RecognizerError` if it has no speaker normalization."""
        if not self.has_speaker_normalization:
            raise no_speaker_normalization_error()

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
            mel_kind=self.mel_kind,
            cleaning=self.recipe.data.cleaning,
            health_only=not self.has_acoustic_features,
            **options,
        )

    @property
    def training_language(self) -> str | None:
        """The language of the texts that it was trained on; ``None`` if it is not known."""
        return self.facts.get("language")

    @property
    def supported_languages(self) -> tuple[str, ...]:
        """The languages of its text encoder; empty if it has none, or they are not known."""
        return ()

    def warn_unsupported_language(self, texts: Sequence[str | None]) -> None:
        """Warn about texts in a language that the model was not trained on."""

    def embed_utterances(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """Return the vectors of N utterances before the head, ``(N, d)``.

        Raises:
            RecognizerError: if the model has none.
        """
        raise RecognizerError(_("This model is a baseline, which has no embeddings; give a trained model."))

    def profile_speakers(self, utterances: Sequence[Utterance]) -> SpeakerProfiles:
        """Return what is to be known of the speakers of some utterances with audio.

        Raises:
            RecognizerError: if the model has no speaker normalization.
        """
        raise no_speaker_normalization_error()

    def predict_tasks(
        self,
        utterances: Sequence[Utterance],
        *,
        warn_truncated: bool = True,
        enrollment: Enrollment | None = None,
    ) -> dict[str, Predictions]:
        """Predict utterances in every task."""
        raise NotImplementedError


def predict_inputs(
    recognizer: Predictor,
    inputs: Inputs,
    *,
    abstain: bool = False,
    max_error: float | None = None,
    enrollment: Enrollment | None = None,
    available: frozenset[str] | None = None,
) -> Any:
    """Return the prediction of a single input, or the list of those of all, in order; see `predict`.

    Args:
        recognizer, abstain, max_error, enrollment: see `predict`.
        inputs: to predict, or a part of them.
        available: the modalities of all inputs, if these are a part.
    """
    if enrollment is not None:
        recognizer.require_speaker_normalization()
    threshold = _find_confidence_threshold(recognizer, abstain=abstain, max_error=max_error)
    if not inputs.rows:
        return PredictionList()
    checked = _check_inputs(recognizer, inputs.rows, available)
    languages = _find_unknown_languages(recognizer, checked.utterances)
    usable = [u for u in checked.utterances if u.id not in checked.problems]
    outputs = _predict_usable(recognizer, usable, threshold, enrollment)
    predictions = PredictionList(
        _make_prediction(one, checked, outputs, recognizer, languages.get(one.utterance.id))
        for one in inputs.rows
    )
    return predictions[0] if inputs.is_single else predictions


def embed_inputs(
    recognizer: Predictor, inputs: Inputs, available: frozenset[str] | None = None
) -> tuple[NDArray[np.float32], dict[str, str]]:
    """Return the vectors of N inputs, ``(N, d)``, NaN where there is none, and id → why there is none.

    Args:
        recognizer: computes them.
        inputs, available: see `predict_inputs`.
    """
    if not inputs.rows:
        return np.zeros((0, 0), np.float32), {}
    checked = _check_inputs(recognizer, inputs.rows, available)
    recognizer.warn_unsupported_language([u.text for u in checked.utterances])
    usable = [u for u in checked.utterances if u.id not in checked.problems]
    if not usable:
        return np.full((len(inputs.rows), 0), np.nan, np.float32), dict(checked.problems)
    embedded = recognizer.embed_utterances(usable)
    row_of = {u.id: n for n, u in enumerate(usable)}
    vectors = np.full((len(inputs.rows), embedded.shape[1]), np.nan, np.float32)
    for n, one in enumerate(inputs.rows):
        if one.utterance.id in row_of:
            vectors[n] = embedded[row_of[one.utterance.id]]
    return vectors, dict(checked.problems)


def _find_confidence_threshold(recognizer: Predictor, *, abstain: bool, max_error: float | None) -> float | None:
    """Return the confidence below which predictions abstain; ``None`` if that is not requested.

    Raises:
        RecognizerError: if the model cannot abstain, or no threshold reaches the maximum error.
    """
    if not abstain and max_error is None:
        return None
    if recognizer.calibration is None:
        raise RecognizerError(
            _("The model cannot abstain, as it has no calibration: regression models and baselines have none; "
              "omit the option, or train the model again.")
        )  # fmt: skip
    if max_error is None:
        return recognizer.calibration.confidence_threshold
    return recognizer.calibration.threshold_for_error(max_error)


def _check_inputs(
    recognizer: Predictor, inputs: Sequence[PredictionInput], available: frozenset[str] | None
) -> ModalityCheck:
    """Check the modalities of the inputs; those that no model can predict are problems already."""
    checked = recognizer.check_modalities(
        [one.utterance for one in inputs if not one.problem],
        available=available or frozenset().union(*(one.modalities for one in inputs)),
        audio_problems={one.utterance.id: one.audio_problem for one in inputs if one.audio_problem},
    )
    problems = {one.utterance.id: one.problem for one in inputs if one.problem}
    return replace(checked, problems={**problems, **checked.problems})


def _find_unknown_languages(recognizer: Predictor, utterances: Sequence[Utterance]) -> dict[str, str]:
    """Warn about texts in a language that the encoder was not trained on, and return id → that language."""
    if not recognizer.supported_languages:
        return {}
    recognizer.warn_unsupported_language([u.text for u in utterances if u.text])
    return find_unknown_languages(utterances, recognizer.supported_languages)


@dataclass(frozen=True)
class _Outputs:
    """By id: predictions, confidences, abstentions, predictions in other tasks by task, notes and problems."""

    predictions: Mapping[str, DecodedPrediction] = field(default_factory=dict)
    confidences: Mapping[str, float] = field(default_factory=dict)
    abstained: Mapping[str, bool] = field(default_factory=dict)
    other_tasks: Mapping[str, Mapping[str, DecodedPrediction]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def _predict_usable(
    recognizer: Predictor,
    utterances: Sequence[Utterance],
    confidence_threshold: float | None,
    enrollment: Enrollment | None,
) -> _Outputs:
    if not utterances:
        return _Outputs()
    try:
        tasks = recognizer.predict_tasks(utterances, warn_truncated=False, enrollment=enrollment)
    except NonFiniteError as error:
        problem = _("The model's output is not finite; look for extreme numbers in this row or its dialogue.")
        others = _predict_usable(
            recognizer, [u for u in utterances if u.id not in error.ids], confidence_threshold, enrollment
        )
        return replace(others, problems={**others.problems, **dict.fromkeys(error.ids, problem)})
    thresholds, predictions = recognizer.thresholds, tasks[recognizer.space.task]
    confidences = compute_confidence_by_id(predictions, thresholds)
    lowest = confidence_threshold
    return _Outputs(
        predictions.decode(thresholds),
        confidences,
        {} if lowest is None else {key: one < lowest for key, one in confidences.items()},
        {task.space.task: tasks[task.space.task].decode(task.thresholds) for task in recognizer.auxiliary_tasks},
        predictions.notes,
    )


def make_problem(item: PredictionInput, problem: str) -> Prediction:
    """Return the prediction of an input that cannot be predicted."""
    u = item.utterance
    return Prediction(
        item.id,
        u.text,
        u.speaker,
        (),
        {},
        problem=problem,
        notes=item.notes,
        table=item.table,
        cells=dict(item.row),
    )


def _make_prediction(
    item: PredictionInput,
    checked: ModalityCheck,
    outputs: _Outputs,
    recognizer: Predictor,
    unknown_language: str | None,
) -> Prediction:
    u = item.utterance
    labels, probabilities, values = outputs.predictions.get(u.id, ((), {}, {}))
    problem = checked.problems.get(u.id) or outputs.problems.get(u.id, "")
    abstain, notes = outputs.abstained.get(u.id), [*checked.notes.get(u.id, ()), *outputs.notes.get(u.id, ())]
    if unknown_language is not None:
        notes.append(note_language(unknown_language, recognizer.training_language))
    if abstain:
        notes.append(_("Not sure: the confidence is below the threshold."))
    own = recognizer.training_language
    if not problem and unknown_language is not None and is_foreign(unknown_language, own):
        abstain = True
    synthetic = bool(recognizer.facts.get("synthetic"))
    return Prediction(
        item.id, u.text, u.speaker, labels, probabilities, synthetic, problem, values,
        abstain,
        {task: TaskPrediction(*rows[u.id]) for task, rows in outputs.other_tasks.items() if u.id in rows},
        outputs.confidences.get(u.id),
        (*item.notes, *notes),
        item.table, dict(item.row),
        () if problem else checked.used.get(u.id, ()),
    )  # fmt: skip
