"""The models that are served, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from sentir.audio.decoding import read_media_duration
from sentir.corpus.predictions import Prediction
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import AudioError
from sentir.i18n import _, get_language
from sentir.recognizer.enrollment import Enrollment, FromInputs, SpeakerProfiles
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.serving.batching import MicroBatcher
from sentir.serving.errors import RequestError
from sentir.serving.explaining import why_no_explanation
from sentir.serving.metrics import Metrics
from sentir.serving.schemas import ModelBody
from sentir.serving.settings import Limits

Result = TypeVar("Result")


class PredictOptions(NamedTuple):
    """What requests that share a batch have in common; the language, as notes are sentences."""

    language: str
    abstain: bool = False
    max_error: float | None = None
    enrollment: Enrollment | None = None  # requests with one have a batch of their own


@dataclass(frozen=True)
class ServedModel:
    """A model with its queue.

    Attributes:
        name: in requests.
        recognizer: a recognizer, or a baseline.
        batcher: its queue.
        decoders: threads that decode audio.
        limits: of clips.
    """

    name: str
    recognizer: PredictionMixin
    batcher: MicroBatcher[PredictOptions, Utterance, Prediction]
    decoders: ThreadPoolExecutor
    limits: Limits

    @property
    def uses_audio(self) -> bool:
        """Whether it takes audio."""
        return "audio" in self.recognizer.modalities

    async def predict(
        self,
        utterances: Sequence[Utterance],
        *,
        abstain: bool = False,
        max_error: float | None = None,
        enroll: Sequence[Utterance] = (),
    ) -> Sequence[Prediction]:
        """Predict the utterances of a request, in a batch with those of others; with ``enroll``, by themselves.

        Raises:
            RequestError: if none has a modality of the model, clips are beyond the limits, or the queue is full.
        """
        self._require_modality(utterances)
        if self.uses_audio and any(u.clip for u in utterances):
            utterances = await self.decode(utterances)
        enrollment = await self.enroll(enroll)
        options = PredictOptions(get_language(), abstain, max_error, enrollment)
        return await self.batcher.submit(utterances, options)

    def _require_modality(self, utterances: Sequence[Utterance]) -> None:
        given = {"text": any(u.text is not None for u in utterances), "audio": any(u.clip for u in utterances)}
        if not any(given[modality] for modality in self.recognizer.modalities):
            what = {"text": _("texts"), "audio": _("audio")}
            names = _(" and ").join(what[one] for one in sorted(self.recognizer.modalities, reverse=True))
            message = _("The model '{name}' takes {what}, and no input has any.", name=self.name, what=names)
            raise RequestError(422, "missing_modality", message)

    async def decode(self, utterances: Sequence[Utterance]) -> Sequence[Utterance]:
        """Attach the audio features of clips."""
        return await self._run_decoder(partial(self._attach_audio, utterances))

    def require_speaker_normalization(self, field: str) -> None:
        """Raise a `RequestError` for a field of a request if the model has no speaker normalization."""
        if not self.recognizer.has_speaker_normalization:
            message = _("The model '{name}' has no speaker normalization; leave out '{field}'.",
                        name=self.name, field=field)  # fmt: skip
            raise RequestError(422, "no_speaker_normalization", message)

    async def enroll(
        self, clips: Sequence[Utterance], from_inputs: FromInputs | None = None
    ) -> Enrollment | None:
        """Return what inputs are normalized by: the speaker of some clips, and other inputs; or ``None``.

        Raises:
            RequestError: if the model has no speaker normalization, or clips are beyond the limits.
        """
        if not clips and from_inputs is None:
            return None
        self.require_speaker_normalization("enroll" if clips else "enroll_turns")

        def make_profiles() -> SpeakerProfiles:
            return self.recognizer.enroll(list(self._attach_audio(clips)))

        return Enrollment(await self._run_decoder(make_profiles) if clips else None, from_inputs)

    async def _run_decoder(self, function: Callable[[], Result]) -> Result:
        """Call a function in a thread that decodes audio."""
        work = partial(copy_context().run, function)
        try:
            async with asyncio.timeout(self.limits.decoding_timeout):
                return await asyncio.get_running_loop().run_in_executor(self.decoders, work)
        except TimeoutError:
            seconds = f"{self.limits.decoding_timeout:g}"
            message = _("The audio could not be decoded within {seconds} s; send less at once.", seconds=seconds)
            raise RequestError(422, "decoding_timeout", message) from None

    def _attach_audio(self, utterances: Sequence[Utterance]) -> Sequence[Utterance]:
        for number, u in enumerate(utterances, start=1):
            if u.clip is not None and _read_duration(u.clip) > self.limits.max_seconds:
                raise self._too_long(number)
        available = self.recognizer.modalities
        checked = self.recognizer.check_modalities(utterances, available=available).utterances
        for number, u in enumerate(checked, start=1):
            if u.audio is not None and u.audio.seconds > self.limits.max_seconds + 1:
                raise self._too_long(number)
        return checked

    def _too_long(self, number: int) -> RequestError:
        message = _("The audio of input {number} is longer than {seconds} s; cut it, or ask for a timeline.",
                    number=number, seconds=f"{self.limits.max_seconds:g}")  # fmt: skip
        return RequestError(422, "audio_too_long", message)

    def describe(self) -> ModelBody:
        """Return what ``/v1/models`` says of it."""
        model, calibration = self.recognizer, self.recognizer.calibration
        return ModelBody(
            name=self.name,
            task=model.space.task,
            kind=model.space.kind,
            labels=list(model.space.names),
            modalities=sorted(model.modalities),
            optional_modalities=sorted(model.optional_modalities),
            languages=list(model.supported_languages),
            auxiliary_tasks=[task.space.task for task in model.auxiliary_tasks],
            synthetic=bool(model.facts.get("synthetic")),
            confidence_threshold=None if calibration is None else calibration.confidence_threshold,
            has_speaker_normalization=model.has_speaker_normalization,
            can_explain=not why_no_explanation(model),
            is_emotion_recognition_system=self.uses_audio,
        )


def serve_models(
    recognizers: Mapping[str, PredictionMixin], decoders: ThreadPoolExecutor, limits: Limits, metrics: Metrics
) -> dict[str, ServedModel]:
    """Return the models by name, each with a queue and a thread of its own."""
    return {
        name: ServedModel(name, one, _make_batcher(name, one, limits, metrics), decoders, limits)
        for name, one in recognizers.items()
    }


def _make_batcher(
    name: str, recognizer: PredictionMixin, limits: Limits, metrics: Metrics
) -> MicroBatcher[PredictOptions, Utterance, Prediction]:
    def predict(utterances: Sequence[Utterance], options: PredictOptions) -> Sequence[Prediction]:
        predictions: Sequence[Prediction] = recognizer.predict(
            utterances,
            abstain=options.abstain,
            max_error=options.max_error,
            enroll=None if options.enrollment is None else options.enrollment.profiles,
        )
        metrics.predictions.labels(name).inc(len(predictions))
        return predictions

    batcher = MicroBatcher(
        predict,
        max_batch=limits.max_batch_inputs,
        max_queue=limits.max_queued_inputs,
        on_batch=metrics.batch_size.labels(name).observe,
    )
    metrics.queue_size.labels(name).set_function(lambda: batcher.queue_size)
    return batcher


def find_model(models: Mapping[str, ServedModel], name: str | None) -> ServedModel:
    """Return the model of a name, or the only one.

    Raises:
        RequestError: 404 if there is none of the name, 422 if a name is needed.
    """
    known = ", ".join(models)
    if name is None:
        if len(models) > 1:
            raise RequestError(
                422, "model_needed", _("Several models are served; name one of them: {known}.", known=known)
            )
        return next(iter(models.values()))
    if name not in models:
        raise RequestError(404, "unknown_model", _("There is no such model; known: {known}.", known=known))
    return models[name]


def audio_models(recognizers: Mapping[str, PredictionMixin]) -> Iterable[str]:
    """Return the names of the models that take audio."""
    return [name for name, one in recognizers.items() if "audio" in one.modalities]


def _read_duration(clip: Clip) -> float:
    """Return how long a clip is, as its file declares; 0 if it cannot be decoded, which its prediction says."""
    try:
        seconds = read_media_duration(clip.path, clip.content)
    except AudioError:
        return 0.0
    end = seconds if clip.end is None else min(seconds, clip.end)
    return max(0.0, end - (clip.start or 0.0))
