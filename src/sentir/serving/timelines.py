"""``/v1/timelines``: jobs that make the timelines of recordings."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.datastructures import FormData, UploadFile

from sentir.audio.decoding import MEDIA_SUFFIXES, read_media_duration
from sentir.errors import AudioError, TimelineError
from sentir.files.media_files import is_media_file
from sentir.i18n import _
from sentir.recognizer.enrollment import Enrollment, FromInputs
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.serving.errors import RequestError
from sentir.serving.jobs import Job, JobStatus
from sentir.serving.models import find_model
from sentir.serving.rendering import file_response, render_timeline
from sentir.serving.requests import ENROLL_SCHEMA, read_enroll_clips, read_form
from sentir.serving.routes import error_responses
from sentir.serving.settings import Limits
from sentir.serving.state import State

router = APIRouter()
_FORM = {
    "type": "object",
    "properties": {
        "recording": {"type": "string", "format": "binary", "description": "An audio or video file."},
        "turns": {
            "type": "string",
            "format": "binary",
            "description": "An annotation file; without a recording, a conversation in text alone.",
        },
        "model": {"type": "string"},
        "enroll": ENROLL_SCHEMA,
        "enroll_turns": {
            "enum": list(get_args(FromInputs)),
            "description": "Which turns of its speaker each turn is normalized by too.",
        },
    },
}
_RESULT: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/plain": {}}}}
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}}


class JobBody(BaseModel):
    """A job that makes a timeline."""

    id: str
    status: JobStatus
    progress: float = Field(description="From 0 to 1.")
    problem: str = Field(description="Why it failed; empty otherwise.")


def make_timeline(
    recognizer: Any, recording: Path, turns: Path | None, enrollment: Enrollment | None = None
) -> Any:
    """Return the timeline of a recording: the only place where the server meets `sentir.timeline`.

    Raises:
        TimelineError: if the model takes nothing that there is.
    """
    from sentir import api

    if is_media_file(recording) and turns is None and "audio" not in recognizer.modalities:
        raise TimelineError(_("This model takes texts, not audio. Give the turns of the recording with their "
                              "texts, such as subtitles, or use a model that takes audio."))  # fmt: skip
    if not is_media_file(recording) and "text" not in recognizer.modalities:
        raise TimelineError(_("This model takes audio, not texts; use a model that takes texts."))
    enrollment = enrollment or Enrollment()
    return api.timeline(
        recognizer, recording, turns=turns, enroll=enrollment.profiles, enroll_turns=enrollment.from_inputs
    )


@router.post(
    "/v1/timelines",
    status_code=202,
    summary="Make the timeline of a recording",
    responses=error_responses(400, 401, 403, 404, 408, 413, 415, 422, 429),
    openapi_extra=_BODY,
)
async def start_timeline(request: Request, response: Response, state: State) -> JobBody:
    """Send a form with a `recording`, its `turns`, or both; optionally a `model`, and clips to `enroll`."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise RequestError(415, "unsupported_media_type", _("Send multipart/form-data."))
    state.jobs.check_room()
    form = await read_form(request, state.settings.limits)
    try:
        name = form.get("model")
        model = find_model(state.models, name if isinstance(name, str) else None)
        enrollment = await model.enroll(await read_enroll_clips(form), _parse_enroll_turns(form))
        folder = Path(tempfile.mkdtemp(prefix="timeline-", dir=state.private))
        remove = partial(shutil.rmtree, folder, ignore_errors=True)
        try:
            turns, file_name = await _save(form, "turns", folder) if "turns" in form else (None, "")
            if turns is None or "recording" in form:
                recording, file_name = await _save(form, "recording", folder)
                check = partial(copy_context().run, _check_recording, recording, file_name, state.settings.limits)
                await asyncio.get_running_loop().run_in_executor(state.decoders, check)
            else:
                recording, turns = turns, None
        except RequestError:
            remove()
            raise
        work = partial(_make_named_timeline, model.recognizer, recording, turns, enrollment, file_name)
        job = state.jobs.start(work, remove)
    finally:
        await form.close()
    response.headers["Location"] = str(request.url_for("get_timeline", job_id=job.id).path)
    return _describe(job)


