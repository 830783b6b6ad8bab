"""What the routes of an app share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from sentir.serving.explaining import Explainer
from sentir.serving.jobs import Jobs
from sentir.serving.metrics import Metrics
from sentir.serving.models import ServedModel
from sentir.serving.settings import ServerSettings
from sentir.serving.stream_sessions import StreamSessions


@dataclass
class ServerState:
    """The state of a server.

    Attributes:
        models: by name.
        settings: of the server.
        metrics: that it measures.
        decoders: threads that decode audio.
        jobs: that make timelines.
        streams: that are connected, or may go on.
        streamers: threads of streams.
        explainer: computes explanations, one at a time.
        private: the folder of its temporary files; ``None`` before it starts.
        is_ready: whether it takes requests; it does not while it shuts down.
    """

    models: dict[str, ServedModel]
    settings: ServerSettings
    metrics: Metrics
    decoders: ThreadPoolExecutor
    jobs: Jobs
    streams: StreamSessions
    streamers: ThreadPoolExecutor
    explainer: Explainer
    private: Path | None = None
    is_ready: bool = False


def get_state(connection: HTTPConnection) -> ServerState:
    """Return the state of the app that handles a request."""
    return cast(ServerState, connection.app.state.server)


State = Annotated[ServerState, Depends(get_state)]
