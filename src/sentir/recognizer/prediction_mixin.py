"""What a user asks of a recognizer: one prediction for every text, file and row that it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Answer, Beside, Prediction, Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import NotFiniteError, PredictionsError, RecognizerError
from sentir.evaluation.calibration.fitting import Calibration, confidences
from sentir.i18n import _
from sentir.paths import Place
from sentir.recipe import Recipe
from sentir.recognizer.inputs import Columns, Given, gather, take
from sentir.recognizer.modalities import Met, meet_needs


class Answering:
    """The half of a recognizer that takes texts and files; the other half takes utterances."""

    recipe: Recipe
    space: LabelSpace
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any]
    calibration: Calibration | None
    also: tuple[Any, ...]

    @property
    def needs(self) -> frozenset[str]:
        """What of an utterance the model takes: ``text``, ``sound`` or both."""
        raise NotImplementedError

    @property
    def tolerates(self) -> frozenset[str]:
        """What of its `needs` an utterance may lack."""
        raise NotImplementedError

    def warn_of_language(self, texts: Sequence[str | None]) -> None:
        """Warn where texts are not in a language that the model has learned to read."""

    def predict_tasks(self, utterances: Sequence[Utterance], *, tell: bool = True) -> dict[str, Predictions]:
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
        files: Place | Iterable[Place] = (),
        columns: Columns | None = None,
        not_sure: bool = False,
    ) -> list[Prediction]:
        """Predict texts, sound and video files, and the rows of tables and conversations; see `sentir.predict`.

        Raises:
            SentirError: as `sentir.predict`.
        """
        table = self.recipe.data.table
        given = gather(*take(texts, files), columns, {} if table is None else table.model_dump())
        return answer(self, given, not_sure=not_sure)

    def predict_proba(
        self,
        texts: str | Iterable[object] = (),
        *,
        files: Place | Iterable[Place] = (),
        columns: Columns | None = None,
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


def answer(recognizer: Answering, given: Sequence[Given], *, not_sure: bool) -> list[Prediction]:
    """Return a prediction for each of what was given, in order, also of what cannot be predicted.

    Raises:
        CorpusError: if there is nothing of the kind that the model needs.
        RecognizerError: if the model cannot say when it is not sure.
    """
    if not_sure and recognizer.calibration is None:
        raise RecognizerError(
            _("The model recognizes a number, is a baseline, or was saved before models were calibrated, and "
              "cannot say when it is not sure; do not ask it, or train it again.")
        )  # fmt: skip
    met = _met(recognizer, given)
    recognizer.warn_of_language([u.text for u in met.utterances])
    answers = _answers(recognizer, [u for u in met.utterances if u.id not in met.problems], not_sure)
    synthetic = bool(recognizer.facts.get("synthetic"))
    return [_prediction(one, met, answers, synthetic) for one in given]


def _met(recognizer: Answering, given: Sequence[Given]) -> Met:
    """Return the utterances as far as the model can use them; those that nothing can use are problems already."""
    met = meet_needs(
        [one.utterance for one in given if not one.problem],
        recognizer.needs,
        tolerates=recognizer.tolerates,
        kind=recognizer.recipe.model.audio.mel,
        cleaning=recognizer.recipe.data.cleaning,
        offers=frozenset().union(*(one.offers for one in given)),
        no_sound={one.utterance.id: one.no_sound for one in given if one.no_sound},
    )
    unusable = {one.utterance.id: one.problem for one in given if one.problem}
    return replace(met, problems={**unusable, **met.problems})


@dataclass(frozen=True)
class _Answers:
    """By id: what is said, its confidence, whether the model is not sure, what is said beside, and so on."""

    said: Mapping[str, Answer] = field(default_factory=dict)
    confidences: Mapping[str, float] = field(default_factory=dict)
    doubts: Mapping[str, bool] = field(default_factory=dict)
    also: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def _answers(recognizer: Answering, utterances: Sequence[Utterance], not_sure: bool) -> _Answers:
    if not utterances:
        return _Answers()
    try:
        tasks = recognizer.predict_tasks(utterances, tell=False)
    except NotFiniteError as error:
        why = _("The model gives no finite numbers for it; look for absurd numbers in its row or its dialogue.")
        others = _answers(recognizer, [u for u in utterances if u.id not in error.ids], not_sure)
        return replace(others, problems={**others.problems, **dict.fromkeys(error.ids, why)})
    calibration, cuts = recognizer.calibration, recognizer.thresholds
    found = tasks[recognizer.space.task]
    doubts = calibration.not_sure(found, cuts) if not_sure and calibration else {}
    also = {task.space.task: tasks[task.space.task].answers(task.thresholds) for task in recognizer.also}
    return _Answers(found.answers(cuts), confidences(found, cuts), doubts, also, found.notes)


def _prediction(one: Given, met: Met, answers: _Answers, synthetic: bool) -> Prediction:
    u = one.utterance
    labels, shares, values = answers.said.get(u.id, ((), {}, {}))
    problem = met.problems.get(u.id) or answers.problems.get(u.id, "")
    return Prediction(
        one.id, u.text, u.speaker, labels, shares, synthetic, problem, values,
        answers.doubts.get(u.id),
        {task: Beside(*rows[u.id]) for task, rows in answers.also.items() if u.id in rows},
        answers.confidences.get(u.id),
        (*one.notes, *met.notes.get(u.id, ()), *answers.notes.get(u.id, ())),
        one.table, dict(one.cells),
    )  # fmt: skip
