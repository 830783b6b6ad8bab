"""What a recognizer says of what it was given: one prediction for every text, file and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sentir.corpus.predictions import Answer, Beside, Prediction
from sentir.corpus.types import Utterance
from sentir.errors import NotFiniteError
from sentir.evaluation.calibration import confidences
from sentir.i18n import _
from sentir.progress import say
from sentir.readers.inputs import Given
from sentir.readers.needs import Met, meet_needs

if TYPE_CHECKING:
    from sentir.recognizer import Recognizer
    from sentir.study.simple import Simple


def answer(recognizer: Recognizer | Simple, given: Sequence[Given], *, not_sure: bool) -> list[Prediction]:
    """Return a prediction for each of what was given, in order, also of what cannot be predicted.

    Raises:
        CorpusError: if there is nothing of the kind that the model needs.
    """
    met = _met(recognizer, given)
    if "text" in recognizer.needs:
        from sentir.models.text_backbones import foreign

        if sentence := foreign(recognizer.recipe.model.backbone, [u.text for u in met.utterances]):
            say(sentence)
    answers = _answers(recognizer, [u for u in met.utterances if u.id not in met.problems], not_sure)
    synthetic = bool(recognizer.facts.get("synthetic"))
    return [_prediction(one, met, answers, synthetic) for one in given]


def _met(recognizer: Recognizer | Simple, given: Sequence[Given]) -> Met:
    """Return the utterances as far as the model can use them; those that nothing can use are problems already."""
    met = meet_needs(
        [one.utterance for one in given if not one.problem],
        recognizer.needs,
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


def _answers(recognizer: Recognizer | Simple, utterances: Sequence[Utterance], not_sure: bool) -> _Answers:
    if not utterances:
        return _Answers()
    try:
        tasks = recognizer.predict_tasks(utterances)
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