@router.get(
    "/v1/timelines/{job_id}", summary="The progress of a timeline", responses=error_responses(401, 404, 422, 429)
)
async def get_timeline(job_id: str, state: State) -> JobBody:
    """Return the status of a job; its turns are at `/result` when it is done."""
    return _describe(state.jobs.find(job_id))


@router.get(
    "/v1/timelines/{job_id}/result",
    summary="A timeline in any of its formats",
    response_class=Response,
    responses=_RESULT | error_responses(401, 404, 422, 429),
)
async def get_timeline_result(job_id: str, state: State, format: str = "json") -> Response:
    """Return a finished timeline: json, csv, rttm, srt, vtt, eaf, textgrid, labelstudio and others."""
    job = state.jobs.find(job_id)
    if job.status != "done":
        raise RequestError(
            422, "not_finished", job.problem or _("The timeline is not finished; ask again later.")
        )
    content = await asyncio.to_thread(render_timeline, job.result, format, state.private)
    return file_response(content, format)


@router.delete("/v1/timelines/{job_id}", status_code=204, summary="Cancel or forget a timeline",
               responses=error_responses(401, 403, 404, 422, 429))  # fmt: skip
async def remove_timeline(job_id: str, state: State) -> None:
    """Cancel a job that waits or runs; forget a finished one."""
    state.jobs.remove(job_id)


def _describe(job: Job) -> JobBody:
    return JobBody(id=job.id, status=job.status, progress=round(job.progress, 3), problem=job.problem)


async def _save(form: FormData, field: str, folder: Path) -> tuple[Path, str]:
    """Write an uploaded file; return its path, whose name is not the client's, and the client's name."""
    value = form.get(field)
    if not isinstance(value, UploadFile):
        raise RequestError(422, "missing_file", _("Upload a file as '{field}'.", field=field))
    name = Path(value.filename or "").name
    suffix = "".join(Path(name).suffixes[-2:]) if field == "turns" else Path(name).suffix.lower()
    if field == "recording" and suffix not in MEDIA_SUFFIXES:
        raise RequestError(
            422, "unknown_suffix",
            _("{name} is not called like an audio or video file; give one such as .wav, .mp3 or .mp4.",
              name=json.dumps(name)),
        )  # fmt: skip
    path = folder / f"{field}{suffix if suffix.replace('.', '').isalnum() else ''}"
    content = await value.read()
    await asyncio.to_thread(path.write_bytes, content)
    return path, name


def _check_recording(path: Path, name: str, limits: Limits) -> None:
    """Refuse a recording that is no media file, or too long."""
    try:
        seconds = read_media_duration(path)
    except AudioError as error:
        message = str(error).replace(str(path), name)
        raise RequestError(422, "undecodable", message) from None
    if seconds > limits.max_recording_seconds:
        message = _("The recording is longer than {seconds} s.", seconds=f"{limits.max_recording_seconds:g}")
        raise RequestError(422, "recording_too_long", message)


def _parse_enroll_turns(form: FormData) -> FromInputs | None:
    value = form.get("enroll_turns")
    if value is not None and value not in get_args(FromInputs):
        raise RequestError(422, "invalid_request", _("'enroll_turns' must be 'others' or 'earlier'."))
    return cast(FromInputs | None, value)


def _make_named_timeline(
    recognizer: PredictionMixin, recording: Path, turns: Path | None, enrollment: Enrollment | None, name: str
) -> Any:
    """Return the timeline of a recording under the name that the client gave it."""
    try:
        timeline = make_timeline(recognizer, recording, turns, enrollment)
    except TimelineError as error:  # it names a temporary file
        raise TimelineError(re.sub(rf"{re.escape(str(recording.parent))}\S*", name, str(error))) from None
    return replace(timeline, source=replace(timeline.source, file=name), path=None)
