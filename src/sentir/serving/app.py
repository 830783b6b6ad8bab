"""`create_app`: loaded models → an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.serving import explanations, rendering, routes, stream, timelines
from sentir.serving.docs_page import add_docs
from sentir.serving.errors import add_error_handlers
from sentir.serving.explaining import make_explainer
from sentir.serving.jobs import Jobs
from sentir.serving.metrics import Metrics
from sentir.serving.middleware import (
    REQUEST_ID_HEADER,
    LimitMiddleware,
    RequestContextMiddleware,
    TokenMiddleware,
)
from sentir.serving.models import audio_models, serve_models
from sentir.serving.origins import OriginMiddleware
from sentir.serving.page_routes import add_page
from sentir.serving.private_files import private_folder
from sentir.serving.purposes import check_purpose
from sentir.serving.schemas import EmotionsRequest
from sentir.serving.settings import ServerSettings
from sentir.serving.state import ServerState
from sentir.serving.stream_sessions import StreamSessions
from sentir.worker_processes import count_cores


def create_app(recognizers: Mapping[str, PredictionMixin], settings: ServerSettings | None = None) -> FastAPI:
    """Return an application that serves models by name.

    Args:
        recognizers: name → recognizer, or baseline.
        settings: of the server.

    Raises:
        PurposeError: if a model takes audio, and no purpose or a prohibited one is declared.
        SentirError: if there is no model.
    """
    settings = settings or ServerSettings()
    if not recognizers:
        raise SentirError(_("There is no model to serve; give at least one."))
    check_purpose(settings.purpose, audio_models(recognizers))
    metrics = Metrics()
    decoders = ThreadPoolExecutor(count_cores(), thread_name_prefix="decode")
    models = serve_models(recognizers, decoders, settings.limits, metrics)
    jobs = Jobs(settings.limits.max_timelines, settings.limits.timeline_ttl)
    streamers = ThreadPoolExecutor(settings.limits.max_streams, thread_name_prefix="stream")
    streams = StreamSessions(settings.limits)
    metrics.streams.set_function(lambda: streams.num_connected)
    state = ServerState(models, settings, metrics, decoders, jobs, streams, streamers, make_explainer())
    app = FastAPI(
        title="Sentir",
        summary="Emotion recognition from text and audio",
        version=metadata.version("sentir"),
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.server = state
    app.include_router(routes.router)
    app.include_router(rendering.router)
    app.include_router(timelines.router)
    app.include_router(explanations.router)
    app.include_router(stream.router)
    add_page(app)
    add_docs(app)
    add_error_handlers(app)
    _add_middleware(app, state)
    app.openapi = lambda: _make_openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: ServerState = app.state.server
    with private_folder() as state.private:
        state.is_ready = True
        yield
        state.is_ready = False
        for model in state.models.values():
            await model.batcher.close()
        await state.explainer.close()
        state.decoders.shutdown(cancel_futures=True)
        state.streams.close()
        state.streamers.shutdown(cancel_futures=True)
        await asyncio.to_thread(state.jobs.close)


def _add_middleware(app: FastAPI, state: ServerState) -> None:
    """Add what every request passes through; the last one added is the first one passed."""
    settings = state.settings
    app.add_middleware(LimitMiddleware, limits=settings.limits, metrics=state.metrics)
    if settings.token:
        app.add_middleware(TokenMiddleware, token=settings.token)
    app.add_middleware(OriginMiddleware, allowed=settings.cors_origins, has_token=bool(settings.token))
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Accept-Language", REQUEST_ID_HEADER],
            expose_headers=[REQUEST_ID_HEADER, "Retry-After"],
        )
    app.add_middleware(RequestContextMiddleware, metrics=state.metrics)


def _make_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the request that a route validates itself, after its limits."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        schema = EmotionsRequest.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= {**schema.pop("$defs", {}), "EmotionsRequest": schema}
        app.openapi_schema = document
    return app.openapi_schema
