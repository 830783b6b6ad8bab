"""The routes of predictions, models, notices, health and metrics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sentir.i18n import _, get_language
from sentir.serving.errors import ErrorBody, RequestError
from sentir.serving.models import find_model
from sentir.serving.purposes import notice
from sentir.serving.requests import ENROLL_SCHEMA, read_emotions_request
from sentir.serving.schemas import (
    EXAMPLES,
    EmotionsResponse,
    LimitsResponse,
    ModelsResponse,
    NoticeResponse,
    prediction_body,
)
from sentir.serving.state import State

router = APIRouter()
_ERRORS = {
    400: "The body is damaged.",
    401: "The token is missing.",
    403: "The request comes from a page of another site.",
    404: "There is no such model.",
    408: "The body arrived too slowly.",
    413: "The body is too large, or has too many files.",
    415: "The body is neither JSON nor a form.",
    422: "The inputs cannot be used.",
    429: "Too many requests are handled.",
    501: "The model, or what is installed, cannot do it.",
    503: "Too many inputs are waiting.",
}


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route for the OpenAPI document."""
    return {status: {"model": ErrorBody, "description": _ERRORS[status]} for status in statuses}


_FORM_SCHEMA = {
    "type": "object",
    "properties": {
        "request": {"type": "string", "description": "The JSON of a request; its inputs name files in `audio`."},
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "enroll": ENROLL_SCHEMA,
    },
}
EMOTIONS_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/EmotionsRequest"}, "examples": EXAMPLES},
        "multipart/form-data": {"schema": _FORM_SCHEMA},
    },
}


@router.post(
    "/v1/emotions",
    summary="Predict texts, clips and conversations",
    responses=error_responses(*_ERRORS),
    openapi_extra={"requestBody": EMOTIONS_BODY},
)
async def predict_emotions(request: Request, state: State) -> EmotionsResponse:
    """Send JSON, or a form with audio or video files; an input that cannot be predicted has a `problem`."""
    inputs = await read_emotions_request(request, state.settings.limits)
    options = inputs.request
    model = find_model(state.models, options.model)
    predictions = await model.predict(
        inputs.utterances, abstain=options.abstain, max_error=options.max_error, enroll=inputs.enroll
    )
    return EmotionsResponse(
        model=model.name,
        task=model.recognizer.space.task,
        synthetic=bool(model.recognizer.facts.get("synthetic")),
        predictions=[prediction_body(one, key) for key, one in zip(inputs.ids, predictions, strict=True)],
    )


@router.get("/v1/models", summary="The models that are served", responses=error_responses(401, 429))
async def list_models(state: State) -> ModelsResponse:
    """List the models with their labels and what they take."""
    models = [model.describe() for model in state.models.values()]
    return ModelsResponse(models=models, purpose=state.settings.purpose)


@router.get("/v1/limits", summary="How much the server takes", responses=error_responses(401, 429))
async def list_limits(state: State) -> LimitsResponse:
    """List the limits beyond which requests are refused."""
    return LimitsResponse(**asdict(state.settings.limits))


@router.get(
    "/v1/notice", summary="The notice for people exposed to the models", responses=error_responses(401, 429)
)
async def get_notice(state: State) -> NoticeResponse:
    """Return the text that is to be shown to them, in the language of `Accept-Language`."""
    uses_audio = any(model.uses_audio for model in state.models.values())
    return NoticeResponse(language=get_language(), text=notice(state.settings.purpose, uses_audio=uses_audio))


@router.get("/v2/health/live", summary="Whether the server runs", tags=["health"])
async def live() -> dict[str, bool]:
    """Return 200 while the process runs."""
    return {"live": True}


@router.get(
    "/v2/health/ready", summary="Whether it takes requests", tags=["health"], responses=error_responses(503)
)
async def ready(state: State) -> dict[str, bool]:
    """Return 200 if the models are loaded, 503 while it shuts down."""
    if not state.is_ready:
        raise RequestError(503, "not_ready", _("The server is starting or shutting down."))
    return {"ready": True}


@router.get(
    "/metrics", summary="Metrics for Prometheus", response_class=Response, responses=error_responses(401, 429)
)
async def get_metrics(state: State) -> Response:
    """Return counts and durations in Prometheus' text format."""
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
