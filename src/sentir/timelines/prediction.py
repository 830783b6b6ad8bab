"""Turns with their audio → turns with predictions: the only place where timelines meet the recognizer.

Turns become utterances of a dialogue; their audio becomes clips in memory, so that a recognizer processes it like
any other clip, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.memory import clip_from_samples
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import NonFiniteError
from sentir.evaluation.calibration.confidence import compute_confidence_by_id
from sentir.i18n import _
from sentir.recognizer.enrollment import Enrollment
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.recognizer.shared_embeddings import share_embeddings
from sentir.recognizer.unknown_languages import find_unknown_languages, note_language
from sentir.timelines.document import Turn
from sentir.timelines.windows import TurnAudio, Window, make_windows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Outputs:
    """By id of an utterance: probabilities of each task, notes, and why there are none."""

    probabilities: Mapping[str, Mapping[str, Array]]
    notes: Mapping[str, tuple[str, ...]]
    problems: Mapping[str, str]


class TurnPredictor:
    """Predicts the turns of a dialogue.

    Args:
        recognizer: a recognizer, or a baseline.
        min_seconds: shortest window; see `sentir.timelines.windows`.
        enrollment: of the speakers of the turns.
    """

    def __init__(
        self, recognizer: PredictionMixin, min_seconds: float, enrollment: Enrollment | None = None
    ) -> None:
        self._recognizer, self._min_seconds, self._enrollment = recognizer, min_seconds, enrollment
        self._enrolls_earlier = enrollment is not None and enrollment.from_inputs == "earlier"
        if enrollment is not None:
            recognizer.require_speaker_normalization()
        self._spaces: dict[str, tuple[LabelSpace, Any]] = {
            one.space.task: (one.space, one.thresholds) for one in (recognizer, *recognizer.auxiliary_tasks)
        }

    @property
    def uses_audio(self) -> bool:
        """Whether the model takes audio, or features of it."""
        has_features = any(model.features for model in self._recognizer.model_settings)
        has_features = has_features and self._recognizer.has_acoustic_features
        return "audio" in self._recognizer.modalities or has_features

    def predict(self, turns: Sequence[TurnAudio], *, is_final: bool = False) -> list[Turn]:
        """Return the turns of a dialogue, in order, with predictions.

        Args:
            turns: of the dialogue.
            is_final: whether later turns, if they are normalized by earlier ones, are so by these.
        """
        enrolls = is_final and self._enrolls_earlier
        windows = make_windows(turns, self._min_seconds) if self.uses_audio else [[] for _turn in turns]
        sharing = share_embeddings() if enrolls else nullcontext()
        with sharing:
            by_turn = list(_make_utterances(turns, windows))
            problems = {
                u.id: window.problem
                for utterances, own in zip(by_turn, windows, strict=True)
                for u, window in zip(utterances, own, strict=False)
                if window.problem
            }
            outputs = self._predict_utterances([u for some in by_turn for u in some], problems, enrolls=enrolls)
        return [
            self._add_prediction(one.turn, utterances, own, outputs)
            for one, utterances, own in zip(turns, by_turn, windows, strict=True)
        ]

    def decode(self, turn: Turn, probabilities: Array) -> Turn:
        """Return a turn with the prediction that a row of ``(K,)`` probabilities, or a number, gives."""
        space, thresholds = self._spaces[self._recognizer.space.task]
        predictions = Predictions(("turn",), probabilities[None], space)
        labels, by_label, values = predictions.decode(thresholds)["turn"]
        confidence = compute_confidence_by_id(predictions, thresholds).get("turn")
        return replace(turn, labels=labels, probabilities=by_label, values=values, confidence=confidence)

    def _predict_utterances(
        self, utterances: Sequence[Utterance], audio_problems: Mapping[str, str], *, enrolls: bool
    ) -> _Outputs:
        available = frozenset({"text"} if any(u.text is not None for u in utterances) else ())
        available |= {"audio"} if any(u.clip or u.id in audio_problems for u in utterances) else set()
        checked = self._recognizer.check_modalities(
            utterances, available=available, audio_problems=audio_problems
        )
        usable = [u for u in checked.utterances if u.id not in checked.problems]
        found = self._predict_usable(usable)
        if enrolls:
            self._enroll([u for u in usable if u.id in found.probabilities])
        languages = find_unknown_languages(checked.utterances, self._recognizer.supported_languages)
        own = self._recognizer.training_language
        language_notes = {key: (note_language(code, own),) for key, code in languages.items()}
        sources = (checked.notes, found.notes, language_notes)
        notes = {u.id: tuple(note for one in sources for note in one.get(u.id, ())) for u in utterances}
        return _Outputs(found.probabilities, notes, {**checked.problems, **found.problems})

    def _predict_usable(self, utterances: Sequence[Utterance]) -> _Outputs:
        if not utterances:
            return _Outputs({}, {}, {})
        try:
            tasks = self._recognizer.predict_tasks(utterances, warn_truncated=False, enrollment=self._enrollment)
        except NonFiniteError as error:
            problem = _(
                "The model's output is not finite; look for extreme numbers in this turn or its dialogue."
            )
            others = self._predict_usable([u for u in utterances if u.id not in error.ids])
            return replace(others, problems={**others.problems, **dict.fromkeys(error.ids, problem)})
        rows = {task: dict(zip(one.ids, one.probabilities, strict=True)) for task, one in tasks.items()}
        by_id = {u.id: {task: rows[task][u.id] for task in rows} for u in utterances}
        return _Outputs(by_id, tasks[self._recognizer.space.task].notes, {})

    def _enroll(self, utterances: Sequence[Utterance]) -> None:
        assert self._enrollment is not None
        for is_named in (True, False):  # profiles are of clips that all name their speaker, or of one speaker
            if own := [u for u in utterances if bool(u.speaker) == is_named]:
                self._enrollment = self._enrollment.after(self._recognizer.profile_speakers(own))

    def _add_prediction(
        self, turn: Turn, utterances: Sequence[Utterance], windows: Sequence[Window], outputs: _Outputs
    ) -> Turn:
        """Return a turn with the mean of its windows' predictions, weighted by their durations."""
        notes = [note for u in utterances for note in outputs.notes.get(u.id, ())]
        notes += [note for window in windows for note in window.notes]
        weights = [window.weight for window in windows] or [1.0]
        kept = [(u.id, w) for u, w in zip(utterances, weights, strict=True) if u.id in outputs.probabilities]
        if not kept:
            problem = next((outputs.problems[u.id] for u in utterances if u.id in outputs.problems), "")
            return replace(turn, problem=problem, notes=(*turn.notes, *dict.fromkeys(notes)))
        if len(windows) > 1:
            notes.append(_("Predicted in {n} windows, as it is long.", n=len(kept)))
        shares = np.array([weight for _key, weight in kept])[:, None] / sum(weight for _key, weight in kept)
        means = {
            task: (shares * [outputs.probabilities[key][task] for key, _weight in kept]).sum(axis=0)
            for task in self._spaces
        }
        main = self._recognizer.space.task
        decoded = self.decode(turn, means[main])
        others = {task: self._describe(task, row) for task, row in means.items() if task != main}
        return replace(decoded, other_tasks=others, notes=(*turn.notes, *dict.fromkeys(notes)))

    def _describe(self, task: str, row: Array) -> dict[str, float]:
        space, thresholds = self._spaces[task]
        _labels, probabilities, values = space.decode_rows(row[None], thresholds)[0]
        return {**probabilities, **values}


def _make_utterances(
    turns: Sequence[TurnAudio], windows: Sequence[Sequence[Window]]
) -> Iterator[list[Utterance]]:
    """Yield the utterances of each turn, one for each of its windows."""
    position = 0
    for one, own in zip(turns, windows, strict=True):
        utterances = []
        for k, window in enumerate(own or [None]):
            key = f"turn{one.number + 1}" if len(own) < 2 else f"turn{one.number + 1}/{k + 1}"
            clip = None
            if window is not None and window.waveform is not None:
                clip = clip_from_samples(key, window.waveform, SAMPLING_RATE)
            utterance = Utterance(
                key, dialogue="recording", turn=position, speaker=one.turn.speaker, text=one.turn.text, clip=clip
            )
            utterances.append(utterance)
            position += 1
        yield utterances
