"""The verb that makes timelines of recordings and conversations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from sentir.api.loading import as_model, hash_model
from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.preflight import require_files
from sentir.recognizer.enrollment import FromInputs
from sentir.recognizer.hub import find_model
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.timelines.adapters import DIARIZERS, SPEECH_RECOGNIZERS, Diarizer, SpeechRecognizer, make_adapter
from sentir.timelines.making import TimelineOptions, Turns, make_timeline
from sentir.timelines.timeline import Timeline
from sentir.timelines.turn_detection import TurnDetectionSettings
from sentir.timelines.windows import WindowSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sentir.api.loading import Model

_MAX_SECONDS_OF_TEXT = 30.0


def timeline(
    model: PathLike | Model,
    recording: PathLike | NDArray[np.floating],
    *,
    turns: Turns | None = None,
    sampling_rate: int | None = None,
    asr: str | SpeechRecognizer | None = None,
    diarizer: str | Diarizer | None = None,
    voice_activity: str = "auto",
    detection: TurnDetectionSettings | None = None,
    min_seconds: float = 1.0,
    max_seconds: float | None = None,
    smoothing: int = 0,
    enroll: object = None,
    enroll_turns: FromInputs | None = None,
    resume: PathLike | None = None,
) -> Timeline:
    """Predict a recording or a conversation turn by turn.

    Args:
        model: a recognizer, a baseline that a study selected, or the folder of one.
        recording: an audio or video file of any duration; an array of samples; or a conversation in text alone,
            in any format that turns are read from.
        turns: an annotation file or a list of turns; found by voice activity if not given.
        sampling_rate: of an array, in Hz.
        asr: recognizes the words of turns without a text: ``faster-whisper:small``, ``pocketsphinx``, or any
            object with ``name`` and ``transcribe``.
        diarizer: finds turns with speakers: ``sherpa-onnx:FOLDER``, or any object with ``name`` and ``diarize``.
        voice_activity: ``silero``, ``energy``, or ``auto`` for the first that is installed.
        detection: how speech probabilities become turns.
        min_seconds: turns shorter than this borrow context; see `sentir.timelines.windows`.
        max_seconds: of a window; by default as much as the model takes.
        smoothing: turns of the same speaker on each side to average with.
        enroll: clips of the speakers; see `sentir.recognizer.prediction_mixin.PredictionMixin.predict`.
        enroll_turns: which turns of its speaker each turn is normalized by too: ``others``, those that it is
            predicted with, at most 64, later ones included; or ``earlier``, all before it, as in a stream, where
            turns that name no speaker are of one.
        resume: file that keeps finished parts; if it exists, they are not predicted again.

    Raises:
        AudioError: if the recording cannot be decoded.
        TimelineError: if turns, settings or adapters cannot be used.
        SentirError: if the model cannot be used, or lacks a modality in all turns.
    """
    model_hash = hash_model(find_model(model)) if isinstance(model, PathLike) else ""
    if isinstance(recording, PathLike):
        require_files([recording])
    recognizer = as_model(model)
    options = make_options(
        recognizer,
        asr=asr,
        diarizer=diarizer,
        voice_activity=voice_activity,
        detection=detection,
        min_seconds=min_seconds,
        max_seconds=max_seconds,
        smoothing=smoothing,
        enroll=enroll,
        enroll_turns=enroll_turns,
        resume=resume,
        model_hash=model_hash,
    )
    return make_timeline(recognizer, recording, turns=turns, sampling_rate=sampling_rate, options=options)


def make_options(
    recognizer: PredictionMixin,
    *,
    asr: str | SpeechRecognizer | None = None,
    diarizer: str | Diarizer | None = None,
    voice_activity: str = "auto",
    detection: TurnDetectionSettings | None = None,
    min_seconds: float = 1.0,
    max_seconds: float | None = None,
    smoothing: int = 0,
    enroll: object = None,
    enroll_turns: FromInputs | None = None,
    resume: PathLike | None = None,
    model_hash: str = "",
) -> TimelineOptions:
    """Return options for a model, with the adapters that are named loaded; see `timeline`.

    Raises:
        TimelineError: if settings or adapters cannot be used.
        SentirError: if clips cannot be enrolled.
    """
    if smoothing < 0:
        raise TimelineError(_("Smoothing must be 0 turns or more."))
    if enroll_turns not in (None, *get_args(FromInputs)):
        raise TimelineError(
            _("Turns are enrolled as 'others' or 'earlier', not as '{given}'.", given=enroll_turns)
        )
    return TimelineOptions(
        voice_activity,
        detection or TurnDetectionSettings(),
        make_window_settings(recognizer, min_seconds, max_seconds),
        smoothing,
        make_adapter(asr, SPEECH_RECOGNIZERS) if isinstance(asr, str) else asr,
        make_adapter(diarizer, DIARIZERS) if isinstance(diarizer, str) else diarizer,
        None if resume is None else Path(resume),
        model_hash,
        recognizer.make_enrollment(enroll, enroll_turns),
    )


def make_window_settings(
    recognizer: PredictionMixin, min_seconds: float, max_seconds: float | None
) -> WindowSettings:
    """Return the windows of a model, by default the longest that it takes, 30 s of a model of text.

    The minimum is at most half of the maximum.
    """
    if max_seconds is not None:
        return WindowSettings(min_seconds, max_seconds)
    longest = float(recognizer.recipe.model.audio.max_seconds)
    longest = max(1.0, longest) if "audio" in recognizer.modalities else _MAX_SECONDS_OF_TEXT
    return WindowSettings(min(min_seconds, longest / 2), longest)
