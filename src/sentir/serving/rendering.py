"""``/v1/timelines/render``: a timeline document, such as a corrected one, in any format; nothing is kept."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from sentir.errors import TimelineError
from sentir.serving.routes import error_responses
from sentir.serving.state import State
from sentir.timelines.formats import find_format
from sentir.timelines.timeline import Timeline

router = APIRouter()
MAX_TURNS = 20_000
_MEDIA_TYPES = {
    "json": "application/json",
    "labelstudio": "application/json",
    "parquet": "application/octet-stream",
}
_Name = Annotated[str, Field(max_length=200)]
_Numbers = Annotated[Mapping[_Name, FiniteFloat], Field(max_length=1000)]
_Seconds = Annotated[FiniteFloat, Field(ge=0)]
_Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TurnBody(_Part):
    """A turn; keys without a value are left out."""

    start: _Seconds | None = None
    end: _Seconds | None = None
    speaker: _Name | None = None
    text: Annotated[str, Field(max_length=20_000)] | None = None
    labels: Annotated[list[_Name], Field(max_length=1000)] = []
    probabilities: _Numbers = {}
    values: _Numbers = {}
    confidence: _Share | None = None
    other_tasks: dict[_Name, _Numbers] = {}
    notes: list[str] = []
    problem: str = ""


class RecordingBody(_Part):
    """The recording of a timeline."""

    file: _Name
    sha256: _Name
    seconds: _Seconds | None


class TimelineBody(_Part):
    """A document ``sentir-timeline/1``."""

    schema_: Literal["sentir-timeline/1"] = Field(alias="schema")
    recording: RecordingBody
    model: dict[_Name, str]
    task: _Name
    labels: Annotated[list[_Name], Field(max_length=1000)]
    synthetic: bool
    settings: dict[str, Any]
    notes: list[str]
    turns: Annotated[list[TurnBody], Field(max_length=MAX_TURNS)]
    curve: Any = Field(default=None, description="Computed again from the turns.")


@router.post(
    "/v1/timelines/render",
    summary="Write a timeline document in a format",
    response_class=Response,
    responses=error_responses(400, 401, 403, 408, 413, 422, 429),
)
async def render(body: TimelineBody, state: State, format: str = "json") -> Response:
    """Send a document, also one with corrected labels; it is returned in the format and not kept."""
    timeline = Timeline.from_dict(body.model_dump(by_alias=True))
    content = await asyncio.to_thread(render_timeline, timeline, format, state.private)
    return file_response(content, format)


def render_timeline(timeline: Any, format: str, folder: Path | None) -> bytes:
    """Return a timeline in a format; what is written on the way is in the folder."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name) / "timeline"
        try:
            timeline.save(path, format=format)
        except TimelineError as error:
            raise TimelineError(str(error).replace(str(path), path.name)) from None
        return path.read_bytes()


def file_response(content: bytes, format: str) -> Response:
    """Return a rendered timeline as a download, never as a page of this server."""
    suffix = find_format(Path(), format).suffix
    headers = {
        "Content-Disposition": f'attachment; filename="timeline{suffix}"',
        "X-Content-Type-Options": "nosniff",
    }
    kind = _MEDIA_TYPES.get(format.lower(), "text/plain; charset=utf-8")
    return Response(content, media_type=kind, headers=headers)
