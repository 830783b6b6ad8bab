"""Turns with their audio → turns with predictions: the only place where timelines meet the recognizer.

Turns become utterances of a dialogue; their audio is written to a temporary folder of float32 WAV files, so that
a recognizer processes it like any other clip, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import NonFiniteError
from sentir.evaluation.calibration.confidence import compute_confidence_by_id
from sentir.i18n import _
from sentir.recognizer.prediction_mixin import PredictionMixin
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
    """

    def __init__(self, recognizer: PredictionMixin, min_seconds: float) -> None:
        self._recognizer, self._min_seconds = recognizer, min_seconds
        self._spaces: dict[str, tuple[LabelSpace, Any]] = {
            one.space.task: (one.space, one.thresholds) for one in (recognizer, *recognizer.auxiliary_tasks)
        }

    @property
    def uses_audio(self) -> bool:
        """Whether the model takes audio, or features of it."""
        features = self._recognizer.recipe.model.features
        has_features = bool(features) and self._recognizer.has_acoustic_features
        return "audio" in self._recognizer.modalities or has_features

    def predict(self, turns: Sequence[TurnAudio]) -> list[Turn]:
        """Return the turns of a dialogue, in order, with predictions."""
        windows = make_windows(turns, self._min_seconds) if self.uses_audio else [[] for _turn in turns]
        with TemporaryDirectory(prefix="sentir-timeline-") as folder:
            by_turn = list(_make_utterances(turns, windows, Path(folder)))
            problems = {
                u.id: window.problem
                for utterances, own in zip(by_turn, windows, strict=True)
                for u, window in zip(utterances, own, strict=False)
                if window.problem
            }
            outputs = self._predict_utterances([u for some in by_turn for u in some], problems)
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

    def _predict_utterances(self, utterances: Sequence[Utterance], audio_problems: Mapping[str, str]) -> _Outputs:
        available = frozenset({"text"} if any(u.text is not None for u in utterances) else ())
        available |= {"audio"} if any(u.clip or u.id in audio_problems for u in utterances) else set()
        checked = self._recognizer.check_modalities(
            utterances, available=available, audio_problems=audio_problems
        )
        usable = [u for u in checked.utterances if u.id not in checked.problems]
        found = self._predict_usable(usable)
        notes = {u.id: (*checked.notes.get(u.id, ()), *found.notes.get(u.id, ())) for u in utterances}
        return _Outputs(found.probabilities, notes, {**checked.problems, **found.problems})

    def _predict_usable(self, utterances: Sequence[Utterance]) -> _Outputs:
        if not utterances:
            return _Outputs({}, {}, {})
        try:
            tasks = self._recognizer.predict_tasks(utterances, warn_truncated=False)
        except NonFiniteError as error:
            problem = _(
                "The model's output is not finite; look for extreme numbers in this turn or its dialogue."
            )
            others = self._predict_usable([u for u in utterances if u.id not in error.ids])
            return replace(others, problems={**others.problems, **dict.fromkeys(error.ids, problem)})
        rows = {task: dict(zip(one.ids, one.probabilities, strict=True)) for task, one in tasks.items()}
        by_id = {u.id: {task: rows[task][u.id] for task in rows} for u in utterances}
        return _Outputs(by_id, tasks[self._recognizer.space.task].notes, {})

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
    turns: Sequence[TurnAudio], windows: Sequence[Sequence[Window]], folder: Path
) -> Iterator[list[Utterance]]:
    """Yield the utterances of each turn, one for each of its windows."""
    position = 0
    for one, own in zip(turns, windows, strict=True):
        utterances = []
        for k, window in enumerate(own or [None]):
            key = f"turn{one.number + 1}" if len(own) < 2 else f"turn{one.number + 1}/{k + 1}"
            clip = None
            if window is not None and window.waveform is not None:
                clip = _write_clip(window.waveform, folder / f"{position}.wav")
            utterance = Utterance(
                key, dialogue="recording", turn=position, speaker=one.turn.speaker, text=one.turn.text, clip=clip
            )
            utterances.append(utterance)
            position += 1
        yield utterances


def _write_clip(waveform: NDArray[np.float32], path: Path) -> Clip:
    import soundfile

    soundfile.write(path, waveform, SAMPLING_RATE, subtype="FLOAT")
    return Clip(path)
